"""An API key that is used and not shown."""

import base64

from consumer.domain.errors import SettingsError
from consumer.ports import Secret


class Key:
    """Makes the header that carries the key, and strikes the key out of texts."""

    def __init__(self, secret: Secret | str, setting: str) -> None:
        """`setting` is the key's name in the configuration. Raises SettingsError."""
        text = secret if isinstance(secret, str) else secret.get_secret_value()
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise SettingsError([f"{setting} is empty or has characters that no key has"])
        basic = base64.b64encode(f"api:{text}".encode()).decode()
        self._shapes = (basic, text)
        self.authorization = f"Basic {basic}"

    def struck_from(self, text: str) -> str:
        """A wrong base URL may lead to a server that echoes our headers in its error text."""
        for shape in self._shapes:
            text = text.replace(shape, "***")
        return text
