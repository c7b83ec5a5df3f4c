"""Phone numbers as Twilio writes them, and as people read them."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers


@lru_cache(maxsize=4096)
def e164(value: str) -> str:
    """``value`` as ``+15552223333`` where it is a number in international form, else as it is: short codes and names of senders
    are no numbers."""
    if not value.startswith("+"):
        return value
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=4096)
def shown(value: str) -> str:
    """A number with the spaces people expect, ``+1 555-222-3333``; anything else as it is."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        return value
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def wrong(value: str) -> str | None:
    """A sentence when ``value`` is no phone number in international form."""
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        number = None
    fine = number is not None and phonenumbers.is_possible_number(number) and e164(value) == value
    return None if fine else "It is a number in international form, such as +15552223333."
