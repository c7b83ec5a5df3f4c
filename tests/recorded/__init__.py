"""Recorded payloads of every platform on the real road: through the door, or fetched by the poll, to what stands in the database."""
