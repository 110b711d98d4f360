"""What tells one format from another: a few top-level fields, read without parsing the rest."""

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

_Mark = msgspec.Raw | UnsetType


class Markers(msgspec.Struct, frozen=True, kw_only=True):
    """The top-level fields that formats are recognised by; UNSET where the message has none.

    A field is for all formats: which of them claims a message is the affair of their `matches`.
    """

    schema: Any = UNSET
    event_id: _Mark = UNSET
    details: _Mark = UNSET
    specversion: _Mark = UNSET
    type: _Mark = UNSET
    alarm_transitioned: _Mark = msgspec.field(default=UNSET, name="alarm-transitioned")
    alerts: _Mark = UNSET
    version: _Mark = UNSET
    org_id: _Mark = msgspec.field(default=UNSET, name="orgId")
    detail_type: _Mark = msgspec.field(default=UNSET, name="detail-type")
    detail: _Mark = UNSET
    source: _Mark = UNSET
    task_id: _Mark = msgspec.field(default=UNSET, name="taskId")
    tenant_id: _Mark = msgspec.field(default=UNSET, name="tenantId")
    state: _Mark = UNSET
    clock: _Mark = UNSET
    eventid: _Mark = UNSET
    value: _Mark = UNSET
    entity: _Mark = UNSET
    check: _Mark = UNSET
    summary: _Mark = UNSET

    def names(self) -> list[str]:
        """Which of the fields are there, as the message calls them."""
        return [
            name
            for field, name in zip(
                self.__struct_fields__, self.__struct_encode_fields__, strict=True
            )
            if getattr(self, field) is not UNSET
        ]


DECODER: Final = msgspec.json.Decoder(Markers)
