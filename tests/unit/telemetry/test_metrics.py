"""Metrics: every label value is there from the start, so that rates begin at 0."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from consumer.domain.reasons import Kind, Reason
from consumer.telemetry.metrics import (
    DEPENDENCIES,
    LEDGER_OPERATIONS,
    STAGE_OUTCOMES,
    STAGES,
    TRANSPORT_OUTCOMES,
    TRANSPORTS,
    Metrics,
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("messenger_stage_items_total", {"stage": STAGES, "outcome": STAGE_OUTCOMES}),
        ("messenger_stage_seconds_count", {"stage": STAGES}),
        ("messenger_tracking_records_total", {"kind": tuple(Kind)}),
        ("messenger_tracking_reasons_total", {"reason": tuple(Reason)}),
        (
            "messenger_transport_calls_total",
            {"transport": TRANSPORTS, "outcome": TRANSPORT_OUTCOMES},
        ),
        ("messenger_transport_seconds_count", {"transport": TRANSPORTS}),
        ("messenger_ledger_seconds_count", {"operation": LEDGER_OPERATIONS}),
        ("messenger_rebalances_total", {"what": ("assigned", "revoked", "lost")}),
        ("messenger_offset_gaps_total", {"verdict": ("believed", "healed")}),
        ("messenger_stalls_total", {"remedy": ("seek", "rejoin")}),
        ("messenger_alarms_left_out_total", {}),
        ("messenger_dead_letters_total", {}),
        ("messenger_template_errors_total", {}),
    ],
)
def test_every_counter_begins_at_zero(
    metrics: Metrics, name: str, columns: dict[str, tuple[str, ...]]
) -> None:
    combinations: list[dict[str, str]] = [{}]
    for column, values in columns.items():
        combinations = [{**head, column: v} for head in combinations for v in values]
    assert [value(metrics, name, **labels) for labels in combinations] == [0.0] * len(combinations)


def test_dependencies_are_up_until_one_is_heard_to_be_down(metrics: Metrics) -> None:
    assert [value(metrics, "messenger_dependency_up", dependency=d) for d in DEPENDENCIES] == [
        1.0
    ] * len(DEPENDENCIES)


def test_everything_has_a_help_text_and_our_prefix(metrics: Metrics) -> None:
    families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))
    assert families
    assert all(f.name.startswith("messenger_") and f.documentation for f in families)


def test_a_stage_counts_what_it_did_and_times_each_batch(metrics: Metrics) -> None:
    metrics.count_stage("lock", passed=3, ended=0)
    with pytest.raises(ValueError, match="broken"), metrics.timed_stage("lock"):
        raise ValueError("broken")
    assert value(metrics, "messenger_stage_items_total", stage="lock", outcome="passed") == 3
    assert value(metrics, "messenger_stage_seconds_count", stage="lock") == 1


def test_two_processes_worth_of_metrics_share_nothing(metrics: Metrics) -> None:
    Metrics().dead_letters.inc()
    assert value(metrics, "messenger_dead_letters_total") == 0
