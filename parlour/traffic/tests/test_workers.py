"""Several workers at once: nothing is lost, nothing is there twice, one open case for each customer and brand."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection

from parlour.cases import actions
from parlour.cases.models import Case, Delivery, DeliveryState, Message, Thread
from parlour.channels.contract import Receipt
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.staff.models import Presence
from parlour.traffic import outbox, pipeline
from parlour.traffic.models import Arrival
from parlour.traffic.tests.road import T0, Road, comment, mention, minutes, private, private_echo, said

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 12
EACH = 20


@pytest.fixture
def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite one process with one pipeline runs everything.")


@pytest.fixture(autouse=True)
def _clocked(clocked: None) -> None:
    return


def together(*jobs: Callable[[], None]) -> None:
    """Run these at once; what one raises is raised here."""
    faults: list[Exception] = []
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        start.wait()
        try:
            job()
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert faults == []


def worker(name: str, limit: int) -> Callable[[], None]:
    """Works as the worker's loop does: what the database puts off is tried again."""

    def work() -> None:
        stumbles = 0
        while Arrival.objects.filter(state="new").exists():
            try:
                pipeline.run(name, limit=limit)
            except OperationalError:
                connection.close()
                stumbles += 1
                assert stumbles < 20

    return work


def test_two_workers_lose_nothing_and_double_nothing(road: Road, only_postgresql) -> None:
    agents = [road.agent(f"Agent{number}", presence=Presence.ONLINE, capacity=5) for number in range(2)]
    chance = random.Random(7)
    payloads: list[tuple[str, dict[str, object]]] = []
    for number in range(PEOPLE * EACH):
        person, at = f"77{number // 2 % PEOPLE}", T0 + minutes(number / 60)
        if number % 2:
            payloads.append(("messenger", private(f"m{number}", f"Where is parcel {number}?", at, person)))
        else:
            parent = "700100200_9001" if number % 4 else f"9001_{(number // 3) * 4}"
            payloads.append(("facebook", comment(f"9001_{number}", f"Where is {number}?", at, person, parent)))
    chance.shuffle(payloads)
    for channel, payload in payloads:
        road.arrive(channel, payload, payload)
    together(worker("a", 40), worker("b", 40))
    assert Counter(Arrival.objects.values_list("state", flat=True)) == {"done": PEOPLE * EACH}
    assert Message.objects.count() == PEOPLE * EACH
    assert Customer.objects.count() == Identity.objects.count() == Case.objects.count() == PEOPLE
    assert not Message.objects.filter(sentiment="").exists()
    for case in Case.objects.all():
        assert case.messages_in == case.messages.count() == EACH
        assert case.threads.count() == 2
        assert case.waiting_since == case.messages.order_by("sent_at")[0].sent_at
    held = Counter(Case.objects.exclude(assignee=None).values_list("assignee", flat=True))
    assert held == {agent.pk: 5 for agent in agents}


def test_one_person_on_many_lanes_at_once_has_one_case(road: Road, only_postgresql) -> None:
    for number in range(40):
        road.arrive("x", mention(str(2_000 + number), f"@NorthwindHelp where is parcel {number}?"))
    together(*(worker(f"w{number}", 5) for number in range(4)))
    assert Message.objects.count() == 40
    assert (Case.objects.count(), Customer.objects.count(), Thread.objects.count()) == (1, 1, 40)
    assert Case.objects.get().messages_in == 40


def test_order_within_a_thread_is_kept_between_workers(road: Road, only_postgresql) -> None:
    for number in range(60):
        road.arrive("api", said(f"s{number}", f"{number:03}", T0, f"cust-{number % 3}"))
    together(*(worker(f"w{number}", 4) for number in range(3)))
    for case in Case.objects.all():
        texts = [one.text for one in case.messages.order_by("id")]
        assert texts == sorted(texts)
        assert len(texts) == 20


def test_agents_answer_while_customers_write(road: Road) -> None:
    noor = road.agent()
    for number in range(6):
        road.arrive("api", said(f"a{number}", "Where is it?", person=f"cust-{number}"))
    road.drive()
    cases = list(Case.objects.order_by("id"))
    for number in range(6):
        road.arrive("api", said(f"b{number}", "Hello?", T0 + minutes(1), person=f"cust-{number}"))

    def answer() -> None:
        for case in cases:
            actions.reply(case.pk, by=noor, text="Soon.", visibility="private")
            actions.set_level(case.pk, "high", by=noor)

    together(answer, worker("w", 2))
    for case in Case.objects.all():
        assert (case.messages_in, case.messages_out, case.level) == (2, 1, "high")
        assert case.waiting_since is None
        assert case.first_response_at == clock.now()


def test_receipts_and_echoes_at_the_same_moment_leave_one_message(road: Road) -> None:
    noor, count = road.agent(), 8
    for number in range(count):
        road.arrive("messenger", private(f"m{number}", "Where is it?", T0, f"77{number}"))
    road.drive()
    for case in Case.objects.all():
        actions.reply(case.pk, by=noor, text="Soon.", visibility="private")
    claimed = outbox.claim("w", count)
    road.fakes["messenger"].answers = [lambda outbound: Receipt(f"ours-{outbound.author}")] * count

    def send() -> None:
        for delivery in claimed:
            outbox.send(delivery)

    for delivery in claimed:
        person = delivery.message.reply_to.replace("m", "77")
        echo = private_echo(f"ours-{person}", "Soon.", T0 + minutes(31), person)
        road.arrive("messenger", echo)
    together(send, worker("a", 2))
    assert Message.objects.filter(direction="out").count() == count
    assert {delivery.state for delivery in Delivery.objects.all()} == {DeliveryState.SENT}
    assert {case.messages_out for case in Case.objects.all()} == {1}
