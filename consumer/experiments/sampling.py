"""A share of the alarms, the same ones each time: whole stories instead of torn ones."""

import hashlib
import re
from typing import Final

import msgspec

#: Alarms are spread over so many buckets: shares down to 0.0001 percent.
_BUCKETS: Final = 1_000_000
_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%?")


class Sample(msgspec.Struct, frozen=True):
    """A share in percent, above 0 and up to 100.

    An atom is in it or not, on every machine and in every run; raising the share keeps those that
    were in it.
    """

    percent: float = 100.0

    def takes(self, atom: str) -> bool:
        """Whether the atom, or whatever else names what belongs together, is in the sample."""
        if self.percent >= 100:
            return True
        digest = hashlib.blake2b(atom.encode(errors="replace"), digest_size=8, person=b"sample")
        bucket = int.from_bytes(digest.digest(), "big") % _BUCKETS
        return bucket < self.percent * _BUCKETS / 100


def parse_sample(text: str) -> Sample:
    """`5%`, `0.1%` or `5`. Raises ValueError, in one line."""
    found = _SHARE.fullmatch(text.strip())
    percent = float(found[1]) if found else 0.0
    if not 0 < percent <= 100:
        raise ValueError(f"{text!r} is no share: write 5% or 0.1%, above 0 and up to 100")
    return Sample(percent)
