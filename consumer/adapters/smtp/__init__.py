"""A mail server as a transport."""
