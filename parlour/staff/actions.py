"""Verbs of the staff room: seats, links, tokens, presence."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.staff.models import Agent, Presence, Role, SignInLink, Team, Token

MOST_CASES = 10_000
MOST_SKILLS, MOST_LETTERS = 50, 40
LEVELS = range(1, 6)
WRAP_UP_MINUTES = 5
LINK_LIFE = timedelta(hours=24)
TOKEN_PREFIX = "parlour_"  # noqa: S105 - a prefix that secret scanners can find, not a secret


def digest(secret: str) -> str:
    """What is stored of a token or link. They are 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add_agent(
    email: str,
    name: str,
    role: str = Role.AGENT,
    teams: list[str] | None = None,
    capacity: int = 20,
    skills: Mapping[str, int] | None = None,
    languages: Iterable[str] = (),
) -> Agent:
    """A new seat. Raises ValueError with a sentence when the address is wrong or taken, the role unknown, the capacity, a skill or a
    language odd."""
    email = email.strip()
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValueError(f"{email!r} is not an e-mail address.") from error
    if len(email) > 254:
        raise ValueError("An e-mail address has at most 254 characters.")
    check_capacity(capacity)
    known = {"skills": checked_skills(skills or {}), "languages": checked_languages(languages)}
    if role not in Role.values:
        raise ValueError(f"There is no role {role!r}; choose one of {', '.join(Role.values)}.")
    try:
        with transaction.atomic():
            agent = Agent(
                email=email, name=one_line(name, 80) or one_line(email, 80), role=role, capacity=capacity, **known
            )
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


def check_capacity(capacity: int) -> None:
    if not 0 <= capacity <= MOST_CASES:
        raise ValueError(f"A capacity is a number of cases from 0 to {MOST_CASES:,}.")


def checked_skills(skills: Mapping[str, int]) -> dict[str, int]:
    """Skills as they are kept: short words in small letters with levels. Raises ValueError with a sentence."""
    kept: dict[str, int] = {}
    for name, level in skills.items():
        word = one_line(name, MOST_LETTERS + 1).strip().lower()
        if not word or len(word) > MOST_LETTERS or "," in word or ":" in word:
            raise ValueError(f"A skill is a word or two without commas, of at most {MOST_LETTERS} letters.")
        if level not in LEVELS:
            raise ValueError(f"The level of “{word}” must be a number from 1 to 5.")
        kept[word] = level
    if len(kept) > MOST_SKILLS:
        raise ValueError(f"{MOST_SKILLS} skills are the most.")
    return kept


def checked_languages(languages: Iterable[str]) -> list[str]:
    """Two- or three-letter codes, each once. Raises ValueError with a sentence."""
    kept = list(dict.fromkeys(one.strip().lower() for one in languages if one.strip()))
    for one in kept:
        if not re.fullmatch(r"[a-z]{2,3}", one):
            raise ValueError(f"“{one_line(one, 20)}” is no language code; write them as de, en, fr.")
    return kept


def set_presence(agent: Agent, presence: str, *, by_themselves: bool = True, minutes: int = WRAP_UP_MINUTES) -> None:
    """``minutes``: how long wrapping up lasts. Raises ValueError for a presence that does not exist."""
    if presence not in Presence.values:
        raise ValueError(f"There is no presence {presence!r}.")
    now = clock.now()
    seen_at = now if by_themselves else None
    until = now + timedelta(minutes=minutes) if presence == Presence.WRAP_UP else None
    Agent.objects.filter(pk=agent.pk).update(presence=presence, presence_until=until, seen_at=seen_at, gave_back=False)
    agent.presence, agent.presence_until = presence, until


def end_wrap_ups(agent_ids: Iterable[int], now: datetime) -> None:
    """Whose time to wrap up is over is online again."""
    over = Agent.objects.filter(pk__in=list(agent_ids), presence=Presence.WRAP_UP, presence_until__lte=now)
    over.update(presence=Presence.ONLINE, presence_until=None)


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
    Agent.objects.filter(pk__in=list(agent_ids)).update(seen_at=clock.now(), gave_back=False)
