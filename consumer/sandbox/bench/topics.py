"""Topics and groups of one run: names of their own, and nothing of them left behind."""

import contextlib
import secrets
from types import TracebackType
from typing import Self

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from consumer.adapters.kafka.config import KafkaSettings, client_config
from consumer.adapters.kafka.topics import TopicAdmin


class Topics:
    """Makes topics, and deletes them at the end. Raises BrokerUnavailable."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._run = f"messenger-bench-{secrets.token_hex(4)}"
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._names:
            return
        # A broker that ended, or that cannot delete, keeps them: worth no failure.
        with contextlib.suppress(KafkaError):
            admin = KafkaAdminClient(**client_config(self._settings))
            try:
                admin.delete_topics(self._names)
            finally:
                admin.close()

    def make(self, purpose: str, partitions: int) -> str:
        """A new topic; returns its name."""
        name = f"{self._run}-{len(self._names)}-{purpose}"
        with TopicAdmin(self._settings) as admin:
            admin.create([name], partitions, 1)
        self._names.append(name)
        return name

    def admin(self, group: str) -> TopicAdmin:
        """To ask how far a group is."""
        return TopicAdmin(
            KafkaSettings(bootstrap_servers=self._settings.bootstrap_servers, group_id=group)
        )
