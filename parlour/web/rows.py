"""Rows of the queue. An agent sees mostly the same ones again and again: each is drawn once for what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.template.loader import get_template
from django.urls import reverse
from markupsafe import Markup

from parlour.cases.models import Case
from parlour.understanding import categories
from parlour.policy.moderation.queries import covered
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
    return Markup("").join(_drawn(_row(case, tab, query, q)) for case in found)


def _row(case: Case, tab: str, query: str, q: str) -> Row:
    customer = case.customer
    return Row(
        pk=case.pk,
        href=reverse("case", args=[case.pk]) + query,
        q=q,
        name=customer.name or f"Customer {customer.pk}",
        customer_id=customer.pk,
        picture=customer.picture,
        vip=customer.vip,
        channel=case.channel,
        clock=case_clock(case),
        snippet=covered(case.snippet, case.brand_id, case.language),
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
    return Markup(get_template("parts/row.html").render({"one": row}))  # noqa: S704 - our own template
