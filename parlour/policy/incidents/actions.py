"""Verbs on incidents. Each is one transaction and writes one line to the event log; leads decide, agents add the case at hand.

All raise Denied without the right, Incident.DoesNotExist or Case.DoesNotExist, Invalid for what cannot be, Conflict when it is too late.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from parlour.cases.access import Conflict, Invalid, possible_id
from parlour.cases.models import Case
from parlour.channels.models import Brand
from parlour.lib import clock
from parlour.lib.text import one_line, storable
from parlour.policy.incidents import approving, joining
from parlour.policy.incidents.filling import checked
from parlour.policy.incidents.models import (
    RUNNING,
    UNDER_WAY,
    Heard,
    Incident,
    Member,
    Round,
    RoundState,
    Standing,
    State,
    Told,
    ToldState,
    Watch,
)
from parlour.policy.incidents.queries import to_tell
from parlour.policy.incidents.words import belongs, read_words
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.spine.models import Event
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name
from parlour.staff.models import Agent

TITLE_LIMIT, WORDS_LIMIT, TEXT_LIMIT = 160, 1_000, 10_000


def open_by_hand(brand_id: int, *, by: Actor, title: str, words: str = "", cases: Iterable[int] = ()) -> Incident:
    """Open an incident nobody suggested. Cases of the last two days that say its words are taken in at once."""
    staff.require(by, staff.LEAD)
    title = _title(title)
    brand = Brand.objects.filter(pk=possible_id(brand_id)).first()
    if brand is None:
        raise Invalid("There is no such brand.")
    now = clock.now()
    with transaction.atomic():
        incident = Incident.objects.create(
            brand=brand,
            state=State.INVESTIGATING,
            title=title,
            words=read_words(words),
            found_at=now,
            last_at=now,
            opened_by=by if isinstance(by, Agent) else None,
            opened_at=now,
        )
        _standing(incident, "", by)
        spine.write("incident.opened", actor=actor_name(by), incident=incident.pk, title=title)
        _take_in(incident, set(cases), by)
    return incident


def accept(incident_id: int, *, by: Actor) -> Incident:
    """Open a suggested incident: from now on it runs, and everybody sees it."""
    with transaction.atomic():
        incident = _held(incident_id, by)
        if incident.state != State.SUGGESTED:
            raise Conflict("This incident is not only suggested any more.")
        incident.state, incident.opened_at = State.INVESTIGATING, clock.now()
        incident.opened_by = by if isinstance(by, Agent) else None
        incident.save(update_fields=["state", "opened_at", "opened_by"])
        _standing(incident, "", by)
        spine.write("incident.opened", actor=actor_name(by), incident=incident.pk, title=incident.title)
        _tell_cases(incident, by)
        _take_in(incident, set(), by)
    return incident


def dismiss(incident_id: int, *, by: Actor) -> Incident:
    """A false alarm: it is remembered, and suggested again only when it grows well beyond what it was."""
    with transaction.atomic():
        incident = _held(incident_id, by)
        if incident.state != State.SUGGESTED:
            raise Conflict("Only a suggestion can be dismissed; resolve an incident that runs.")
        incident.state, incident.ended_at = State.DISMISSED, clock.now()
        incident.save(update_fields=["state", "ended_at"])
        spine.write("incident.dismissed", actor=actor_name(by), incident=incident.pk, title=incident.title)
    return incident


def restore(incident_id: int, *, by: Actor) -> Incident:
    """Take a dismissal back."""
    with transaction.atomic():
        incident = _held(incident_id, by)
        if incident.state != State.DISMISSED or incident.into_id is not None:
            raise Conflict("Only a dismissed suggestion can be brought back.")
        incident.state, incident.ended_at = State.SUGGESTED, None
        incident.save(update_fields=["state", "ended_at"])
        spine.write("incident.restored", actor=actor_name(by), incident=incident.pk, title=incident.title)
    return incident


def change(incident_id: int, *, by: Actor, title: str, words: str, joins: bool, answers_later: bool) -> Incident:
    """Rename it, and say which words bring a case in, whether later messages join, and whether they get the answer, too."""
    with transaction.atomic():
        incident = _held(incident_id, by)
        was = incident.title
        incident.title, incident.words = _title(title), read_words(words)
        incident.joins, incident.answers_later = joins, answers_later
        incident.save(update_fields=["title", "words", "joins", "answers_later"])
        spine.write("incident.changed", actor=actor_name(by), incident=incident.pk, was=was, title=incident.title)
        if incident.running and joins:
            _take_in(incident, set(), by)
    return incident


def merge(incident_id: int, into_id: int, *, by: Actor) -> Incident:
    """Make one incident of two: ``into`` gets the cases and the words. Raises Conflict while the other one is telling people."""
    if incident_id == into_id:
        raise Invalid("An incident cannot be merged with itself.")
    with transaction.atomic():
        incident, into = (one for one in _both(incident_id, into_id, by))
        if incident.brand_id != into.brand_id:
            raise Invalid("Incidents of two brands stay apart.")
        if into.state in (State.RESOLVED, State.DISMISSED) or incident.state in (State.RESOLVED, State.DISMISSED):
            raise Conflict("One of the two is over.")
        if incident.rounds.filter(state__in=UNDER_WAY).exists():
            raise Conflict("It is just telling people: let that finish, or stop it.")
        known = set(into.members.values_list("case_id", flat=True))
        moved = list(incident.members.filter(out=False).exclude(case_id__in=known))
        for member in moved:
            member.incident = into
        Member.objects.bulk_update(moved, ["incident"], 500)
        # Whoever was told by the one has been told by the other.
        into.words = list(dict.fromkeys([*into.words, *incident.words]))[:20]
        into.others = list(dict.fromkeys([*into.others, *incident.others]))
        into.last_at, into.peak = max(into.last_at, incident.last_at), max(into.peak, len(known) + len(moved))
        into.save(update_fields=["words", "others", "last_at", "peak"])
        Round.objects.filter(incident=incident).update(incident=into)
        incident.state, incident.into, incident.ended_at = State.DISMISSED, into, clock.now()
        incident.save(update_fields=["state", "into", "ended_at"])
        spine.write(
            "incident.merged",
            actor=actor_name(by),
            incident=into.pk,
            took=incident.pk,
            title=into.title,
            cases=len(moved),
        )
    return into


def add_case(incident_id: int, case_id: int, *, by: Actor) -> Incident:
    """Put a case into a running (or suggested) incident of its brand; also one that was taken out before."""
    with transaction.atomic():
        case = _case(case_id, by)
        incident = _held(incident_id, by, staff.ANSWER)
        if incident.state in (State.RESOLVED, State.DISMISSED):
            raise Conflict("This incident is over.")
        if case.brand_id != incident.brand_id:
            raise Invalid("The case belongs to another brand than the incident.")
        member, made = Member.objects.get_or_create(
            incident=incident,
            case=case,
            defaults={"at": case.last_in_at or clock.now(), "by": actor_name(by), "reason": "Added by hand."},
        )
        if not made and not member.out:
            return incident
        Member.objects.filter(pk=member.pk).update(out=False, by=actor_name(by), reason="Added by hand.")
        spine.write(
            "incident.joined", actor=actor_name(by), case_id=case.pk, incident=incident.pk, title=incident.title
        )
        if incident.running and incident.answers_later:
            joining.tell_later(incident, [case])
    return incident


def remove_case(incident_id: int, case_id: int, *, by: Actor) -> Incident:
    """Take a case out; it does not come back by itself, and is not told what has not been said to it yet."""
    with transaction.atomic():
        case = _case(case_id, by)
        incident = _held(incident_id, by, staff.ANSWER)
        if Member.objects.filter(incident=incident, case=case, out=False).update(out=True, by=actor_name(by)):
            spine.write(
                "incident.left", actor=actor_name(by), case_id=case.pk, incident=incident.pk, title=incident.title
            )
    return incident


def set_status(incident_id: int, state: str, *, by: Actor, words: str | None = None) -> Incident:
    """Say how it stands, with words that may be said in public (None: as they were). ``resolved`` ends it: nothing joins any more."""
    if state not in (*RUNNING, State.RESOLVED):
        raise Invalid(
            f"There is no status {one_line(state, 20)!r}; choose investigating, identified, monitoring or resolved."
        )
    if words is not None and len(words) > WORDS_LIMIT:
        raise Invalid(f"The public words have at most {WORDS_LIMIT:,} characters.")
    with transaction.atomic():
        incident = _held(incident_id, by)
        if incident.state in (State.SUGGESTED, State.DISMISSED):
            raise Conflict("Open the incident first.")
        said = incident.public_words if words is None else storable(words, WORDS_LIMIT).strip()
        if (incident.state, incident.public_words) == (state, said):
            return incident
        was, incident.state, incident.public_words = incident.state, state, said
        incident.ended_at = clock.now() if state == State.RESOLVED else None
        incident.save(update_fields=["state", "public_words", "ended_at"])
        _standing(incident, said, by)
        spine.write(
            "incident.status", actor=actor_name(by), incident=incident.pk, title=incident.title, was=was, now=state
        )
        if state == State.RESOLVED:
            # What was not told yet is out of date; the closing answer tells everybody.
            alive = Round.objects.filter(incident=incident, closing=False, state__in=UNDER_WAY)
            for one in alive.select_for_update():
                _end(one, "The incident was over before their turn.")
    return incident


def answer_all(
    incident_id: int,
    *,
    by: Actor,
    text: str,
    short: str = "",
    lane: str = "best",
    skip_answered: bool = True,
    closing: bool = False,
    then_resolve: bool = False,
    key: str = "",
) -> Round:
    """Begin to tell everybody in it; the work goes on in the background. ``closing``: the last answer, also to those whose case was
    resolved lately, once the incident is resolved. The same ``key`` again gives the same round. Where the rules of approval ask for a
    second pair of eyes the whole sending waits for it (``approving``)."""
    if not isinstance(by, Agent):
        raise Invalid("An answer to everybody is given in an agent's name; a program cannot give it.")
    text, short = _said(text, short, lane)
    with transaction.atomic():
        incident = _held(incident_id, by)
        if key and (before := incident.rounds.filter(key=key).first()):
            return before
        if closing and incident.state != State.RESOLVED:
            raise Invalid("Everybody is told that it is over when it is: set the status to resolved first.")
        if not closing and not incident.running:
            raise Invalid("Only an incident that runs is answered.")
        if (other := incident.rounds.filter(state__in=UNDER_WAY).first()) is not None:
            waits = other.state in (RoundState.AWAITING, RoundState.REFUSED)
            what = "waits for approval: change that one" if waits else "is still being given: let it finish"
            raise Conflict(f"Another answer {what}, or stop it.")
        if closing and incident.rounds.filter(closing=True).exclude(state=RoundState.STOPPED).exists():
            raise Conflict("Everybody has been told that it is over.")
        told = to_tell(incident, closing=closing)
        if not told:
            raise Invalid("There is no case in it that can be told.")
        one = Round.objects.create(
            incident=incident,
            closing=closing,
            text=text,
            short=short,
            lane=lane,
            skip_answered=skip_answered,
            then_resolve=then_resolve,
            agent=by,
            key=key[:60],
        )
        spared = _told_by_stopped(one) if closing else set()
        told = [case for case in told if case.customer_id not in spared]
        joining.enlist(one, told)
        approving.settle(one, told, RoundState.RUNNING)
        spine.write(
            "incident.answering", actor=actor_name(by), incident=incident.pk, title=incident.title, round=one.pk
        )
        bus.wake("incidents")
    return one


def _said(text: str, short: str, lane: str) -> tuple[str, str]:
    text, short = storable(text, TEXT_LIMIT).strip(), storable(short, TEXT_LIMIT).strip()
    if not text:
        raise Invalid("The answer needs some text.")
    if lane not in ("best", "private"):
        raise Invalid("Choose where it is said: where each customer last spoke, or in private where that is possible.")
    return checked(text), checked(short)


def change_answer(
    round_id: int, *, by: Actor, text: str, short: str = "", lane: str = "best", skip_answered: bool = True
) -> Round:
    """Other words for an answer that waits for approval, was sent back or is paused, from now on in the name of ``by``. They wait for
    approval where the rules say so; whoever was told already is not told again."""
    if not isinstance(by, Agent):
        raise Invalid("An answer to everybody is given in an agent's name; a program cannot give it.")
    staff.require(by, staff.LEAD)
    text, short = _said(text, short, lane)
    with transaction.atomic():
        one = approving.held(round_id)
        if one.state not in (RoundState.AWAITING, RoundState.REFUSED, RoundState.PAUSED):
            raise Conflict(f"This answer is {RoundState(one.state).label.lower()}: pause it to change its words.")
        one.text, one.short, one.lane, one.skip_answered, one.agent = text, short, lane, skip_answered, by
        one.refused, one.refused_by = "", None
        waiting = Case.objects.filter(pk__in=one.told.filter(state=ToldState.WAITING).values("case_id"))
        after = RoundState.PAUSED if one.state == RoundState.PAUSED else RoundState.RUNNING
        approving.settle(one, waiting.select_related("brand", "customer"), after)
        spine.write("incident.reworded", actor=actor_name(by), incident=one.incident_id, round=one.pk)
        bus.wake("incidents")
    return one


def _told_by_stopped(one: Round) -> set[int]:
    """Whom a closing round that was stopped had told already."""
    before = Told.objects.filter(round__incident=one.incident_id, round__closing=True, state=ToldState.SAID)
    return set(before.values_list("customer_id", flat=True))


def pause(round_id: int, *, by: Actor) -> Round:
    """Hold a round; what is already in the outbox goes out."""
    return _turn(round_id, by, RoundState.PAUSED, (RoundState.RUNNING,), "incident.paused")


def go_on(round_id: int, *, by: Actor) -> Round:
    """Go on with a paused round."""
    return _turn(round_id, by, RoundState.RUNNING, (RoundState.PAUSED,), "incident.continued")


def stop(round_id: int, *, by: Actor) -> Round:
    """End a round; whoever waits is not told, and it cannot be taken up again."""
    return _turn(round_id, by, RoundState.STOPPED, UNDER_WAY, "incident.stopped")


def _turn(round_id: int, by: Actor, state: str, from_states: Iterable[str], verb: str) -> Round:
    staff.require(by, staff.LEAD)
    with transaction.atomic():
        one = Round.objects.select_for_update().get(pk=possible_id(round_id))
        if one.state == state:
            return one
        if one.state not in from_states:
            raise Conflict(f"This answer is {RoundState(one.state).label.lower()} already.")
        if state == RoundState.STOPPED:
            _end(one, "It was stopped before their turn.")
        else:
            one.state = state
            one.save(update_fields=["state"])
        spine.write(verb, actor=actor_name(by), incident=one.incident_id, round=one.pk)
        bus.wake("incidents")
    return one


def _end(one: Round, why: str) -> None:
    """Stop a round that is held: whoever waits is left out."""
    one.state, one.done_at = RoundState.STOPPED, clock.now()
    one.told.filter(state=ToldState.WAITING).update(state=ToldState.LEFT_OUT, reason=why, at=one.done_at)
    one.save(update_fields=["state", "done_at"])


def set_watch(brand_id: int, *, by: Actor, on: bool, window_minutes: int, least: int, times: float) -> Watch:
    """Say what counts as a wave for a brand."""
    staff.require(by, staff.LEAD)
    if not 15 <= window_minutes <= 24 * 60:
        raise Invalid("The window is 15 minutes to 24 hours long.")
    if not 3 <= least <= 100_000:
        raise Invalid("A wave has at least 3 cases.")
    if not 1.2 <= times <= 100:
        raise Invalid("A wave is at least 1.2 times what is usual.")
    if not Brand.objects.filter(pk=possible_id(brand_id)).exists():
        raise Invalid("There is no such brand.")
    with transaction.atomic():
        changes: dict[str, Any] = {"on": on, "window_minutes": window_minutes, "least": least, "times": times}
        made, _ = Watch.objects.update_or_create(brand_id=brand_id, defaults=changes)
        spine.write("incident.watch", actor=actor_name(by), brand=brand_id, **changes)
    return made


def _title(title: str) -> str:
    title = one_line(title, TITLE_LIMIT)
    if not title:
        raise Invalid("The incident needs a name.")
    return title


def _held(incident_id: int, by: Actor, right: str = staff.LEAD) -> Incident:
    staff.require(by, right)
    return Incident.objects.select_for_update().get(pk=possible_id(incident_id))


def _both(incident_id: int, into_id: int, by: Actor) -> list[Incident]:
    """Two incidents, held in the order of their numbers."""
    held = {pk: _held(pk, by) for pk in sorted((incident_id, into_id))}
    return [held[incident_id], held[into_id]]


def _case(case_id: int, by: Actor) -> Case:
    staff.require(by, staff.ANSWER)
    return Case.objects.select_for_update().get(pk=possible_id(case_id))


def _standing(incident: Incident, words: str, by: Actor) -> None:
    agent = by if isinstance(by, Agent) else None
    Standing.objects.create(incident=incident, state=incident.state, words=words, agent=agent)


def _tell_cases(incident: Incident, by: Actor) -> None:
    """A line on each of its cases: they are part of something."""
    inside = incident.members.filter(out=False).values_list("case_id", "reason")
    spine.write_many(
        Event(
            verb="incident.joined",
            actor=actor_name(by),
            case_id=case,
            data={"incident": incident.pk, "title": incident.title, "reason": reason},
        )
        for case, reason in inside
    )


def _take_in(incident: Incident, cases: set[int], by: Actor) -> None:
    """Take in what was said lately with its words, and the cases named."""
    known = set(incident.members.values_list("case_id", flat=True))
    found: dict[int, tuple[datetime, str]] = {}
    if incident.words:
        for row in Heard.objects.filter(brand_id=incident.brand_id).order_by("at").iterator():
            entry = belongs(incident.words, set(row.stems.split()))
            if entry and row.case_id not in known:
                found[row.case_id] = (row.at, joining.why(incident.brand_id, entry))
    mine = Case.objects.filter(pk__in=cases, brand_id=incident.brand_id).exclude(pk__in=known)
    found |= {case.pk: (case.last_in_at or clock.now(), "Added by hand.") for case in mine}
    rows = [Member(incident=incident, case_id=case, at=at, reason=why) for case, (at, why) in found.items()]
    Member.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    joining.touch(incident, (row.at for row in rows))
    spine.write_many(
        Event(
            verb="incident.joined",
            actor=actor_name(by),
            case_id=row.case_id,
            data={"incident": incident.pk, "title": incident.title, "reason": row.reason},
        )
        for row in rows
    )
    if rows and incident.answers_later:
        joining.tell_later(incident, Case.objects.filter(pk__in=[row.case_id for row in rows]))
