"""What the panes show: the contexts shared by whole pages and their fragments."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from markupsafe import Markup, escape

from parlour.cases import queries as cases
from parlour.cases.actions import can_act
from parlour.cases.models import Case, Level, Message, Purpose, Status
from parlour.channels import registry
from parlour.lib.text import storable
from parlour.policy.handover import queries as handover
from parlour.policy.incidents import queries as incidents
from parlour.policy.moderation import covering
from parlour.policy.moderation import queries as moderation
from parlour.policy.routing import queries as routing
from parlour.staff import access
from parlour.staff.models import Agent, Presence
from parlour.understanding.categories import Tree
from parlour.web import around, bubbles, places, rows, timeline
from parlour.web.around import Around

PAGE = 50
STRETCH = 60
"""Messages shown at once; every change of an open case draws them again."""
TAB_NAMES = {
    "mine": "Mine",
    "unassigned": "Unassigned",
    "breaching": "Breaching",
    "open": "Open",
    "delight": "Delight",
    "marketing": "Marketing",
    "noise": "Noise",
    "resolved": "Resolved",
}


def tab_of(request: HttpRequest, case: Case, agent: Agent) -> str:
    """The tab a case was opened from, else the one in which it stands."""
    asked = request.GET.get("tab") or request.POST.get("tab") or ""
    if asked in cases.TABS:
        return asked
    if case.status == Status.RESOLVED:
        return "resolved"
    if case.purpose != Purpose.SERVICE and case.assignee_id != agent.pk:
        return case.purpose
    if not case.actionable:
        return "noise"
    if case.assignee_id == agent.pk:
        return "mine"
    return "open" if case.assignee_id else "unassigned"


def words_of(request: HttpRequest) -> str:
    """The search words, at most 200 characters of them."""
    return storable(request.GET.get("q") or request.POST.get("q") or "", 200).strip()


def query_of(tab: str, q: str = "") -> str:
    """What case addresses carry so that the queue beside the case stays the same."""
    return "?" + urlencode({"tab": tab, **({"q": q} if q else {})})


def frame(agent: Agent, shared: Around | None = None) -> dict[str, Any]:
    """What stands around every page: counts for the rail, and the agent's load."""
    shared = shared or around.around(agent)
    numbers = shared.counts | cases.tab_counts(agent, ("mine",))
    return {
        "agent": agent,
        "counts": numbers,
        "load": routing.load_shown(agent, numbers["mine"], shared.rules),
        "lead": access.may(agent, access.LEAD),
        "ailing": shared.ailing,
        "incidents_running": shared.incidents,
        "presences": Presence.choices,
        "section": "",
    }


def queue(agent: Agent, tab: str, q: str, *, cursor: str | None = None, limit: int = PAGE) -> dict[str, Any]:
    """One page of a tab."""
    page = cases.queue(agent, tab, q=q, cursor=cursor, limit=limit)
    return tab_shown(tab, q) | {"rows": rows.draw(page.items, tab, query_of(tab, q), q), "more": page.next}


def tab_shown(tab: str, q: str) -> dict[str, Any]:
    """A tab without its rows."""
    return {"tab": tab, "tabs": TAB_NAMES, "q": q, "query": query_of(tab, q)}


def mark(rows: Markup, tab: str, q: str, current: int | None) -> Markup:
    """The rows with the link of the open case marked as the current one."""
    if current is None:
        return rows
    link = f'href="{reverse("case", args=[current])}{escape(query_of(tab, q))}"'
    return Markup(str(rows).replace(link, f'{link} aria-current="true"', 1))  # noqa: S704 - rows drawn by our own template


def case_head(agent: Agent, case: Case, shared: Around | None = None) -> dict[str, Any]:
    """The case's name, state, clock and the selects of its head."""
    shared = shared or around.around(agent)
    return {
        "agent": agent,
        "case": case,
        "may_answer": access.may(agent, access.ANSWER),
        "agents": shared.agents,
        "teams": shared.teams,
        "agent_options": [(one.pk, one.name) for one in shared.agents if _may_have(one, case)],
        "team_options": [(one.pk, one.name) for one in shared.teams if one.active or one.pk == case.team_id],
        "levels": Level.choices,
        "purposes": Purpose.choices,
        "category_options": _categories(case, shared.tree(case.brand_id)),
        "incidents": incidents.of_case(case.pk),
        "handovers": handover.of_case(case.pk),
        "incident_options": [(one.pk, one.title) for one in shared.incidents if one.brand_id == case.brand_id],
        "lead": access.may(agent, access.LEAD),
    }


def _categories(case: Case, tree: Tree) -> list[tuple[str, str]]:
    """The brand's tree; and what the case has already, so that the select shows what is."""
    options = tree.options()
    if all(slug != case.category for slug, _ in options):
        options.append((case.category, tree.name(case.category)))
    return options


def _may_have(agent: Agent, case: Case) -> bool:
    """Whoever may answer; and who has the case already, so that the select shows what is."""
    return access.may(agent, access.ANSWER) or agent.pk == case.assignee_id


def case_flow(
    case: Case, head: dict[str, Any], *, before: str | None = None, known: cases.Known | None = None
) -> dict[str, Any]:
    """The timeline, or the stretch of it before a cursor. ``head`` is what ``case_head`` gave."""
    told = cases.timeline(case, before=before, limit=STRETCH, known=known or cases.Known(agents=head["agents"]))
    kinds = covering.cover_messages(told.messages, case, head["agent"])
    names = {one.pk: one.name for one in head["agents"]}
    teams = {one.pk: one.name for one in head["teams"]}
    woven = timeline.flow(told, cases.history(case), names, teams, case.brand_id, last=before is None)
    handled = moderation.handled_in(case.pk)
    drawn = bubbles.draw(woven.items, case, kinds.keys() | handled.keys(), may_answer=head["may_answer"])
    return {
        "flow": woven,
        "latest": told.messages,
        "drawn": drawn,
        "acts": timeline.ACTS,
        "kinds": kinds,
        "handled": handled,
        "is_covered": covering.is_covered,
        "hides": lambda message: can_act(message, "hide"),
        "speaks_in_private": speaks_in_private,
    }


def speaks_in_private(channel: str) -> bool:
    """Whether a customer of the channel can be answered where nobody else reads it."""
    return registry.get(channel).capabilities.private is not None


def case_composer(
    agent: Agent, case: Case, newest: int, known: cases.Known | None = None, latest: Sequence[Message] = ()
) -> dict[str, Any]:
    """The ways to answer. ``newest`` is the highest message id the agent is shown with it."""
    may_answer = access.may(agent, access.ANSWER)
    return {
        "ways": cases.ways(case, known.threads if known else None, latest) if may_answer else [],
        "newest": newest,
        "send_key": secrets.token_urlsafe(12),
        "draft": "",
        "chosen": "",
        "trouble": "",
        "newer": [],
    }


def case_customer(
    agent: Agent, case: Case, known: cases.Known | None = None, latest: Sequence[Message] | None = None
) -> dict[str, Any]:
    """Who the customer is, where they speak, and what moderation has put them under."""
    card = cases.customer_card(case, known, latest)
    covering.cover_cases(card.before)
    standing = {one.identity_id: one for one in moderation.standing_of(case.customer_id)}
    rights = {"may_answer": access.may(agent, access.ANSWER), "may_lead": access.may(agent, access.LEAD)}
    return rights | {
        "standing": standing,
        "card": card,
        "known": places.known(card.identities),
        "noted": places.noted(card.identities),
    }


def whole_case(request: HttpRequest, agent: Agent, case: Case) -> dict[str, Any]:
    """Everything the case and customer panes show."""
    tab, q = tab_of(request, case, agent), words_of(request)
    shared = around.around(agent)
    known = cases.known(case, shared.agents)
    head = case_head(agent, case, shared)
    shown = case_flow(case, head, known=known)
    return {
        **head,
        **shown,
        **case_composer(agent, case, shown["flow"].newest, known, shown["latest"]),
        **case_customer(agent, case, known, shown["latest"]),
        "around": shared,
        "tab": tab,
        "tab_name": TAB_NAMES[tab],
        "q": q,
        "query": query_of(tab, q),
    }
