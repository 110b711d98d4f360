"""Where Mailgun's own behaviour is not documented: a named choice each, with a default.

`GET /_fake/switches` lists them, `PUT /_fake/switches` changes some while the fake runs.
"""

import threading
from dataclasses import dataclass, field, fields, replace
from typing import Any


class BadSwitch(ValueError):
    """No such switch, or no such position; the text says which."""


def _choice(default: Any, meaning: str, *positions: str) -> Any:
    return field(default=default, metadata={"meaning": meaning, "positions": positions})


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The position of every switch. Raises BadSwitch for one that does not exist."""

    # Time
    time_scale: float = _choice(
        1.0, "How many seconds of Mailgun's own waits pass in one real second"
    )
    event_delay_spread_seconds: float = _choice(
        0.0, "Up to so many real seconds are added to an event's invisibility, at random"
    )
    # Sending
    mime_without_file: str = _choice(
        "refuse", "messages.mime whose message is a plain field", "refuse", "take"
    )
    option_limit_counts_names: bool = _choice(
        True, "The 16 kB of o:, h:, v: and t: include the names"
    )
    too_many_tags: str = _choice("drop", "Tags beyond the tenth", "drop", "refuse")
    large_message: str = _choice(
        "413", "Answer to a message above 25 MB: the status, or none", "413", "400", "take"
    )
    far_delivery_time: str = _choice(
        "take", "An o:deliverytime beyond the domain's message_ttl", "take", "refuse"
    )
    missing_variable: str = _choice(
        "keep", "%recipient.x% that the recipient does not have", "keep", "empty"
    )
    substitutes_from: bool = _choice(False, "Placeholders in `from` are filled in")
    substitutes_options: bool = _choice(False, "Placeholders in `o:` parameters are filled in")
    answered_id: str = _choice(
        "given", "The answer's id of a call with an h:Message-Id", "given", "generated"
    )
    answered_batch_id: str = _choice(
        "generated", "The answer's id where each recipient has an own one", "generated", "first"
    )
    idempotency_key: str = _choice(
        "ignored", "A second call with the same h:X-Idempotency-Key", "ignored", "answered"
    )
    # Rate limits
    rate_limit_status: int = _choice(429, "Status of an exceeded limit", "429", "420")
    rate_limit_text: str = _choice(
        "date", "How its text names the end of the wait", "date", "seconds"
    )
    rate_limit_headers: str = _choice(
        "refused", "Which answers carry X-RateLimit-*", "none", "refused", "all"
    )
    retry_after: bool = _choice(False, "A refusal carries Retry-After too")
    # Events
    batch_request_event: str = _choice(
        "metrics", "The extra `accepted` of a batch request", "none", "metrics", "event"
    )
    bracketed_message_id: str = _choice(
        "nothing",
        "A search for a message id with angle brackets",
        "nothing",
        "ignored",
        "stripped",
        "refused",
    )
    half_open_range: bool = _choice(False, "`begin` or `end` alone is honoured")
    test_mode_suppresses: bool = _choice(True, "Suppressions hold in test mode")
    unsubscribed_code: int = _choice(606, "delivery-status code of suppress-unsubscribe")
    # Keys
    basic_reads_events: bool = _choice(True, "A key of role `basic` may read events and logs")
    developer_reads_events: bool = _choice(True, "A key of role `developer` may do so")
    # Webhooks
    webhook_schedule: str = _choice(
        "current",
        "The waits before the retries: of the webhooks page, its older text, the routes page",
        "current",
        "older",
        "routes",
    )
    webhook_success: str = _choice("200", "Which answers end a delivery", "200", "2xx")
    webhook_timeout_seconds: float = _choice(10.0, "Real seconds that a receiver has")
    webhook_retries_sign_again: bool = _choice(
        True, "A retry has a token and time stamp of its own"
    )
    webhook_retries_delivered: bool = _choice(False, "`delivered` is retried like the others")
    webhook_change_delay_seconds: float = _choice(
        0.0, "How long a changed webhook stays as it was; Mailgun says up to ten minutes"
    )
    webhook_timestamp: str = _choice("text", "JSON type of signature.timestamp", "text", "number")

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, positions = getattr(self, entry.name), entry.metadata["positions"]
            if positions and str(value) not in positions:
                raise BadSwitch(f"{entry.name} is one of {', '.join(positions)}, not {value!r}")
        if self.time_scale <= 0:
            raise BadSwitch("time_scale must be more than 0")


class SwitchBoard:
    """The switches as they are now. Reading is one attribute; setting is safe from any thread."""

    def __init__(self, initial: Switches) -> None:
        self.now = self._initial = initial
        self._lock = threading.Lock()

    def set(self, changes: object) -> None:
        """Raises BadSwitch, and then nothing has changed."""
        if not isinstance(changes, dict):
            raise BadSwitch("switches are a JSON object")
        known = {entry.name: type(entry.default) for entry in fields(Switches)}
        if unknown := sorted(changes.keys() - known.keys()):
            raise BadSwitch(f"there is no switch {', '.join(unknown)}")
        with self._lock:
            self.now = replace(
                self.now,
                **{name: _typed(name, value, known[name]) for name, value in changes.items()},
            )

    def reset(self) -> None:
        self.now = self._initial

    def changed(self) -> dict[str, Any]:
        """Those that do not stand where they stood at first, for `set`."""
        return {
            entry.name: getattr(self.now, entry.name)
            for entry in fields(Switches)
            if getattr(self.now, entry.name) != getattr(self._initial, entry.name)
        }

    def described(self) -> list[dict[str, Any]]:
        """Every switch with its position, its default and its meaning."""
        return [
            {
                "name": entry.name,
                "position": getattr(self.now, entry.name),
                "default": entry.default,
                **entry.metadata,
            }
            for entry in fields(Switches)
        ]


def _typed(name: str, value: object, kind: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadSwitch(f"{name} must be of JSON type {_JSON_TYPES[kind]}")
    return value


_JSON_TYPES = {bool: "boolean", int: "number", float: "number", str: "string"}
