"""The process in which ``clocks`` is measured: cases whose clocks run, then looks at what is due."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from benchmarks.inside import answer, begin

DUE = 500
"""Cases that become due at one moment; as many as one look takes."""


def seed(running: int) -> None:
    """``running`` cases that wait, each with a clock that is due in an hour."""
    from django.db import connection, transaction

    from parlour.cases.models import Case
    from parlour.channels.models import Brand
    from parlour.customers.models import Customer
    from parlour.lib import clock
    from parlour.lib.rows import insert_rows
    from parlour.policy.service_levels.models import Clock

    brand, _ = Brand.objects.get_or_create(name="Luma")
    now = clock.now()
    since, due = now - timedelta(minutes=2), now + timedelta(minutes=58)
    given = {"brand": brand, "channel": "x", "visibility": "private", "opened_at": since, "last_in_at": since}
    wait = {"waiting_since": since, "response_due_at": due, "response_warn_at": due, "look_at": due, "messages_in": 1}
    promise = {"what": "first", "target": "everybody", "why": "", "promised": 3600}
    times = {"started_at": since, "running_since": since, "due_at": due, "warn_at": None, "warned_at": now}
    for begun in range(0, running, 5000):
        with transaction.atomic():
            names = range(begun, min(begun + 5000, running))
            people = insert_rows(Customer, [Customer(name=f"Customer {number}") for number in names])
            cases = insert_rows(Case, [Case(customer=one, **given, **wait) for one in people])
            insert_rows(Clock, [Clock(case=case, steps=[], **promise, **times) for case in cases])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def make_due(count: int, first: int) -> None:
    """The clocks of ``count`` cases from the ``first`` on are due now."""
    from parlour.cases.models import Case
    from parlour.lib import clock
    from parlour.policy.service_levels.models import Clock

    ids = list(Case.objects.order_by("pk").values_list("pk", flat=True)[first : first + count])
    began = clock.now() - timedelta(hours=1)
    Clock.objects.filter(case_id__in=ids).update(
        started_at=began, running_since=began, due_at=began + timedelta(hours=1)
    )
    Case.objects.filter(pk__in=ids).update(waiting_since=began, opened_at=began, look_at=began + timedelta(hours=1))


def look(times: int) -> float:
    """Seconds of the processor for one look, the least of several: a busy machine hardly changes it."""
    from parlour.policy import actions as policy

    spent = []
    for _ in range(times):
        began = time.process_time()
        policy.look()
        policy.until_next(0.5)
        spent.append(time.process_time() - began)
    return min(spent)


def fire(rounds: int, first: int) -> float:
    """Seconds of the processor for the look at ``DUE`` cases that have become due, the least of several."""
    from parlour.policy import actions as policy

    spent = []
    for number in range(rounds):
        make_due(DUE, first + number * DUE)
        began = time.process_time()
        done = policy.look()
        spent.append(time.process_time() - began)
        assert done == DUE, done
    return min(spent)


def lag(count: int, first: int) -> list[float]:
    """Seconds from a promise's due moment to the line in the log that says it broke, with a worker at work."""
    from parlour.cases.models import Case
    from parlour.lib import clock
    from parlour.policy.service_levels.models import Clock
    from parlour.spine.models import Event
    from parlour.traffic.worker import Worker

    ids = list(Case.objects.order_by("pk").values_list("pk", flat=True)[first : first + count])
    now = clock.now() + timedelta(seconds=1.5)
    dues = {pk: now + timedelta(seconds=3 * number / count) for number, pk in enumerate(ids)}
    for pk, due in dues.items():
        began = due - timedelta(hours=1)
        Clock.objects.filter(case_id=pk).update(started_at=began, running_since=began, due_at=due)
        Case.objects.filter(pk=pk).update(waiting_since=began, opened_at=began, look_at=due)
    worker = Worker()
    worker.start()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        told = dict(Event.objects.filter(verb="case.breached", case_id__in=ids).values_list("case_id", "at"))
        if len(told) == count:
            break
        time.sleep(0.2)
    worker.stop()
    return [(told[pk] - due).total_seconds() if pk in told else 60.0 for pk, due in dues.items()]


def main() -> None:
    given = begin()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    few, many, rounds = given["few"], given["many"], given["rounds"]
    figures: dict[str, Any] = {}
    seed(few)
    figures["idle_few"], figures["due_few"] = look(20), fire(rounds, 0)
    seed(many - few)
    figures["idle_many"], figures["due_many"] = look(20), fire(rounds, few)
    figures["lags"] = lag(given["lags"], many - given["lags"])
    figures["due"] = DUE
    answer(figures)


if __name__ == "__main__":
    main()
