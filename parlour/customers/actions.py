"""Resolving platform authors to customers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.db import IntegrityError, models, transaction

from parlour.customers.models import Customer, Fact, Identity, Proof
from parlour.lib import clock
from parlour.lib.rows import insert_rows
from parlour.lib.text import one_line

_FETCHED = ("https://", "http://")

Key = tuple[str, str]
SHOWN = ("name", "handle", "avatar_url", "followers", "verified", "email", "language")


def resolve_identities(wanted: Iterable[Identity]) -> dict[Key, Identity]:
    """The stored identities of these (unsaved) ones by (realm, external id), made with a customer each where they are new.

    What a platform tells anew (name, handle, followers ...) is taken over; what it leaves out is kept. In the caller's transaction.
    """
    told = {(one.realm, one.external_id): one for one in wanted}
    known = _known(told)
    # In one order everywhere, so that two workers with the same new people never wait for each other.
    missing = [told[key] for key in sorted(told) if key not in known]
    if missing:
        known |= _made(missing)
    changed = [identity for key, identity in known.items() if _take_over(identity, told[key])]
    if changed:
        Identity.objects.bulk_update(changed, [*SHOWN, "picture_due_at", "picture_tries"])
    return known


@dataclass(frozen=True, slots=True)
class Passed:
    """Ids (a phone number) that one person had and a new one has now, by the new one's own id ``key``."""

    key: Key
    ids: tuple[Identity, ...]
    """As they are stored: the earlier person's."""
    keeper: Identity
    """What the earlier person is known by besides: an id like ``key``. It may be one of this very call."""


def tie(also: Mapping[Key, Iterable[str]], certain: Collection[Key] = ()) -> list[Passed]:
    """Ids of one person (realm and id -> other ids in that realm): those that are not known yet become identities of the customer who
    is known by another of them. Nothing where none is known, or all are. In the caller's transaction.

    Nothing, too, where the first id is new and another leads to a customer who has a first id of this kind already: platforms give
    a phone number to the next person, and their own ids to nobody else. Those are returned. Not asked of the ``certain``, of whom
    the platform has told that their ids have changed.
    """
    groups = [[key, *((key[0], one) for one in others)] for key, others in also.items()]
    known = _known({key for group in groups for key in group})
    doubtful = [group for group in groups if group[0] not in certain and group[0] not in known]
    held = _held({known[key].customer_id for group in doubtful for key in group if key in known})
    missing: dict[Key, Identity] = {}
    passed: list[Passed] = []
    for group in groups:
        if group in doubtful and (one := _passed(group, known, held)) is not None:
            passed.append(one)
            continue
        owner = next((known[key] for key in group if key in known), None)
        for key in group if owner is not None else ():
            if key not in known and owner is not None:
                realm, external_id = key
                told = Identity(realm=realm, external_id=external_id, customer_id=owner.customer_id, name=owner.name)
                missing.setdefault(key, told)
                held.setdefault(owner.customer_id, []).append(told)
    Identity.objects.bulk_create([missing[key] for key in sorted(missing)], ignore_conflicts=True)
    return passed


def _held(customers: Collection[int]) -> dict[int, list[Identity]]:
    held: dict[int, list[Identity]] = {}
    for identity in Identity.objects.filter(customer_id__in=customers).order_by("id") if customers else ():
        held.setdefault(identity.customer_id, []).append(identity)
    return held


def _passed(group: list[Key], known: Mapping[Key, Identity], held: Mapping[int, list[Identity]]) -> Passed | None:
    (realm, own), *others = group
    lesser = [known[key] for key in others if key in known and not _alike(key[1], own)]
    for owner in {one.customer_id: None for one in lesser}:
        for keeper in held.get(owner, ()):
            if keeper.realm == realm and _alike(keeper.external_id, own) and (realm, keeper.external_id) not in group:
                return Passed((realm, own), tuple(one for one in lesser if one.customer_id == owner), keeper)
    return None


def _alike(one: str, other: str) -> bool:
    """Whether two ids are of one kind: a number, or a name the platform gives."""
    return one.isdecimal() == other.isdecimal()


def pass_on(ids: Iterable[Identity], heir: Identity) -> None:
    """These identities are the heir's customer's from now on, and tell of nobody else any more. In the caller's transaction."""
    told = {"name": heir.name, "handle": heir.handle, "language": heir.language, "email": "", "avatar_url": ""}
    shown = {"picture": "", "picture_due_at": None, "followers": None, "verified": False}
    passed = [one.pk for one in ids]
    Identity.objects.filter(pk__in=passed).update(customer_id=heir.customer_id, **told, **shown)
    Proof.objects.filter(identity_id__in=passed).delete()
    Fact.objects.filter(identity_id__in=passed).delete()


MOST_FACTS = 40


@dataclass(frozen=True, slots=True)
class Claim:
    """An identity (stored) is said, with proof, to be the customer the brand knows as ``own_id``."""

    identity: Identity
    brand_id: int
    own_id: str
    where: str
    """The place that proves it, as people call it."""


@dataclass(frozen=True, slots=True)
class Same:
    """Two customers are one: ``into`` was proven first."""

    into: int
    other: int
    claim: Claim


def prove(claims: Iterable[Claim]) -> list[Same]:
    """Note what is proven; returns the customers who turn out to be one person, to be joined by the caller in the same transaction.

    The first proof of a customer stands: where they are known by another id already, nothing is noted and nobody joined. Of two who
    prove the same at the same moment, the next proof of either finds the other.
    """
    wanted = {(one.identity.pk, one.brand_id): one for one in claims if one.own_id and len(one.own_id) <= 200}
    known = _proofs(wanted.values())
    found: list[Same] = []
    moved: dict[int, int] = {}

    def owner(identity: Identity) -> int:
        return moved.get(identity.customer_id, identity.customer_id)

    for claim in wanted.values():
        customer_id = owner(claim.identity)
        theirs = [one for one in known if one.brand_id == claim.brand_id]
        otherwise = {owner(one.identity) for one in theirs if one.own_id != claim.own_id}
        if customer_id in otherwise:
            continue
        same = [one for one in theirs if one.own_id == claim.own_id]
        if all(one.identity_id != claim.identity.pk for one in same):
            made = Proof(identity=claim.identity, brand_id=claim.brand_id, own_id=claim.own_id, proven_at=clock.now())
            Proof.objects.bulk_create([made], ignore_conflicts=True)
            known.append(made)
        first = next((owner(one.identity) for one in same), customer_id)
        if first != customer_id and first not in otherwise:
            found.append(Same(first, customer_id, claim))
            moved |= {one: first for one, place in moved.items() if place == customer_id} | {customer_id: first}
    return found


def _proofs(claims: Iterable[Claim]) -> list[Proof]:
    """Everything proven of the ids and of the customers of these claims, the oldest first."""
    by_brand: dict[int, list[Claim]] = {}
    for claim in claims:
        by_brand.setdefault(claim.brand_id, []).append(claim)
    found: list[Proof] = []
    for brand_id, some in by_brand.items():
        ids = models.Q(own_id__in={one.own_id for one in some})
        people = models.Q(identity__customer_id__in={one.identity.customer_id for one in some})
        rows = Proof.objects.filter(ids | people, brand_id=brand_id).select_related("identity").order_by("id")
        found += _with_all(list(rows), brand_id)
    return found


def _with_all(found: list[Proof], brand_id: int) -> list[Proof]:
    """These, with whatever else is proven of their customers."""
    customers = {one.identity.customer_id for one in found}
    if not customers:
        return found
    rows = Proof.objects.filter(brand_id=brand_id, identity__customer_id__in=customers)
    return list(rows.select_related("identity").order_by("id"))


def note_facts(identity: Identity, told: Mapping[str, str], at: datetime) -> None:
    """What an account notes about its owner now, in place of what it did before. In the caller's transaction."""
    facts: dict[str, Fact] = {}
    for name, value in told.items():
        name, value = one_line(name, 80).strip(), one_line(value, 500).strip()
        if name and value and len(facts) < MOST_FACTS:
            facts.setdefault(name, Fact(identity=identity, name=name, value=value, told_at=at))
    Fact.objects.filter(identity=identity).exclude(name__in=facts).delete()
    unique, fields = ["identity", "name"], ["value", "told_at"]
    Fact.objects.bulk_create(facts.values(), update_conflicts=True, unique_fields=unique, update_fields=fields)


def _known(told: Iterable[Key]) -> dict[Key, Identity]:
    by_realm: dict[str, list[str]] = {}
    for realm, external_id in told:
        by_realm.setdefault(realm, []).append(external_id)
    found: dict[Key, Identity] = {}
    for realm, ids in by_realm.items():
        for identity in Identity.objects.filter(realm=realm, external_id__in=ids):
            found[realm, identity.external_id] = identity
    return found


def _made(missing: list[Identity]) -> dict[Key, Identity]:
    customers = insert_rows(Customer, [Customer(name=one.name or one.handle, language=one.language) for one in missing])
    for one in missing:
        one.picture_due_at = clock.now() if one.avatar_url.startswith(_FETCHED) else None
    for identity, customer in zip(missing, customers, strict=True):
        identity.customer = customer
    try:
        with transaction.atomic():
            insert_rows(Identity, missing)
        return {(one.realm, one.external_id): one for one in missing}
    except IntegrityError:
        Identity.objects.bulk_create(missing, ignore_conflicts=True)
    stored = _known([(one.realm, one.external_id) for one in missing])
    # Another worker was faster with some: its customers stay, ours were never used.
    used = {identity.customer_id for identity in stored.values()}
    unused = [customer.pk for customer in customers if customer.pk not in used]
    if unused:
        Customer.objects.filter(pk__in=unused).delete()
    return stored


def _take_over(identity: Identity, told: Identity) -> bool:
    changed = False
    for name in SHOWN:
        value = getattr(told, name)
        if value and getattr(identity, name) != value:
            if name == "avatar_url" and _is_another(value, identity):
                identity.picture_due_at, identity.picture_tries = clock.now(), 0
            setattr(identity, name, value)
            changed = True
    return changed


def _is_another(url: str, identity: Identity) -> bool:
    """Whether an address leads to another picture: platforms sign the same one anew each time, after the question mark."""
    if not url.startswith(_FETCHED):
        return False
    return not identity.picture or urlsplit(url)[:3] != urlsplit(identity.avatar_url)[:3]


def take_profile(identity: Identity, news: Identity, at: datetime, facts: Mapping[str, str] | None = None) -> None:
    """Note what a platform has told about somebody when asked: what it leaves out is kept, and nothing is due any more. ``facts`` take the
    place of the earlier ones, None leaves those."""
    fields = [*SHOWN, "picture_due_at", "picture_tries", "asked_at", "ask_due_at", "ask_tries"]
    with transaction.atomic():
        stored = Identity.objects.select_for_update().get(pk=identity.pk)
        _take_over(stored, news)
        stored.asked_at, stored.ask_due_at, stored.ask_tries = at, None, 0
        stored.save(update_fields=fields)
        if facts is not None:
            note_facts(stored, facts, at)
        Customer.objects.filter(pk=stored.customer_id, name="").update(name=stored.name or stored.handle)
        Customer.objects.filter(pk=stored.customer_id, language="").update(language=stored.language)


def show_picture(identity: Identity, digest: str) -> None:
    """The picture of an identity is here, and is its customer's face."""
    Identity.objects.filter(pk=identity.pk).update(picture=digest, picture_due_at=None, picture_tries=0)
    Customer.objects.filter(pk=identity.customer_id).update(picture=digest)
