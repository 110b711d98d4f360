"""What goes to a transport: one notification's email, and what is known of earlier attempts."""

from collections.abc import Mapping

import msgspec

from consumer.domain.notification import Email, Notification, SendOptions
from consumer.domain.reasons import Reason
from consumer.pipeline.resume import LeftInDoubt, ToSend

#: An email that is not to be sent any more, only looked up.
_WITHOUT_WORDS = Email(uid="", message_id="", sender="", to="", subject="", text="", html="")


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """One email to hand to a transport."""

    notification: Notification
    email: Email
    options: SendOptions
    attempt: int = 1
    #: An earlier attempt may have been accepted: to be looked up first.
    doubt: LeftInDoubt | None = None
    possible_duplicate: bool = False
    #: Why it is not sent whatever the lookup says. Its email is only as much as that one needs.
    obsolete: Reason | None = None


def send_of(each: ToSend, emails: Mapping[str, Email], options: SendOptions) -> Send:
    """`emails`: by uid; there is none of what is only looked up."""
    to = each.notification
    email = emails.get(to.uid, _WITHOUT_WORDS)
    if each.doubt is not None:
        # Whatever the settings say by now: it is looked up, and sent again, as what it was.
        message_id = f"<{each.doubt.message_id}>"
        email = msgspec.structs.replace(email, uid=to.uid, to=to.destination, message_id=message_id)
    return Send(
        notification=to,
        email=email,
        options=options,
        attempt=each.attempt,
        doubt=each.doubt,
        possible_duplicate=each.possible_duplicate,
        obsolete=each.obsolete,
    )
