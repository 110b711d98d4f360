"""The report: one file that loads nothing, runs nothing, and tells no secret."""

import os
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import pytest

from consumer.domain.catalog import Account
from consumer.experiments.shadow_report import Report, as_data, as_html, verdict
from consumer.experiments.shadow_tally import Limit, Tally
from tests.support.browser import Browser, program
from tests.support.catalog import whole_catalog
from tests.support.factories import make_event
from tests.unit.experiments.shadow_rig import EVENT, RECOVERY, compared, record, settings

HOSTILE = "</iframe></style><script>document.title='ran'</script><img src=TRAP onerror=alert(1)>"
#: A template is an account's own: each line would call TRAP if it might.
TEMPLATE = """<h2>{{ state }}</h2><script>parent.document.title = "ran"</script>
<img src="TRAP" onerror="parent.document.title='ran'"><link rel="preconnect" href="TRAP">
<iframe src="TRAP"></iframe><meta http-equiv="refresh" content="0; url=TRAP"><form action="TRAP">
<style>@import "TRAP"; h2 { background: url("TRAP") }</style><object data="TRAP"></object>"""


def report_of(tally: Tally, limit: Limit | None = None) -> Report:
    told, passed = verdict(tally.counts(), limit)
    return Report(
        production="messenger.toml",
        candidate="new.toml",
        stream="from 24h to now",
        lag_seconds=1.0,
        ledger="empty",
        counts=tally.counts(),
        limit=told,
        limit_passed=passed,
        sorts=tally.sorts(50),
        settings={"delivery.product_name": ("Messenger", HOSTILE)},
        times=tally.times(),
        notes=[HOSTILE],
    )


def hostile(folder: Path, trap: str = "http://trap.example") -> Tally:
    """Everything that strangers write is meant badly: the event, and an account's template."""
    (folder / "shop").mkdir()
    for part, text in (("subject.txt", "{{ status }}"), ("body.txt", "{{ status }}")):
        (folder / "shop" / part).write_text(text)
    (folder / "shop" / "body.html").write_text(TEMPLATE.replace("TRAP", trap))
    status = HOSTILE.replace("TRAP", trap)
    event = make_event(status=status, id=f"id {HOSTILE}"[:60])
    account = Account(id="acT3stAcct", external_id="487000", template="shop")
    given = settings(delivery={"template_directory": folder, "product_name": status})
    return compared([record(event)], given, whole_catalog(account))


class Elements(HTMLParser):
    """The names of all elements, and attributes that may load something."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.loading: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.loading += [(n, v) for n, v in attrs if n in ("src", "href", "action", "data")]
        self.loading += [(n, v) for n, v in attrs if n.startswith("on")]


def test_every_text_is_escaped_and_nothing_is_loaded(tmp_path: Path) -> None:
    html = as_html(report_of(hostile(tmp_path)))
    found = Elements(html)
    assert not found.names & {"script", "link", "img", "form", "object", "h2>"}
    assert found.loading == []
    assert re.findall(r"<iframe[^>]*?sandbox=\"(.*?)\"", html) == ["", ""]
    assert "default-src 'none'" in html


def test_a_mail_in_its_frame_has_nothing_left_that_reaches_out(tmp_path: Path) -> None:
    html = as_html(report_of(hostile(tmp_path)))
    framed = [
        value for value in re.findall(r'srcdoc="(.*?)"', html, re.DOTALL) if "x-script" in value
    ]
    assert framed
    for name in ("iframe", "link", "meta http-equiv=&#34;refresh", "form", "object", "script"):
        assert all(f"&lt;{name}" not in value for value in framed)


def test_reports_of_equal_runs_are_equal_but_for_times() -> None:
    first, second = (
        as_html(report_of(compared([record(EVENT), record(RECOVERY, 1)], settings())))
        for _ in range(2)
    )
    numbers = re.compile(r"<td>\d+\.\d\d</td>")
    assert numbers.sub("", first) == numbers.sub("", second)
    assert "No differences in 2 events" in first


def test_nothing_to_compare_is_said() -> None:
    assert "No event was compared" in as_html(report_of(Tally()))


@pytest.mark.parametrize(("limit", "words"), [(0, "Above the limit of 0"), (1, "Within the limit")])
def test_the_limit_is_told(limit: int, words: str) -> None:
    changed = settings(delivery={"product_name": "Next"})
    html = as_html(report_of(compared([record(EVENT)], changed), Limit(number=limit)))
    assert words in html
    assert "1 of 1 events differ" in html


def test_data_for_programs_has_the_subjects_and_not_the_bodies(tmp_path: Path) -> None:
    data = as_data(report_of(hostile(tmp_path)))
    (email,) = data["sorts"][0]["examples"][0]["emails"]
    assert email["production"].keys() == {"subject"}
    assert email["parts"] == ["subject", "text", "html"]


def test_in_a_browser_it_fits_and_calls_nobody(tmp_path: Path) -> None:
    path = program()
    if path is None:
        # CI proves nothing by skipping.
        report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        report("no Chromium: install it (Debian: chromium)")
    templates, profile = tmp_path / "templates", tmp_path / "profile"
    templates.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as trap, Browser(path, profile) as browser:
        trap.settimeout(0)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}"
        file = tmp_path / "report.html"
        file.write_text(as_html(report_of(hostile(templates, address))), encoding="utf-8")
        for width, height in ((1280, 800), (390, 844)):
            browser.look(width, height)
            browser.open(file.as_uri())
            browser.ask("document.querySelectorAll('iframe')[1].scrollIntoView()")
            browser.until("document.title.startsWith('Shadow: 1 of 1')")
            assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth")
            assert browser.ask("document.querySelector('iframe').clientWidth") > width / 3
            with pytest.raises(BlockingIOError):
                trap.accept()
