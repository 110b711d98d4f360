"""Identities we derive. The same input gives the same id on every machine and in every attempt."""

import hashlib
import uuid
from typing import Final

NS_EVENT: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:messenger:event:v1")
NS_NOTIFICATION: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:messenger:notification:v1")
NS_TRACKING: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:messenger:tracking:v1")

#: By hexadecimal digit, the same with RFC 9562's variant in its upper two bits.
_VARIANT: Final = {digit: f"{int(digit, 16) & 0x3 | 0x8:x}" for digit in "0123456789abcdef"}


def _uuid5(namespace: uuid.UUID, name: str) -> str:
    """`str(uuid.uuid5(namespace, name))` in a third of its time: each email has several."""
    told = hashlib.sha1(namespace.bytes + name.encode(), usedforsecurity=False).hexdigest()
    fourth = _VARIANT[told[16]] + told[17:20]
    return f"{told[:8]}-{told[8:12]}-5{told[13:16]}-{fourth}-{told[20:32]}"


def derived_event_id(
    source: str, tenant: str, alarm: str, previous: str | None, state: str, timestamp: int
) -> str:
    """Id of an event whose source gives none. Never contains offset, partition or receive time."""
    name = f"{source}|{tenant}|{alarm}|{previous or ''}|{state}|{timestamp}"
    return _uuid5(NS_EVENT, name)


def notification_uid(event_id: str, target_id: str, kind: str, destination: str) -> str:
    """Id of one event to one destination. The plan is not part of it: listed twice, sent once."""
    return _uuid5(NS_NOTIFICATION, f"{event_id}|{target_id}|{kind}|{destination}")


def tracking_id(subject: str, kind: str, attempt: int | str | None) -> str:
    """Id of a tracking record, so that the same report told twice is one record.

    `subject` is a notification uid or an event id; `attempt` is the attempt number, or the
    provider's own event id for reports that come back later.
    """
    return _uuid5(NS_TRACKING, f"{subject}|{kind}|{'' if attempt is None else attempt}")


def normalised_address(address: str) -> str:
    """Trimmed, with the domain in lower case; the local part is the receiver's business."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def message_id(uid: str, mail_domain: str) -> str:
    """Message-Id of a notification, in angle brackets, the same on every attempt and transport."""
    return f"<{uid}@{mail_domain}>"


def installation_id(group_id: str) -> str:
    """Eight characters that tell one consumer group's emails from another's, by the same domain.

    Not the name itself: whoever gets an email can read what it carries.
    """
    return hashlib.blake2b(group_id.encode(), digest_size=4).hexdigest()
