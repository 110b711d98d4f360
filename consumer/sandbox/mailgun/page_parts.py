"""What several parts of the inbox page are made of. Pure, but for the files beside it."""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from consumer.sandbox.mailgun.mail import Mail

HERE = Path(__file__).parent

TEMPLATES = {
    name: Template((HERE / "templates" / f"{name}.html").read_text(encoding="utf-8"))
    for name in ("inbox", "row", "mail", "event")
}


def time_tag(at: float, *, exact: bool = False) -> str:
    """Unix seconds as a `time` element; the script puts it into the reader's time zone. `exact`
    shows milliseconds."""
    moment = datetime.fromtimestamp(at, UTC)
    shown = f"{moment:%H:%M:%S.%f}"[:-3] if exact else f"{moment:%H:%M:%S}"
    precision = " data-exact" if exact else ""
    return (
        f'<time datetime="{moment.isoformat(timespec="milliseconds")}"{precision} '
        f'title="{moment:%d %b %Y %H:%M:%S} UTC">{shown}</time>'
    )


def state_badge(state: str) -> str:
    return f'<span class="state {escape(state)}">{escape(state)}</span>'


def marks(mail: Mail) -> str:
    """Tags, and what else sets a mail apart."""
    found = [("tag", tag) for tag in mail.tags]
    if mail.test_mode:
        found.append(("test", "test mode"))
    if mail.batch_id:
        found.append(("batch", "batch"))
    return "".join(f'<span class="{kind}">{escape(text)}</span>' for kind, text in found)
