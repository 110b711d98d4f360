"""The ledger: locks, and what was sent."""
