"""Input formats: one pure file each, bytes and headers in, alarm-state events out.

`registry` lists the formats, and `reading` is the way in. Which label is what and which word means
which state is a `mapping`. Values a producer may write loosely are put right in `mending`; the
rules every event must keep, whatever its format, are in `checks`.
"""

from consumer.formats.mapping import FormatMapping, Mappings
from consumer.formats.reading import Decoded, decode, detect, read
from consumer.formats.registry import DEFAULTS, FORMATS, Format, overlaid, repeating_sources
from consumer.formats.salvage import salvage

__all__ = [
    "DEFAULTS",
    "FORMATS",
    "Decoded",
    "Format",
    "FormatMapping",
    "Mappings",
    "decode",
    "detect",
    "overlaid",
    "read",
    "repeating_sources",
    "salvage",
]
