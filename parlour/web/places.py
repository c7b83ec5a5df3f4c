"""Where a customer speaks, in the names people know the places by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from parlour.cases.models import Thread
from parlour.channels import registry
from parlour.customers.models import Fact, Identity, Proof

PROVEN = "Your number"


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


@dataclass(frozen=True, slots=True)
class Noted:
    """Something a place tells of a customer besides their name; ``places`` tell it, ``at`` is when one last did."""

    name: str
    value: str
    places: tuple[str, ...]
    at: datetime


def noted(identities: Iterable[Identity]) -> list[Noted]:
    """The brand's own number of the customer, as it is proven, then what their accounts note about them; what several tell alike once."""
    by_id = {one.pk: one for one in identities}
    proofs = Proof.objects.filter(identity_id__in=by_id).order_by("id")
    facts = Fact.objects.filter(identity_id__in=by_id).order_by("identity_id", "id")
    told = [(PROVEN, one.own_id, by_id[one.identity_id], one.proven_at) for one in proofs]
    told += [(one.name, one.value, by_id[one.identity_id], one.told_at) for one in facts]
    found: dict[tuple[str, str], Noted] = {}
    for name, value, identity, at in told:
        place = _label(identity.realm.partition(":")[0])
        known = found.get((name, value))
        places = (place,) if known is None else tuple(dict.fromkeys((*known.places, place)))
        found[name, value] = Noted(name, value, places, max(at, known.at) if known else at)
    return list(found.values())


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
