"""Feeds (RSS, Atom): entries come in, nothing goes out."""
