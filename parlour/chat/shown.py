"""What a visitor may read: the words of their own conversation that have really been said, newest page first. Notes have no thread, and
what waits for its undo, failed or was taken back has not been said."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, Exists, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from parlour.cases import actions as cases
from parlour.cases.models import UNSAID, Attachment, Delivery, Direction, FileState, Message, Thread
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.chat.visitors import ANONYMOUS, Visitor
from parlour.channels.models import Inbox
from parlour.customers.actions import resolve_identities
from parlour.customers.models import Identity

PAGE = 50


class WrongCursor(ValueError):
    """A cursor that was not given by ``page``."""


def _said(inbox: Inbox, visitor: Visitor) -> QuerySet[Message]:
    threads = Thread.objects.filter(inbox=inbox, external_id__in=visitor.threads).values_list("id", flat=True)
    gone = Delivery.objects.filter(message=OuterRef("pk"), what="send", state__in=UNSAID)
    rows = Message.objects.filter(thread_id__in=list(threads), external_id__isnull=False, deleted_at__isnull=True)
    return rows.filter(~Exists(gone), direction__in=[Direction.IN, Direction.OUT])


def page(inbox: Inbox, visitor: Visitor, before: str = "") -> dict[str, Any]:
    """``{"messages": oldest first, "earlier": cursor or None}``. Raises WrongCursor."""
    rows = _said(inbox, visitor)
    if before:
        at, number = _read(before)
        beyond = "(cases_message.sent_at, cases_message.id) < (%s, %s)"
        moment = connection.ops.adapt_datetimefield_value(at)
        rows = rows.filter(RawSQL(beyond, (moment, number), output_field=BooleanField()))
    found = list(rows.prefetch_related("attachments").order_by("-sent_at", "-id")[: PAGE + 1])
    shown = found[:PAGE]
    earlier = _cursor(shown[-1]) if len(found) > PAGE else None
    return {"messages": [_told(message) for message in reversed(shown)], "earlier": earlier}


def _told(message: Message) -> dict[str, Any]:
    mine = message.direction == Direction.IN
    external_id = message.external_id or ""
    return {
        "id": external_id.rpartition("/")[2] if mine else external_id,
        "mine": mine,
        "text": message.text,
        "at": message.sent_at.astimezone(UTC).isoformat(),
        "choices": [] if mine else message.meta.get("choices", []),
        "files": [
            {
                "id": file.pk if file.state == FileState.FETCHED else None,
                "name": file.name or file.kind,
                "kind": file.kind,
            }
            for file in message.attachments.all()
            if file.state in (FileState.FETCHED, FileState.WAITING)
        ],
    }


def attachment(inbox: Inbox, visitor: Visitor, number: int) -> Attachment | None:
    """A file of the visitor's own conversation that is here; None for any other."""
    if not 0 < number < 2**63:
        return None
    return Attachment.objects.filter(pk=number, state=FileState.FETCHED, message__in=_said(inbox, visitor)).first()


def _cursor(message: Message) -> str:
    return base64.urlsafe_b64encode(f"{message.sent_at.astimezone(UTC).isoformat()}|{message.pk}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, int]:
    try:
        moment, _, number = base64.urlsafe_b64decode(cursor.encode()).decode("ascii").partition("|")
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None or not number.isdecimal() or not 0 < int(number) < 2**63:
            raise WrongCursor("This cursor is not one of ours.")
        return at.astimezone(UTC), int(number)
    except (binascii.Error, UnicodeError, ValueError, OverflowError) as error:
        raise WrongCursor("This cursor is not one of ours.") from error


def has_spoken(inbox: Inbox, visitor: Visitor) -> bool:
    """Whether words of theirs have come in."""
    return _said(inbox, visitor).filter(direction=Direction.IN).exists()


def _realm(inbox: Inbox) -> str:
    return registry.get(inbox.channel).realm(channels.config(inbox))


def spent(inbox: Inbox, visitor: Visitor) -> bool:
    """Whether the name the desk gave belongs to somebody the site has vouched for since: whoever else knows its token must not speak
    for them, nor read."""
    if visitor.known:
        return False
    own = Identity.objects.filter(realm=_realm(inbox), external_id=visitor.id).values("customer_id")
    return _vouched(inbox).filter(customer_id__in=own).exists()


def _vouched(inbox: Inbox) -> QuerySet[Identity]:
    return Identity.objects.filter(realm=_realm(inbox)).exclude(external_id__startswith=ANONYMOUS)


def join(inbox: Inbox, known: Visitor, earlier: Visitor) -> bool:
    """The same browser has shown both: what was written before signing in belongs to the customer the site vouches for, and ``earlier``
    is spent. False, and nothing done, where it belongs to another such customer."""
    realm = _realm(inbox)
    told = Identity(realm=realm, external_id=known.id, name=known.name, email=known.email, verified=True)
    with transaction.atomic():
        # Also of a guest whose words are still on their way: they must find who it was.
        found = resolve_identities([told, Identity(realm=realm, external_id=earlier.id)])
        identity = found[realm, known.id]
        # Of two who show the same token at once, the second sees what the first has done.
        before = Identity.objects.select_for_update().get(pk=found[realm, earlier.id].pk)
        if before.customer_id == identity.customer_id:
            return True
        if _vouched(inbox).filter(customer_id=before.customer_id).exists():
            return False
        reason = "They signed in on the site during the chat."
        cases.join_customers(identity.customer_id, before.customer_id, reason=reason)
        return True
