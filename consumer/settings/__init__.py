"""Settings: every section and key, its meaning, its default, and what makes it wrong.

Each secret has a twin that ends in `_file` and names a file to read it from. How a file and
the environment become these is in consumer/configuration.py.
"""

from typing import Final

from pydantic import ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from consumer.settings.delivery import Delivery, DoubtBudget, MaxAge
from consumer.settings.feedback import Feedback
from consumer.settings.ingest import Ingest, IngestClient
from consumer.settings.kafka import Kafka, is_topic_name
from consumer.settings.rollout import Guard, Rollout
from consumer.settings.routes import DEFAULT_ROUTE, Route, routes_of
from consumer.settings.section import Section
from consumer.settings.stores import Catalog, Ledger
from consumer.settings.telemetry import Telemetry
from consumer.settings.transports import Mailgun, Smtp

__all__ = [
    "DEFAULT_ROUTE",
    "Catalog",
    "Delivery",
    "DoubtBudget",
    "Feedback",
    "Guard",
    "Ingest",
    "IngestClient",
    "Kafka",
    "Ledger",
    "Mailgun",
    "MaxAge",
    "Rollout",
    "Route",
    "Settings",
    "Smtp",
    "Telemetry",
    "is_topic_name",
    "routes_of",
]


_NO_MAIL_SERVER: Final = PydanticCustomError(
    "missing_host", "is missing; the fallback in [delivery] or a route names this transport"
)


class Settings(Section):
    """Everything that can be configured."""

    kafka: Kafka = Kafka()
    mailgun: Mailgun
    smtp: Smtp = Smtp()
    ledger: Ledger = Ledger()
    catalog: Catalog = Catalog()
    delivery: Delivery = Delivery()
    routes: list[Route] = []
    rollout: Rollout = Rollout()
    feedback: Feedback = Feedback()
    ingest: Ingest = Ingest()
    telemetry: Telemetry = Telemetry()

    @model_validator(mode="after")
    def _a_mail_server_for_whoever_names_it(self) -> "Settings":
        names = {self.delivery.fallback, *(route.transport for route in self.routes)}
        if "smtp" in names and self.smtp.host is None:
            # A plain ValueError would be of no place: of a rule of several sections too, one key
            # is told that can be mended.
            raise ValidationError.from_exception_data(
                "Settings",
                [InitErrorDetails(type=_NO_MAIL_SERVER, loc=("smtp", "host"), input=None)],
            )
        return self
