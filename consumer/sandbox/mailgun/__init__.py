"""A fake Mailgun: a real HTTP server that shares no code with the client."""

from consumer.sandbox.mailgun.options import DEFAULT_API_KEY, Options, Role
from consumer.sandbox.mailgun.server import FakeMailgun, serve

__all__ = ["DEFAULT_API_KEY", "FakeMailgun", "Options", "Role", "serve"]
