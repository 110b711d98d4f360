"""When to pause and when to resume: Kafka is the buffer, our memory is not."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may wait in this process."""

    max_events: int = 5_000
    max_bytes: int = 64 * 1024 * 1024


def should_pause(paused: bool, events: int, size: int, limits: Limits) -> bool:
    """Pause at the limit; resume at half of it, so that the pause is not given up at once."""
    if paused:
        return events > limits.max_events // 2 or size > limits.max_bytes // 2
    return events >= limits.max_events or size >= limits.max_bytes
