"""Rows of the queue. An agent sees mostly the same ones again and again: each is drawn once for what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import get_template
from django.urls import reverse
from markupsafe import Markup

from parlour.cases.models import Case
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


def draw(found: Iterable[Case], tab: str, query: str, q: str) -> Markup:
    """The rows of a tab. ``query`` is what the cases' addresses carry, ``q`` the words that are marked in them."""
    home, patterns = reverse("case", args=[0]).removesuffix("0"), moderation.recent().version
    return Markup("").join(_drawn(_row(case, tab, query, q, home, patterns)) for case in found)


def _row(case: Case, tab: str, query: str, q: str, home: str, patterns: Any) -> Row:
    customer = case.customer
    return Row(
        pk=case.pk,
        href=f"{home}{case.pk}{query}",
        q=q,
        name=customer.name or f"Customer {customer.pk}",
        customer_id=customer.pk,
        picture=customer.picture,
        vip=customer.vip,
        channel=case.channel,
        clock=case_clock(case),
        snippet=case.snippet,
        spoken=(case.brand_id, case.language),
        patterns=patterns,
        ours=case.snippet_direction == "out",
        priority=case.priority,
        level=case.level,
        visibility=case.visibility,
        category=categories.name(case.category, case.brand_id),
        purpose=case.purpose,
        language=case.language,
        whose=case.assignee.name if tab != "mine" and case.assignee else "",
    )


@lru_cache(maxsize=KEPT)
def _drawn(row: Row) -> Markup:
    snippet = moderation.covered(row.snippet, *row.spoken)
    return Markup(get_template("parts/row.html").render({"one": row, "snippet": snippet}))  # noqa: S704 - our own template
