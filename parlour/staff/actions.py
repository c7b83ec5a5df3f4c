"""Verbs of the staff room: seats, links, tokens, presence."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.staff.models import Agent, Presence, Role, SignInLink, Team, Token

MOST_CASES = 10_000
LINK_LIFE = timedelta(hours=24)
TOKEN_PREFIX = "parlour_"  # noqa: S105 - a prefix that secret scanners can find, not a secret


def digest(secret: str) -> str:
    """What is stored of a token or link. They are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add_agent(
    email: str, name: str, role: str = Role.AGENT, teams: list[str] | None = None, capacity: int = 20
) -> Agent:
    """A new seat. Raises ValueError with a sentence when the address is wrong or taken, the role unknown or the capacity odd."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValueError(f"{email!r} is not an e-mail address.") from error
    if len(email) > 254:
        raise ValueError("An e-mail address has at most 254 characters.")
    if not 0 <= capacity <= MOST_CASES:
        raise ValueError(f"A capacity is a number of cases from 0 to {MOST_CASES:,}.")
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}; choose one of {', '.join(Role.values)}.")
    try:
        with transaction.atomic():
            agent = Agent(email=email, name=one_line(name, 80) or one_line(email, 80), role=role, capacity=capacity)
            agent.set_unusable_password()
            agent.save()
            agent.teams.set([Team.objects.get_or_create(name=one_line(team, 80))[0] for team in teams or []])
    except IntegrityError as error:
        raise ValueError(f"There is already an agent with the address {email}.") from error
    return agent


def make_sign_in_link(agent: Agent) -> str:
    """The secret of a one-time link, valid for a day; it opens ``/sign-in/<secret>``."""
    secret = secrets.token_urlsafe(32)
    SignInLink.objects.create(agent=agent, digest=digest(secret), expires_at=clock.now() + LINK_LIFE)
    return secret


def use_sign_in_link(secret: str) -> Agent | None:
    """The agent of a link, once: the first use claims it. None when used, expired or unknown."""
    now = clock.now()
    claimed = SignInLink.objects.filter(digest=digest(secret), used_at=None, expires_at__gt=now).update(used_at=now)
    if not claimed:
        return None
    return Agent.objects.filter(signinlink__digest=digest(secret), is_active=True).first()


def set_password(agent: Agent, password: str) -> None:
    """Save a new password and spend the agent's unused links: who had one of them gets in no more."""
    with transaction.atomic():
        agent.set_password(password)
        agent.save(update_fields=["password"])
        SignInLink.objects.filter(agent=agent, used_at=None).update(used_at=clock.now())


def add_token(name: str, role: str) -> str:
    """A new API token; this is the only time its text is known. Raises ValueError for an unknown role."""
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}; choose one of {', '.join(Role.values)}.")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(name=one_line(name, 80), role=role, digest=digest(secret))
    return secret


def set_presence(agent: Agent, presence: str, *, by_themselves: bool = True) -> None:
    """Raises ValueError for a presence that does not exist."""
    if presence not in Presence.values:
        raise ValueError(f"There is no presence {presence!r}.")
    seen_at = clock.now() if by_themselves else None
    Agent.objects.filter(pk=agent.pk).update(presence=presence, seen_at=seen_at)
    agent.presence = presence


def revoke_tokens(name: str) -> int:
    """Revoke every live token of this name; returns how many."""
    return Token.objects.filter(name=one_line(name, 80), revoked_at=None).update(revoked_at=clock.now())


def set_up_team(name: str, categories: list[str]) -> Team:
    """A team and the categories it takes; an empty list takes what no other team does. Raises ValueError for an empty name."""
    if not one_line(name, 80):
        raise ValueError("A team needs a name.")
    team, _ = Team.objects.update_or_create(name=one_line(name, 80), defaults={"categories": categories})
    return team


def note_life(agent_ids: Iterable[int]) -> None:
    """The desks of these agents are open: they are there."""
    Agent.objects.filter(pk__in=list(agent_ids)).update(seen_at=clock.now())
