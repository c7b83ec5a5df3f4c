"""Poison, crashes, failing models, and what people do with parked arrivals."""

from __future__ import annotations

import logging

import orjson
import pytest
from django.db import IntegrityError, OperationalError

from parlour.cases.access import Invalid
from parlour.cases.models import Case, Message
from parlour.channels.contract import Split
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.spine.models import Event, Lease
from parlour.staff.access import Denied
from parlour.staff.models import Presence, Role
from parlour.traffic import actions, lanes, pipeline, queries, record
from parlour.traffic.door import rows_of
from parlour.traffic.keep import keep as really_keep
from parlour.traffic.models import LANES, Arrival, ArrivalState
from parlour.traffic.store import insert
from parlour.traffic.tests.road import ANA, T0, Road, message, minutes, only_case, private, said, verbs
from parlour.understanding import queries as understanding

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clocked")]
ASKED = "Where is my parcel 1234?"


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts on which our own code fails, inside the transaction."""
    texts = ["POISON"]
    real = record._new_message

    def new_message(batch, item, *rest):
        if item.inbound.text in texts:
            raise KeyError(item.inbound.text)
        return real(batch, item, *rest)

    monkeypatch.setattr(record, "_new_message", new_message)
    return texts


def test_poison_is_parked_alone_and_its_thread_goes_on(road: Road, poison: list[str], caplog) -> None:
    road.take(
        "api",
        said("s1", "One"),
        said("s2", "POISON"),
        said("s3", "Three"),
        said("t1", "Other", person="cust-8"),
    )
    assert {one.external_id for one in Message.objects.all()} == {"s1", "s3", "t1"}
    parked = Arrival.objects.get(state=ArrivalState.PARKED)
    assert parked.reason.startswith("A fault of Parlour's: KeyError at ")
    assert parked.attempts == 1
    assert "POISON" not in parked.reason + caplog.text
    case = message("s1").case
    assert case is not None
    assert case.messages_in == 2
    assert Case.objects.count() == 2


def test_a_parked_arrival_is_replayed_by_a_lead_once_it_can_be_read(road: Road, poison: list[str]) -> None:
    road.take("api", said("s1", "One"), said("s2", "POISON"))
    parked, lead = Arrival.objects.get(state=ArrivalState.PARKED), road.agent(role=Role.LEAD)
    assert actions.replay(parked.pk, by=lead)
    road.drive()
    parked.refresh_from_db()
    assert parked.state == ArrivalState.PARKED
    poison.clear()
    assert actions.replay(parked.pk, by=lead)
    assert not actions.replay(parked.pk, by=lead)
    road.drive()
    parked.refresh_from_db()
    assert (parked.state, parked.reason, message("s2").case) == (ArrivalState.DONE, "", only_case())
    assert Event.objects.filter(verb="arrival.replayed", actor=f"agent:{lead.pk}").count() == 2


def test_a_parked_arrival_can_be_put_aside(road: Road, poison: list[str]) -> None:
    road.take("api", said("s2", "POISON"))
    parked, lead = Arrival.objects.get(), road.agent(role=Role.LEAD)
    for verb in (actions.replay, actions.dismiss):
        with pytest.raises(Denied):
            verb(parked.pk, by=road.agent())
    assert actions.dismiss(parked.pk, by=lead)
    assert not actions.dismiss(parked.pk, by=lead)
    parked.refresh_from_db()
    assert (parked.state, parked.reason) == (ArrivalState.IGNORED, "Dismissed by a person.")


def test_parked_arrivals_are_listed_for_leads(road: Road, poison: list[str]) -> None:
    road.take("api", *(said(f"s{number}", "POISON") for number in range(5)))
    lead, seen, cursor = road.agent(role=Role.LEAD), [], None
    while True:
        page = queries.parked(lead, cursor, limit=2)
        seen += [one.key for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"msg:s{number}" for number in (4, 3, 2, 1, 0)]
    with pytest.raises(Denied):
        queries.parked(road.agent())
    for foreign in ("x", "²", "9" * 30, "-1"):
        with pytest.raises(Invalid):
            queries.parked(lead, foreign)


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"object":"page","entry":[7]}', b"\xff"])
def test_what_cannot_be_read_is_parked_with_the_reason(road: Road, body: bytes) -> None:
    inbox = road.inbox("messenger")
    insert(rows_of(inbox.pk, [Split("bad", "", body)]))
    road.take("messenger", private("m1"))
    parked = Arrival.objects.get(key="bad")
    assert parked.state == ArrivalState.PARKED
    assert parked.reason.startswith("It could not be read. ")
    assert message("m1")


def test_an_arrival_without_its_inbox_is_parked(road: Road) -> None:
    road.arrive("api", said("s1"))
    Arrival.objects.update(inbox_id=2**40)
    road.drive()
    assert Arrival.objects.get().reason == "Its inbox does not exist any more."


def test_an_inbox_that_cannot_be_opened_parks_only_its_own(road: Road) -> None:
    road.arrive("api", said("s1"))
    road.arrive("messenger", private("m1"))
    Inbox.objects.filter(channel="api").update(sealed="of another secret")
    road.drive()
    assert [one.state for one in Arrival.objects.order_by("id")] == ["parked", "done"]
    assert "Unreadable" in Arrival.objects.order_by("id")[0].reason


def test_ids_too_long_to_keep_are_parked(road: Road) -> None:
    payload = private("m" * 150)
    road.take("messenger", payload)
    road.arrive("messenger", private("m1", person="5" * 90))
    arrival = Arrival.objects.latest("id")
    body = orjson.loads(bytes(arrival.body))
    body["entry"][0]["messaging"][0]["sender"]["id"] = "5" * 300
    Arrival.objects.filter(pk=arrival.pk).update(body=orjson.dumps(body))
    road.drive()
    assert Arrival.objects.latest("id").state == ArrivalState.PARKED


def test_words_no_database_takes_are_mended(road: Road) -> None:
    road.take("messenger", private("m1", "a\x00b \u202e c" + "x" * 200_000))
    stored = message("m1")
    assert stored.text.startswith("a\ufffdb")
    assert len(stored.text) == 100_000
    assert "\u202e" not in only_case().snippet


# The models


def test_a_failing_model_hides_nobody(road: Road, monkeypatch, caplog) -> None:
    def annotate(texts, _brands):
        raise ValueError(f"cannot read {texts}")

    monkeypatch.setattr("parlour.traffic.understand.annotate", annotate)
    noor = road.agent(presence=Presence.ONLINE)
    road.take("messenger", private("m1", ASKED))
    case = only_case()
    assert (case.actionable, case.waiting_since, case.assignee, case.category) == (True, T0, noor, "other")
    assert case.priority >= 10
    assert (message("m1").sentiment, message("m1").actionable) == ("neutral", True)
    assert ASKED not in caplog.text


def test_a_text_the_model_fails_on_holds_up_no_other(road: Road, monkeypatch) -> None:
    real = understanding.annotate

    def annotate(texts, _brands):
        if any("BAD" in text for text in texts):
            raise ValueError
        return real(texts)

    monkeypatch.setattr("parlour.traffic.understand.annotate", annotate)
    road.take("messenger", private("m1", "BAD"), private("m2", "My invoice is wrong, charged twice", T0 + minutes(1)))
    assert message("m1").category == "other"
    assert message("m2").category == "billing"
    assert only_case().category == "billing"


def test_a_crash_between_existing_and_judging_is_caught_up(road: Road, monkeypatch) -> None:
    noor = road.agent(presence=Presence.ONLINE)
    with monkeypatch.context() as crash:
        crash.setattr(pipeline, "think_and_judge", lambda *_: None)
        road.take("messenger", private("m1", ASKED))
    case = only_case()
    assert (message("m1").sentiment, case.assignee, case.priority) == ("", None, 0)
    assert case.waiting_since == T0
    assert pipeline.catch_up() == 0, "it may be under way"
    with clock.frozen(clock.now() + pipeline.LEFT_AFTER + minutes(0.1)):
        assert pipeline.catch_up() == 1
        assert pipeline.catch_up() == 0
    case.refresh_from_db()
    assert case.assignee == noor
    assert case.priority >= 10
    assert message("m1").sentiment


# The database


def test_a_database_that_fails_puts_everything_off_and_loses_nothing(road: Road, monkeypatch) -> None:
    road.arrive("messenger", private("m1"), private("m2", at=T0 + minutes(1)))

    def fails(_batch):
        raise OperationalError("database is locked")

    with monkeypatch.context() as busy:
        busy.setattr(pipeline, "STEPS", (*pipeline.STEPS[:-1], fails))
        with pytest.raises(OperationalError):
            pipeline.run("worker")
    assert set(Arrival.objects.values_list("state", "attempts")) == {("new", 0)}
    assert not Lease.objects.exclude(owner="").filter(name__startswith="lane:").exists()
    assert road.drive() == 2
    assert Message.objects.count() == 2


def test_a_batch_that_met_another_worker_is_done_again(road: Road, monkeypatch) -> None:
    faults = [IntegrityError("one_open_case"), IntegrityError("message_once")]

    def keep(batch):
        if faults:
            raise faults.pop()
        really_keep(batch)

    monkeypatch.setattr(pipeline, "STEPS", (*pipeline.STEPS[:-1], keep))
    road.take("messenger", private("m1"))
    assert message("m1").case == only_case()


def test_what_another_worker_has_closed_is_not_done_twice(road: Road, monkeypatch) -> None:
    road.arrive("messenger", private("m1"))

    def keep(batch):
        really_keep(batch)
        Arrival.objects.update(state=ArrivalState.DONE)

    monkeypatch.setattr(pipeline, "STEPS", (*pipeline.STEPS[:-1], keep))
    assert pipeline.run("worker") == 1
    assert not Message.objects.exists()
    assert not verbs()


# Lanes


def test_a_lane_has_one_worker_at_a_time(road: Road) -> None:
    assert sorted(lanes.take("a", {1, 2, 3})) == [1, 2, 3]
    assert lanes.take("b", {1, 2}) == []
    assert lanes.take("b", {3, 4}) == [4]
    lanes.give_back("a")
    assert sorted(lanes.take("b", {1, 2})) == [1, 2]
    with clock.frozen(clock.now() + minutes(1)):
        assert lanes.take("c", {1}) == [1]
    lanes.forget_all()
    assert sorted(lanes.take("a", {1, 4})) == [1, 4]


def test_workers_alive_share_the_lanes(road: Road) -> None:
    for name in ("a", "b", "c"):
        lanes.alive(name)
    everything = set(range(LANES))
    taken = [lanes.take(name, everything) for name in ("a", "b", "c")]
    assert all(len(some) <= 22 for some in taken)
    assert len(taken[0]) == 22
    assert len({lane for some in taken for lane in some}) == sum(len(some) for some in taken)
    with clock.frozen(clock.now() + minutes(20)):
        lanes.alive("a")
        assert len(lanes.take("a", everything)) == LANES
        assert Lease.objects.filter(name__startswith="worker:").count() == 1


def test_a_lane_of_another_worker_waits(road: Road) -> None:
    road.arrive("messenger", private("m1"))
    lane = Arrival.objects.get().lane
    lanes.take("other", {lane})
    assert pipeline.run("worker") == 0
    lanes.give_back("other")
    assert pipeline.run("worker") == 1


def test_a_lane_is_handled_in_the_order_of_arrival_whatever_the_batch(road: Road) -> None:
    road.arrive("api", *(said(f"s{number}", f"{number}") for number in range(10)))
    while pipeline.run("worker", limit=3):
        pass
    assert [one.text for one in only_case().messages.order_by("id")] == [str(number) for number in range(10)]


def test_the_log_names_no_customer(road: Road, caplog) -> None:
    with caplog.at_level(logging.DEBUG, logger="parlour"):
        road.take("messenger", private("m1", ASKED))
    assert ASKED not in caplog.text
    assert ANA not in caplog.text
