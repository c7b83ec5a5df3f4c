"""How a case can be answered, with the channels as they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from parlour.cases import actions, queries
from parlour.cases.models import Case, Delivery, DeliveryState, Message, Thread
from parlour.cases.tests.rows import START, Rows, claimed
from parlour.channels.models import Inbox
from parlour.lib import clock

pytestmark = pytest.mark.django_db


@contextmanager
def after(hours: float) -> Iterator[None]:
    with clock.frozen(START + timedelta(hours=hours)):
        yield


def shown(case: Case) -> list[tuple[str, str, str]]:
    case.refresh_from_db()
    return [(way.visibility, way.mode, way.channel) for way in queries.ways(case)]


def test_nothing_was_said_so_there_is_no_way(rows: Rows) -> None:
    assert queries.ways(rows.case()) == []


def test_a_public_post_is_answered_in_public_or_once_in_private(rows: Rows) -> None:
    case = rows.case()
    said = rows.said(case, channel="facebook", sent_at=START)
    with after(1):
        assert shown(case) == [("public", "reply", "facebook"), ("private", "private_reply", "facebook")]
        public, private = queries.ways(case)
        assert (public.limit, public.unit, public.answers, public.until) == (8000, "characters", said.pk, None)
        assert (private.limit, private.until) == (2000, START + timedelta(days=7))
        actions.reply(case.pk, by=rows.agent(), text="In private.", visibility="private")
        assert "one private reply" in queries.ways(case)[1].blocked
        assert queries.ways(case)[0].blocked == ""
        with pytest.raises(actions.Invalid, match="one private reply"):
            actions.reply(case.pk, by=rows.agent(), text="Again.", visibility="private")
    with after(7 * 24):
        assert "only 7 days" in queries.ways(case)[1].blocked


@pytest.mark.parametrize("state", [DeliveryState.FAILED, DeliveryState.CANCELLED])
def test_a_private_reply_that_was_not_given_is_not_spent(rows: Rows, state: str) -> None:
    case = rows.case()
    rows.said(case, channel="facebook", sent_at=START)
    with after(1):
        message = actions.reply(case.pk, by=rows.agent(), text="In private.", visibility="private")
        assert Delivery.objects.get().mode == "private_reply"
        assert message.thread is None
        claimed(message, state)
        assert [way.blocked for way in queries.ways(case)] == ["", ""]


def test_a_new_comment_may_be_answered_in_private_again(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, channel="facebook", sent_at=START)
    with after(1):
        actions.reply(case.pk, by=rows.agent(), text="In private.", visibility="private")
        rows.said(case, channel="facebook", sent_at=START + timedelta(minutes=50))
        assert [way.blocked for way in queries.ways(case)] == ["", ""]


def test_messenger_closes_its_window_after_a_week_for_people(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, channel="messenger", visibility="private", sent_at=START)
    with after(30):
        (way,) = queries.ways(case)
        assert (way.visibility, way.mode, way.blocked) == ("private", "reply", "")
        assert way.until == START + timedelta(days=7)
    with after(7 * 24):
        (way,) = queries.ways(case)
        assert "no free answer" in way.blocked
        with pytest.raises(actions.Invalid, match="no free answer"):
            actions.reply(case.pk, by=rows.agent(), text="Late.", visibility="private")


def test_x_has_no_window(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, visibility="private", sent_at=START)
    with after(24 * 365):
        (way,) = queries.ways(case)
        assert (way.blocked, way.until) == ("", None)


def test_the_lane_the_customer_spoke_in_last_comes_first(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, sent_at=START)
    rows.said(case, visibility="private", sent_at=START + timedelta(minutes=1))
    with after(1):
        assert shown(case) == [("private", "reply", "x"), ("public", "reply", "x")]
        rows.said(case, sent_at=START + timedelta(minutes=2))
        assert shown(case) == [("public", "reply", "x"), ("private", "reply", "x")]


def test_open_ways_come_before_closed_ones(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, channel="facebook", sent_at=START)
    rows.said(case, channel="messenger", visibility="private", sent_at=START + timedelta(minutes=1))
    with after(8 * 24):
        assert [(way.visibility, bool(way.blocked)) for way in queries.ways(case)] == [
            ("public", False),
            ("private", True),
        ]


def test_a_thread_the_customer_has_not_written_in_hides_no_other(rows: Rows) -> None:
    case = rows.case()
    said = rows.said(case, channel="messenger", visibility="private", sent_at=START)
    Thread.objects.create(
        inbox=rows.inbox("messenger"), external_id="opened", visibility="private", customer=case.customer, case=case
    )
    with after(1):
        (way,) = queries.ways(case)
        assert way.answers == said.pk


def test_a_disconnected_inbox_hides_no_living_one(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, channel="messenger", visibility="private", sent_at=START + timedelta(minutes=9))
    gone = Inbox.objects.create(
        brand=case.brand, channel="messenger", name="Before", key="before", health=Inbox.Health.GONE
    )
    Thread.objects.update(inbox=gone, external_id="before")
    Message.objects.update(inbox=gone)
    with after(1):
        (way,) = queries.ways(case)
        assert "is disconnected" in way.blocked
    said = rows.said(case, channel="messenger", visibility="private", sent_at=START)
    with after(1):
        (way,) = queries.ways(case)
        assert (way.blocked, way.answers) == ("", said.pk)


def test_deleted_words_are_answered_only_when_there_are_no_others(rows: Rows) -> None:
    case = rows.case()
    first = rows.said(case, sent_at=START)
    second = rows.said(case, sent_at=START + timedelta(minutes=1))
    Message.objects.filter(pk=second.pk).update(deleted_at=START)
    with after(1):
        assert queries.ways(case)[0].answers == first.pk
        Message.objects.filter(pk=first.pk).update(deleted_at=START)
        public = next(way for way in queries.ways(case) if way.visibility == "public")
        assert "deleted" in public.blocked


def test_a_paused_inbox_blocks_its_ways_only(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, channel="facebook", sent_at=START)
    rows.said(case, channel="messenger", visibility="private", sent_at=START)
    Inbox.objects.filter(channel="messenger").update(health=Inbox.Health.PAUSED)
    with after(1):
        assert {way.channel: bool(way.blocked) for way in queries.ways(case)} == {"facebook": False, "messenger": True}


def test_an_inbox_that_needs_attention_still_sends(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, sent_at=START)
    Inbox.objects.update(health=Inbox.Health.ATTENTION)
    with after(1):
        assert not queries.ways(case)[0].blocked
