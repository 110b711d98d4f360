"""The causes, as the document calls them."""

from typing import Final

KILL: Final = "kill"
KILL_TAKEN: Final = "kill, accepted"
KILL_LOST: Final = "kill, not accepted"
TERM: Final = "SIGTERM"
MOVED: Final = "rebalance"
LATE: Final = "rebalance, too late"
BROKER: Final = "broker loss"
TAKEN: Final = "provider timeout, accepted"
LOST: Final = "provider timeout, not accepted"
