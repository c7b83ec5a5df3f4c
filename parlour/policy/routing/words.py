"""How teams and people read as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parlour.channels import registry
from parlour.policy.routing.decide import language_name
from parlour.staff.models import Strategy, Team
from parlour.understanding.heads import CATEGORY_NAMES

GIVES = {
    Strategy.LEAST.value: "Each goes to whoever has the most room.",
    Strategy.ROBIN.value: "They go to its agents one after the other.",
}
NO_HOURS: Mapping[str, str] = {}
PURPOSES = {"service": "", "marketing": "marketing", "delight": "moments of delight"}


def listed(words: Iterable[str], last: str = "and") -> str:
    """``a, b and c``."""
    all_words = list(words)
    return f" {last} ".join(filter(None, [", ".join(all_words[:-1]), *all_words[-1:]]))


def sentence(
    team: Team,
    brands: Mapping[int, str],
    teams: Mapping[int, str],
    categories: Mapping[str, str] = CATEGORY_NAMES,
    hours: Mapping[str, str] = NO_HOURS,
) -> str:
    """What a team takes and how it gives it out. The mappings give words for ids, slugs and keys of calendars."""
    if not team.active:
        return "Closed: it takes nothing."
    about = (
        f"cases about {listed((categories.get(one) or spoken(one) for one in team.categories), 'or')}"
        if team.categories
        else ""
    )
    special = [PURPOSES[one] for one in team.purposes if PURPOSES.get(one)]
    service = "service" in team.purposes
    what = about or ("what no other team does" if service else "")
    what = listed(filter(None, [what if service else "", *special]))
    limits = [
        f"in {listed(map(language_name, team.languages), 'or')}" if team.languages else "",
        f"on {listed(map(channel_label, team.channels), 'or')}" if team.channels else "",
        f"for {listed((brands.get(one, 'a former brand') for one in team.brands), 'or')}" if team.brands else "",
    ]
    takes = " ".join(filter(None, [f"Takes {what}", *limits])) + "."
    asked = f" Asks for {skills(team.skills)}." if team.skills else ""
    if team.purposes == ["delight"]:
        return f"{takes}{asked} Nobody is pushed: they look when they like."
    gives = GIVES[team.strategy] if team.pushes else "Its agents take the next one themselves."
    helps = ""
    if team.overflow_id and team.pushes:
        helps = f" After {team.overflow_minutes} minutes without room, {teams.get(team.overflow_id, 'a former team')} helps out."
        if team.hours in hours:
            helps = f"{helps.removesuffix('.')}; outside its hours at once."
    when = f" Open by the calendar “{hours[team.hours]}”." if team.hours in hours and team.pushes else ""
    wraps = f" After resolving, {seconds(team.wrap_up_seconds)} to wrap up." if team.wrap_up_seconds else ""
    return f"{takes}{asked} {gives}{helps}{when}{wraps}"


def seconds(count: int) -> str:
    """``90 seconds``, ``2 minutes``."""
    minutes = count // 60
    if count % 60 or not minutes:
        return f"{count} seconds"
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def spoken(slug: str) -> str:
    """A category that no brand has any more."""
    return slug.replace("-", " ").capitalize()


def skills(levels: Mapping[str, int]) -> str:
    """``refunds (3), legal (1)``."""
    return ", ".join(f"{skill} ({level})" for skill, level in sorted(levels.items()))


def channel_label(name: str) -> str:
    channel = registry.CHANNELS.get(name)
    return channel.label if channel else name.title()
