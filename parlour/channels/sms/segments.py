"""How many parts an SMS takes: what is paid for, and what a phone may show apart."""

from __future__ import annotations

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "^{}\\[~]|€\f"
_COST = {**dict.fromkeys(_BASIC, 1), **dict.fromkeys(_EXTENDED, 2)}
GSM_ALONE, GSM_PART = 160, 153
UCS_ALONE, UCS_PART = 70, 67


def plain(text: str) -> bool:
    """Whether all of ``text`` is in the small alphabet of SMS (GSM-7); one other character makes every part less than half as long."""
    return all(character in _COST for character in text)


def segments(text: str) -> int:
    """The number of parts ``text`` is sent in: 160 characters, or 153 each of several; 70 or 67 where the small alphabet does not do.
    A character is never cut in two."""
    if plain(text):
        return _parts([_COST[character] for character in text], GSM_ALONE, GSM_PART)
    return _parts([2 if ord(character) > 0xFFFF else 1 for character in text], UCS_ALONE, UCS_PART)


def _parts(costs: list[int], alone: int, part: int) -> int:
    if sum(costs) <= alone:
        return 1
    count, used = 1, 0
    for cost in costs:
        if used + cost > part:
            count, used = count + 1, 0
        used += cost
    return count
