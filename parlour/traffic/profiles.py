"""Who somebody is: platforms whose events do not say it are asked, once and lazily again, and faces are fetched. All of it after the message
is there; a refusal is normal, and a passing error is tried again a few times."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from parlour.cases.models import Case, Thread
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import ChannelError, ErrorKind
from parlour.channels.models import STILL, Inbox
from parlour.customers import actions as customers
from parlour.customers.actions import Claim
from parlour.customers.models import Identity
from parlour.lib import clock, files, safe_http, sniff
from parlour.lib.faults import where
from parlour.lib.text import one_line
from parlour.spine import actions as spine
from parlour.traffic.credentials import expired
from parlour.traffic.files import names
from parlour.traffic.proof import prove
from parlour.traffic.steps import identity_of

log = logging.getLogger(__name__)

AT_ONCE = 20
MOST_TRIES = 4
CLAIM = timedelta(minutes=5)
PICTURE_BYTES = 1024 * 1024
PICTURE_SECONDS = 15.0


def ask() -> int:
    """Ask about those who are due, at most ``AT_ONCE``; returns how many were looked at."""
    now = clock.now()
    due = list(Identity.objects.filter(ask_due_at__lte=now).order_by("-ask_due_at", "-id")[:AT_ONCE])
    for identity in due:
        mine = Identity.objects.filter(pk=identity.pk, ask_due_at=identity.ask_due_at)
        if mine.update(ask_due_at=now + CLAIM, ask_tries=F("ask_tries") + 1):
            identity.ask_tries += 1
            _ask(identity)
    return len(due)


def _place(identity: Identity, asking: list[str]) -> Thread | None:
    """A thread of theirs in an inbox that can be asked, the latest first."""
    theirs = Thread.objects.filter(identity=identity).exclude(inbox__health=Inbox.Health.GONE)
    if asking:
        theirs = theirs.filter(inbox__channel__in=asking)
    return theirs.select_related("inbox").order_by("-id").first()


def _ask(identity: Identity) -> None:
    asking = [name for name, channel in registry.CHANNELS.items() if channel.capabilities.profiles]
    thread = _place(identity, asking) if asking else None
    if thread is None:
        _settle(identity)
        return
    if thread.inbox.health in STILL:
        _put_off(identity, 3600.0, counts=False)
        return
    channel = registry.get(thread.inbox.channel)
    try:
        told = channel.profile(channels.config(thread.inbox), identity.external_id)
    except ChannelError as error:
        log.debug("A profile was refused by %s (%s).", channel.name, error.kind)
        renewed = error.kind is ErrorKind.AUTH_EXPIRED and expired(thread.inbox, one_line(error.words, 300))
        if renewed or not error.permanent:
            _put_off(identity, error.retry_after or 60.0 * 8 ** (identity.ask_tries - 1))
        else:
            _settle(identity)
        return
    except Exception as error:
        log.error("A profile of %s could not be read: %s", channel.name, where(error))
        _settle(identity)
        return
    if told is None:
        _settle(identity)
        return
    with transaction.atomic():
        customers.take_profile(identity, identity_of(told), clock.now(), told.facts)
        spine.write("customer.named", case_id=thread.case_id)
        stored = Identity.objects.get(pk=identity.pk)
        prove([Claim(stored, thread.inbox.brand_id, told.proof, channel.label)])


def _settle(identity: Identity) -> None:
    """There is nothing to be had: asked and done."""
    Identity.objects.filter(pk=identity.pk).update(asked_at=clock.now(), ask_due_at=None, ask_tries=0)


def _put_off(identity: Identity, seconds: float, *, counts: bool = True) -> None:
    if counts and identity.ask_tries >= MOST_TRIES:
        _settle(identity)
        return
    tries = identity.ask_tries if counts else identity.ask_tries - 1
    later = clock.now() + timedelta(seconds=min(seconds, 86_400.0))
    Identity.objects.filter(pk=identity.pk).update(ask_due_at=later, ask_tries=tries)


def fetch_faces() -> int:
    """Fetch the pictures that are due, at most ``AT_ONCE``; returns how many were looked at."""
    now = clock.now()
    due = list(Identity.objects.filter(picture_due_at__lte=now).order_by("-picture_due_at", "-id")[:AT_ONCE])
    for identity in due:
        mine = Identity.objects.filter(pk=identity.pk, picture_due_at=identity.picture_due_at)
        if mine.update(picture_due_at=now + CLAIM, picture_tries=F("picture_tries") + 1):
            _fetch_face(identity, identity.picture_tries + 1)
    return len(due)


def _fetch_face(identity: Identity, tries: int) -> None:
    place = _place(identity, [])
    own = place is not None and place.inbox.health not in STILL
    own = own and place is not None and names(channels.config(place.inbox), identity.avatar_url)
    try:
        got = safe_http.fetch(identity.avatar_url, most=PICTURE_BYTES, own=own, seconds=PICTURE_SECONDS)
        if sniff.INLINE.get(sniff.mime_of(got.content)) != "image":
            raise safe_http.Refused("It is no picture.")
        stored = files.keep(got.content, got.told)
    except (safe_http.Failed, files.Unavailable) as error:
        later = clock.now() + timedelta(minutes=2.0 * 8 ** (tries - 1))
        lost = tries >= MOST_TRIES or getattr(error, "status", None) in {403, 404, 410}
        Identity.objects.filter(pk=identity.pk).update(picture_due_at=None if lost else later)
        return
    except safe_http.Refused as error:
        log.debug("A picture was refused: %s", error)
        Identity.objects.filter(pk=identity.pk).update(picture_due_at=None)
        return
    with transaction.atomic():
        customers.show_picture(identity, stored.digest)
        case_id = (
            Case.objects.filter(customer_id=identity.customer_id).order_by("-id").values_list("pk", flat=True).first()
        )
        spine.write("customer.pictured", case_id=case_id)
