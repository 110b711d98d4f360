"""Mailgun's HTTP API, the sending side."""
