"""A fake Mailgun: a real HTTP server that shares no code with the client."""

from consumer.sandbox.mailgun.limits import RateLimit
from consumer.sandbox.mailgun.options import DEFAULT_API_KEY, DEFAULT_SIGNING_KEY, Options, Role
from consumer.sandbox.mailgun.server import FakeMailgun, serve
from consumer.sandbox.mailgun.switches import Switches

__all__ = [
    "DEFAULT_API_KEY",
    "DEFAULT_SIGNING_KEY",
    "FakeMailgun",
    "Options",
    "RateLimit",
    "Role",
    "Switches",
    "serve",
]
