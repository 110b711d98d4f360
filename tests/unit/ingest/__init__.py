"""Tests of `consumer/ingest/`."""
