"""The worker with its threads, and asking for names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from parlour.cases import actions
from parlour.cases.models import Delivery, DeliveryState, Message
from parlour.channels.contract import Author, ChannelError, ErrorKind, Poll, Receipt
from parlour.customers.models import Customer, Identity
from parlour.policy import actions as policy
from parlour.spine.models import Lease
from parlour.staff.models import Presence
from parlour.traffic import outbox, profiles
from parlour.traffic.models import Arrival
from parlour.traffic.tests.road import ANA, BEN, Road, message, only_case, private, said, verbs
from parlour.traffic.worker import Worker


def eventually(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def worker(transactional_db: None, road: Road) -> Iterator[Worker]:
    road.fakes["x"].polls = [Poll((), {})] * 3
    one = Worker()
    yield one
    one.stop()


def test_words_are_handled_routed_answered_and_sent(worker: Worker, road: Road) -> None:
    noor = road.agent(presence=Presence.ONLINE)
    worker.start()
    began = time.monotonic()
    road.arrive("api", said("s1", "Where is my parcel 1234?"))
    eventually(lambda: Message.objects.exists() and only_case().assignee_id == noor.pk)
    actions.reply(only_case().pk, by=noor, text="Soon.", visibility="private")
    eventually(lambda: Delivery.objects.get().state == DeliveryState.SENT)
    assert time.monotonic() - began < 5
    assert len(road.fakes["api"].sent) == 1
    worker.stop()
    road.arrive("api", said("s2"))
    time.sleep(0.1)
    assert Arrival.objects.get(key="msg:s2").state == "new"


def test_a_stumble_ends_nothing(worker: Worker, road: Road, monkeypatch, caplog) -> None:
    faults = [ValueError("private words")]
    real = policy.look

    def look() -> int:
        if faults:
            raise faults.pop()
        return real()

    monkeypatch.setattr(policy, "look", look)
    worker.start()
    eventually(lambda: "The policy stumbled" in caplog.text)
    assert "private words" not in caplog.text
    noor = road.agent(presence=Presence.ONLINE)
    road.arrive("api", said("s1", "Where is my parcel 1234?"))
    eventually(lambda: Message.objects.exists() and only_case().assignee_id == noor.pk)


def test_an_inbox_at_its_limit_rests(worker: Worker, road: Road) -> None:
    for person in ("a", "b"):
        road.take("api", said(f"s-{person}", "Where is it?", person=person))
    limit = ChannelError(ErrorKind.RATE_LIMITED, "Slow down.", retry_after=600)
    road.fakes["api"].answers = [limit, Receipt("never"), Receipt("never")]
    noor = road.agent()
    first, second = Message.objects.order_by("id")
    actions.reply(first.case_id or 0, by=noor, text="Soon.", visibility="private")
    worker.start()
    eventually(lambda: Delivery.objects.filter(error_kind="rate_limited").exists())
    actions.reply(second.case_id or 0, by=noor, text="Soon.", visibility="private")
    time.sleep(0.7)
    assert len(road.fakes["api"].sent) == 1
    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"}


@pytest.mark.django_db
def test_what_a_crash_left_on_sqlite_is_freed_at_the_start(road: Road) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("With several processes, leases and claims run out by themselves.")
    road.take("api", said("s1", "Where is it?"))
    actions.reply(only_case().pk, by=road.agent(), text="Soon.", visibility="private")
    outbox.claim("gone", 8)
    Lease.objects.filter(name="lane:3").update(owner="gone", until="2100-01-01T00:00:00Z")
    worker = Worker()
    worker._loop = lambda *_: None  # type: ignore[method-assign]
    worker.start()
    worker.stop()
    assert Delivery.objects.get().state == DeliveryState.UNCERTAIN
    assert not Lease.objects.filter(owner="gone").exists()


# Names


@pytest.mark.django_db
def test_a_name_that_events_do_not_carry_is_asked_for_once(road: Road, monkeypatch) -> None:
    asked: list[str] = []

    def profile(_inbox, external_id: str) -> Author | None:
        asked.append(external_id)
        if external_id == BEN:
            raise ChannelError(ErrorKind.PERMISSION, "No.")
        return Author("meta", external_id, name="Ana\n Prado")

    road.take("messenger", private("m1"), private("m2", person=BEN))
    road.take("api", {**said("s1"), "author": {"external_id": "cust-7"}})
    monkeypatch.setattr(road.fakes["messenger"], "profile", profile, raising=False)
    Identity.objects.filter(external_id=ANA).update(avatar_url="https://a.example/1")
    assert profiles.ask() == 2
    assert profiles.ask() == 0
    assert sorted(asked) == [ANA, BEN]
    identity = Identity.objects.get(external_id=ANA)
    assert (identity.name, identity.avatar_url) == ("Ana Prado", "https://a.example/1")
    assert Customer.objects.filter(name="Ana Prado").count() == 1
    assert verbs(case_id=message("m1").case_id)[-1] == "customer.named"
