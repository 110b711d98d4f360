"""Emails as files."""

from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

from consumer.cli.preview_files import write_preview
from tests.support.factories import make_email


def test_preview_writes_each_part_and_the_whole(tmp_path: Path) -> None:
    email = make_email(text="Grüße\n", html="<p>Grüße</p>", subject="** OK: Grüße **")
    directory = tmp_path / "new" / "place"
    files = write_preview(email, directory)
    assert [file.name.removeprefix(email.uid) for file in files] == [
        ".subject.txt",
        ".txt",
        ".html",
        ".eml",
    ]
    subject, text, html, eml = (file.read_bytes() for file in files)
    assert subject.decode() == "** OK: Grüße **\n"
    assert text.decode() == email.text
    assert html.decode() == email.html
    message = message_from_bytes(eml, policy=SMTP)
    assert message["Subject"] == email.subject
    assert message["To"] == email.to
    assert message["From"] == email.sender
    assert message["Message-Id"] == email.message_id
    assert message["X-Alarm-Id"] == "alBodyM4tc"
    plain, rich = message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == email.text
    assert rich.get_content().strip() == email.html


def test_preview_again_overwrites(tmp_path: Path) -> None:
    write_preview(make_email(text="first"), tmp_path)
    files = write_preview(make_email(text="second"), tmp_path)
    assert files[1].read_text(encoding="utf-8") == "second"
    assert len(list(tmp_path.iterdir())) == 4
