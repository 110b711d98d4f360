"""Phased rollout: shares of routes that change while processes run, watched by a guard."""
