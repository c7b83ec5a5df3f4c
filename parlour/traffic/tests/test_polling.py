"""Asking platforms: events and cursor are stored together, one worker asks one inbox."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.db import OperationalError

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
