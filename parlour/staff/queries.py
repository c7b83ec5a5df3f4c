"""Reads of the staff room."""

from __future__ import annotations

from datetime import datetime, timedelta

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
    now = clock.now()
    alive = Q(seen_at__isnull=True) | Q(seen_at__gt=now - GONE_AFTER)
    there = Q(presence=Presence.ONLINE) | Q(presence=Presence.WRAP_UP, presence_until__lte=now)
    return answering().filter(alive, there)


def answering() -> QuerySet[Agent]:
    """Everybody whose work is answering, here or not."""
    return Agent.objects.filter(is_active=True, role__in=access.roles_with(access.ANSWER))


def is_there(agent: Agent, now: datetime) -> bool:
    """Whether an agent may be given cases now: what ``agents_online`` asks of the database, for one at hand."""
    alive = agent.seen_at is None or agent.seen_at > now - GONE_AFTER
    return alive and present(agent, now) == Presence.ONLINE


def present(agent: Agent, now: datetime) -> str:
    """An agent's presence, a wrap-up whose time is over counted as online."""
    over = agent.presence_until is not None and agent.presence_until <= now
    return Presence.ONLINE if agent.presence == Presence.WRAP_UP and over else agent.presence


def agents() -> QuerySet[Agent]:
    return Agent.objects.filter(is_active=True).order_by("name")


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("name")
