"""Resolving platform authors to customers."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from parlour.customers.models import Customer, Identity
from parlour.lib.rows import insert_rows

Key = tuple[str, str]
SHOWN = ("name", "handle", "avatar_url", "followers", "verified", "email")


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
        Identity.objects.bulk_update(changed, SHOWN)
    return known


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
    customers = insert_rows(Customer, [Customer(name=one.name or one.handle) for one in missing])
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
            setattr(identity, name, value)
            changed = True
    return changed
