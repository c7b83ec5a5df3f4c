"""Asking platforms: events and cursor are stored together, one worker asks one inbox."""

from __future__ import annotations

import threading
from datetime import timedelta

import orjson
import pytest
from django.db import OperationalError, connection

from parlour.cases.models import Message
from parlour.channels.actions import note_health
from parlour.channels.contract import ChannelError, ErrorKind, Poll, Split
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.traffic import polling, store
from parlour.traffic.models import Arrival
from parlour.traffic.tests.road import T0, Fake, Road, fixture, minutes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clocked")]


@pytest.fixture
def x(road: Road) -> Fake:
    # Other channels are polled, too: it is not their turn in these tests.
    Inbox.objects.exclude(channel="x").update(polled_at=T0 + timedelta(days=1))
    return road.fakes["x"]


def inbox() -> Inbox:
    return Inbox.objects.select_related("brand").get(channel="x")


def events(*keys: str) -> list[Split]:
    return [Split(key, "", orjson.dumps(fixture("x", "post_mention"))) for key in keys]


def test_what_is_new_is_stored_with_the_place_to_go_on_from(road: Road, x: Fake) -> None:
    x.polls = [Poll(events("a", "b"), {"since": "1"}, more=True), Poll(events("b", "c"), {"since": "2"})]
    assert polling.poll_due("w") == 1
    assert list(Arrival.objects.order_by("id").values_list("key", flat=True)) == ["a", "b", "c"]
    assert (inbox().cursor, inbox().polled_at) == ({"since": "2"}, T0 + minutes(30))
    assert x.polled_from == {"since": "1"}
    road.drive()
    assert Message.objects.count() == 1


def test_the_log_names_the_inbox_and_the_platform_s_words_but_nobody(x: Fake, caplog) -> None:
    words = "Busy, @ada; ask\nada@example.com or +49 30 123456 in 30 s."
    x.polls = [ChannelError(ErrorKind.TRANSIENT, words)]
    polling.poll_due("w")
    found = inbox()
    assert (
        f"Inbox {found.pk} (X, {found.name}) could not be polled: Busy, … ask … or … in 30 s. (transient)"
        in caplog.text
    )


def test_it_is_asked_again_when_its_time_has_come(x: Fake) -> None:
    x.polls = [Poll((), {"since": str(number)}) for number in range(2)]
    polling.poll_due("w")
    assert polling.poll_due("w") == 0
    with clock.frozen(T0 + minutes(31)):
        assert polling.poll_due("w") == 1
    assert x.polled_from == {"since": "0"}


def test_events_and_place_are_stored_together_or_not_at_all(x: Fake, monkeypatch, caplog) -> None:
    real = store.insert

    def insert(rows):
        real(rows)
        raise OperationalError("the disk is full of private words")

    x.polls = [Poll(events("a"), {"since": "1"}), Poll(events("a"), {"since": "1"})]
    with monkeypatch.context() as broken:
        broken.setattr("parlour.traffic.polling.insert", insert)
        polling.poll_due("w")
    assert (inbox().cursor, Arrival.objects.count()) == ({}, 0)
    assert "private words" not in caplog.text
    with clock.frozen(T0 + minutes(32)):
        polling.poll_due("w")
    assert (inbox().cursor, Arrival.objects.count()) == ({"since": "1"}, 1)


def test_pages_before_a_failure_are_kept(x: Fake) -> None:
    x.polls = [Poll(events("a"), {"since": "1"}, more=True), ChannelError(ErrorKind.TRANSIENT, "Busy.")]
    polling.poll_due("w")
    assert (inbox().cursor, Arrival.objects.count(), inbox().health) == ({"since": "1"}, 1, "ok")


def test_an_endless_platform_lets_the_others_have_their_turn(x: Fake) -> None:
    x.polls = [Poll(events(str(number)), {"since": str(number)}, more=True) for number in range(100)]
    polling.poll_due("w")
    assert Arrival.objects.count() == polling.MOST_PAGES


def test_expired_credentials_show_and_go_away(x: Fake) -> None:
    x.polls = [ChannelError(ErrorKind.AUTH_EXPIRED, "Token expired."), Poll((), {})]
    polling.poll_due("w")
    assert (inbox().health, inbox().health_note) == ("attention", "Token expired.")
    with clock.frozen(T0 + minutes(32)):
        polling.poll_due("w")
    assert (inbox().health, inbox().health_note) == ("ok", "")


def test_a_platform_that_asks_for_patience_gets_it(x: Fake) -> None:
    x.polls = [ChannelError(ErrorKind.RATE_LIMITED, "Slow down.", retry_after=900), Poll((), {})]
    polling.poll_due("w")
    with clock.frozen(T0 + minutes(44)):
        assert polling.poll_due("w") == 0
    with clock.frozen(T0 + minutes(45)):
        assert polling.poll_due("w") == 1


def test_one_worker_asks_at_a_time_and_paused_inboxes_are_not_asked(x: Fake) -> None:
    spine.take_lease(f"poll:{inbox().pk}", "other", 60)
    assert polling.poll_due("w") == 0
    spine.drop_lease(f"poll:{inbox().pk}", "other")
    Inbox.objects.update(health=Inbox.Health.PAUSED)
    assert polling.poll_due("w") == 0


def test_what_another_worker_has_just_asked_is_not_asked_again(x: Fake, monkeypatch) -> None:
    real = spine.take_lease

    def take_lease(name: str, owner: str, seconds: float) -> bool:
        Inbox.objects.update(polled_at=clock.now(), cursor={"since": "theirs"})
        return real(name, owner, seconds)

    monkeypatch.setattr(spine, "take_lease", take_lease)
    assert polling.poll_due("w") == 0
    assert inbox().cursor == {"since": "theirs"}
    assert timedelta(0) <= clock.now() - (inbox().polled_at or T0) < minutes(1)


def test_a_poll_that_works_makes_nothing_good_that_it_has_not_found(x: Fake) -> None:
    note_health(inbox().pk, Inbox.Health.ATTENTION, "Sending is blocked for a week.")
    x.polls = [Poll((), {})]
    polling.poll_due("w")
    assert inbox().health == "attention"


def test_a_renewal_that_does_not_help_is_told_and_not_tried_on_and_on(x: Fake, monkeypatch) -> None:
    renewed: list[int] = []

    def renew(_: object) -> dict[str, str]:
        renewed.append(1)
        return {"access_token": f"token-{len(renewed)}"}

    monkeypatch.setattr(x, "renew", renew, raising=False)
    x.polls = [ChannelError(ErrorKind.AUTH_EXPIRED, "Token expired.") for _ in range(9)]
    assert [polling.poll_due("w") for _ in range(5)] == [1, 1, 0, 0, 0]
    assert (len(renewed), inbox().health) == (1, "attention")
    assert inbox().health_note == "Token expired. Renewing it did not help."
    with clock.frozen(T0 + minutes(36)):
        assert [polling.poll_due("w") for _ in range(5)] == [1, 1, 0, 0, 0]
        assert (len(renewed), inbox().health) == (2, "attention")
    x.polls = [Poll((), {})]
    with clock.frozen(T0 + minutes(38)):
        polling.poll_due("w")
    assert inbox().health == "ok"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ChannelError(ErrorKind.TRANSIENT, "X did not answer."), "X did not answer."),
        (KeyError("private words"), "A fault of Parlour's (KeyError)."),
    ],
)
def test_polls_that_fail_again_and_again_are_told_until_one_works(x: Fake, error: Exception, words: str) -> None:
    x.polls = [error] * (polling.FAILURES + 2)
    for number in range(1, polling.FAILURES + 3):
        with clock.frozen(T0 + minutes(30 + 2 * number)):
            assert polling.poll_due("w") == 1
        assert (inbox().poll_failures, inbox().poll_error) == (number, words)
        assert inbox().health == ("ok" if number < polling.FAILURES else "attention")
    assert inbox().health_note == f"Nothing could be fetched 10 times in a row: {words}"
    x.polls = [Poll((), {})]
    with clock.frozen(T0 + minutes(90)):
        polling.poll_due("w")
    assert (inbox().poll_failures, inbox().poll_error, inbox().health) == (0, "", "ok")


def test_polls_that_fail_leave_what_is_known_to_be_wrong(x: Fake) -> None:
    note_health(inbox().pk, Inbox.Health.ATTENTION, "Sending is blocked for a week.")
    Inbox.objects.update(poll_failures=50)
    x.polls = [ChannelError(ErrorKind.TRANSIENT, "Busy.")]
    polling.poll_due("w")
    assert (inbox().health_note, inbox().poll_failures) == ("Sending is blocked for a week.", 51)


@pytest.mark.django_db(transaction=True)
def test_one_slow_platform_holds_up_no_other(road: Road, x: Fake, monkeypatch) -> None:
    first = inbox()
    second = Inbox.objects.create(brand=first.brand, channel="x", name="Second", key="second", sealed=first.sealed)
    asked, answers = threading.Event(), threading.Event()
    polled: list[int] = []

    def poll(told, _cursor) -> Poll:
        polled.append(told.id)
        if told.id == first.pk:
            asked.set()
            assert answers.wait(10)
        return Poll((), {})

    def slow() -> None:
        with clock.frozen(T0 + minutes(30)):
            polling.poll_due("w.1")
        connection.close()

    monkeypatch.setattr(x, "poll", poll)
    thread = threading.Thread(target=slow)
    thread.start()
    assert asked.wait(10)
    assert polling.poll_due("w.2") == 1
    answers.set()
    thread.join(10)
    assert polled == [first.pk, second.pk]
