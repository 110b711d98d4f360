"""The crash table: what each cause does at each boundary between two durable steps."""
