"""Asks for a real PostgreSQL only where a test needs one."""

from tests.support.postgres import postgres_server

__all__ = ["postgres_server"]
