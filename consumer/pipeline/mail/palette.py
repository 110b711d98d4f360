"""The colours of the states, readable on light and dark (contrast at least 4.5 to 1)."""

from typing import Final

#: Background and text of a state's label.
_COLOURS: Final = {
    "CRITICAL": {"back": "#c62828", "ink": "#ffffff"},
    "WARNING": {"back": "#f5a700", "ink": "#2b1d00"},
    "OK": {"back": "#2e7d32", "ink": "#ffffff"},
}
_OTHER: Final = {"back": "#5f6368", "ink": "#ffffff"}


def colour_of(state: str) -> dict[str, str]:
    """`back` and `ink` of a state, grey for one we do not know."""
    return _COLOURS.get(state, _OTHER)
