"""The fake's inbox page in a real browser, on a desk and on a phone."""

import os
import socket
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import requests

from consumer.sandbox.mailgun import FakeMailgun, Options
from tests.support.browser import Browser, program

DOMAIN = "alerts.example.com"
DESK, PHONE = (1280, 800), (390, 844)

#: Each line would call TRAP if it might.
HOSTILE = """<h2 style="color: rgb(179, 38, 47)">Disk almost full</h2>
<script>parent.document.title = document.title = "ran"; fetch("TRAP")</script>
<img src="TRAP" onerror="document.title = 'ran'"><link rel="stylesheet" href="TRAP">
<link rel="preconnect" href="TRAP"><style>@import "TRAP"; h2 { background: url("TRAP") }</style>
<iframe src="TRAP"></iframe>
<video src="TRAP" autoplay></video><object data="TRAP"></object>
<meta http-equiv="refresh" content="0; url=TRAP">"""

WIDE = '<p style="width: 900px">A line far wider than a phone.</p>'

#: Widths beyond which the page would scroll sideways, in CSS pixels: what there is, what fits.
SIDEWAYS = "[document.documentElement.scrollWidth, window.innerWidth]"
ROWS = "[...document.querySelectorAll('.row .to')].map(one => one.textContent)"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = program()
    if path is None:
        # CI proves nothing by skipping.
        report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        report("no Chromium: install it (Debian: chromium)")
    with Browser(path, tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def fake() -> Iterator[FakeMailgun]:
    """120 mails delivered, one bounced, one delayed, with all that makes a page wide."""
    with FakeMailgun(Options(domains={DOMAIN})) as fake:
        fake.deliver(
            {"match": {"recipient": "gone@example.org"}, "outcome": "permanent", "code": 550},
            {"match": {"recipient": "slow@example.org"}, "temporary_failures": 1},
        )
        send(fake, to=[f"team{number}@example.org" for number in range(120)])
        send(fake, to="gone@example.org", subject="Certificate expires")
        send(
            fake,
            to="slow@example.org",
            subject="A subject " + "without-a-place-to-break-it" * 8,
            html=WIDE,
            **{"o:tag": "tag" * 30, "v:event_id": "evt-4711", "h:X-Long": "x" * 400},
        )
        yield fake


def send(fake: FakeMailgun, **fields: str | list[str]) -> None:
    form = {"from": f"Alarms <a@{DOMAIN}>", "subject": "CPU high", "text": "Look.\n" + "y" * 300}
    answer = requests.post(
        f"{fake.url}/v3/{DOMAIN}/messages",
        data=form | fields,
        auth=("api", fake.api_key),
        timeout=10,
    )
    answer.raise_for_status()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def browser(request: pytest.FixtureRequest, chromium: Browser) -> Browser:
    """The browser in both sizes; nothing that an earlier test made it complain of."""
    chromium.look(*request.param)
    chromium.complaints.clear()
    return chromium


def test_list_search_and_an_open_mail_with_its_timeline(
    browser: Browser, fake: FakeMailgun
) -> None:
    """From the list by keys to a mail: search, Enter, its timeline, each tab, and back."""
    browser.open(f"{fake.url}/")
    assert len(browser.ask(ROWS)) == 100
    assert browser.ask(ROWS)[:3] == ["slow@example.org", "gone@example.org", "team119@example.org"]
    browser.press("/")
    browser.type("evt-4711")
    browser.press("Enter")
    browser.until("location.search.includes('evt-4711')")
    assert browser.ask(ROWS) == ["slow@example.org"]
    browser.press("j")
    browser.press("Enter")
    browser.until("document.querySelectorAll('#timeline li').length === 2")
    assert browser.ask("document.getElementById('state').innerText") == "delayed"
    told = browser.ask("document.getElementById('timeline').innerText")
    assert "accepted" in told
    assert "temporary failure" in told
    assert "451 4.7.652" in told
    for tab in ("Text", "Source", "Headers", "HTML"):
        browser.ask(
            f"[...document.querySelectorAll('.tabs a')].find(a => a.text == '{tab}').click()"
        )
        browser.until(f"document.querySelector('.tabs [aria-current]')?.text === '{tab}'")
        wide, fits = browser.ask(SIDEWAYS)
        assert wide <= fits, tab
    browser.press("Escape")
    browser.until("document.body.className === 'listing'")
    assert browser.complaints == []


def test_nothing_scrolls_sideways_and_all_can_be_read(browser: Browser, fake: FakeMailgun) -> None:
    """Ground and letters differ enough in both schemes (WCAG AA: 4.5 to 1)."""
    size = browser.ask("[window.innerWidth, window.innerHeight]")
    grounds = set()
    for query in ("", "?message=122", "?message=121&view=headers", "?q=nothing-of-the-kind"):
        browser.open(f"{fake.url}/{query}")
        for dark in (False, True):
            browser.look(*size, dark=dark)
            wide, fits = browser.ask(SIDEWAYS)
            assert wide <= fits == size[0], query
            assert browser.ask(CONTRASTS) == [], (query, dark)
            grounds.add(browser.ask("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2
    assert browser.complaints == []


#: The texts that are hard to read, with their contrast.
CONTRASTS = """(() => {
  const bright = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? ground(element.parentElement) : colour;
  };
  return [...document.querySelectorAll("b, time, .to, .state, .marks span, dt, dd, p, a, th, td")]
    .filter((element) => element.checkVisibility() && element.innerText.trim())
    .map((element) => {
      const both = [bright(getComputedStyle(element).color), bright(ground(element))].sort();
      const [dark, light] = both[0] < both[1] ? both : both.reverse();
      return [element.innerText, (light + 0.05) / (dark + 0.05)];
    })
    .filter(([, contrast]) => contrast < 4.5);
})()"""


def test_list_and_timeline_follow_without_a_reload(browser: Browser, fake: FakeMailgun) -> None:
    """The page is the same document, and the mail that was in focus still is."""
    browser.open(f"{fake.url}/?message=1")
    browser.ask("window.untouched = true; document.getElementById('mail-120')?.focus()")
    before = browser.ask("document.querySelectorAll('#timeline li').length")
    fake.happen("opened", recipient="team0@example.org")
    send(fake, to="new@example.org")
    browser.until(f"document.querySelectorAll('#timeline li').length === {before + 1}")
    browser.until(f"({ROWS})[0] === 'new@example.org'")
    assert (
        browser.ask("document.querySelector('#timeline li:last-child b').textContent") == "opened"
    )
    assert browser.ask("document.getElementById('state').innerText") == "opened"
    assert browser.ask("window.untouched") is True
    if browser.ask("innerWidth") == DESK[0]:
        assert browser.ask("document.activeElement.id") == "mail-120"


def test_a_mail_runs_no_script_and_loads_nothing(chromium: Browser, fake: FakeMailgun) -> None:
    """It is styled, and that is all. As a page of its own it would do what it is kept from here."""
    chromium.look(*DESK)
    chromium.complaints.clear()
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        hostile = HOSTILE.replace("TRAP", f"http://127.0.0.1:{trap.getsockname()[1]}/")
        send(fake, subject="Hostile", to="ops@example.org", html=hostile)
        sequence = fake.stats()["last_sequence"]
        chromium.open(f"{fake.url}/?message={sequence}")
        chromium.until("document.getElementById('live').textContent === 'live'")

        assert chromium.ask("document.title") == "Hostile · Fake Mailgun"
        assert chromium.ask_frame("document.title") == ""
        assert chromium.ask_frame("document.querySelector('h2').innerText") == "Disk almost full"
        colour = "getComputedStyle(document.querySelector('h2')).color"
        assert chromium.ask_frame(colour) == "rgb(179, 38, 47)"
        assert any("Content Security Policy" in one for one in chromium.complaints)
        with pytest.raises(BlockingIOError):
            trap.accept()

        trap.settimeout(10)
        # Without the redirection, which would go on when the next test opens its page.
        kept, _, _ = hostile.partition("<meta")
        chromium.call("Page.navigate", url="data:text/html," + quote(kept))
        trap.accept()[0].close()
