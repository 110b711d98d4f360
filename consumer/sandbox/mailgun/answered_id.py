"""The message id that a call is answered with. Pure but for invented ids."""

from consumer.sandbox.mailgun.compose import Call, generated_id
from consumer.sandbox.mailgun.form import Form
from consumer.sandbox.mailgun.switches import Switches


def answered_id(call: Call, form: Form, switches: Switches, now: float) -> str:
    """Mailgun documents neither the answer to an own id nor to one for each recipient."""
    as_usual = (switches.answered_id, switches.answered_batch_id) == ("given", "generated")
    if as_usual or not any(name.lower() == "message-id" for name, _ in form.prefixed("h:")):
        return call.id
    first = call.mails[0]
    if any(mail.message_id != first.message_id for mail in call.mails):
        return first.message_id if switches.answered_batch_id == "first" else call.id
    return call.id if switches.answered_id == "given" else generated_id(first.domain, now)
