"""The pages on which team leads decide how the desk decides. Each part has views of its own; this is their table of contents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web.views import parts
from parlour.web.views.guard import seat


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of policy. ``address`` is the name of its first page's URL."""

    address: str
    label: str
    icon: str
    words: str


PARTS: tuple[Part, ...] = (
    Part(
        "policy-understanding",
        "Understanding",
        "academic-cap",
        "What messages are taken for, how often that is right, and what was learnt from corrections.",
    ),
    Part("policy-categories", "Categories", "tag", "Each brand's own tree of what customers write about."),
    Part(
        "policy-moderation",
        "Moderation",
        "shield-exclamation",
        "What is flagged, held, hidden or deleted by itself; personal data, spammers and floods.",
    ),
    Part("policy-rules", "Rules", "bolt", "When this happens and that holds, what the desk does by itself."),
    Part("policy-priority", "Priority", "chevron-double-up", "What makes a case pressing, and by how much."),
    Part("policy-routing", "Routing", "arrows-right-left", "Teams, what they take, and how cases find their agent."),
    Part("policy-people", "People", "users", "Agents: what they know, how much they take, whose team they are in."),
    Part(
        "policy-approvals",
        "Approvals",
        "check-badge",
        "Whose answers, and which words, wait for a second pair of eyes.",
    ),
    Part(
        "policy-service-levels",
        "Service levels",
        "clock",
        "How soon customers are promised an answer and an end, in which hours, and what happens when that breaks.",
    ),
    Part(
        "policy-incidents",
        "Incidents",
        "bolt",
        "Many customers, one cause: one status and one answer for all of them.",
    ),
    Part(
        "policy-escalation",
        "Escalation",
        "arrow-trending-up",
        "Other systems that cases can be handed over to, and how they answer.",
    ),
)
"""In the order in which a message meets them."""


def frame(agent: Agent, address: str) -> dict[str, Any]:
    """What stands around every page of policy; ``address`` names the part it belongs to. For templates that extend ``policy/frame.html``."""
    return parts.frame(agent) | {
        "section": "policy",
        "policy_parts": PARTS,
        "part": next((one for one in PARTS if one.address == address), None),
        "may_change": access.may(agent, access.LEAD),
    }


@seat(access.LEAD)
def policy(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What can be decided here."""
    return render(request, "policy/home.html", frame(agent, ""))
