"""Where a customer speaks, in the names people know the places by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from parlour.cases.models import Thread
from parlour.channels import registry
from parlour.customers.models import Identity


@dataclass(frozen=True, slots=True)
class Known:
    """A name the customer goes by, with the places it is known from. ``followers`` is None where no place tells."""

    name: str
    places: tuple[str, ...]
    verified: bool
    followers: int | None
    emails: tuple[str, ...]


def known(identities: Iterable[Identity]) -> list[Known]:
    """One entry for each name: platforms count one person once per page and product, people do not."""
    by_name: dict[str, list[Identity]] = defaultdict(list)
    for one in identities:
        by_name[_called(one)].append(one)
    ids = [one.pk for group in by_name.values() for one in group]
    spoken: dict[int, list[str]] = defaultdict(list)
    pairs = (
        Thread.objects.filter(identity_id__in=ids).order_by().values_list("identity_id", "inbox__channel").distinct()
    )
    for identity_id, channel in sorted(pairs):
        spoken[identity_id].append(_label(channel))
    return [_known(name, group, spoken) for name, group in by_name.items()]


def _called(one: Identity) -> str:
    """A handle as people write it; a telephone number is none."""
    if one.handle and not one.handle.startswith("+"):
        return f"@{one.handle}"
    return one.handle or one.name or one.external_id


def _known(name: str, group: list[Identity], spoken: dict[int, list[str]]) -> Known:
    places = [place for one in group for place in spoken[one.pk]] or [group[0].realm.split(":")[0].capitalize()]
    return Known(
        name=name,
        places=tuple(dict.fromkeys(places)),
        verified=any(one.verified for one in group),
        followers=max((one.followers for one in group if one.followers is not None), default=None),
        emails=tuple(dict.fromkeys(one.email for one in group if one.email)),
    )


def _label(channel: str) -> str:
    found = registry.CHANNELS.get(channel)
    # A customer speaks on Facebook; the page is ours.
    return found.label.removesuffix(" Page") if found else channel.title()
