"""The demo: the main job on embedded parts, from nothing to a table of what happened."""

from consumer.sandbox.demo.demo import run_demo

__all__ = ["run_demo"]
