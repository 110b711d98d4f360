"""Ids made of what people wrote: labels, addresses, names."""

import hashlib
import re
from typing import Final

#: UTF-8 bytes. Four of them fit into an atom's name with room for colons that are written out.
_MAX_BYTES: Final = 200
_DIGEST_BYTES: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def identifier(text: str) -> str:
    """`text` as an id: as it is where it can be one, else cut, with a digest of the whole."""
    if len(text.encode()) <= _MAX_BYTES and not _CONTROL.search(text):
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    kept = _CONTROL.sub(" ", text[:_MAX_BYTES]).encode()[: _MAX_BYTES - len(digest) - 1]
    return f"{kept.decode(errors='ignore')}~{digest}"
