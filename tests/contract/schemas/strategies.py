"""Everything that an event or a tracking record may be, and JSON objects that are nearly one."""

import functools
from typing import Any

from hypothesis import strategies as st

from consumer.domain.alarm import AlarmEvent, Metric, Observation, State
from consumer.domain.reasons import Kind, Reason
from consumer.domain.tracking import (
    Outcome,
    TrackedEvent,
    TrackedNotification,
    TrackedProvider,
    TrackingEvent,
)
from consumer.formats.checks import EARLIEST_MS, LATEST_MS

texts = st.text(max_size=40)
identifiers = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40
) | st.sampled_from(["web-1:9100", "100%", "arn:aws:x", "é" * 40])
times = st.integers(EARLIEST_MS, LATEST_MS)
whole_numbers = st.integers(-(2**70), 2**70)
fractions = st.floats(allow_nan=False, allow_infinity=False).filter(lambda f: not f.is_integer())

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | whole_numbers | fractions | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
snapshots = st.none() | st.dictionaries(texts, json_values, max_size=3)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


metrics = st.builds(Metric, type=maybe(texts), data=json_values, unit=maybe(texts))
observations = st.builds(
    Observation,
    monitoring_zone_id=maybe(texts),
    state=maybe(texts),
    status=maybe(texts),
    timestamp=maybe(times),
    collector_state=maybe(texts),
)
events = st.builds(
    AlarmEvent,
    id=identifiers,
    source=identifiers,
    tenant_id=identifiers,
    entity_id=identifiers,
    check_id=identifiers,
    alarm_id=identifiers,
    state=st.sampled_from(State),
    timestamp=times,
    event_id=maybe(identifiers),
    account_id=maybe(identifiers),
    previous_state=maybe(st.sampled_from(State)),
    status=maybe(st.text(max_size=1024)),
    produced_at=maybe(times),
    txn_id=maybe(identifiers | st.just("")),
    notification_plan_id=maybe(identifiers),
    target=maybe(texts),
    metrics=maybe(st.dictionaries(texts, metrics, max_size=3)),
    observations=st.lists(observations, max_size=3),
    entity=snapshots,
    check=snapshots,
    alarm=snapshots,
    link=maybe(texts),
    actions_enabled=st.booleans(),
    test=st.booleans(),
    replay=st.booleans(),
    attributes=st.dictionaries(texts, texts, max_size=3),
)
tracking_events = st.builds(
    TrackingEvent,
    id=texts,
    kind=st.sampled_from(Kind),
    at=whole_numbers,
    event=st.builds(
        TrackedEvent,
        id=maybe(texts),
        event_id=maybe(texts),
        tenant_id=maybe(texts),
        entity_id=maybe(texts),
        check_id=maybe(texts),
        alarm_id=maybe(texts),
        state=maybe(st.sampled_from(State)),
        previous_state=maybe(st.sampled_from(State)),
        timestamp=maybe(whole_numbers),
        txn_id=maybe(texts),
    ),
    outcome=st.builds(
        Outcome,
        success=st.booleans(),
        retryable=st.booleans(),
        reason=st.sampled_from(Reason),
        message=texts,
    ),
    worker=texts,
    notification_plan_id=maybe(texts),
    notification=maybe(
        st.builds(
            TrackedNotification,
            uid=maybe(texts),
            notification_id=texts,
            type=maybe(texts),
            destination=maybe(texts),
        )
    ),
    attempt=maybe(whole_numbers),
    provider=maybe(
        st.builds(
            TrackedProvider,
            name=texts,
            message_id=maybe(texts),
            event=maybe(texts),
            code=maybe(whole_numbers),
        )
    ),
    duration_ms=maybe(whole_numbers),
    next_attempt_at=maybe(whole_numbers),
    lookup_degraded=st.booleans(),
    gap=st.booleans(),
    possible_duplicate=st.booleans(),
    source=maybe(st.tuples(texts, whole_numbers, whole_numbers)),
    redriven_at=maybe(whole_numbers),
)


def mutations(document: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """`document` with one to three of its values, at any depth, replaced or taken out."""
    edits = st.tuples(st.sampled_from(_paths(document)), st.just(REMOVED) | json_values)
    return st.lists(edits, min_size=1, max_size=3).map(
        lambda chosen: functools.reduce(lambda value, edit: _edited(value, *edit), chosen, document)
    )


#: Stands for no value at all.
REMOVED = object()


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = _children(value)
    below = [path for key, child in children for path in _paths(child, (*here, key))]
    return [(*here, key) for key, _ in children] + below


def _children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _edited(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with `new` at `path`; the same where an earlier edit took that place away."""
    key, *rest = path
    children = dict(_children(value))
    if key not in children:
        return value
    if rest:
        children[key] = _edited(children[key], tuple(rest), new)
    else:
        children[key] = new
    kept = {name: child for name, child in children.items() if child is not REMOVED}
    return kept if isinstance(value, dict) else list(kept.values())
