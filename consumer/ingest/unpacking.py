"""A body as it comes in, chunk by chunk: never more than the limit is held, packed or not."""

import zlib
from typing import Final

#: zlib's way to ask for gzip and nothing else.
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLargeBody(Exception):
    """More than the limit, packed or unpacked."""


class BrokenBody(Exception):
    """It is not what its Content-Encoding says; the text says what is wrong."""


class Body:
    """`feed` it, then take all of it with `end`. A plain one; `GzipBody` unpacks."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Raises TooLargeBody, BrokenBody."""
        self._content += chunk
        if len(self._content) > self._limit:
            raise TooLargeBody

    def end(self) -> bytes:
        """Raises BrokenBody."""
        return bytes(self._content)


class GzipBody(Body):
    """Unpacks as it comes. The limit counts the unpacked bytes, and the packed ones too: nothing
    that is allowed packs to more than it was."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._packed = 0
        #: None: a member has ended, and another one may begin.
        self._member: zlib._Decompress | None = zlib.decompressobj(_GZIP)

    def feed(self, chunk: bytes) -> None:
        self._packed += len(chunk)
        if self._packed > self._limit:
            raise TooLargeBody
        while chunk:
            self._member = self._member or zlib.decompressobj(_GZIP)
            try:
                # One byte more than there is room for shows that it is too much.
                room = self._limit - len(self._content) + 1
                super().feed(self._member.decompress(chunk, room))
            except zlib.error:
                raise BrokenBody("the body is not gzip") from None
            chunk = self._member.unconsumed_tail or self._member.unused_data
            if self._member.eof:
                self._member = None

    def end(self) -> bytes:
        if self._member is not None:
            raise BrokenBody("the gzip of the body is cut short")
        return super().end()
