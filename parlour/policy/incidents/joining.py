"""Cases that join a running incident by what they say, and get the answer the others got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Max

from parlour.cases.models import Case
from parlour.lib.rows import insert_rows
from parlour.policy.incidents.models import RUNNING, Heard, Incident, Member, Round, RoundState, Told
from parlour.policy.incidents.waves import CATEGORY
from parlour.policy.incidents.words import belongs
from parlour.policy.judging import Judging
from parlour.spine import bus
from parlour.understanding import categories


def join(judging: Judging, cases: Mapping[int, Case], heard: Mapping[int, Heard]) -> None:
    """Put cases into the running incidents of their brand whose words they say. One small question when nothing runs."""
    brands = {case.brand_id for case in cases.values()}
    running = list(Incident.objects.filter(brand_id__in=brands, state__in=RUNNING, joins=True).order_by("id"))
    for incident in running:
        wanted: dict[int, str] = {}
        for pk, row in heard.items():
            if row.brand_id == incident.brand_id and (entry := belongs(incident.words, set(row.stems.split()))):
                wanted[pk] = entry
        known = set(Member.objects.filter(incident=incident, case_id__in=wanted).values_list("case_id", flat=True))
        fresh = {pk: entry for pk, entry in wanted.items() if pk not in known}
        if not fresh:
            continue
        rows = [
            Member(incident=incident, case_id=pk, at=heard[pk].at, reason=why(incident.brand_id, entry))
            for pk, entry in fresh.items()
        ]
        insert_rows(Member, rows)
        touch(incident, (row.at for row in rows))
        for pk, entry in fresh.items():
            reason = why(incident.brand_id, entry)
            judging.tell("incident.joined", cases[pk], incident=incident.pk, title=incident.title, reason=reason)
        if incident.answers_later:
            tell_later(incident, [cases[pk] for pk in fresh])


def why(brand_id: int, entry: str) -> str:
    """Why an entry brings a case in, as a sentence."""
    about = category_of(brand_id, entry)
    return f"It is about {about}." if about else f"It says “{entry}”."


def category_of(brand_id: int, entry: str) -> str:
    """What the brand calls the category that an entry stands for; "" for words."""
    return categories.tree(brand_id).name(entry.removeprefix(CATEGORY)) if entry.startswith(CATEGORY) else ""


def touch(incident: Incident, times: Iterable[datetime]) -> None:
    """Note the latest message that belongs to it."""
    latest = max(times, default=incident.last_at)
    if latest > incident.last_at:
        incident.last_at = latest
        Incident.objects.filter(pk=incident.pk).update(last_at=latest)


def tell_later(incident: Incident, cases: Iterable[Case]) -> int:
    """Give cases that joined later the latest answer, if one was given and not stopped; nobody who was told is told again."""
    latest = Round.objects.filter(incident=incident, closing=False).aggregate(pk=Max("pk"))["pk"]
    open_round = Round.objects.select_for_update().filter(pk=latest).exclude(state=RoundState.STOPPED).first()
    if open_round is None:
        return 0
    made = enlist(open_round, cases)
    if made and open_round.state == RoundState.DONE:
        Round.objects.filter(pk=open_round.pk).update(state=RoundState.RUNNING, done_at=None)
    bus.wake("incidents")
    return made


def enlist(one: Round, cases: Iterable[Case]) -> int:
    """Put the customers of these cases on a round's list, each once; returns how many are new. In the caller's transaction."""
    of_customer: dict[int, Case] = {}
    for case in cases:
        before = of_customer.get(case.customer_id)
        # Whoever has an open case and a resolved one is told in the open one.
        if before is None or (case.status, case.pk) < (before.status, before.pk):
            of_customer[case.customer_id] = case
    known = set(Told.objects.filter(round=one, customer_id__in=of_customer).values_list("customer_id", flat=True))
    fresh = [case for customer, case in of_customer.items() if customer not in known]
    insert_rows(Told, [Told(round=one, customer_id=case.customer_id, case_id=case.pk) for case in fresh])
    return len(fresh)
