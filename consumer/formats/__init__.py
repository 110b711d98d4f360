"""Input formats: one pure file each, bytes and headers in, alarm-state events out.

`registry` lists the formats and is the way in. Values a producer may write loosely are put right
in `mending`; the rules every event must keep, whatever its format, are in `checks`.
"""

from consumer.formats.registry import FORMATS, Decoded, Format, decode, detect, read
from consumer.formats.salvage import salvage

__all__ = ["FORMATS", "Decoded", "Format", "decode", "detect", "read", "salvage"]
