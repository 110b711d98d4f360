"""Not an adapter: what went wrong on the way to a server, in words for people."""

import re
from typing import Final

#: What Python puts around the system's own words: numbers, and files of its own source.
_INTERNALS: Final = re.compile(r"\[Errno -?\d+\] |_ssl\.c:\d+: | ?\(_ssl\.c:\d+\)")
_TLS: Final = re.compile(r"\[SSL(: \w+)?\] ")


def plain(error: BaseException) -> str:
    """`Connection refused` of `[Errno 111] Connection refused`; never empty."""
    text = _TLS.sub("TLS: ", " ".join(str(error).split()))
    text = _INTERNALS.sub("", text)
    return text or "no reason was given"
