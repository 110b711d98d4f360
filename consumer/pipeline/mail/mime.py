"""An email as a MIME message, for transports and previews that need the whole of it."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from consumer.domain.notification import Email


def mime_message(email: Email, date: float | None = None) -> EmailMessage:
    """Text and HTML as alternatives below all headers. `date` in epoch seconds, for Date."""
    message = EmailMessage(policy=SMTP)
    message["Message-Id"] = email.message_id
    message["From"] = email.sender
    message["To"] = email.to
    message["Subject"] = email.subject
    if date is not None:
        message["Date"] = formatdate(date)
    for name, value in email.headers:
        message[name] = value
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    return message
