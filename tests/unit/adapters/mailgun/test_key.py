"""An API key: a header is made of it, and it shows nowhere else."""

import pytest
from pydantic import SecretStr

from consumer.adapters.mailgun.key import Key
from consumer.domain.errors import SettingsError

TEXT = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
BASIC = "YXBpOmtleS0zYXg2eG5qcDI5amQ2ZmRzNGdjMzczc2d2anh0ZW9sMA=="


@pytest.mark.parametrize("secret", [TEXT, SecretStr(TEXT)])
def test_it_is_basic_authentication_of_the_user_api(secret: str | SecretStr) -> None:
    assert Key(secret, "mailgun.api_key").authorization == f"Basic {BASIC}"


@pytest.mark.parametrize("text", ["", "a b", "key\n", "key-\u00f6"])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match=r"mailgun\.lookup_key") as caught:
        Key(text, "mailgun.lookup_key")
    assert not text or text not in str(caught.value)


def test_it_is_struck_from_texts_in_both_its_shapes() -> None:
    key = Key(TEXT, "mailgun.api_key")
    assert key.struck_from(f"Basic {BASIC} or {TEXT}.") == "Basic *** or ***."
    assert TEXT not in repr(key)
