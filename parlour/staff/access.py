"""What a role may do. The same answer serves pages, fragments, the stream's fragments and the API."""

from __future__ import annotations

from dataclasses import dataclass

from parlour.staff.models import Agent, Role, Token


class Denied(Exception):
    """The caller may not do this. Its text is shown to the caller."""


@dataclass(frozen=True, slots=True)
class Robot:
    """Something a team lead has set up, which answers and changes cases by itself: ``Robot("rule", 7)``."""

    kind: str
    pk: int
    role: str = Role.LEAD


Actor = Agent | Token | Robot
"""Whoever acts from outside, or by a lead's order. The desk itself acts without one (None) and needs no leave."""


READ = "read"
ANSWER = "answer"
LEAD = "lead"
ADMINISTER = "administer"
PERSONAL = "personal"
"""See personal data in any case. The agent who holds a case sees what is in it; who may answer can uncover it, which is logged."""

RIGHTS: dict[str, frozenset[str]] = {
    Role.ADMIN: frozenset({READ, ANSWER, LEAD, ADMINISTER, PERSONAL}),
    Role.LEAD: frozenset({READ, ANSWER, LEAD, PERSONAL}),
    Role.AGENT: frozenset({READ, ANSWER}),
    Role.ANALYST: frozenset({READ}),
}

WORDS = {
    READ: "read cases",
    ANSWER: "answer or change cases",
    LEAD: "lead a team",
    ADMINISTER: "change how the desk is set up",
    PERSONAL: "see personal data",
}


def may(actor: Actor, right: str) -> bool:
    return right in RIGHTS.get(actor.role, frozenset())


def roles_with(right: str) -> list[str]:
    """The roles that hold ``right``."""
    return [str(role) for role, rights in RIGHTS.items() if right in rights]


def require(actor: Actor, right: str) -> None:
    """Raise Denied unless ``actor`` holds ``right``."""
    if not may(actor, right):
        raise Denied(f"The role “{actor.role}” may not {WORDS[right]}.")


def actor_name(actor: Actor | None) -> str:
    """How the event log names an actor."""
    if actor is None:
        return "desk"
    if isinstance(actor, Robot):
        return f"{actor.kind}:{actor.pk}"
    return f"{'agent' if isinstance(actor, Agent) else 'token'}:{actor.pk}"
