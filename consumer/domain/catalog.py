"""What the catalog knows, in the words of the Rackspace Monitoring API.

Unknown fields are ignored.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from consumer.domain.alarm import State


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all catalog rows: an id and a label that may be missing or null."""

    id: str
    label: str | None = None
    #: A tombstone: the object existed and was deleted (epoch milliseconds).
    deleted_at: int | None = None
    metadata: dict[str, Any] | None = None


class ContactPerson(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person of an account. `role` holds words such as `technical` and `primary`."""

    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    user_id: str | None = None
    role: list[str] = []


class Contacts(msgspec.Struct, frozen=True, kw_only=True):
    contacts: list[ContactPerson] = []


class Account(_Row, frozen=True, kw_only=True):
    """A customer. `id` is the internal id (`ac…`), `external_id` the tenant id in events."""

    external_id: str | None = None
    contacts: Contacts = Contacts()
    #: Name of the account's own mail template, a folder below the template directory.
    template: str | None = None


class Entity(_Row, frozen=True, kw_only=True):
    ip_addresses: dict[str, str] | None = None
    agent_id: str | None = None
    uri: str | None = None


class Check(_Row, frozen=True, kw_only=True):
    type: str | None = None
    details: dict[str, Any] | None = None
    disabled: bool = False
    #: Seconds between two runs.
    period: int | None = None
    target_alias: str | None = None
    target_hostname: str | None = None
    monitoring_zones_poll: list[str] | None = None


class Alarm(_Row, frozen=True, kw_only=True):
    check_id: str | None = None
    entity_id: str | None = None
    notification_plan_id: str | None = None
    criteria: str | None = None
    disabled: bool = False


class Plan(_Row, frozen=True, kw_only=True):
    """A notification plan: for each state the ids of the notifications to send."""

    critical_state: list[str] | None = None
    warning_state: list[str] | None = None
    ok_state: list[str] | None = None

    def targets_for(self, state: State) -> list[str]:
        """Ids listed for `state`, each once, in the plan's order; [] for null, empty or absent."""
        lists: Mapping[State, list[str] | None] = {
            State.CRITICAL: self.critical_state,
            State.WARNING: self.warning_state,
            State.OK: self.ok_state,
        }
        return list(dict.fromkeys(lists.get(state) or ()))

    @property
    def all_targets(self) -> list[str]:
        """Ids listed for any state, each once; the worst state's first."""
        lists = (self.critical_state, self.warning_state, self.ok_state)
        return list(dict.fromkeys(id_ for listed in lists for id_ in listed or ()))


class Target(_Row, frozen=True, kw_only=True):
    """Where a plan sends to: the API calls it a notification. `details` depends on `type`."""

    type: str
    details: dict[str, Any] | None = None


class Suppression(_Row, frozen=True, kw_only=True):
    """A maintenance window. Times are epoch milliseconds; 0 as start means from ever."""

    start_time: int = 0
    end_time: int = 0
    notification_plans: list[str] | None = None
    entities: list[str] | None = None
    checks: list[str] | None = None
    alarms: list[str] | None = None


class Zone(_Row, frozen=True, kw_only=True):
    """A monitoring zone; `label` is what readers know it by."""

    country_code: str | None = None
