"""`multipart/form-data` (RFC 7578): megabytes of text go out as they are. Pure.

A single email is urlencoded, which is smaller. The variables of a batch are JSON full of quotes
and braces: percent-encoding took a hundred times as long and made it half as large again.
"""

from collections.abc import Iterable


def content_type(boundary: str) -> str:
    return f"multipart/form-data; boundary={boundary}"


def encode_multipart(fields: Iterable[tuple[str, bytes]], boundary: str) -> bytes:
    """The fields as one body. `boundary` must not occur in them: take a random one."""
    delimiter = f"--{boundary}\r\n".encode()
    parts: list[bytes] = []
    for name, value in fields:
        disposition = f'Content-Disposition: form-data; name="{_escaped(name)}"\r\n\r\n'
        parts += (delimiter, disposition.encode(errors="replace"), value, b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts)


def _escaped(name: str) -> str:
    """As browsers do it."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
