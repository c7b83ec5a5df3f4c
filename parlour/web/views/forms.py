"""What people type into the forms of policy, read with a sentence for what cannot be."""

from __future__ import annotations

import re

from django.http import HttpRequest

from parlour.cases.access import Invalid


def number(request: HttpRequest, name: str, label: str, empty: int = 0) -> int:
    """A whole number from the form; ``empty`` for nothing. Raises Invalid."""
    value = request.POST.get(name, "").strip()
    if not value:
        return empty
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Invalid(f"{label}: “{value[:20]}” is not a whole number.")
    return int(value)


def words_in(text: str) -> list[str]:
    """Words between commas or spaces."""
    return [one for one in re.split(r"[\s,;]+", text[:500]) if one]


def skills_of(text: str) -> dict[str, int]:
    """``refunds:3, legal`` as levels; 1 where none is given. Raises Invalid."""
    levels: dict[str, int] = {}
    for one in filter(None, (part.strip() for part in text[:5000].replace("\n", ",").split(","))):
        skill, _, level = one.partition(":")
        level = level.strip() or "1"
        if not (level.isascii() and level.isdigit() and len(level) == 1):
            raise Invalid(f"Write skills as “refunds:3, legal:1”, levels from 1 to 5; “{one[:60]}” is not like that.")
        levels[skill.strip()] = int(level)
    return levels
