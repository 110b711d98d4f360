"""Mailgun's HTTP API: sending, and asking what became of a send."""
