"""Everything embedded: broker, fake Mailgun, sample catalog, traffic, demo."""
