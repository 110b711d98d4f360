"""Messages beyond limits that Mailgun publishes without saying how it answers."""

import pytest

from consumer.sandbox.mailgun.beyond_limits import MAX_MESSAGE_BYTES, refusal
from consumer.sandbox.mailgun.domains import MESSAGE_TTL
from consumer.sandbox.mailgun.form import Upload
from consumer.sandbox.mailgun.switches import Switches
from tests.unit.sandbox.mailgun.support import DOMAIN, NOW, Client, make_form

REFUSES = Switches(far_delivery_time="refuse")
#: One byte more than a body and a file may have together.
HALF = "x" * (MAX_MESSAGE_BYTES // 2)
REST = Upload("a.bin", "application/octet-stream", b"x" * (MAX_MESSAGE_BYTES // 2 + 1))


def test_bodies_and_files_count_together() -> None:
    within = make_form(html=HALF, text=HALF[: -len("It is.")])
    assert refusal(within, MESSAGE_TTL, NOW, Switches()) is None
    large = make_form(html=HALF, text=None, files={"attachment": [REST]})
    refused = refusal(large, MESSAGE_TTL, NOW, Switches())
    assert refused is not None
    assert (refused.status, "25MB" in refused.text) == (413, True)


def test_a_message_above_25_megabytes_is_answered_as_the_switch_says() -> None:
    large = make_form(html=HALF, files={"message": [REST]})
    refused = refusal(large, MESSAGE_TTL, NOW, Switches(large_message="400"))
    assert refused is not None
    assert refused.status == 400
    assert refusal(large, MESSAGE_TTL, NOW, Switches(large_message="take")) is None


@pytest.mark.parametrize(("ahead", "refused"), [(MESSAGE_TTL, False), (MESSAGE_TTL + 1, True)])
def test_how_far_ahead_a_message_may_be_scheduled(ahead: int, refused: bool) -> None:
    form = make_form(o_deliverytime=str(int(NOW) + ahead))
    assert (refusal(form, MESSAGE_TTL, NOW, REFUSES) is not None) == refused
    assert refusal(form, MESSAGE_TTL, NOW, Switches()) is None


def test_the_domains_own_setting_counts(client: Client) -> None:
    client.fake.switch(far_delivery_time="refuse")
    soon = str(int(client.fake.world.options.now()) + 7200)
    assert client.send(o_deliverytime=soon).status_code == 200
    settings = {"message_ttl": "3600"}
    client.session.put(f"{client.fake.url}/v4/domains/{DOMAIN}", data=settings, timeout=10)
    refused = client.send(o_deliverytime=soon)
    assert refused.status_code == 400
    assert refused.json() == {"message": "delivery time is too far in the future"}
