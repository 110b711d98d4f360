"""Input formats: bytes and headers in, alarm-state events out."""
