"""Telling everybody: a round is worked off in the background, a few at a time, so that agents' own answers are not held up.

Each customer's row and their answer are one transaction: whatever is killed, nobody is told twice and nobody is forgotten.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q

from parlour.cases.access import Conflict, Invalid
from parlour.cases.actions import reply, resolve
from parlour.cases.approving import APPROVED_BY
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message, Status, Thread
from parlour.cases.parts import of_answer
from parlour.lib import clock
from parlour.lib.faults import where
from parlour.lib.text import one_line
from parlour.policy.incidents.approving import must_wait
from parlour.policy.incidents.filling import fit, values_of
from parlour.policy.incidents.models import Member, Round, RoundState, Told, ToldState
from parlour.spine import actions as spine
from parlour.spine.models import Event
from parlour.staff import access as staff

log = logging.getLogger(__name__)

AT_ONCE = 25
"""Customers in one go."""
ON_THEIR_WAY = 20
"""Answers of a round that may wait in the outbox at a time: agents' own answers go between them, and a pause is felt at once."""
_STOP = "stop stopp stopall unsubscribe cancelar alto arret arrêt baja abmelden optout opt-out"
STOP_WORDS = frozenset(_STOP.split())


def tell() -> int:
    """Go on with every round under way; returns how many customers were dealt with."""
    return sum(
        _go_on(pk) for pk in Round.objects.filter(state=RoundState.RUNNING).order_by("id").values_list("pk", flat=True)
    )


def _go_on(round_id: int) -> int:
    under_way = _on_their_way(round_id)
    # An inbox that is paused, or asked for patience, keeps nobody waiting who is told through another one.
    full = [inbox for inbox, count in under_way.items() if count >= ON_THEIR_WAY]
    room = min(AT_ONCE, ON_THEIR_WAY - max((count for count in under_way.values() if count < ON_THEIR_WAY), default=0))
    waiting = Told.objects.filter(round_id=round_id, state=ToldState.WAITING).order_by("id")
    there = Thread.objects.filter(case_id=OuterRef("case_id"), inbox_id__in=full)
    due = waiting.filter(~Exists(there)) if full else waiting
    done = sum(map(_tell_one, list(due.values_list("pk", flat=True)[:room])))
    if not waiting.exists():
        _finish(round_id)
    return done


def _on_their_way(round_id: int) -> dict[int, int]:
    """Inbox -> how many of a round's answers wait in the outbox to be sent through it."""
    said = Told.objects.filter(round_id=round_id, state=ToldState.SAID).values("message_id")
    under_way = (DeliveryState.QUEUED, DeliveryState.SENDING)
    rows = Delivery.objects.filter(what="send", state__in=under_way, message__in=said).order_by()
    return {inbox or 0: count for inbox, count in rows.values_list("message__inbox_id").annotate(Count("id"))}


def _finish(round_id: int) -> None:
    with transaction.atomic():
        one = Round.objects.select_for_update().get(pk=round_id)
        if one.state != RoundState.RUNNING or one.told.filter(state=ToldState.WAITING).exists():
            return
        one.state, one.done_at = RoundState.DONE, clock.now()
        one.save(update_fields=["state", "done_at"])
        spine.write("incident.told", incident=one.incident_id, round=one.pk, closing=one.closing)


def _tell_one(told_id: int) -> int:
    """Deal with one customer; 0 when somebody else does, or the round no longer runs."""
    try:
        with transaction.atomic():
            return _tell_held(told_id)
    except (Invalid, Conflict, staff.Denied) as error:
        _settle(told_id, ToldState.UNREACHABLE, str(error))
    except IntegrityError:
        _settle(told_id, ToldState.UNREACHABLE, "The answer could not be stored.")
    except DatabaseError:
        # Nothing was stored; they stay on the list, and their turn comes again.
        raise
    except Exception as error:
        log.error("A customer of a round could not be told (%s); the others are.", where(error))
        _settle(told_id, ToldState.UNREACHABLE, f"A fault of Parlour's ({type(error).__name__}).")
    return 1


def _settle(told_id: int, state: str, reason: str) -> None:
    waiting = Told.objects.filter(pk=told_id, state=ToldState.WAITING)
    waiting.update(state=state, reason=one_line(reason, 300), at=clock.now())


def _tell_held(told_id: int) -> int:
    row = Told.objects.get(pk=told_id)
    # Cases are held before anything of an incident everywhere, so that nobody waits in a ring. The round is held, too: a pause or a
    # stop comes before this customer or after them, never between.
    case = Case.objects.select_for_update(of=("self",)).select_related("brand", "customer").get(pk=row.case_id)
    one = Round.objects.select_for_update(of=("self",)).select_related("incident", "agent").get(pk=row.round_id)
    row = Told.objects.get(pk=told_id)
    if one.state != RoundState.RUNNING or row.state != ToldState.WAITING:
        return 0
    if reason := _left_out(one, case, row):
        _settle(told_id, ToldState.LEFT_OUT, reason)
        return 1
    values = values_of(case, one.incident.title, one.incident.public_words, one.agent.name)
    fitting = fit(case, one.text, one.short, one.lane, values)
    if fitting.way is None:
        _settle(told_id, ToldState.UNREACHABLE, fitting.trouble)
        return 1
    if must_wait(one, case, fitting):
        return 0
    message = reply(
        case.pk,
        by=one.agent,
        text=fitting.text,
        visibility=fitting.way.visibility,
        idempotency_key=f"incident:{one.incident_id}:{one.pk}:{row.customer_id}",
        claims=False,
    )
    if one.approved_by_id is not None:
        for part in of_answer(message):
            part.meta = {**part.meta, APPROVED_BY: f"agent:{one.approved_by_id}"}
            part.save(update_fields=["meta"])
    if one.then_resolve and case.status == Status.OPEN:
        resolve(case.pk, by=one.agent)
    how = f"{fitting.way.label}{', the shorter words' if fitting.shortened else ''}"
    row.state, row.reason, row.message, row.at = ToldState.SAID, how, message, clock.now()
    row.save(update_fields=["state", "reason", "message", "at"])
    return 1


def _left_out(one: Round, case: Case, row: Told) -> str:
    """Why a customer is not told; empty when they are."""
    # Two customers on the list may have been found to be one since it was made.
    if case.customer_id != row.customer_id:
        twin = Told.objects.filter(round=one, state=ToldState.SAID).exclude(pk=row.pk)
        if twin.filter(Q(customer_id=case.customer_id) | Q(case__customer_id=case.customer_id)).exists():
            return "They were told already, under another name."
    member = Member.objects.filter(incident=one.incident_id, case=case).first()
    if member is None or member.out:
        return "The case was taken out of the incident."
    if asked_to_stop(case):
        return "They have asked not to be written to."
    if case.status == Status.RESOLVED and not one.closing:
        return "The case was resolved meanwhile."
    if one.skip_answered and _answered_by_hand(one, case):
        return "A colleague has answered since they last wrote."
    return ""


def asked_to_stop(case: Case) -> bool:
    """Whether the customer's latest words say STOP, or the platform tells that they have opted out."""
    said = (
        Message.objects.filter(case__customer_id=case.customer_id, direction=Direction.IN)
        .order_by("-sent_at", "-id")
        .first()
    )
    if said is None:
        return False
    told = said.meta if isinstance(said.meta, dict) else {}
    word = str(told.get("opt_out") or "").strip().lower() or said.text.strip().strip(".!\"'").lower()
    return word in STOP_WORDS


def _answered_by_hand(one: Round, case: Case) -> bool:
    """Whether anybody but this incident's rounds, and rules that answer by themselves, has answered after the customer's latest words."""
    by_rounds = Told.objects.filter(round__incident=one.incident_id, message__isnull=False).values("message_id")
    by_rules = Event.objects.filter(case_id=case.pk, actor__startswith="rule:", message_id__isnull=False)
    by_rules = by_rules.filter(verb__in=("reply.queued", "reply.awaits"))
    ours = Message.objects.filter(case=case, direction=Direction.OUT).exclude(pk__in=by_rounds)
    ours = ours.exclude(pk__in=by_rules.values("message_id"))
    ours = ours.exclude(deliveries__state__in=(DeliveryState.FAILED, DeliveryState.CANCELLED))
    if case.last_in_at is not None:
        ours = ours.filter(sent_at__gte=case.last_in_at)
    return ours.exists()
