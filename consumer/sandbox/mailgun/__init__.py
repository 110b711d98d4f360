"""A fake Mailgun: a real HTTP server that shares no code with the client."""
