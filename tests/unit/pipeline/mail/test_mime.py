"""The whole message, as a transport without its own encoding sends it."""

from consumer.pipeline.mail.mime import mime_message
from tests.support.factories import make_email


def test_date_is_written_when_it_is_given() -> None:
    assert "Date" not in mime_message(make_email())
    message = mime_message(make_email(), date=1_392_138_733.8)
    assert message["Date"] == "Tue, 11 Feb 2014 17:12:13 -0000"


def test_readers_that_can_show_html_find_it_last() -> None:
    parts = [part.get_content_type() for part in mime_message(make_email()).iter_parts()]
    assert parts == ["text/plain", "text/html"]
