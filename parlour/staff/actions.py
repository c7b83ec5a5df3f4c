"""Verbs of the staff room: seats, links, tokens, presence."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from parlour.lib import clock
from parlour.staff.models import Agent, Presence, Role, SignInLink, Team, Token

LINK_LIFE = timedelta(hours=24)
TOKEN_PREFIX = "parlour_"  # noqa: S105 - a prefix that secret scanners can find, not a secret


def digest(secret: str) -> str:
    """What is stored of a token or link. They are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_agent(
    email: str, name: str, role: str = Role.AGENT, teams: list[str] | None = None, capacity: int = 20
) -> Agent:
    """A new seat. Raises ValueError with a sentence when the address is wrong or taken, or the role unknown."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValueError(f"{email!r} is not an e-mail address.") from error
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}; choose one of {', '.join(Role.values)}.")
    try:
        with transaction.atomic():
            agent = Agent(email=email, name=name.strip() or email, role=role, capacity=capacity)
            agent.set_unusable_password()
            agent.save()
            agent.teams.set([Team.objects.get_or_create(name=team)[0] for team in teams or []])
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


def add_token(name: str, role: str) -> str:
    """A new API token; this is the only time its text is known. Raises ValueError for an unknown role."""
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}; choose one of {', '.join(Role.values)}.")
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(name=name, role=role, digest=digest(secret))
    return secret


def set_presence(agent: Agent, presence: str) -> None:
    """Raises ValueError for a presence that does not exist."""
    if presence not in Presence.values:
        raise ValueError(f"There is no presence {presence!r}.")
    Agent.objects.filter(pk=agent.pk).update(presence=presence, seen_at=clock.now())
    agent.presence = presence


def revoke_tokens(name: str) -> int:
    """Revoke every live token of this name; returns how many."""
    return Token.objects.filter(name=name, revoked_at=None).update(revoked_at=clock.now())


def set_up_team(name: str, categories: list[str]) -> Team:
    """A team and the categories it takes; an empty list takes what no other team does. Raises ValueError for an empty name."""
    if not name.strip():
        raise ValueError("A team needs a name.")
    team, _ = Team.objects.update_or_create(name=name.strip()[:80], defaults={"categories": categories})
    return team
