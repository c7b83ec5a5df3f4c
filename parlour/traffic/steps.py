"""The steps that make an arrival exist as a message of a case (transaction T1 of the walk). Each takes the whole batch."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from parlour.cases.models import Case, Delivery, DeliveryState, Message, Status, Thread
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import Author, Channel, Inbound, Kind, ThreadKey
from parlour.channels.models import Inbox
from parlour.customers.actions import Claim, Passed, pass_on, resolve_identities, tie
from parlour.customers.models import Identity
from parlour.lib.clock import EARLIEST
from parlour.lib.faults import where
from parlour.lib.text import one_line
from parlour.traffic.batch import Batch, Item, thread_values
from parlour.traffic.models import ArrivalState
from parlour.traffic.proof import prove
from parlour.traffic.shared import own_name, platform_name

SPOKEN = (Kind.MESSAGE, Kind.ECHO, Kind.EDIT)
"""Kinds that carry words and may make a message."""
IN_FLIGHT = 1000
"""How many of the newest answers without a receipt an echo is compared with."""
LATEST, LATEST_EDITED = 20_000, 200
"""How many messages back one is looked for by another id than its own, and how many that have such ids."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600, 3600))
"""How long an event waits, try by try, for the message it is about."""


def normalise(batch: Batch) -> None:
    """Arrivals become normalised events; what cannot be read is parked, what is knowingly not kept says why."""
    inboxes = {inbox.pk: inbox for inbox in channels.inboxes().filter(pk__in={a.inbox_id for a in batch.arrivals})}
    configs = {pk: channels.config(inbox) for pk, inbox in inboxes.items()}
    for arrival in batch.arrivals:
        outcome = batch.outcome(arrival)
        inbox = inboxes.get(arrival.inbox_id)
        if inbox is None:
            outcome.state, outcome.reason = ArrivalState.PARKED, "Its inbox does not exist any more."
            continue
        channel, config = registry.get(inbox.channel), configs[inbox.pk]
        try:
            inbounds = list(channel.parse(bytes(arrival.body), config, arrival.received_at))
        except Exception as error:  # parse promises ValueError; a fault in it must not hold up the others
            words = str(error) if isinstance(error, ValueError) else f"A fault of Parlour's: {where(error)}."
            outcome.state, outcome.reason = ArrivalState.PARKED, one_line(f"It could not be read. {words}", 300)
            continue
        if too_long := next((inbound for inbound in inbounds if _too_long(inbound)), None):
            outcome.state, outcome.reason = (
                ArrivalState.PARKED,
                f"An id of the {too_long.kind} is longer than 200 characters.",
            )
            continue
        kept = [inbound for inbound in inbounds if inbound.kind is not Kind.IGNORED]
        ignored = [one.author for one in inbounds if one.kind is Kind.IGNORED and one.author is not None]
        batch.met += [author for author in ignored if author.also]
        batch.told_of += [(inbox, channel, author) for author in ignored]
        if not kept:
            reasons = "; ".join(inbound.reason for inbound in inbounds) or "It held no event."
            outcome.state, outcome.reason = ArrivalState.IGNORED, one_line(reasons, 300)
        batch.items += [Item(arrival, inbox, channel, config, inbound) for inbound in kept]


def _too_long(inbound: Inbound) -> bool:
    ids = (inbound.external_id, inbound.reply_to, inbound.author.external_id if inbound.author else "")
    return any(len(one) > 200 for one in ids)


def recall(batch: Batch) -> None:
    """Load the messages these events are about, answer or repeat, and our own answers that still wait for a receipt."""
    wanted: dict[int, set[str]] = {}
    references: set[str] = set()
    for item in batch.items:
        ids = wanted.setdefault(item.inbox.pk, set())
        ids.update(one for one in (item.inbound.external_id, item.inbound.reply_to, *item.inbound.follows[:20]) if one)
        if item.inbound.our_reference:
            references.add(item.inbound.our_reference)
    for inbox_id, ids in wanted.items():
        for message in Message.objects.filter(inbox_id=inbox_id, external_id__in=ids).select_related("thread"):
            _remember(batch, inbox_id, message.external_id or "", message)
    for item in batch.items:
        place = (item.inbox.pk, item.inbound.external_id)
        if item.inbound.kind is Kind.DELETE and place not in batch.messages and (found := _by_other_id(item)):
            _remember(batch, *place, found)
    if any(item.inbound.kind is Kind.ECHO for item in batch.items):
        batch.in_flight = _in_flight({item.inbox.pk for item in batch.items if item.inbound.kind is Kind.ECHO})
    if references:
        ours = Delivery.objects.filter(reference__in=references, what="send").select_related(
            "message", "message__thread"
        )
        by_reference = {delivery.reference: delivery.message for delivery in ours}
        for item in batch.items:
            if (known := by_reference.get(item.inbound.our_reference)) is not None:
                _remember(batch, item.inbox.pk, item.inbound.external_id, known)


def _by_other_id(item: Item) -> Message | None:
    """The message that has this id besides its own (``Inbound.same``): among the latest of its author, or of all when nobody is named."""
    edited = (
        Message.objects.filter(inbox_id=item.inbox.pk, meta__has_key="ids").select_related("thread").order_by("-id")
    )
    author = item.inbound.author
    theirs = edited.none()
    if author is not None:
        key = {"identity__realm": author.realm, "identity__external_id": author.external_id}
        theirs = edited.filter(**key)[:LATEST_EDITED]
    newest = Message.objects.order_by("-id").values_list("id", flat=True).first() or 0
    latest = edited.filter(pk__gt=newest - LATEST)[:LATEST_EDITED]
    # Whose post of ours it was is not told: those have no identity.
    return next((one for rows in (theirs, latest) for one in rows if item.inbound.external_id in one.meta["ids"]), None)


def _in_flight(inboxes: set[int]) -> list[Delivery]:
    """Answers that may have reached the platform without our knowing their id, oldest first: whoever has claimed them once."""
    tried = Delivery.objects.filter(
        what="send", message__inbox_id__in=inboxes, message__external_id__isnull=True, claimed_until__isnull=False
    ).exclude(state=DeliveryState.CANCELLED)
    rows = tried.select_related("message", "message__thread", "message__case").order_by("-id")[:IN_FLIGHT]
    return list(rows)[::-1]


def _remember(batch: Batch, inbox_id: int, external_id: str, message: Message) -> None:
    if message.thread is not None:
        message.thread = batch.known_thread(message.thread)
    batch.messages.setdefault((inbox_id, external_id), message)


def identify(batch: Batch) -> None:
    """Authors become identities with a customer each."""
    wanted: dict[tuple[str, str], Identity] = {}
    for item in batch.items:
        author = item.customer_author
        if author is not None and _introduces(batch, item):
            told = identity_of(author)
            earlier = wanted.get((author.realm, author.external_id))
            wanted[author.realm, author.external_id] = told if earlier is None or told.name else earlier
    batch.identities = _resolved(batch, wanted)
    _prove(batch)
    for item in batch.items:
        if (author := item.customer_author) is not None:
            item.identity = batch.identities.get((author.realm, author.external_id))
        if item.identity is not None and _is_to_be_asked(item, item.identity, batch.now):
            batch.ask.add(item.identity.pk)


def _prove(batch: Batch) -> None:
    """What is proven of people comes before their threads and cases are looked at: joining changes those."""
    changed = _changed(batch)
    spoken = [
        (item.inbox, item.channel, author, batch.identities.get((author.realm, author.external_id)))
        for item in batch.items
        if (author := item.customer_author) is not None and author.proof
    ]
    claims = [
        Claim(identity, inbox.brand_id, author.proof, channel.label)
        for inbox, channel, author, identity in (*spoken, *changed)
        if author.proof and identity is not None
    ]
    if not claims or not prove(claims):
        return
    stored = {one.pk: one for one in Identity.objects.filter(pk__in={one.pk for one in batch.identities.values()})}
    for identity in batch.identities.values():
        identity.customer_id = stored[identity.pk].customer_id
    batch.forget()
    recall(batch)


def _changed(batch: Batch) -> list[tuple[Inbox, Channel, Author, Identity | None]]:
    """Known people whose account has changed; where profiles are refreshed, their platform is asked anew."""
    realms: dict[str, set[str]] = {}
    for _, _, author in batch.told_of:
        realms.setdefault(author.realm, set()).add(author.external_id)
    known: dict[tuple[str, str], Identity] = {}
    for realm, ids in realms.items():
        known |= {(realm, one.external_id): one for one in Identity.objects.filter(realm=realm, external_id__in=ids)}
    found = [(inbox, can, one, known.get((one.realm, one.external_id))) for inbox, can, one in batch.told_of]
    batch.ask |= {one.pk for _, can, _, one in found if one is not None and can.capabilities.profile_days is not None}
    return found


def _resolved(batch: Batch, wanted: dict[tuple[str, str], Identity]) -> dict[tuple[str, str], Identity]:
    """The identities wanted, with the other ids of the same people: whoever is known by one id is not made again for another."""
    people = [author for item in batch.items if (author := item.customer_author) is not None and author.also]
    also = {(one.realm, one.external_id): one.also for one in (*people, *batch.met)}
    if not also:
        return resolve_identities(wanted.values()) if wanted else {}
    others = {(realm, one) for (realm, _), ids in also.items() for one in ids}
    passed = tie(also, certain={(one.realm, one.external_id) for one in batch.met})
    found = resolve_identities(one for key, one in wanted.items() if key not in others)
    for one in passed:
        if (heir := found.get(one.key)) is not None:
            _pass_on(batch, one, heir)
    tie({key: ids for key, ids in also.items() if key in found})
    return found | resolve_identities(one for key, one in wanted.items() if key in others)


def _pass_on(batch: Batch, passed: Passed, heir: Identity) -> None:
    """Somebody new has an id of somebody else's (a phone number given to the next person): it is theirs from now on. What the other
    has said stays the other's, and is answered by the id that is still theirs: never to the one who has the number now."""
    pass_on(passed.ids, heir)
    before = passed.ids[0].customer_id
    keeper = Identity.objects.get(realm=passed.keeper.realm, external_id=passed.keeper.external_id)
    inboxes = {item.inbox.pk for item in batch.items if (who := item.customer_author) and who.realm == keeper.realm}
    addresses = {one.external_id for one in passed.ids}
    batch.moved |= {(before, address): keeper.external_id for address in addresses}
    theirs = Thread.objects.filter(inbox_id__in=inboxes, customer_id=before, address__in=addresses)
    theirs.update(address=keeper.external_id, identity=keeper)
    for thread in batch.threads.values():
        if thread.customer_id == before and thread.address in addresses:
            thread.address, thread.identity_id = keeper.external_id, keeper.pk
            batch.stored_threads[thread.pk] = thread_values(thread)
    Message.objects.filter(identity__in=passed.ids, case__customer_id=before).update(identity=keeper)
    batch.apart[heir.customer_id] = (
        "Somebody new, though their number is known: it was another customer's, whom the platform knows by another id."
    )


def _is_to_be_asked(item: Item, identity: Identity, now: datetime) -> bool:
    """Whether the platform is asked who somebody is: the first time, and lazily again when they write long after."""
    can = item.channel.capabilities
    if not can.profiles or identity.ask_due_at is not None:
        return False
    if identity.asked_at is None:
        return not identity.name or can.profile_days is not None
    return can.profile_days is not None and identity.asked_at < now - timedelta(days=can.profile_days)


def _introduces(batch: Batch, item: Item) -> bool:
    """Whether its author is to be a customer: whoever speaks, but not whoever edits what is known (our own words, too, are edited)."""
    if item.inbound.kind is Kind.EDIT:
        return item.inbound.thread is not None and (item.inbox.pk, item.inbound.external_id) not in batch.messages
    return item.inbound.kind in SPOKEN


def identity_of(author: Author) -> Identity:
    """What a platform tells of somebody, as an identity that is not stored."""
    return Identity(
        realm=author.realm[:80],
        external_id=author.external_id[:200],
        name=one_line(author.name, 120),
        handle=one_line(author.handle, 80),
        avatar_url=author.avatar_url if len(author.avatar_url) <= 500 else "",
        followers=min(author.followers, 2**31 - 1) if author.followers is not None and author.followers >= 0 else None,
        verified=author.verified,
        email=author.email[:254],
        language=one_line(author.language, 8),
    )


def thread(batch: Batch) -> None:
    """Find or make each event's thread, and load the cases concerned."""
    wanted: dict[int, set[str]] = {}
    for item in batch.items:
        name = thread_name(item.inbound)
        if (item.inbox.pk, name) not in batch.threads:
            wanted.setdefault(item.inbox.pk, set()).add(name)
    for inbox_id, ids in wanted.items():
        for one in Thread.objects.filter(inbox_id=inbox_id, external_id__in=ids):
            batch.known_thread(one)
    _load_own(batch)
    begun: dict[tuple[int, str], Thread] = {}
    for item in batch.items:
        if item.inbound.thread is not None:
            item.thread = (
                _continued(batch, item, begun)
                or _echoed(batch, item, begun)
                or _thread(batch, item, item.inbound.thread)
            )
        if item.thread is not None and item.inbound.external_id:
            begun.setdefault((item.inbox.pk, item.inbound.external_id), item.thread)
    _load_cases(batch)


def _load_own(batch: Batch) -> None:
    """The threads people have of their own in conversations that are another customer's; asked for only where there are such."""
    wanted: dict[int, set[str]] = {}
    for item in batch.items:
        if item.inbound.thread is not None and item.identity is not None:
            name = thread_name(item.inbound)
            if _is_anothers(batch.threads.get((item.inbox.pk, name)), item.identity):
                wanted.setdefault(item.inbox.pk, set()).add(own_name(name, item.identity.customer_id))
    for inbox_id, names in wanted.items():
        for one in Thread.objects.filter(inbox_id=inbox_id, external_id__in=names):
            batch.known_thread(one)


def _is_anothers(thread: Thread | None, identity: Identity) -> bool:
    return thread is not None and thread.customer_id not in {None, identity.customer_id}


def _echoed(batch: Batch, item: Item, begun: dict[tuple[int, str], Thread]) -> Thread | None:
    """The thread our own words belong to when they say no more than the conversation: their own when they are known, else that of
    what they answer there."""
    if item.inbound.kind is not Kind.ECHO:
        return None
    for one in (item.inbound.external_id, item.inbound.reply_to if item.identity is None else ""):
        place = (item.inbox.pk, one)
        known = batch.messages.get(place) if one else None
        found = batch.known_thread(known.thread) if known is not None and known.thread is not None else begun.get(place)
        if found is not None and platform_name(found.external_id) == thread_name(item.inbound):
            return found
    return None


def _continued(batch: Batch, item: Item, begun: dict[tuple[int, str], Thread]) -> Thread | None:
    """The thread of the nearest earlier message an event names that is known, from before or from this batch."""
    for earlier in item.inbound.follows[:20]:
        place = (item.inbox.pk, earlier)
        known = batch.messages.get(place)
        found = batch.known_thread(known.thread) if known is not None and known.thread is not None else begun.get(place)
        # A mail may name another customer's words (forwarded, or forged): each customer's threads are their own.
        if found is not None and (item.identity is None or found.customer_id in {None, item.identity.customer_id}):
            return found
    return None


def thread_name(inbound: Inbound) -> str:
    """External id of an event's thread; of our own words without one, the message they stand under."""
    return (inbound.thread.external_id if inbound.thread else inbound.reply_to or inbound.external_id)[:250]


def _thread(batch: Batch, item: Item, key: ThreadKey) -> Thread | None:
    external_id = thread_name(item.inbound)
    known = batch.threads.get((item.inbox.pk, external_id))
    if item.identity is not None and _is_anothers(known, item.identity):
        external_id = own_name(external_id, item.identity.customer_id)
        known = batch.threads.get((item.inbox.pk, external_id))
    if known is None and item.inbound.kind in SPOKEN:
        address = key.address
        if item.identity is not None:
            address = batch.moved.get((item.identity.customer_id, address), address)
        known = Thread(
            inbox=item.inbox,
            external_id=external_id,
            visibility=key.visibility,
            address=address[:200],
            subject=one_line(key.subject, 200),
            url=key.url[:500],
        )
        batch.threads[item.inbox.pk, external_id] = known
    if known is not None and known.customer_id is None and item.identity is not None:
        known.identity_id, known.customer_id = item.identity.pk, item.identity.customer_id
    return known


def _load_cases(batch: Batch) -> None:
    """Cases are held until the transaction ends: what an agent does meanwhile waits, and is not overwritten."""
    customers = {item.identity.customer_id for item in batch.items if item.identity is not None}
    customers |= {thread.customer_id for thread in batch.threads.values() if thread.customer_id is not None}
    named = {message.case_id for message in batch.messages.values()} | {t.case_id for t in batch.threads.values()}
    brands = {item.inbox.brand_id for item in batch.items}
    concerned = Q(customer_id__in=customers, brand_id__in=brands) | Q(pk__in=named - {None})
    rows = Case.objects.filter(concerned).select_for_update().order_by("pk")
    for case in channels.with_brands(rows):
        batch.cases[case.pk] = case
        key = (case.brand_id, case.customer_id)
        if case.status == Status.OPEN:
            batch.open_cases[key] = case
        elif (other := batch.closed_cases.get(key)) is None or (case.resolved_at or EARLIEST) > (
            other.resolved_at or EARLIEST
        ):
            batch.closed_cases[key] = case


PATIENCE = 3
"""How many tries an event waits for that makes a message by itself in the end."""


def patient(item: Item) -> bool:
    """Whether an event may still wait for the message that belongs before it."""
    return item.arrival.attempts < PATIENCE


def later(batch: Batch, item: Item, reason: str) -> None:
    """Put an event off until the message it is about has come; in the end it is ignored with ``reason``."""
    outcome = batch.outcome(item.arrival)
    if item.arrival.attempts < len(WAITS):
        outcome.state, outcome.due_at = ArrivalState.NEW, batch.now + WAITS[item.arrival.attempts]
    else:
        outcome.state = ArrivalState.IGNORED
    outcome.reason = reason
