"""Answering, undoing, trying again, settling, acting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from parlour.cases import actions
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case, Delivery, DeliveryState, Direction, Message
from parlour.cases.tests.rows import START, Rows, claimed, delivery_of
from parlour.channels.models import Brand, Inbox
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.staff.access import Denied
from parlour.staff.models import Role, Token

pytestmark = pytest.mark.django_db
NOW = START + timedelta(minutes=500)


@pytest.fixture(autouse=True)
def _at_noon():
    with clock.frozen(NOW):
        yield


def verbs(case: Case) -> list[str]:
    return list(Event.objects.filter(case_id=case.pk).order_by("id").values_list("verb", flat=True))


def test_an_answer_is_stored_and_queued_together(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    message = actions.reply(case.pk, by=agent, text="  It is on its way.  ", visibility="public", hold_seconds=5)
    delivery = delivery_of(message)
    assert (message.text, message.direction, message.agent, message.thread) == (
        "It is on its way.",
        Direction.OUT,
        agent,
        said.thread,
    )
    assert (message.reply_to, delivery.target, delivery.mode) == (said.external_id, said.external_id, "reply")
    assert (delivery.state, delivery.due_at) == (DeliveryState.QUEUED, NOW + timedelta(seconds=5))
    assert delivery.reference
    case.refresh_from_db()
    assert (case.waiting_since, case.response_due_at, case.response_warn_at, case.urgency) == (None, None, None, 0.0)
    assert (case.first_response_at, case.last_out_at, case.messages_out) == (NOW, NOW, 1)
    assert (case.snippet, case.snippet_direction, case.look_at) == ("It is on its way.", "out", NOW)
    event = Event.objects.get(verb="reply.queued")
    assert (event.verb, event.actor, event.message_id) == ("reply.queued", f"agent:{agent.pk}", message.pk)
    assert "on its way" not in str(event.data)


def test_an_answer_after_the_promise_is_a_breach(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, sent_at=NOW - timedelta(minutes=61))
    due = NOW - timedelta(minutes=1)
    actions.reply(case.pk, by=rows.agent(), text="Sorry.", visibility="public")
    case.refresh_from_db()
    assert case.breached_at == due


def test_a_later_answer_leaves_the_first_response_alone(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    actions.reply(case.pk, by=agent, text="One.", visibility="public")
    with clock.frozen(NOW + timedelta(hours=5)):
        actions.reply(case.pk, by=agent, text="Two.", visibility="public")
    case.refresh_from_db()
    assert (case.first_response_at, case.breached_at, case.messages_out) == (NOW, case.breached_at, 2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "  \n "}, "some text"),
        ({"text": "\x00" * 3 + "x" * 281}, "287 of at most 280"),
        ({"visibility": "secret"}, "public or private"),
        ({"visibility": "private", "answers": 0}, "not one of this customer's"),
        ({"answers": 2**70}, "not one of this customer's"),
        ({"idempotency_key": "k" * 201}, "idempotency key"),
        ({"idempotency_key": "k\x00"}, "idempotency key"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_sentence(rows: Rows, given: dict[str, object], words: str) -> None:
    case = rows.case()
    rows.said(case)
    wanted = {"text": "Hello.", "visibility": "public"} | given
    with pytest.raises(Invalid, match=words):
        actions.reply(case.pk, by=rows.agent(), **wanted)  # type: ignore[arg-type]
    assert not Delivery.objects.exists()
    assert not Event.objects.exists()


def test_a_case_without_a_customer_s_words_takes_no_answer(rows: Rows) -> None:
    with pytest.raises(Invalid, match="cannot be answered"):
        actions.reply(rows.case().pk, by=rows.agent(), text="Hello?", visibility="public")
    with pytest.raises(Case.DoesNotExist):
        actions.reply(2**70, by=rows.agent(), text="Hello?", visibility="public")


def test_a_chosen_message_of_the_case_is_answered(rows: Rows) -> None:
    case, other = rows.case(), rows.case()
    first = rows.said(case, "One?")
    rows.said(case, "Two?")
    foreign = rows.said(other)
    message = actions.reply(case.pk, by=rows.agent(), text="Yes.", visibility="public", answers=first.pk)
    assert delivery_of(message).target == first.external_id
    for wrong in (foreign.pk, message.pk):
        with pytest.raises(Invalid, match="not one of this customer's"):
            actions.reply(case.pk, by=rows.agent(), text="Yes.", visibility="public", answers=wrong)


def test_analysts_change_nothing(rows: Rows) -> None:
    case, analyst = rows.case(), rows.agent(role=Role.ANALYST)
    said = rows.said(case)
    message = actions.reply(case.pk, by=rows.agent(), text="Yes.", visibility="public")
    before = Event.objects.count()
    tries: list[Callable[[], object]] = [
        lambda: actions.reply(case.pk, by=analyst, text="No.", visibility="public"),
        lambda: actions.cancel_reply(message.pk, by=analyst),
        lambda: actions.retry_reply(message.pk, by=analyst),
        lambda: actions.settle_reply(message.pk, by=analyst, arrived=True),
        lambda: actions.act(said.pk, "hide", by=analyst),
        lambda: actions.add_note(case.pk, by=analyst, text="Hm."),
        lambda: actions.assign(case.pk, None, by=analyst),
        lambda: actions.take(case.pk, by=analyst),
        lambda: actions.set_team(case.pk, None, by=analyst),
        lambda: actions.set_level(case.pk, "high", by=analyst),
        lambda: actions.set_category(case.pk, "billing", by=analyst),
        lambda: actions.set_sentiment(said.pk, "positive", by=analyst),
        lambda: actions.set_actionable(case.pk, False, by=analyst),
        lambda: actions.resolve(case.pk, by=analyst),
        lambda: actions.reopen(case.pk, by=analyst),
    ]
    for one in tries:
        with pytest.raises(Denied):
            one()
    assert Event.objects.count() == before
    assert Message.objects.count() == 2


# Two agents, and the same request twice


def test_a_colleague_s_answer_in_the_meantime_is_a_conflict(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    said = rows.said(case)
    actions.reply(case.pk, by=noor, text="One.", visibility="public", seen=said.pk)
    with pytest.raises(Conflict, match="Noor has answered"):
        actions.reply(case.pk, by=mika, text="Two.", visibility="public", seen=said.pk)
    actions.reply(case.pk, by=noor, text="Three.", visibility="public", seen=said.pk)
    seen = Message.objects.latest("id").pk
    actions.reply(case.pk, by=mika, text="Four.", visibility="public", seen=seen)


def test_an_answer_that_was_undone_stands_in_nobody_s_way(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    said = rows.said(case)
    actions.cancel_reply(actions.reply(case.pk, by=noor, text="One.", visibility="public").pk, by=noor)
    assert actions.reply(case.pk, by=mika, text="Two.", visibility="public", seen=said.pk)


def test_an_answer_that_failed_stands_in_nobody_s_way(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    said = rows.said(case)
    claimed(actions.reply(case.pk, by=noor, text="One.", visibility="public", seen=said.pk), DeliveryState.FAILED)
    assert actions.reply(case.pk, by=mika, text="Two.", visibility="public", seen=said.pk)


def test_an_act_that_failed_does_not_take_back_the_answer_it_was_for(rows: Rows) -> None:
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    said = rows.said(case)
    answer = actions.reply(case.pk, by=noor, text="One.", visibility="public", seen=said.pk)
    Delivery.objects.create(message=answer, what="delete", reference="act", due_at=NOW, state=DeliveryState.CANCELLED)
    with pytest.raises(Conflict, match="Noor has answered"):
        actions.reply(case.pk, by=mika, text="Two.", visibility="public", seen=said.pk)


def test_an_answer_through_the_api_counts_as_a_colleague_s(rows: Rows) -> None:
    case = rows.case()
    said = rows.said(case)
    token = Token.objects.create(name="script", role=Role.AGENT, digest="d")
    message = actions.reply(case.pk, by=token, text="One.", visibility="public", seen=said.pk)
    assert message.agent is None
    with pytest.raises(Conflict, match="Somebody"):
        actions.reply(case.pk, by=rows.agent(), text="Two.", visibility="public", seen=said.pk)


def test_the_same_key_gives_the_same_message_and_does_nothing(rows: Rows) -> None:
    case, other, agent = rows.case(), rows.case(), rows.agent()
    rows.said(case)
    rows.said(other)
    first = actions.reply(case.pk, by=agent, text="Yes.", visibility="public", idempotency_key="k1")
    assert actions.reply(case.pk, by=agent, text=" Yes. ", visibility="public", idempotency_key="k1") == first
    for case_id, text in ((case.pk, "No."), (other.pk, "Yes.")):
        with pytest.raises(Conflict, match="another answer"):
            actions.reply(case_id, by=agent, text=text, visibility="public", idempotency_key="k1")
    assert Delivery.objects.count() == 1
    assert Event.objects.filter(verb="reply.queued").count() == 1
    assert actions.reply(case.pk, by=agent, text="Yes.", visibility="public", idempotency_key="k2") != first


def at_once(jobs: list[Callable[[], object]]) -> list[object]:
    """What each of these gave or raised, all begun in the same moment."""
    got: list[object] = [None] * len(jobs)
    start = threading.Barrier(len(jobs))

    def run(place: int) -> None:
        start.wait()
        try:
            got[place] = jobs[place]()
        except Exception as error:
            got[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(jobs))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return got


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_gives_the_same_message() -> None:
    rows = Rows()
    case, other, agent = rows.case(), rows.case(), rows.agent()
    rows.said(case)
    rows.said(other)
    jobs = [
        lambda: actions.reply(case.pk, by=agent, text="Yes.", visibility="public", idempotency_key="k")
        for _ in range(4)
    ]
    got = at_once(jobs)  # type: ignore[arg-type]
    assert all(isinstance(one, Message) for one in got), got
    assert len({one.pk for one in got if isinstance(one, Message)}) == 1
    assert Message.objects.filter(direction="out").count() == 1
    crossed = at_once(
        [
            lambda: actions.reply(case.pk, by=agent, text="A", visibility="public", idempotency_key="k2"),
            lambda: actions.reply(other.pk, by=agent, text="A", visibility="public", idempotency_key="k2"),
        ]
    )
    assert sorted(type(one).__name__ for one in crossed) == ["Conflict", "Message"]
    assert Event.objects.filter(verb="reply.queued").count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_agents_who_answer_at_once_one_does() -> None:
    rows = Rows()
    case, noor, mika = rows.case(), rows.agent("Noor"), rows.agent("Mika")
    said = rows.said(case)
    got = at_once(
        [
            lambda: actions.reply(case.pk, by=noor, text="A", visibility="public", seen=said.pk),
            lambda: actions.reply(case.pk, by=mika, text="B", visibility="public", seen=said.pk),
        ]
    )
    assert sorted(type(one).__name__ for one in got) == ["Conflict", "Message"]
    case.refresh_from_db()
    assert case.messages_out == 1


# Undo, retry, settle


def test_undoing_leaves_everything_as_it_was(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case, "Where is it?")
    rows.said(case, "Hello??", urgency=0.9)
    names = ["waiting_since", "response_due_at", "response_warn_at", "first_response_at", "last_out_at", "snippet"]
    names += ["snippet_direction", "messages_out", "breached_at"]
    case.refresh_from_db()
    before = {name: getattr(case, name) for name in names}
    message = actions.reply(case.pk, by=agent, text="Soon.", visibility="public", hold_seconds=5)
    actions.cancel_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert {name: getattr(case, name) for name in names} | {"breached_at": None} == before
    assert case.urgency == 0.9
    assert case.look_at == NOW
    assert delivery_of(message).state == DeliveryState.CANCELLED
    assert verbs(case) == ["reply.queued", "case.assigned", "reply.cancelled"]
    with pytest.raises(Conflict, match="too late"):
        actions.cancel_reply(message.pk, by=agent)


def test_undoing_the_second_answer_keeps_the_first(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    actions.reply(case.pk, by=agent, text="One.", visibility="public")
    with clock.frozen(NOW + timedelta(minutes=1)):
        second = actions.reply(case.pk, by=agent, text="Two.", visibility="public")
        actions.cancel_reply(second.pk, by=agent)
    case.refresh_from_db()
    assert (case.first_response_at, case.last_out_at, case.snippet) == (NOW, NOW, "One.")
    assert (case.waiting_since, case.response_due_at, case.messages_out) == (None, None, 1)


def test_nobody_waits_for_the_answer_to_a_thank_you(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case, "Thanks!", actionable=False)
    actions.cancel_reply(actions.reply(case.pk, by=agent, text="Bye.", visibility="public").pk, by=agent)
    case.refresh_from_db()
    assert case.waiting_since is None
    assert case.response_due_at is None


def test_undoing_what_was_sent_to_a_resolved_case_leaves_it_resolved(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    actions.resolve(case.pk, by=agent)
    with clock.frozen(NOW + timedelta(minutes=1)):
        message = actions.reply(case.pk, by=agent, text="By the way.", visibility="public", hold_seconds=5)
        actions.cancel_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert (case.status, case.resolved_at, case.waiting_since, case.response_due_at) == ("resolved", NOW, None, None)
    assert "case.reopened" not in verbs(case)


def test_undoing_an_answer_opens_the_case_that_was_resolved_with_it(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Done.", visibility="public", hold_seconds=5)
    actions.resolve(case.pk, by=agent)
    actions.cancel_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert (case.status, case.resolved_at, case.reopened) == ("open", None, 1)
    assert (case.waiting_since, case.response_due_at) == (said.sent_at, said.sent_at + timedelta(minutes=60))
    assert verbs(case) == ["reply.queued", "case.assigned", "case.resolved", "case.reopened", "reply.cancelled"]
    reopened = Event.objects.get(verb="case.reopened")
    assert (reopened.actor, reopened.data) == (f"agent:{agent.pk}", {"reason": "Its answer was undone."})


def test_an_answer_that_did_not_arrive_opens_the_case_that_was_resolved_with_it(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Done.", visibility="public")
    actions.resolve(case.pk, by=agent)
    claimed(message, DeliveryState.UNCERTAIN)
    actions.settle_reply(message.pk, by=agent, arrived=False)
    case.refresh_from_db()
    assert (case.status, case.waiting_since) == ("open", said.sent_at)


def test_undoing_leaves_a_case_closed_whose_customer_has_another_one_open(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Done.", visibility="public", hold_seconds=5)
    actions.resolve(case.pk, by=agent)
    rows.case(customer=case.customer)
    actions.cancel_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert (case.status, case.reopened, case.waiting_since) == ("resolved", 0, None)
    assert delivery_of(message).state == DeliveryState.CANCELLED
    assert verbs(case)[-1] == "reply.cancelled"


def test_undoing_the_first_answer_makes_the_second_the_first_response(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    first = actions.reply(case.pk, by=agent, text="One.", visibility="public", hold_seconds=600)
    with clock.frozen(NOW + timedelta(minutes=1)):
        second = actions.reply(case.pk, by=agent, text="Two.", visibility="public", hold_seconds=600)
        actions.cancel_reply(first.pk, by=agent)
        case.refresh_from_db()
        assert (case.first_response_at, case.waiting_since, case.response_due_at) == (second.sent_at, None, None)
        actions.cancel_reply(second.pk, by=agent)
    case.refresh_from_db()
    # The promise was ended by the first; it runs again once both are gone.
    assert case.first_response_at is None
    assert case.response_due_at == (case.waiting_since or NOW) + timedelta(minutes=60)


def test_undoing_on_a_reopened_case_lets_its_promise_run_again(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    actions.reply(case.pk, by=agent, text="One.", visibility="public")
    again = rows.said(case, "Still broken.", sent_at=NOW + timedelta(minutes=30))
    with clock.frozen(NOW + timedelta(minutes=40)):
        message = actions.reply(case.pk, by=agent, text="Two.", visibility="public", hold_seconds=5)
        actions.cancel_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert (case.first_response_at, case.waiting_since) == (NOW, again.sent_at)
    assert case.response_due_at == again.sent_at + timedelta(minutes=60)
    assert case.response_warn_at == again.sent_at + timedelta(minutes=45)


@pytest.mark.parametrize("recorded", [False, True])
def test_undoing_promises_nothing_that_was_not_promised(rows: Rows, recorded: bool) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    if recorded:
        Brand.objects.update(recorded=True)
    else:
        Case.objects.update(response_due_at=None, response_warn_at=None)
    actions.cancel_reply(actions.reply(case.pk, by=agent, text="One.", visibility="public").pk, by=agent)
    case.refresh_from_db()
    assert (case.waiting_since, case.response_due_at, case.response_warn_at) == (said.sent_at, None, None)


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.FAILED])
def test_what_was_claimed_cannot_be_undone(rows: Rows, state: str) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Soon.", visibility="public")
    claimed(message, state)
    with pytest.raises(Conflict, match="too late"):
        actions.cancel_reply(message.pk, by=agent)
    assert delivery_of(message).state == state


def test_only_what_failed_or_is_uncertain_is_tried_again(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Soon.", visibility="public")
    for state in (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.CANCELLED):
        claimed(message, state)
        with pytest.raises(Conflict, match="neither failed nor uncertain"):
            actions.retry_reply(message.pk, by=agent)
    claimed(message, DeliveryState.UNCERTAIN)
    Delivery.objects.update(error_kind="transient", error_words="No.", settled_at=NOW)
    actions.retry_reply(message.pk, by=agent)
    again = delivery_of(message)
    assert (again.state, again.attempts, again.error_kind, again.error_words, again.settled_at) == (
        DeliveryState.QUEUED,
        0,
        "",
        "",
        None,
    )
    assert again.due_at == NOW
    case.refresh_from_db()
    assert case.messages_out == 1


def test_an_answer_that_did_not_arrive_leaves_the_customer_waiting_until_it_is_said_again(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Soon.", visibility="public")
    claimed(message, DeliveryState.UNCERTAIN)
    actions.settle_reply(message.pk, by=agent, arrived=False)
    case.refresh_from_db()
    assert delivery_of(message).state == DeliveryState.FAILED
    assert (case.waiting_since, case.first_response_at, case.messages_out) == (said.sent_at, None, 0)
    assert case.response_due_at == said.sent_at + timedelta(minutes=60)
    with clock.frozen(NOW + timedelta(minutes=3)):
        actions.retry_reply(message.pk, by=agent)
    case.refresh_from_db()
    assert (case.waiting_since, case.messages_out) == (None, 1)
    assert case.first_response_at == case.last_out_at == NOW + timedelta(minutes=3)
    assert verbs(case) == ["reply.queued", "case.assigned", "delivery.failed", "reply.queued"]


def test_a_person_says_that_an_uncertain_answer_arrived_once(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    rows.said(case)
    message = actions.reply(case.pk, by=agent, text="Soon.", visibility="public")
    with pytest.raises(Conflict, match="not uncertain"):
        actions.settle_reply(message.pk, by=agent, arrived=True)
    claimed(message, DeliveryState.UNCERTAIN)
    actions.settle_reply(message.pk, by=agent, arrived=True)
    case.refresh_from_db()
    assert (delivery_of(message).state, case.waiting_since) == (DeliveryState.SENT, None)
    with pytest.raises(Conflict, match="not uncertain"):
        actions.settle_reply(message.pk, by=agent, arrived=False)
    assert verbs(case)[-1] == "delivery.sent"


def test_words_that_were_not_sent_from_here_have_nothing_to_settle(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case)
    echo = rows.said(case, external_id="echo")
    Message.objects.filter(pk=echo.pk).update(direction=Direction.OUT)
    for verb in (actions.cancel_reply, actions.retry_reply):
        with pytest.raises(Invalid, match="not sent from the desk"):
            verb(echo.pk, by=agent)
        with pytest.raises(Message.DoesNotExist):
            verb(said.pk, by=agent)


# Acts


def test_an_act_is_queued_where_the_channel_can(rows: Rows) -> None:
    case, agent = rows.case(), rows.agent()
    said = rows.said(case, channel="facebook")
    delivery = actions.act(said.pk, "hide", by=agent)
    assert (delivery.what, delivery.target, delivery.state) == ("hide", said.external_id, DeliveryState.QUEUED)
    assert verbs(case) == ["message.act"]
    with pytest.raises(Invalid, match="no “seen”"):
        actions.act(said.pk, "seen", by=agent)
    private = rows.said(case, channel="facebook", visibility="private")
    with pytest.raises(Invalid, match="no “hide”"):
        actions.act(private.pk, "hide", by=agent)
    with pytest.raises(Invalid, match="not on a platform"):
        actions.act(actions.add_note(case.pk, by=agent, text="Hm.").pk, "delete", by=agent)
    with pytest.raises(Message.DoesNotExist):
        actions.act(2**70, "hide", by=agent)


def test_from_a_paused_inbox_nothing_is_said(rows: Rows) -> None:
    case = rows.case()
    rows.said(case)
    Inbox.objects.update(health=Inbox.Health.PAUSED)
    with pytest.raises(Invalid, match="paused"):
        actions.reply(case.pk, by=rows.agent(), text="Hello.", visibility="public")
