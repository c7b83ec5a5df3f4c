"""The way out: claimed once, in order, retried, settled; nothing is silently sent twice."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection

from parlour.cases import actions
from parlour.cases.models import Case, Delivery, DeliveryState, Message
from parlour.cases.tests.rows import Rows, delivery_of
from parlour.channels import registry
from parlour.channels.actions import disconnect, pause, resume
from parlour.channels.contract import ChannelError, ErrorKind, Rate, Receipt
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.traffic import outbox
from parlour.traffic.pacing import Pace
from parlour.traffic.tests.road import T0, Road, comment, minutes, only_case, private, said, verbs

pytestmark = pytest.mark.django_db
NOW = T0 + minutes(30)


@pytest.fixture(autouse=True)
def _clocked(clocked: None) -> None:
    return


def asked(road: Road, count: int = 1) -> list[Case]:
    people = [f"cust-{number}" for number in range(count)]
    road.take("api", *(said(f"s-{person}", "Where is it?", person=person) for person in people))
    return list(Case.objects.order_by("id"))


def say(road: Road, case: Case, text: str = "Soon.", hold: float = 0) -> Message:
    return actions.reply(case.pk, by=road.agent(), text=text, visibility="private", hold_seconds=hold)


def refusal(kind: ErrorKind, words: str = "No.", retry_after: float | None = None) -> ChannelError:
    return ChannelError(kind, words, retry_after=retry_after)


def test_an_answer_is_sent_with_all_the_channel_needs(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    (delivery,) = road.send_due()
    (outbound,) = road.fakes["api"].sent
    assert (outbound.text, outbound.visibility, outbound.mode) == ("Soon.", "private", "reply")
    assert (outbound.thread, outbound.target, outbound.author) == ("thread-cust-0", "s-cust-0", "cust-0")
    assert (outbound.reference, outbound.last_inbound_at, outbound.human) == (delivery.reference, T0, True)
    ours.refresh_from_db()
    assert ours.external_id == f"ours-{delivery.reference}"
    assert (delivery.state, delivery.attempts, delivery.settled_at) == (DeliveryState.SENT, 1, NOW)
    assert verbs(case_id=case.pk)[-1] == "delivery.sent"
    assert road.send_due() == []


def test_nothing_is_sent_before_its_time(road: Road) -> None:
    (case,) = asked(road)
    say(road, case, hold=5)
    assert road.send_due() == []
    with clock.frozen(NOW + timedelta(seconds=5)):
        assert len(road.send_due()) == 1


def test_answers_of_a_case_keep_their_order(road: Road) -> None:
    one, two = asked(road, 2)
    for text in ("A1", "A2", "A3"):
        say(road, one, text)
    say(road, two, "B1")
    first = outbox.claim("w", 8)
    assert [delivery.message.text for delivery in first] == ["A1", "B1"]
    assert outbox.claim("w", 8) == []
    outbox.send(first[0])
    assert [delivery.message.text for delivery in outbox.claim("w", 8)] == ["A2"]


def test_an_answer_that_waits_for_its_next_try_holds_back_the_later_ones(road: Road) -> None:
    (case,) = asked(road)
    say(road, case, "A1")
    say(road, case, "A2")
    road.fakes["api"].answers.append(refusal(ErrorKind.TRANSIENT))
    assert [delivery.state for delivery in road.send_due()] == [DeliveryState.QUEUED]
    assert road.send_due() == []
    with clock.frozen(NOW + minutes(1)):
        road.send_due()
        road.send_due()
    assert [outbound.text for outbound in road.fakes["api"].sent] == ["A1", "A1", "A2"]


def test_many_answers_of_one_case_hold_back_no_other(road: Road) -> None:
    one, two = asked(road, 2)
    for number in range(40):
        say(road, one, f"A{number}")
    say(road, two, "B1")
    outbox.claim("w", 1)
    assert [delivery.message.text for delivery in outbox.claim("w", 1)] == ["B1"]


def test_inboxes_that_rest_or_are_paused_send_nothing(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    assert ours.inbox_id is not None
    pace = Pace()
    pace.rest(ours.inbox_id, 60.0)
    assert outbox.claim("w", 8, pace) == []
    Inbox.objects.filter(pk=ours.inbox_id).update(health=Inbox.Health.PAUSED)
    assert outbox.claim("w", 8) == []
    Inbox.objects.filter(pk=ours.inbox_id).update(health=Inbox.Health.ATTENTION)
    assert len(outbox.claim("w", 8)) == 1


def test_what_may_work_later_is_tried_with_growing_patience_and_not_for_ever(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    road.fakes["api"].answers += [refusal(ErrorKind.TRANSIENT, "Busy.")] * 20
    at, waits = NOW, []
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        with clock.frozen(at):
            (delivery,) = road.send_due()
        assert (delivery.state, delivery.error_kind, delivery.error_words) == ("queued", "transient", "Busy.")
        waits.append((delivery.due_at - at).total_seconds())
        at = delivery.due_at
    assert all(2**tries <= wait <= 2**tries * 1.25 for tries, wait in enumerate(waits, 1))
    with clock.frozen(at):
        (delivery,) = road.send_due()
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, outbox.MOST_ATTEMPTS)
    assert verbs(message_id=ours.pk) == ["reply.queued", "delivery.failed"]


def test_a_limit_lets_the_inbox_rest_as_long_as_the_platform_says(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    road.fakes["api"].answers.append(refusal(ErrorKind.RATE_LIMITED, retry_after=120))
    (delivery,) = outbox.claim("w", 8)
    rest = outbox.send(delivery)
    assert rest is not None
    assert 120 <= rest <= 150
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.QUEUED
    assert delivery.due_at == NOW + timedelta(seconds=rest)


def test_a_limit_that_is_over_at_once_does_not_use_up_all_tries(road: Road, monkeypatch) -> None:
    (case,) = asked(road)
    say(road, case)
    now = NOW
    monkeypatch.setattr("parlour.lib.clock.now", lambda: now)
    for _ in range(outbox.MOST_ATTEMPTS - 1):
        road.fakes["api"].answers.append(refusal(ErrorKind.RATE_LIMITED, retry_after=0))
        (delivery,) = road.send_due()
        assert delivery.state == DeliveryState.QUEUED
        now = delivery.due_at
    assert now - NOW > timedelta(minutes=2)
    (delivery,) = road.send_due()
    assert delivery.state == DeliveryState.SENT


def test_a_final_refusal_shows_the_platform_s_words_and_the_customer_waits_again(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    assert Case.objects.get().waiting_since is None
    road.fakes["api"].answers.append(refusal(ErrorKind.RECIPIENT_UNAVAILABLE, "This person\nisn't available."))
    (delivery,) = road.send_due()
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "recipient_unavailable")
    assert delivery.error_words == "This person isn't available."
    case.refresh_from_db()
    assert (case.waiting_since, case.first_response_at, case.messages_out) == (T0, None, 0)
    assert case.response_due_at == T0 + timedelta(hours=1)
    assert Event.objects.latest("id").data["reason"] == "This person isn't available."
    actions.retry_reply(ours.pk, by=road.agent())
    assert [delivery.state for delivery in road.send_due()] == [DeliveryState.SENT]
    case.refresh_from_db()
    assert (case.waiting_since, case.messages_out) == (None, 1)


def test_a_refused_answer_opens_the_case_that_was_closed_with_it(road: Road) -> None:
    (case,) = asked(road)
    noor = road.agent()
    actions.reply(case.pk, by=noor, text="Done.", visibility="private", hold_seconds=1)
    actions.resolve(case.pk, by=noor)
    road.fakes["api"].answers.append(refusal(ErrorKind.POLICY_BLOCK))
    with clock.frozen(NOW + timedelta(seconds=1)):
        road.send_due()
    case.refresh_from_db()
    assert (case.status, case.waiting_since) == ("open", T0)
    reopened = Event.objects.get(verb="case.reopened")
    assert (reopened.actor, reopened.data) == ("desk", {"reason": "An answer could not be delivered."})


def test_expired_credentials_show_once_and_answers_wait_until_they_work_again(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    road.fakes["api"].answers.append(refusal(ErrorKind.AUTH_EXPIRED, "Token expired."))
    (claimed,) = outbox.claim("w", 8)
    rest = outbox.send(claimed)
    inbox, delivery = Inbox.objects.get(channel="api"), Delivery.objects.get()
    assert (rest, delivery.state, delivery.attempts) == (outbox.ATTENTION_SECONDS, DeliveryState.QUEUED, 0)
    assert (inbox.health, inbox.health_note) == ("attention", "Token expired.")
    with clock.frozen(NOW + timedelta(seconds=outbox.ATTENTION_SECONDS)):
        (delivery,) = road.send_due()
    inbox.refresh_from_db()
    assert (delivery.state, inbox.health) == (DeliveryState.SENT, "ok")


def test_an_answer_held_for_a_day_fails_and_the_customer_waits_again(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    Delivery.objects.update(created_at=NOW - timedelta(hours=25))
    road.fakes["api"].answers.append(refusal(ErrorKind.AUTH_EXPIRED, "Token expired."))
    (delivery,) = road.send_due()
    case.refresh_from_db()
    assert (delivery.state, case.waiting_since) == (DeliveryState.FAILED, T0)


def test_credentials_that_can_be_renewed_are_and_nobody_is_bothered(road: Road, monkeypatch) -> None:
    (case,) = asked(road)
    say(road, case)
    fake = road.fakes["api"]
    monkeypatch.setattr(fake, "renew", lambda _: {"callback_url": "https://renewed.example/in"}, raising=False)
    fake.answers.append(refusal(ErrorKind.AUTH_EXPIRED, "Token expired."))
    (delivery,) = road.send_due()
    inbox = Inbox.objects.get(channel="api")
    assert (delivery.state, inbox.health) == (DeliveryState.QUEUED, "ok")
    assert inbox.settings["callback_url"] == "https://renewed.example/in"
    with clock.frozen(NOW + timedelta(seconds=outbox.RENEWED_SECONDS)):
        assert [one.state for one in road.send_due()] == [DeliveryState.SENT]


def test_a_renewal_that_does_not_help_lets_the_inbox_rest_at_its_normal_pace(road: Road, monkeypatch) -> None:
    (case,) = asked(road)
    say(road, case)
    fake, renewed = road.fakes["api"], list[int]()

    def renew(_: object) -> dict[str, str]:
        renewed.append(1)
        return {"callback_url": f"https://renewed.example/{len(renewed)}"}

    monkeypatch.setattr(fake, "renew", renew, raising=False)
    fake.answers += [refusal(ErrorKind.AUTH_EXPIRED, "Token expired.")] * 200
    for second in range(0, 200, 2):
        with clock.frozen(NOW + timedelta(seconds=second)):
            road.send_due()
    assert (len(renewed), Inbox.objects.get(channel="api").health) == (1, "attention")
    assert len(fake.sent) == 2 + 190 // outbox.ATTENTION_SECONDS


def test_what_was_still_to_be_sent_when_its_inbox_was_disconnected_fails(road: Road) -> None:
    one, two = asked(road, 2)
    first, second = say(road, one, hold=4), say(road, two)
    (claimed,) = outbox.claim("w", 8)
    assert outbox.give_up("w") == 0
    disconnect(road.inbox("api").pk)
    assert outbox.give_up("w") == 1
    assert outbox.give_up("w") == 0
    delivery = delivery_of(first)
    assert (delivery.state, delivery.error_words) == ("failed", "Its inbox was disconnected before it was sent.")
    one.refresh_from_db()
    assert (one.waiting_since, one.status) == (T0, "open")
    # What was being sent then is its sender's to settle.
    assert (delivery_of(second).state, claimed.message_id) == ("sending", second.pk)
    assert verbs(message_id=first.pk) == ["reply.queued", "delivery.failed"]


def test_an_answer_from_before_a_long_pause_is_sent_by_nobody_but_a_person(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    pause(road.inbox("api").pk)
    with clock.frozen(NOW + timedelta(days=30)):
        assert road.send_due() == []
        resume(road.inbox("api").pk)
        (delivery,) = road.send_due()
        assert (delivery.state, road.fakes["api"].sent) == (DeliveryState.FAILED, [])
        assert "more than a day" in delivery.error_words
        case.refresh_from_db()
        assert case.waiting_since == T0
        actions.retry_reply(ours.pk, by=road.agent())
        assert [one.state for one in road.send_due()] == [DeliveryState.SENT]


def test_a_retry_from_before_a_long_pause_is_not_made(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    road.fakes["api"].answers.append(refusal(ErrorKind.TRANSIENT, "Busy."))
    road.send_due()
    pause(road.inbox("api").pk)
    with clock.frozen(NOW + timedelta(days=30)):
        resume(road.inbox("api").pk)
        assert [one.state for one in road.send_due()] == [DeliveryState.FAILED]
    assert len(road.fakes["api"].sent) == 1


def test_an_answer_from_before_a_short_pause_goes_out(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    pause(road.inbox("api").pk)
    with clock.frozen(NOW + timedelta(hours=23)):
        resume(road.inbox("api").pk)
        assert [one.state for one in road.send_due()] == [DeliveryState.SENT]


def test_a_retry_that_the_platform_put_off_for_a_day_is_made(road: Road) -> None:
    (case,) = asked(road)
    say(road, case)
    road.fakes["api"].answers.append(refusal(ErrorKind.RATE_LIMITED, retry_after=86_400))
    (delivery,) = road.send_due()
    with clock.frozen(delivery.due_at + timedelta(minutes=1)):
        assert [one.state for one in road.send_due()] == [DeliveryState.SENT]


def test_an_inbox_sends_no_faster_than_its_channel_says() -> None:
    seconds = [0.0]
    pace = Pace(lambda: seconds[0])
    rate = Rate(2, 10.0)
    assert [pace.take(1, rate) for _ in range(3)] == [True, True, False]
    assert (pace.resting(), pace.take(2, rate)) == (frozenset({1}), True)
    seconds[0] = 5.0
    assert pace.resting() == frozenset()
    assert [pace.take(1, rate) for _ in range(2)] == [True, False]


def test_an_unknown_outcome_is_never_tried_again_by_itself(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    road.fakes["api"].answers.append(refusal(ErrorKind.UNKNOWN_OUTCOME, "No answer came."))
    (delivery,) = road.send_due()
    assert delivery.state == DeliveryState.UNCERTAIN
    with clock.frozen(NOW + timedelta(days=1)):
        assert road.send_due() == []
    case.refresh_from_db()
    assert case.waiting_since is None
    assert len(road.fakes["api"].sent) == 1
    assert verbs(message_id=ours.pk)[-1] == "delivery.uncertain"


def test_a_fault_while_sending_is_uncertain_and_tells_nothing_of_what_was_said(road: Road, caplog) -> None:
    (case,) = asked(road)
    say(road, case, "Private words")
    road.fakes["api"].answers.append(KeyError("Private words"))
    (delivery,) = road.send_due()
    assert delivery.state == DeliveryState.UNCERTAIN
    assert "KeyError" in delivery.error_words
    assert "Private" not in delivery.error_words + caplog.text


def test_a_fault_before_sending_is_a_failure_that_can_be_tried_again(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    sealed = Inbox.objects.get(channel="api").sealed
    Inbox.objects.filter(channel="api").update(sealed="sealed with another secret")
    (delivery,) = road.send_due()
    assert (delivery.state, road.fakes["api"].sent) == (DeliveryState.FAILED, [])
    assert "nothing was sent" in delivery.error_words
    Inbox.objects.filter(channel="api").update(sealed=sealed)
    actions.retry_reply(ours.pk, by=road.agent())
    assert [one.state for one in road.send_due()] == [DeliveryState.SENT]


def test_a_crash_while_sending_leaves_it_uncertain(road: Road) -> None:
    one, two = asked(road, 2)
    first, second = say(road, one), say(road, two)
    outbox.claim("gone", 1)
    assert outbox.doubt() == 0
    with clock.frozen(NOW + timedelta(seconds=outbox.CLAIM_SECONDS + 1)):
        assert outbox.doubt() == 1
        assert outbox.doubt() == 0
    assert delivery_of(first).state == DeliveryState.UNCERTAIN
    assert "may have arrived" in delivery_of(first).error_words
    outbox.claim("gone too", 1)
    assert outbox.doubt(everybody=True) == 1
    assert delivery_of(second).state == DeliveryState.UNCERTAIN


def test_a_receipt_that_comes_after_the_doubt_settles_it(road: Road) -> None:
    (case,) = asked(road)
    ours = say(road, case)
    (delivery,) = outbox.claim("slow", 1)
    outbox.doubt(everybody=True)
    outbox.send(delivery)
    assert delivery_of(ours).state == DeliveryState.SENT


def test_a_busy_database_does_not_make_a_sent_answer_uncertain(road: Road, monkeypatch) -> None:
    (case,) = asked(road)
    say(road, case)
    real, faults = outbox._place, [OperationalError("deadlock detected")]

    def place(message: Message, receipt: Receipt) -> None:
        if faults:
            raise faults.pop()
        real(message, receipt)

    monkeypatch.setattr(outbox, "_place", place)
    (delivery,) = road.send_due()
    assert delivery.state == DeliveryState.SENT
    assert len(road.fakes["api"].sent) == 1


def test_acts_change_the_message_when_the_platform_has_done_them(road: Road) -> None:
    road.take("facebook", comment("9001_1", "Where is it?"))
    case, noor = only_case(), road.agent()
    for act, expected in (("hide", (True, None)), ("unhide", (False, None)), ("delete", (False, NOW))):
        delivery = actions.act(Message.objects.get().pk, act, by=noor)
        road.send_due()
        delivery.refresh_from_db()
        message = Message.objects.get()
        assert delivery.state == DeliveryState.SENT
        assert (message.hidden, message.deleted_at) == expected
    assert road.fakes["facebook"].acts == [("hide", "9001_1"), ("unhide", "9001_1"), ("delete", "9001_1")]
    assert [verb for verb in verbs() if "hid" in verb or "deleted" in verb] == [
        "message.hidden",
        "message.unhidden",
        "message.deleted",
    ]
    case.refresh_from_db()
    assert case.waiting_since == T0


def test_a_refused_act_changes_nothing(road: Road) -> None:
    road.take("facebook", comment("9001_1", "Where is it?"))
    delivery = actions.act(Message.objects.get().pk, "hide", by=road.agent())
    road.fakes["facebook"].answers.append(refusal(ErrorKind.PERMISSION))
    road.send_due()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED
    assert not Message.objects.get().hidden
    assert only_case().waiting_since == T0


def test_the_window_a_channel_closes_is_told_in_words(road: Road, monkeypatch) -> None:
    road.take("messenger", private("m1", "Where is it?"))
    ours = say(road, only_case(), hold=0)
    monkeypatch.setitem(registry.CHANNELS, "messenger", road.fakes["messenger"].real)
    with clock.frozen(T0 + timedelta(days=7, hours=1)):
        Delivery.objects.update(due_at=clock.now())
        road.send_due()
    delivery = delivery_of(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, "window_closed")
    assert "7 days" in delivery.error_words


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_each_delivery_has_one() -> None:
    rows = Rows()
    agent = rows.agent()
    for _ in range(12):
        case = rows.case()
        rows.said(case, sent_at=NOW)
        actions.reply(case.pk, by=agent, text="Yes.", visibility="public")
        actions.reply(case.pk, by=agent, text="And no.", visibility="public")
    won: list[int] = []
    start = threading.Barrier(5)

    def claim(owner: str) -> None:
        start.wait()
        won.extend(delivery.pk for delivery in outbox.claim(owner, 12))
        connection.close()

    threads = [threading.Thread(target=claim, args=(f"w{number}",)) for number in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(won) == len(set(won)) == 12
    firsts = {Delivery.objects.filter(message__case=case).order_by("id")[0].pk for case in Case.objects.all()}
    assert set(won) == firsts
