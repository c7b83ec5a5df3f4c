"""Reads of the staff room."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q, QuerySet

from parlour.lib import clock
from parlour.staff import access
from parlour.staff.actions import digest
from parlour.staff.models import Agent, Presence, Team, Token


def token_of(secret: str) -> Token | None:
    """The live token with this text. Its last use is noted, at most once a minute."""
    token = Token.objects.filter(digest=digest(secret), revoked_at=None).first()
    now = clock.now()
    if token and (token.used_at is None or now - token.used_at > timedelta(minutes=1)):
        Token.objects.filter(pk=token.pk).update(used_at=now)
    return token


GONE_AFTER = timedelta(minutes=5)
"""An agent whose desk has shown no life for so long gets no cases, whatever they had chosen."""


def agents_online() -> QuerySet[Agent]:
    """Agents who are there and may answer: online by choice, with a desk that shows life (or never opened one: put online by a command)."""
    alive = Q(seen_at__isnull=True) | Q(seen_at__gt=clock.now() - GONE_AFTER)
    answering = access.roles_with(access.ANSWER)
    return Agent.objects.filter(alive, is_active=True, presence=Presence.ONLINE, role__in=answering)


def agents() -> QuerySet[Agent]:
    return Agent.objects.filter(is_active=True).order_by("name")


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("name")
