"""Messenger: alarm-state events in a Kafka topic become tracked emails."""

__version__ = "0.1.0"
