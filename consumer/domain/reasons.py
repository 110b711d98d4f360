"""The closed vocabularies that logs, metrics and tracking records share."""

from enum import StrEnum


class Kind(StrEnum):
    """What a tracking record tells: ends of an event, steps of a notification, feedback."""

    # The event ended without an email.
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    STALE = "stale"
    UNCHANGED = "unchanged"
    INITIAL_OK = "initial_ok"
    IGNORED = "ignored"
    SUPPRESSED = "suppressed"
    DISABLED = "disabled"
    LOOKUP_FAILED = "lookup_failed"
    NO_RECIPIENTS = "no_recipients"
    #: Held back from one recipient: a summary tells of it.
    RATE_LIMITED = "rate_limited"
    # One notification's way.
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    FALLBACK = "fallback"
    DEAD_LETTERED = "dead_lettered"
    # What the provider reports later.
    DELIVERED = "delivered"
    BOUNCED_PERMANENT = "bounced_permanent"
    BOUNCED_TEMPORARY = "bounced_temporary"
    COMPLAINED = "complained"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Why: the finer word beside a `Kind`. Each value is used in one place only."""

    # receive: the record goes to the dead-letter topic
    NOT_JSON = "not_json"
    UNKNOWN_FORMAT = "unknown_format"
    UNKNOWN_VERSION = "unknown_version"
    SCHEMA_MISMATCH = "schema_mismatch"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    # lock
    SEEN_BEFORE = "seen_before"
    OLDER_THAN_LAST = "older_than_last"
    SAME_STATE = "same_state"
    FIRST_STATE_OK = "first_state_ok"
    # lookup
    NOT_IN_CATALOG = "not_in_catalog"
    # plan
    ACTIONS_DISABLED = "actions_disabled"
    ALARM_DISABLED = "alarm_disabled"
    CHECK_DISABLED = "check_disabled"
    DELETED = "deleted"
    UNKNOWN_STATE = "unknown_state"
    MAINTENANCE = "maintenance"
    EMPTY_LIST = "empty_list"
    NO_CONTACTS = "no_contacts"
    UNSUPPORTED_TYPE = "unsupported_type"
    UNKNOWN_NOTIFICATION = "unknown_notification"
    INVALID_ADDRESS = "invalid_address"
    SAME_ADDRESS = "same_address"
    SUPPRESSED_RECIPIENT = "suppressed_recipient"
    NOBODY_ELSE = "nobody_else"
    # limits
    RATE_LIMITED = "rate_limited"
    NOTHING_HELD_BACK = "nothing_held_back"
    # resume
    TOLD_BEFORE = "told_before"
    NO_LONGER_PLANNED = "no_longer_planned"
    # deliver
    QUEUED = "queued"
    PROVIDER_REJECTED = "provider_rejected"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    CONFIGURATION = "configuration"
    ANSWER_LOST = "answer_lost"
    SERVER_ERROR = "server_error"
    UNREADABLE_ANSWER = "unreadable_answer"
    INTERRUPTED = "interrupted"
    TRANSPORT_CLOSED = "transport_closed"
    #: Never told of an email: what was refused together is sent again in smaller parts.
    BATCH_REFUSED = "batch_refused"
    # resolve: a send in doubt
    FOUND = "found"
    NOT_FOUND = "not_found"
    HELD = "held"
    # deliver: no attempt
    STATE_MOVED_ON = "state_moved_on"
    TOO_OLD = "too_old"
    # report: what the provider says later
    REPORTED = "reported"
    #: It tried for as long as it tries, and then no more.
    GAVE_UP = "gave_up"
    SUPPRESSED_BY_PROVIDER = "suppressed_by_provider"
    TEST_MODE = "test_mode"
