"""Reads of incidents: lists, a case's own, how a round goes, what it would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet

from parlour.cases.models import Case, DeliveryState, Status
from parlour.lib import clock
from parlour.policy.incidents.filling import Fit, fit, values_of
from parlour.policy.incidents.models import RUNNING, Incident, Member, Round, State, Told, ToldState

LATELY = timedelta(days=3)
"""A case resolved so long ago is still told at the end."""
PREVIEWED = 60
SHOWN = 200


def running(brand_id: int | None = None) -> list[Incident]:
    """Incidents that run now, newest first."""
    rows = Incident.objects.filter(state__in=RUNNING).select_related("brand").order_by("-id")
    return list(rows if brand_id is None else rows.filter(brand_id=brand_id))


def with_counts(rows: QuerySet[Incident]) -> QuerySet[Incident]:
    """The rows with ``cases_in`` and ``cases_open``."""
    inside = Q(members__out=False)
    return rows.select_related("brand").annotate(
        cases_in=Count("members", filter=inside),
        cases_open=Count("members", filter=inside & Q(members__case__status=Status.OPEN)),
    )


def of_case(case_id: int) -> list[Incident]:
    """The incidents a case is in: those that run, and those that ended within the last days."""
    ended = Q(state=State.RESOLVED, ended_at__gt=clock.now() - LATELY)
    rows = Incident.objects.filter(Q(state__in=RUNNING) | ended, members__case_id=case_id, members__out=False)
    return list(rows.order_by("-id"))


def members(incident: Incident, *, limit: int = SHOWN) -> list[Member]:
    """The latest cases in it."""
    rows = incident.members.filter(out=False).select_related("case", "case__customer", "case__assignee")
    return list(rows.order_by("-at", "-id")[:limit])


def spark(incident: Incident, hours: int = 24) -> list[int]:
    """Cases that joined in each of the last ``hours`` hours up to its latest message, oldest first."""
    end = incident.last_at
    counted: Counter[int] = Counter()
    times = incident.members.filter(out=False, at__gt=end - timedelta(hours=hours)).values_list("at", flat=True)
    for at in times:
        counted[min(hours - 1, int((end - at).total_seconds() // 3600))] += 1
    return [counted[hours - 1 - number] for number in range(hours)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How a round goes. ``failed`` and ``uncertain`` were told by the outbox after they had been handed to it."""

    total: int = 0
    waiting: int = 0
    on_their_way: int = 0
    arrived: int = 0
    failed: int = 0
    left_out: int = 0
    unreachable: int = 0

    @property
    def share(self) -> int:
        """Per cent that are dealt with."""
        return 100 if not self.total else round(100 * (self.total - self.waiting - self.on_their_way) / self.total)


def progress(one: Round) -> Progress:
    """How a round goes, counted now."""
    states = dict(one.told.values_list("state").annotate(Count("id")))
    sent = one.told.filter(state=ToldState.SAID, message__deliveries__what="send")
    sending = dict(sent.values_list("message__deliveries__state").annotate(Count("id", distinct=True)))
    waits = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.AWAITING)
    wrong = (DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.CANCELLED)
    on_their_way = sum(sending.get(state, 0) for state in waits)
    failed = sum(sending.get(state, 0) for state in wrong)
    return Progress(
        total=sum(states.values()),
        waiting=states.get(ToldState.WAITING, 0),
        on_their_way=on_their_way,
        arrived=states.get(ToldState.SAID, 0) - on_their_way - failed,
        failed=failed,
        left_out=states.get(ToldState.LEFT_OUT, 0),
        unreachable=states.get(ToldState.UNREACHABLE, 0),
    )


@dataclass(frozen=True, slots=True)
class Missed:
    """One customer who was not told, and why."""

    case: Case
    reason: str
    left_out: bool = False


def missed(one: Round, limit: int = SHOWN) -> list[Missed]:
    """Who was not reached by a round, or left out, with the reason."""
    rows = one.told.select_related("case", "case__customer")
    found = [
        Missed(row.case, row.reason, row.state == ToldState.LEFT_OUT)
        for row in rows.filter(state__in=(ToldState.UNREACHABLE, ToldState.LEFT_OUT)).order_by("state", "id")[:limit]
    ]
    wrong = (DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.CANCELLED)
    refused = rows.filter(state=ToldState.SAID, message__deliveries__what="send", message__deliveries__state__in=wrong)
    words = refused.values_list("pk", "message__deliveries__error_words", "message__deliveries__state")
    why = {pk: error or DeliveryState(state).label for pk, error, state in words}
    return [*(Missed(row.case, f"Not delivered: {why[row.pk]}") for row in refused.order_by("id")[:limit]), *found]


def to_tell(incident: Incident, *, closing: bool, now: datetime | None = None) -> list[Case]:
    """The cases a round would go to: the open ones, and at the end those resolved lately."""
    rows = Case.objects.filter(pk__in=incident.members.filter(out=False).values("case_id"))
    wanted = Q(status=Status.OPEN)
    if closing:
        wanted |= Q(status=Status.RESOLVED, resolved_at__gt=(now or clock.now()) - LATELY)
    return list(rows.filter(wanted).select_related("brand", "customer").order_by("pk"))


@dataclass(frozen=True, slots=True)
class Preview:
    """What a round would say, tried on the newest of its customers."""

    total: int
    fits: list[Fit] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return len(self.fits)

    @property
    def blocked(self) -> list[Fit]:
        return [one for one in self.fits if one.way is None]

    @property
    def shown(self) -> list[Fit]:
        return [one for one in self.fits if one.way is not None][:5]

    @property
    def by_way(self) -> list[tuple[str, int]]:
        return Counter(one.way.label for one in self.fits if one.way is not None).most_common()


def preview(
    incident: Incident, *, text: str, short: str, lane: str, closing: bool, agent: str, status: str | None = None
) -> Preview:
    """Try an answer on the newest ``PREVIEWED`` customers it would go to. Nothing is sent or stored."""
    found: Sequence[Case] = to_tell(incident, closing=closing)
    words = incident.public_words if status is None else status
    tried = [fit(case, text, short, lane, values_of(case, incident.title, words, agent)) for case in found[-PREVIEWED:]]
    return Preview(len(found), tried)


def rounds(incident: Incident) -> list[Round]:
    """Its rounds, newest first."""
    return list(incident.rounds.select_related("agent", "approved_by", "refused_by").order_by("-id"))


def told_how_often(incident: Incident, case_id: int) -> int:
    """How many of its rounds have told the customer of this case."""
    return Told.objects.filter(round__incident=incident, case_id=case_id, state=ToldState.SAID).count()
