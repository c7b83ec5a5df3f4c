"""The lists that conditions and actions choose from and that a desk makes itself: teams, agents, inboxes, brands, channels.

Rules name them by what people call them, so that a rule can be read, and carried to another desk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from parlour.cases.access import Invalid
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.policy.rules.language import DEEDS, FIELDS, Spec, leaves
from parlour.staff import access
from parlour.staff.models import Agent, Team
from parlour.understanding.models import Category
from parlour.understanding.queries import CATEGORY_NAMES

NOBODY = "nobody"
"""The team or agent of a case that has none."""
Lists = dict[str, dict[str, str]]


def inbox_name(inbox: Inbox) -> str:
    return f"{inbox.brand.name} / {inbox.channel} / {inbox.name}"


def _agents() -> dict[str, str]:
    answering = Agent.objects.filter(is_active=True, role__in=access.roles_with(access.ANSWER)).order_by("name")
    return dict(answering.values_list("email", "name"))


def _categories() -> dict[str, str]:
    """Of all brands; what a brand has named itself wins over the names that ship."""
    own = Category.objects.filter(archived_at=None).order_by("pk").values_list("slug", "name")
    return {**CATEGORY_NAMES, **dict(own)}


LISTS: dict[str, Callable[[], dict[str, str]]] = {
    "categories": _categories,
    "teams": lambda: dict(Team.objects.values_list("name", "name")),
    "agents": _agents,
    "inboxes": lambda: {inbox_name(one): inbox_name(one) for one in channels.inboxes()},
    "brands": lambda: {brand.name: brand.name for brand in channels.brands()},
    "channels": lambda: {name: channel.label for name, channel in registry.CHANNELS.items()},
}


def lists(names: Iterable[str] = tuple(LISTS)) -> Lists:
    """Name of a list -> value -> how it is shown."""
    return {name: LISTS[name]() for name in names}


def asked(spec: Spec) -> set[str]:
    """The lists from which a rule has chosen."""
    named = [FIELDS[leaf.what].choices for leaf in leaves(spec.condition)] + [
        DEEDS[act.do].choices for act in spec.acts
    ]
    return {name for name in named if isinstance(name, str)}


def check(spec: Spec) -> None:
    """Raise Invalid where a rule names a team, agent, inbox, brand or channel that is not there."""
    chosen = [(FIELDS[leaf.what].choices, leaf.value, True) for leaf in leaves(spec.condition)]
    chosen += [(DEEDS[act.do].choices, act.value, False) for act in spec.acts]
    wanted = [
        (name, values, none) for name, values, none in chosen if isinstance(name, str) and isinstance(values, tuple)
    ]
    known = lists({name for name, _, _ in wanted})
    for name, values, none in wanted:
        for value in values:
            if value not in known[name] and not (none and value == NOBODY and name in ("teams", "agents")):
                raise Invalid(f"There is no {ONE[name]} “{value}” in this desk.")


ONE = {
    "categories": "category",
    "teams": "team",
    "agents": "agent",
    "inboxes": "inbox",
    "brands": "brand",
    "channels": "channel",
}
