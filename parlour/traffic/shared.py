"""Conversations of a platform with several people in them: the first keeps the platform's own id, each of the others gets a thread
of their own beside it, for a thread is one customer's."""

from __future__ import annotations

LONGEST = 250
BESIDE = "\u241f"
"""Between the platform's id and the customer's number: a sign (a picture of the unit separator) no platform has in its ids."""


def own_name(name: str, customer_id: int) -> str:
    """External id of this customer's own thread in the platform's conversation ``name``; at most ``LONGEST`` characters."""
    end = f"{BESIDE}{customer_id}"
    return name[: LONGEST - len(end)] + end


def platform_name(external_id: str) -> str:
    """The id by which the platform knows the conversation of a thread."""
    name, sign, number = external_id.rpartition(BESIDE)
    return name if sign and number.isdecimal() else external_id
