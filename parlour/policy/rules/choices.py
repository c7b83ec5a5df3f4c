"""The lists that conditions and actions choose from and that a desk makes itself: teams, agents, inboxes, brands, channels.

Rules name them by what people call them, so that a rule can be read, and carried to another desk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from parlour.cases.access import Invalid
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.policy.rules.language import DEEDS, FIELDS, Group, Leaf, Spec, leaves
from parlour.staff import access
from parlour.staff.models import Agent, Team
from parlour.understanding import categories
from parlour.understanding.categories import Tree

NOBODY = "nobody"
"""The team or agent of a case that has none."""
Lists = dict[str, dict[str, str]]


def inbox_name(inbox: Inbox) -> str:
    return f"{inbox.brand.name} / {inbox.channel} / {inbox.name}"


def _agents() -> dict[str, str]:
    answering = Agent.objects.filter(is_active=True, role__in=access.roles_with(access.ANSWER)).order_by("name")
    return dict(answering.values_list("email", "name"))


def _trees() -> dict[str, Tree]:
    """Name of a brand -> its categories."""
    brands = dict(channels.brands().order_by("pk").values_list("pk", "name"))
    return {brands[pk]: tree for pk, tree in categories.trees(brands).items()}


def _categories() -> dict[str, str]:
    return categories.names(_trees().values())


def _archived() -> dict[str, str]:
    """Categories that no brand uses any more, so that rules that name them can still be read."""
    trees = list(_trees().values())
    live = categories.names(trees)
    return {slug: name for slug, name in categories.names(trees, archived=True).items() if slug not in live}


LISTS: dict[str, Callable[[], dict[str, str]]] = {
    "categories": _categories,
    "archived": _archived,
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
    found = {name for name in named if isinstance(name, str)}
    return found | {"archived"} if "categories" in found else found


def check(spec: Spec) -> None:
    """Raise Invalid where a rule names a team, agent, inbox, brand or channel that is not there, or a category that the brands it is
    for do not use."""
    chosen = [(FIELDS[leaf.what].choices, leaf.value, True) for leaf in leaves(spec.condition)]
    chosen += [(DEEDS[act.do].choices, act.value, False) for act in spec.acts]
    wanted = [
        (name, values, none) for name, values, none in chosen if isinstance(name, str) and isinstance(values, tuple)
    ]
    known = lists({name for name, _, _ in wanted})
    if "categories" in known:
        _check_categories(spec)
    for name, values, none in wanted:
        if name == "categories":
            continue
        for value in values:
            if value not in known[name] and not (none and value == NOBODY and name in ("teams", "agents")):
                raise Invalid(f"There is no {ONE[name]} “{value}” in this desk.")


def _check_categories(spec: Spec) -> None:
    """A condition may ask for what one of its brands uses; what a rule sets must be there in each of them."""
    trees = _trees()
    mine = {name: tree for name, tree in trees.items() if name in brands_of(spec.condition, trees)} or trees
    for leaf in leaves(spec.condition):
        if FIELDS[leaf.what].choices == "categories" and isinstance(leaf.value, tuple):
            for slug in leaf.value:
                if all(tree.meaning(slug) != slug for tree in mine.values() or [categories.SHIPPED]):
                    raise Invalid(_missing(slug, mine, everywhere=len(mine) == len(trees)))
    for act in spec.acts:
        if DEEDS[act.do].choices == "categories":
            for name, tree in mine.items() or {"": categories.SHIPPED}.items():
                if tree.meaning(act.value[0]) != act.value[0]:
                    others = "" if len(mine) < 2 else " Say for which brands the rule is, or add it there."
                    raise Invalid(_missing(act.value[0], {name: tree}, everywhere=not name) + others)


def brands_of(part: Group | Leaf, names: Iterable[str]) -> set[str]:
    """The brands for whose cases a condition can hold, as far as it names brands or inboxes that all of it hangs on."""
    found = set(names)
    if isinstance(part, Group):
        if part.kind == "all":
            for one in part.parts:
                found &= brands_of(one, names)
        elif part.kind == "any" and part.parts:
            found &= set().union(*(brands_of(one, names) for one in part.parts))
        return found
    if part.what == "brand" and isinstance(part.value, tuple):
        return found & set(part.value) if part.how == "is" else found - set(part.value)
    if part.what == "inbox" and part.how == "is" and isinstance(part.value, tuple):
        return {name for name in found if any(one.startswith(f"{name} / ") for one in part.value)}
    return found


def _missing(slug: str, trees: Mapping[str, Tree], *, everywhere: bool) -> str:
    """That none of these brands uses a category, and which of them has archived it."""
    for brand, tree in trees.items():
        if slug in tree.by_slug:
            return f"{brand} has archived the category “{tree.name(slug)}”: it is given to no message any more."
    if everywhere:
        return f"No brand of this desk has a category “{slug}”."
    if len(trees) == 1:
        return f"{next(iter(trees))} has no category “{slug}”."
    return f"None of the brands {', '.join(trees)} has a category “{slug}”."


ONE = {
    "teams": "team",
    "agents": "agent",
    "inboxes": "inbox",
    "brands": "brand",
    "channels": "channel",
}
