"""The brand's own words, as the platform shows them: ours confirmed, or written elsewhere; and receipts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import actions, queries
from parlour.cases.models import Case, DeliveryState, Message, Thread
from parlour.cases.tests.rows import claimed, delivery_of
from parlour.channels.contract import Inbound, Kind, Receipt, ThreadKey
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.spine.models import Event
from parlour.traffic import outbox
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.tests.road import (
    ANA,
    PAGE,
    POST,
    T0,
    Road,
    comment,
    delivered,
    fixture,
    mention,
    message,
    minutes,
    only_case,
    own_post,
    private,
    private_echo,
    read,
    verbs,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clocked")]
ASKED = "Where is my parcel 1234?"


def answer(road: Road, text: str = "It is on its way.", visibility: str = "private") -> Message:
    return actions.reply(only_case().pk, by=road.agent(), text=text, visibility=visibility)


def state(of: Message) -> str:
    return delivery_of(of).state


def test_our_answer_is_confirmed_by_its_reference(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    reference = claimed(ours).reference
    road.take("messenger", private_echo("m_ours", "It is on its way!", T0 + minutes(31), reference=reference))
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == ("m_ours", DeliveryState.SENT)
    assert Message.objects.count() == 2
    assert only_case().messages_out == 1
    assert verbs()[-1] == "delivery.sent"
    assert Event.objects.latest("id").case_id == only_case().pk


def test_our_answer_is_confirmed_by_its_id(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    road.fakes["messenger"].answers.append(Receipt("m_ours"))
    road.send_due()
    before = Event.objects.count()
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(31)))
    assert Message.objects.count() == 2
    assert state(ours) == DeliveryState.SENT
    assert Event.objects.count() == before


@pytest.mark.parametrize("left", [DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.FAILED])
def test_our_answer_is_confirmed_by_its_words(road: Road, left: str) -> None:
    road.take("x", mention("100", "@NorthwindHelp where is my parcel 1234?"))
    ours = answer(road, "See https://northwind.example/track?id=77 for details", "public")
    claimed(ours, left)
    if left == DeliveryState.FAILED:
        actions.take_back_answer(ours)
    echo = own_post("101", "@ana_writes see https://t.co/abc  for details", "100", T0 + minutes(31))
    road.take("x", echo)
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == ("101", DeliveryState.SENT)
    assert Message.objects.count() == 2
    case = only_case()
    assert (case.messages_out, case.waiting_since) == (1, None)


def test_an_answer_a_person_settled_is_not_doubled_by_its_echo(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    claimed(ours, DeliveryState.UNCERTAIN)
    actions.settle_reply(ours.pk, by=road.agent(), arrived=True)
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(31)))
    ours.refresh_from_db()
    assert (ours.external_id, Message.objects.count()) == ("m_ours", 2)


def test_an_echo_stops_what_would_be_sent_again(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    claimed(ours, DeliveryState.QUEUED)
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(31)))
    assert state(ours) == DeliveryState.SENT
    assert road.send_due() == []


def test_of_two_answers_with_the_same_words_each_echo_confirms_one(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    first, second = answer(road, "Yes."), answer(road, "Yes.")
    for ours in (first, second):
        claimed(ours)
    road.take("messenger", private_echo("m_a", "Yes.", T0 + minutes(31)), private_echo("m_b", "Yes.", T0 + minutes(32)))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.external_id, second.external_id) == ("m_a", "m_b")
    assert Message.objects.count() == 3


def test_words_of_another_thread_confirm_nothing(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road, "Yes.")
    claimed(ours)
    road.take("messenger", private_echo("m_other", "Yes.", T0 + minutes(31), person="777"))
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == (None, DeliveryState.SENDING)
    assert Message.objects.count() == 3


def test_an_answer_that_waits_to_be_undone_is_nobody_s_echo(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road, "Yes.")
    road.take("messenger", private_echo("m_other", "Yes.", T0 + minutes(31)))
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == (None, DeliveryState.QUEUED)


# Written elsewhere


def test_words_written_elsewhere_are_an_answer(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    road.take("messenger", private_echo("m_else", "From the app.", T0 + minutes(10)))
    case, echo = only_case(), message("m_else")
    assert (echo.direction, echo.agent, echo.case, queries.delivery(echo)) == ("out", None, case, None)
    assert (case.waiting_since, case.first_response_at, case.response_due_at) == (None, T0 + minutes(10), None)
    assert (case.snippet, case.snippet_direction, case.messages_out) == ("From the app.", "out", 1)
    assert verbs()[-1] == "message.echoed"
    policy.look()
    assert only_case().priority == 5


def test_an_answer_in_time_that_reaches_us_late_breaks_no_promise(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    with clock.frozen(T0 + timedelta(hours=2)):
        policy.look()
        assert only_case().breached_at == T0 + timedelta(hours=1)
        road.take("messenger", private_echo("m_else", "In time.", T0 + minutes(50)))
        policy.look()
    case = only_case()
    assert (case.breached_at, case.first_response_at, case.priority) == (None, T0 + minutes(50), 5)


def test_an_answer_too_late_stays_a_breach(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    with clock.frozen(T0 + timedelta(hours=2)):
        road.take("messenger", private_echo("m_else", "Late.", T0 + minutes(61)))
    assert only_case().breached_at == T0 + timedelta(hours=1)


def test_an_old_answer_does_not_answer_newer_words(road: Road) -> None:
    road.take("messenger", private("m1", ASKED), private("m2", "Hello? Where is it?", T0 + minutes(5)))
    road.take("messenger", private_echo("m_else", "Between the two.", T0 + minutes(2)))
    case = only_case()
    assert case.waiting_since == T0 + minutes(5)
    assert case.snippet == "Hello? Where is it?"


def test_a_talk_the_brand_begins_is_a_closed_case_until_the_customer_answers(road: Road) -> None:
    road.take("messenger", private_echo("m_first", "Your parcel is here."))
    case = only_case()
    assert (case.status, case.messages_out, case.waiting_since) == ("resolved", 1, None)
    road.take("messenger", private("m1", "When does it arrive?", T0 + minutes(5)))
    case.refresh_from_db()
    assert (case.status, case.messages_in, case.waiting_since) == ("open", 1, T0 + minutes(5))
    assert Case.objects.count() == 1


def test_the_page_s_reply_finds_the_customer_by_what_it_answers(road: Road) -> None:
    road.take("facebook", comment("9001_1", ASKED))
    road.take("facebook", comment("9001_3", "Sorry, Ana.", T0 + minutes(5), PAGE, parent="9001_1"))
    assert message("9001_3").case == only_case()
    assert only_case().waiting_since is None
    assert Customer.objects.count() == 1


def test_an_answer_may_come_before_its_question(road: Road) -> None:
    reply = comment("9001_3", "Sorry, Ana.", T0 + minutes(5), PAGE, parent="9001_1")
    road.take("facebook", reply)
    assert Arrival.objects.get().state == ArrivalState.NEW
    road.take("facebook", comment("9001_1", ASKED))
    with clock.frozen(T0 + minutes(31)):
        road.drive()
    assert message("9001_3").case == only_case()
    assert only_case().waiting_since is None


def test_answers_to_what_never_came_are_kept_in_one_thread_without_a_case(road: Road) -> None:
    def late(number: str, at: float) -> None:
        road.arrive("facebook", comment(number, f"Reply {number}", T0, PAGE, parent="9001_1"))
        for minute in range(4):
            with clock.frozen(T0 + minutes(at + minute)):
                road.drive()

    late("9001_3", 31)
    late("9001_4", 41)
    assert list(Arrival.objects.values_list("state", flat=True)) == ["done", "done"]
    assert message("9001_3").thread == message("9001_4").thread
    assert message("9001_3").case is None
    assert not Case.objects.exists()


def test_the_brand_s_own_post_is_a_thread_without_a_customer(road: Road) -> None:
    road.take("facebook", fixture("facebook", "page_post"))
    thread = Thread.objects.get()
    assert (thread.external_id, thread.customer, thread.case) == (POST, None, None)
    road.take("facebook", comment("9001_9", "More of it.", T0, PAGE))
    assert message("9001_9").thread == thread


# Receipts


def sent(road: Road, external_id: str = "m_ours") -> Message:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    road.fakes["messenger"].answers.append(Receipt(external_id))
    road.send_due()
    return ours


def test_receipts_move_an_answer_forwards_only(road: Road) -> None:
    ours = sent(road)
    road.take("messenger", delivered("m_ours"))
    assert state(ours) == DeliveryState.DELIVERED
    road.take("messenger", read(T0 + minutes(40), T0 + minutes(41)))
    assert state(ours) == DeliveryState.READ
    road.take("messenger", delivered("m_ours", at=T0 + minutes(50)))
    assert state(ours) == DeliveryState.READ
    assert [verb for verb in verbs() if verb.startswith("delivery")] == [
        "delivery.sent",
        "delivery.delivered",
        "delivery.read",
    ]


def test_receipts_in_one_batch_may_come_in_any_order(road: Road) -> None:
    ours = sent(road)
    road.take("messenger", read(T0 + minutes(40), T0 + minutes(41)), delivered("m_ours"))
    assert state(ours) == DeliveryState.READ


def test_a_watermark_reaches_no_further_than_it_says(road: Road) -> None:
    ours = sent(road)
    road.take("messenger", read(T0 + minutes(29), T0 + minutes(41)))
    assert state(ours) == DeliveryState.SENT


def test_a_receipt_may_come_before_ours(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    (delivery,) = outbox.claim("worker", 8)
    road.take("messenger", delivered("m_ours"))
    assert state(ours) == DeliveryState.SENDING
    road.fakes["messenger"].answers.append(Receipt("m_ours"))
    outbox.send(delivery)
    assert state(ours) == DeliveryState.SENT
    with clock.frozen(T0 + minutes(31)):
        road.drive()
    assert state(ours) == DeliveryState.DELIVERED


def test_a_receipt_for_nothing_of_ours_is_done(road: Road) -> None:
    road.take("messenger", private("m1", ASKED), read(T0 + minutes(5)))
    assert Arrival.objects.latest("id").state == ArrivalState.DONE


# A private reply to public words


def test_a_private_reply_goes_on_in_messenger(road: Road) -> None:
    road.take("facebook", comment("9001_1", ASKED))
    ours = answer(road)
    assert (delivery_of(ours).mode, ours.thread) == ("private_reply", None)
    road.fakes["facebook"].answers.append(Receipt("m_ours", ThreadKey(ANA, "private", address=ANA)))
    road.send_due()
    (outbound,) = road.fakes["facebook"].sent
    assert (outbound.mode, outbound.target, outbound.author, outbound.visibility) == (
        "private_reply",
        "9001_1",
        ANA,
        "private",
    )
    ours.refresh_from_db()
    assert ours.thread is not None
    assert (ours.inbox, ours.channel, ours.external_id) == (road.inbox("messenger"), "messenger", "m_ours")
    assert (ours.thread.external_id, ours.thread.visibility, ours.thread.case) == (ANA, "private", only_case())
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(31)))
    road.take("messenger", private("m2", "Thanks, when?", T0 + minutes(32)))
    assert message("m2").case == only_case()
    assert Message.objects.count() == 3
    assert Thread.objects.count() == 2
    assert queries.ways(only_case())[0].mode == "reply"


def test_the_echo_of_a_private_reply_may_come_before_its_receipt(road: Road) -> None:
    road.take("facebook", comment("9001_1", ASKED))
    ours = answer(road)
    (delivery,) = outbox.claim("worker", 8)
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(30), reference=delivery.reference))
    ours.refresh_from_db()
    assert ours.thread is not None
    assert (state(ours), ours.channel, ours.thread.case) == (DeliveryState.SENT, "messenger", only_case())
    road.fakes["facebook"].answers.append(Receipt("m_ours", ThreadKey(ANA, "private", address=ANA)))
    outbox.send(delivery)
    assert Message.objects.count() == 2
    assert Thread.objects.count() == 2
    assert only_case().messages_out == 1
    assert verbs().count("delivery.sent") == 1


def test_a_direct_message_to_a_post_is_confirmed_by_the_customer_it_was_for(road: Road) -> None:
    road.take("x", mention("100", "@NorthwindHelp where is my parcel 1234?"))
    ours = answer(road, "Thank you, it is on its way.")
    claimed(ours, DeliveryState.UNCERTAIN)
    road.take("x", fixture("x", "dm_sent"))
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == ("2080000000000000121", DeliveryState.SENT)
    assert ours.thread is not None
    assert ours.thread.case == only_case()
    assert Message.objects.count() == 2


def test_a_receipt_after_an_echo_that_was_not_known_doubles_nothing(road: Road) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road, "Short link: https://northwind.example/very/long")
    (delivery,) = outbox.claim("worker", 8)
    road.take("messenger", private_echo("m_ours", "Changed on the way", T0 + minutes(30)))
    assert Message.objects.count() == 3
    road.fakes["messenger"].answers.append(Receipt("m_ours"))
    outbox.send(delivery)
    ours.refresh_from_db()
    assert (ours.external_id, state(ours)) == ("m_ours", DeliveryState.SENT)
    assert Message.objects.count() == 2
    assert only_case().messages_out == 1


def test_a_thread_from_before_goes_on_in_the_case_of_the_private_reply(road: Road) -> None:
    road.take("messenger", private("m0", ASKED, T0 - timedelta(days=10)))
    with clock.frozen(T0 - timedelta(days=9)):
        actions.resolve(only_case().pk, by=None)
    road.take("facebook", comment("9001_1", ASKED))
    case = Case.objects.get(status="open")
    actions.reply(case.pk, by=road.agent(), text="In private.", visibility="private")
    road.fakes["facebook"].answers.append(Receipt("m_ours", ThreadKey(ANA, "private", address=ANA)))
    road.send_due()
    assert message("m_ours").thread.case == case  # type: ignore[union-attr]


def test_what_the_platform_gives_up_on_later_leaves_the_customer_waiting_again(road: Road, monkeypatch) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    actions.resolve(only_case().pk, by=road.agent())
    road.fakes["messenger"].answers.append(Receipt("m_ours"))
    road.send_due()
    told = Inbound(Kind.FAILED, "failed:m_ours", T0 + minutes(32), external_id="m_ours", reason="The number is gone.")
    monkeypatch.setattr(road.fakes["messenger"], "parse", lambda *_: [told], raising=False)
    road.take("messenger", delivered("m_ours"), delivered("m_ours", at=T0 + minutes(40)))
    delivery, case = delivery_of(ours), only_case()
    assert (delivery.state, delivery.error_words) == (DeliveryState.FAILED, "The number is gone.")
    assert (case.status, case.waiting_since, case.messages_out, case.first_response_at) == ("open", T0, 0, None)
    # Told twice, it counts once.
    assert verbs().count("delivery.failed") == 1


def test_an_echo_revives_nothing_the_platform_gave_up_on_later(road: Road, monkeypatch) -> None:
    road.take("messenger", private("m1", ASKED))
    ours = answer(road)
    road.fakes["messenger"].answers.append(Receipt("m_ours"))
    road.send_due()
    gone = Inbound(Kind.FAILED, "failed:m_ours", T0 + minutes(32), external_id="m_ours", reason="Bounced.")
    with monkeypatch.context() as patched:
        patched.setattr(road.fakes["messenger"], "parse", lambda *_: [gone], raising=False)
        road.take("messenger", delivered("m_ours"))
    road.take("messenger", private_echo("m_ours", "It is on its way.", T0 + minutes(33)))
    assert state(ours) == DeliveryState.FAILED
    assert only_case().waiting_since == T0
