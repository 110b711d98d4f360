"""Finished emails as files to look at, for `messenger preview`."""

from pathlib import Path

from consumer.domain.notification import Email
from consumer.pipeline.mail.mime import mime_message


def write_preview(email: Email, directory: Path) -> list[Path]:
    """Write subject, text, HTML and the whole message; returns the files, named by the uid.

    The directory is made if it is missing; files of an earlier preview are overwritten. The
    `.eml` opens in any mail program. Raises OSError when the place cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        ".subject.txt": f"{email.subject}\n".encode(),
        ".txt": email.text.encode(),
        ".html": email.html.encode(),
        ".eml": mime_message(email).as_bytes(),
    }
    files = []
    for suffix, content in contents.items():
        file = directory / f"{email.uid}{suffix}"
        file.write_bytes(content)
        files.append(file)
    return files
