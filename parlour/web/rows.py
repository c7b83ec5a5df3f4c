"""Rows of the queue. An agent sees mostly the same ones again and again: each is drawn once for what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import get_template
from django.urls import reverse
from markupsafe import Markup

from parlour.cases.queries import Queued
from parlour.policy.moderation import queries as moderation
from parlour.understanding import categories
from parlour.web.words import Clock, case_clock

KEPT = 8192
"""Drawn rows kept in a process, of about 1 kB each."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says."""

    pk: int
    href: str
    q: str
    name: str
    customer_id: int
    picture: str
    vip: bool
    channel: str
    clock: Clock
    snippet: str
    """As it was said; it is drawn with personal data covered."""
    spoken: tuple[int, str]
    """Brand and language, by which personal data is looked for."""
    patterns: Any
    """What counted as personal data at that time."""
    ours: bool
    """Whether the snippet is ours."""
    priority: int
    level: str | None
    visibility: str
    category: str
    purpose: str
    language: str
    whose: str


def draw(found: Sequence[Queued], tab: str, query: str, q: str) -> Markup:
    """The rows of a tab. ``query`` is what the cases' addresses carry, ``q`` the words that are marked in them."""
    home, patterns = reverse("case", args=[0]).removesuffix("0"), moderation.recent().version
    names = {one: categories.name(*one) for one in {(case.category, case.brand_id) for case in found}}
    return Markup("").join(
        _drawn(_row(case, tab, f"{home}{case.id}{query}", q, names[case.category, case.brand_id], patterns))
        for case in found
    )


def _row(case: Queued, tab: str, href: str, q: str, category: str, patterns: Any) -> Row:
    return Row(
        pk=case.id,
        href=href,
        q=q,
        name=case.customer_name or f"Customer {case.customer_id}",
        customer_id=case.customer_id,
        picture=case.customer_picture,
        vip=case.customer_vip,
        channel=case.channel,
        clock=case_clock(case),
        snippet=case.snippet,
        spoken=(case.brand_id, case.language),
        patterns=patterns,
        ours=case.snippet_direction == "out",
        priority=case.priority,
        level=case.level,
        visibility=case.visibility,
        category=category,
        purpose=case.purpose,
        language=case.language,
        whose=case.assignee_name or "" if tab != "mine" else "",
    )


@lru_cache(maxsize=KEPT)
def _drawn(row: Row) -> Markup:
    snippet = moderation.covered(row.snippet, *row.spoken)
    return Markup(get_template("parts/row.html").render({"one": row, "snippet": snippet}))  # noqa: S704 - our own template
