"""Waves of messages about one cause: found, given one status, answered together, and ended together."""
