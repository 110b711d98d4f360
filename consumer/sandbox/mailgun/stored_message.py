"""A stored message as `GET /v3/domains/{domain}/messages/{key}` shows it. Pure."""

import json
from typing import Any

from consumer.sandbox.mailgun.mail import Stored
from consumer.sandbox.mailgun.mime import source_of


def mime_json(stored: Stored) -> dict[str, Any]:
    """The answer to `Accept: message/rfc2822`."""
    return _common(stored) | {"body-mime": source_of(stored.mail).decode("utf-8", "replace")}


def parsed_json(stored: Stored) -> dict[str, Any]:
    mail = stored.mail
    return _common(stored) | {
        "Content-Transfer-Encoding": "7bit",
        "Content-Type": "multipart/alternative" if mail.html and mail.text else "text/plain",
        "Mime-Version": "1.0",
        "X-Mailgun-Tag": ", ".join(mail.tags),
        "X-Mailgun-Template-Name": mail.template,
        "X-Mailgun-Template-Variables": json.dumps(mail.variables) if mail.template else "",
        "body-html": mail.html,
        "body-plain": mail.text,
        "stripped-html": mail.html,
        "stripped-text": mail.text,
        "stripped-signature": "",
        "attachments": [
            {
                "name": upload.filename,
                "content-type": upload.content_type,
                "size": len(upload.content),
            }
            for upload in mail.attachments
        ],
    }


def _common(stored: Stored) -> dict[str, Any]:
    mail = stored.mail
    return {
        "From": mail.from_,
        "To": mail.to,
        "Subject": mail.subject,
        "Message-Id": f"<{mail.message_id}>",
        "sender": mail.sender,
        "recipients": mail.recipient,
        "message-headers": [list(header) for header in mail.headers],
    }
