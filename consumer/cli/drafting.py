"""A sample alarm and the emails an event makes, for commands that work without Kafka or ledger."""

from typing import Final

import msgspec

from consumer.domain.alarm import AlarmEvent, Metric, Observation, State
from consumer.domain.catalog import Account, Alarm, Check, Entity, Plan, Target
from consumer.domain.notification import Context, Email, Ending
from consumer.pipeline.create_email import Draft, create_email
from consumer.pipeline.mail.renderer import Renderer
from consumer.pipeline.plan import plan

SAMPLE_TENANT: Final = "000000"
_PLAN: Final = "npSample"
_TARGET: Final = "ntSample"
_STATUS: Final = "This is a test. If you can read it, emails about your alarms reach you."


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """The emails an event leads to, and why there are none to some, or to anyone."""

    emails: list[Email] = []
    endings: list[Ending] = []


def draft(event: AlarmEvent, context: Context, renderer: Renderer, now_ms: int) -> Drafted:
    """Plan and render one event, as the pipeline does between its lookup and its lanes."""
    planned = plan(event, context)
    drafts = [Draft(notification=each, context=context) for each in planned.notifications]
    emails = create_email(drafts, renderer, now_ms)
    return Drafted(emails=emails, endings=list(planned.endings))


def sample_event(event_id: str, state: State, now_ms: int) -> AlarmEvent:
    """A test event of an invented alarm that has just changed to `state`."""
    return AlarmEvent(
        id=event_id,
        source="messenger",
        tenant_id=SAMPLE_TENANT,
        entity_id="enSample",
        check_id="chSample",
        alarm_id="alSample",
        state=state,
        previous_state=State.CRITICAL if state is State.OK else State.OK,
        status=_STATUS,
        timestamp=now_ms,
        notification_plan_id=_PLAN,
        metrics={"duration": Metric(type="I", data=231, unit="milliseconds")},
        observations=[Observation(state=state, status=_STATUS, timestamp=now_ms)],
        test=True,
    )


def sample_context(address: str, template: str | None = None) -> Context:
    """What the lookups would find for the sample: one email to `address` in each state."""
    target = Target(
        id=_TARGET, label="test destination", type="email", details={"address": address}
    )
    ids = [target.id]
    return Context(
        account=Account(
            id="acSample", external_id=SAMPLE_TENANT, label="Sample account", template=template
        ),
        entity=Entity(id="enSample", label="sample entity"),
        check=Check(id="chSample", label="sample check", type="remote.http", period=60),
        alarm=Alarm(id="alSample", label="Sample alarm", notification_plan_id=_PLAN),
        plan=Plan(
            id=_PLAN, label="Sample plan", critical_state=ids, warning_state=ids, ok_state=ids
        ),
        plan_id=_PLAN,
        listed=ids,
        targets={target.id: target},
    )
