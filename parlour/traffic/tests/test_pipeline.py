"""From arrivals to cases, with the payloads of real channels."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from parlour.cases import actions
from parlour.cases.models import Case, Message, MessageVersion, Status, Thread
from parlour.channels.contract import Refused
from parlour.channels.models import Brand
from parlour.channels.tests.samples import fixtures
from parlour.customers.models import Customer, Identity
from parlour.lib import clock
from parlour.staff.models import Presence
from parlour.traffic.models import Arrival, ArrivalState
from parlour.traffic.tests.road import (
    ANA,
    BEN,
    PAGE,
    POST,
    T0,
    Road,
    comment,
    fixture,
    folder,
    mention,
    message,
    minutes,
    only_case,
    private,
    private_echo,
    private_edit,
    said,
    verbs,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clocked")]


def states() -> list[tuple[str, str]]:
    return list(Arrival.objects.order_by("id").values_list("state", "reason"))


def test_words_become_a_case_that_is_judged(road: Road) -> None:
    noor = road.agent(presence=Presence.ONLINE)
    road.take("messenger", private("m1", "My parcel has not arrived, this is urgent!!"))
    case = only_case()
    assert (case.status, case.channel, case.visibility, case.assignee) == ("open", "messenger", "private", noor)
    assert (case.opened_at, case.waiting_since, case.last_in_at) == (T0, T0, T0)
    assert case.response_due_at == T0 + timedelta(hours=1)
    assert case.snippet.startswith("My parcel")
    assert case.priority > 10
    assert case.language == "en"
    stored = message("m1")
    assert (stored.text, stored.sent_at, stored.case, stored.direction) == (case.snippet, T0, case, "in")
    assert stored.sentiment
    assert stored.category
    assert (stored.thread.external_id, stored.thread.address, stored.thread.last_inbound_at) == (ANA, ANA, T0)  # type: ignore[union-attr]
    assert verbs() == ["case.opened", "message.received", "case.routed"]
    assert states() == [("done", "")]


def test_the_next_words_join_the_open_case(road: Road) -> None:
    road.take("messenger", private("m1", "Hello"))
    road.take("messenger", private("m2", "Where is my parcel?", T0 + minutes(1)))
    road.take("messenger", private("m3", "Other person", T0 + minutes(2), BEN))
    case = message("m1").case
    assert case is not None
    assert message("m2").case == case
    assert message("m3").case != case
    case.refresh_from_db()
    assert (case.messages_in, case.snippet) == (2, "Where is my parcel?")
    assert Case.objects.count() == 2
    assert Thread.objects.count() == 2


@pytest.mark.parametrize(("hours", "same"), [(0.01, True), (71.9, True), (72, True), (72.1, False)])
def test_words_after_the_case_was_closed_open_it_again_for_three_days(road: Road, hours: float, same: bool) -> None:
    road.take("messenger", private("m1", "My parcel is late"))
    first, noor = only_case(), road.agent()
    with clock.frozen(T0 + timedelta(hours=1)):
        actions.reply(first.pk, by=noor, text="Soon.", visibility="private")
        actions.resolve(first.pk, by=noor)
    at = T0 + timedelta(hours=1 + hours)
    with clock.frozen(at + minutes(1)):
        road.take("messenger", private("m2", "It is still late", at))
    first.refresh_from_db()
    case = message("m2").case
    assert case is not None
    assert (case == first) is same
    assert (case.status, case.waiting_since, case.response_due_at) == ("open", at, at + timedelta(hours=1))
    assert (case.reopened, case.resolved_at, case.first_response_at is None) == (1 if same else 0, None, not same)
    thread = Thread.objects.get()
    assert thread.case == case
    assert first.status == (Status.OPEN if same else Status.RESOLVED)
    assert message("m1").case == first
    assert ("case.reopened" in verbs()) is same


def test_thanks_alone_leave_a_case_resolved(road: Road) -> None:
    road.take("messenger", private("m1", "My parcel is late"))
    with clock.frozen(T0 + timedelta(hours=1)):
        actions.resolve(only_case().pk, by=None)
    road.take("messenger", private("m2", "Thank you so much!", T0 + timedelta(hours=2)))
    case = only_case()
    assert (case.status, case.reopened, case.resolved_at) == (Status.RESOLVED, 0, T0 + timedelta(hours=1))
    assert (case.messages_in, message("m2").case) == (2, case)


def test_recordings_promise_nothing_and_are_given_to_nobody(road: Road) -> None:
    road.agent(presence="online")
    road.take("messenger", private("m1", "My parcel is late"))
    living = only_case()
    assert living.assignee is not None
    assert living.response_due_at is not None
    Brand.objects.update(recorded=True)
    road.take("messenger", private("m2", "My parcel is late, too", person="9001"))
    recorded = message("m2").case
    assert recorded is not None
    assert (recorded.assignee, recorded.response_due_at) == (None, None)
    assert "recordings are given to nobody" in recorded.routing_reason
    assert recorded.priority < living.priority


def test_the_brand_says_how_long_a_case_can_be_opened_again(road: Road) -> None:
    Brand.objects.update(reopen_hours=1)
    road.take("messenger", private("m1"))
    with clock.frozen(T0):
        actions.resolve(only_case().pk, by=None)
    with clock.frozen(T0 + timedelta(hours=2)):
        road.take("messenger", private("m2", at=T0 + timedelta(hours=2)))
    assert Case.objects.count() == 2


def test_public_and_private_words_of_one_person_are_one_case(road: Road) -> None:
    road.take("facebook", comment("9001_1", "My parcel has not arrived"))
    road.take("messenger", private("m1", "Order 77", T0 + minutes(1)))
    road.take("facebook", comment("9001_2", "Hello?", T0 + minutes(2), parent="9001_1"))
    case = only_case()
    assert case.threads.count() == 2
    assert {one.visibility for one in Message.objects.all()} == {"public", "private"}
    assert (case.channel, case.visibility, case.messages_in) == ("facebook", "public", 3)
    assert Customer.objects.count() == 1
    assert Identity.objects.get().name == "Person 1"


def test_posts_and_direct_messages_on_x_are_one_case(road: Road) -> None:
    road.take("x", fixture("x", "post_mention"), fixture("x", "dm_received"))
    case = only_case()
    assert {one.visibility for one in case.threads.all()} == {"public", "private"}
    identity = Identity.objects.get()
    assert (identity.name, identity.handle, identity.followers) == ("Ana Prado", "ana_writes", 97)
    post = message("2080000000000000100")
    assert "&amp;" not in post.text
    assert "image" in {one.kind for one in post.attachments.all()}


def test_two_brands_have_a_case_each(road: Road) -> None:
    other = Road("Southwind")
    road.take("x", mention("1"))
    other.take("x", mention("2"))
    assert Case.objects.count() == 2
    assert Customer.objects.count() == 1


def test_a_batch_of_many_people_keeps_them_apart(road: Road) -> None:
    payloads = [
        private(f"m{number}", f"Words {number}", T0 + minutes(number / 10), f"77{number % 7}") for number in range(60)
    ]
    road.take("messenger", *payloads)
    assert Case.objects.count() == 7
    assert Message.objects.count() == 60
    for case in Case.objects.all():
        texts = [one.text for one in case.messages.order_by("id")]
        assert texts == sorted(texts, key=lambda text: int(text.split()[1]))
        assert case.messages_in == len(texts)
        assert case.snippet == texts[-1]


def test_late_words_change_neither_the_snippet_nor_who_waits_longest(road: Road) -> None:
    road.take("messenger", private("m2", "Where is my second parcel?", T0 + minutes(5)))
    road.take("messenger", private("m1", "Where is my first parcel?", T0))
    case = only_case()
    assert (case.snippet, case.last_in_at, case.waiting_since) == (
        "Where is my second parcel?",
        T0 + minutes(5),
        T0,
    )
    assert case.response_due_at == T0 + timedelta(hours=1)


def test_the_same_event_twice_is_one_message(road: Road) -> None:
    road.take("messenger", private("m1"), private("m1"))
    road.take("messenger", private("m1"))
    assert Arrival.objects.count() == 1
    assert Message.objects.count() == 1


def test_the_same_message_by_another_event_is_known_by_its_id(road: Road) -> None:
    road.take("x", mention("1"))
    arrival = Arrival.objects.get()
    arrival.pk, arrival.key, arrival.state = None, "the same by a poll", ArrivalState.NEW
    arrival.save()
    road.drive()
    assert Message.objects.count() == 1
    assert only_case().messages_in == 1
    assert states()[1] == ("done", "Known already by its id.")


def test_words_without_letters_show_what_they_are(road: Road) -> None:
    road.take("messenger", fixture("messenger", "photo"))
    assert only_case().snippet.startswith("[image")


def test_what_is_knowingly_not_kept_says_why(road: Road) -> None:
    road.take("messenger", fixture("messenger", "policy"), fixture("messenger", "unknown"))
    assert {state for state, _ in states()} == {"ignored"}
    assert all(reason for _, reason in states())
    assert not Message.objects.exists()


def test_small_talk_makes_nobody_wait(road: Road) -> None:
    road.take("messenger", private("m1", "My parcel 1234 has not arrived, where is it?"))
    with clock.frozen(T0 + minutes(40)):
        actions.reply(only_case().pk, by=road.agent(), text="On its way.", visibility="private")
    at = T0 + minutes(45)
    with clock.frozen(at):
        road.take("messenger", private("m2", "thank you!", at))
    case = only_case()
    assert message("m2").actionable is False
    assert (case.waiting_since, case.response_due_at, case.actionable) == (None, None, True)
    with clock.frozen(at + minutes(1)):
        road.take("messenger", private("m3", "But the invoice is wrong, please correct it.", at + minutes(1)))
    assert only_case().waiting_since == at + minutes(1)


def test_nothing_but_noise_is_kept_out_of_the_queue(road: Road) -> None:
    road.take("messenger", private("m1", "thank you!"))
    case = only_case()
    assert (case.actionable, case.waiting_since, case.priority) == (False, None, 0)
    with clock.frozen(T0 + minutes(40)):
        road.take("messenger", private("m2", "Where is my parcel 1234? It has not arrived.", T0 + minutes(5)))
    case.refresh_from_db()
    assert (case.actionable, case.waiting_since) == (True, T0 + minutes(5))


def test_a_category_set_by_hand_is_not_changed_by_the_model(road: Road) -> None:
    road.take("messenger", private("m1", "hi"))
    Case.objects.update(category="other", category_by="agent:1")
    road.take("messenger", private("m2", "My invoice is wrong, I was charged twice", T0 + minutes(1)))
    assert only_case().category == "other"
    Case.objects.update(category_by="model")
    road.take("messenger", private("m3", "I was charged twice on my invoice, refund me", T0 + minutes(2)))
    assert only_case().category == "billing"


# Edits, deletions, hiding, reactions


def test_an_edit_shows_with_what_was_said_before(road: Road) -> None:
    road.take("messenger", private("m1", "Order 1234 is late"))
    road.take("messenger", private_edit("m1", "Order 1235 is late", T0 + minutes(1)))
    road.take("messenger", private_edit("m1", "Order 1236 is late", T0 + minutes(2)))
    edited = message("m1")
    assert (edited.text, edited.edited_at) == ("Order 1236 is late", T0 + minutes(2))
    assert list(edited.versions.values_list("text", "until")) == [
        ("Order 1234 is late", T0 + minutes(1)),
        ("Order 1235 is late", T0 + minutes(2)),
    ]
    assert only_case().snippet == "Order 1236 is late"
    assert only_case().messages_in == 1
    assert verbs().count("message.edited") == 2


def test_edits_out_of_order_leave_the_latest_words(road: Road) -> None:
    road.take("messenger", private("m1", "One"))
    road.take("messenger", private_edit("m1", "Three", T0 + minutes(3)), private_edit("m1", "Two", T0 + minutes(2)))
    assert message("m1").text == "Three"
    assert {version.text for version in MessageVersion.objects.all()} == {"One", "Two"}


def test_an_edit_is_understood_anew(road: Road) -> None:
    road.take("messenger", private("m1", "thank you!"))
    assert only_case().waiting_since is None
    road.take("messenger", private_edit("m1", "Where is my parcel 1234? It has not arrived.", T0 + minutes(1)))
    case = only_case()
    assert message("m1").actionable is True
    assert (case.actionable, case.waiting_since) == (True, T0)
    assert case.response_due_at == T0 + timedelta(hours=1)


def test_an_edit_of_old_words_leaves_the_mood_of_the_latest(road: Road) -> None:
    road.take("messenger", private("m1", "hello"), private("m2", "I love it, thank you, great!", T0 + minutes(1)))
    mood = only_case().sentiment
    road.take("messenger", private_edit("m1", "this is terrible, I hate it", T0 + minutes(2)))
    assert message("m1").sentiment == "negative"
    assert only_case().sentiment == mood != "negative"


def test_a_deletion_keeps_the_words_for_the_record(road: Road) -> None:
    road.take("facebook", comment("9001_1", "My number is 555"))
    with clock.frozen(T0 + minutes(31)):
        road.take("facebook", comment("9001_1", verb="remove", at=T0 + minutes(2)))
    deleted = message("9001_1")
    assert (deleted.text, deleted.deleted_at) == ("My number is 555", T0 + minutes(2))
    assert only_case().updated_at == T0 + minutes(31)
    assert verbs()[-1] == "message.deleted"


def test_hiding_and_showing_again(road: Road) -> None:
    road.take("facebook", comment("9001_1"))
    road.take("facebook", comment("9001_1", verb="hide", at=T0 + minutes(1)))
    assert message("9001_1").hidden
    road.take("facebook", comment("9001_1", verb="unhide", at=T0 + minutes(2)))
    assert not message("9001_1").hidden
    assert [verb for verb in verbs() if "hid" in verb] == ["message.hidden", "message.unhidden"]


def test_reactions_come_and_go(road: Road) -> None:
    road.take("messenger", private("m_1"), private_echo("m_page_1", "On its way."), fixture("messenger", "reaction"))
    stored = message(fixture("messenger", "reaction")["entry"][0]["messaging"][0]["reaction"]["mid"])
    assert list(stored.meta["reactions"]) == [ANA]
    road.take("messenger", fixture("messenger", "reaction_removed"))
    stored.refresh_from_db()
    assert stored.meta["reactions"] == {}


def test_everything_about_a_message_may_come_before_it(road: Road) -> None:
    road.take(
        "facebook",
        comment("9001_1", "Edited", verb="edited", at=T0 + minutes(1)),
        comment("9001_1", verb="hide", at=T0 + minutes(2)),
        comment("9001_1", verb="remove", at=T0 + minutes(3)),
    )
    assert not Message.objects.exists()
    assert {state for state, _ in states()} == {"new"}
    road.take("facebook", comment("9001_1", "Original"))
    assert message("9001_1").text == "Original"
    with clock.frozen(T0 + minutes(31)):
        road.drive()
    late = message("9001_1")
    assert (late.text, late.hidden, late.deleted_at) == ("Edited", True, T0 + minutes(3))
    assert late.versions.get().text == "Original"
    assert {state for state, _ in states()} == {"done"}


def test_an_edit_of_what_never_came_is_a_message_in_the_end(road: Road) -> None:
    road.take("messenger", private_edit("m1", "Words after all"))
    for minute in range(31, 36):
        with clock.frozen(T0 + minutes(minute)):
            road.drive()
    assert (message("m1").text, message("m1").edited_at) == ("Words after all", T0)
    assert only_case().messages_in == 1
    assert states() == [("done", "It edits a message that never came.")]


def test_what_waits_for_ever_is_ignored_with_its_reason(road: Road) -> None:
    road.take("facebook", comment("9001_1", verb="remove"))
    for hour in range(1, 9):
        with clock.frozen(T0 + timedelta(hours=hour)):
            road.drive()
    assert states() == [("ignored", "It deletes a message that never came.")]
    assert Arrival.objects.get().attempts == 7


def test_what_waits_holds_up_nobody_in_its_lane(road: Road) -> None:
    road.take("facebook", comment("9001_1", verb="hide", parent=POST), comment("9001_2", parent="9001_1"))
    assert message("9001_2")


def test_the_page_s_own_edits_make_no_customer_of_it(road: Road) -> None:
    own = private_edit("m9", "Our words", person=PAGE)
    own["entry"][0]["messaging"][0]["recipient"]["id"] = ANA
    road.take("messenger", own)
    road.take("facebook", comment("9001_9", "Our comment", verb="edited", person=PAGE))
    for hour in range(1, 9):
        with clock.frozen(T0 + timedelta(hours=hour)):
            road.drive()
    assert not Identity.objects.filter(external_id=PAGE).exists()
    assert [(one.direction, one.text) for one in Message.objects.all()] == [("out", "Our words")]


def test_names_told_later_are_taken_over_and_never_lost(road: Road) -> None:
    road.take("messenger", private("m1"))
    assert Identity.objects.get().name == ""
    road.take("facebook", comment("9001_1"))
    assert Identity.objects.get().name == "Person 1"
    road.take("messenger", private("m2", at=T0 + minutes(1)))
    assert Identity.objects.get().name == "Person 1"


def test_every_fixture_of_every_channel_goes_down_the_road(road: Road) -> None:
    for channel in ("facebook", "messenger", "x", "api"):
        for name in fixtures(folder(channel)):
            with suppress(Refused):
                road.arrive(channel, fixture(channel, name))
    count = Arrival.objects.count()
    assert count > 60
    for hour in range(9):
        with clock.frozen(T0 + timedelta(hours=hour, minutes=30)):
            road.drive()
    left = Arrival.objects.filter(state__in=["new", "parked"])
    assert list(left.values_list("key", "state", "reason")) == []
    assert not Message.objects.filter(sentiment="", direction="in").exists()
    open_cases = Case.objects.filter(status="open")
    assert open_cases.values("customer", "brand").distinct().count() == open_cases.count()


def test_events_of_the_same_thread_in_one_body_keep_their_order(road: Road) -> None:
    road.take("api", *(said(f"s{number}", f"Words {number}") for number in range(20)))
    assert [one.text for one in only_case().messages.order_by("id")] == [f"Words {number}" for number in range(20)]


def test_thanks_do_not_stop_the_clock_of_a_question_that_stands(road: Road) -> None:
    road.take("messenger", private("m1", "Where is my parcel?", T0))
    road.take("messenger", private("m2", "Thank you so much!", T0 - timedelta(minutes=1)))
    case = only_case()
    assert (case.waiting_since, case.actionable) == (T0, True)
    assert case.response_due_at is not None


def test_a_question_edited_into_a_resolved_case_opens_it(road: Road) -> None:
    road.take("messenger", private("m1", "Thank you so much!", T0))
    with clock.frozen(T0 + timedelta(hours=1)):
        actions.resolve(only_case().pk, by=None)
    asked = T0 + timedelta(hours=2)
    road.take("messenger", private_edit("m1", "My internet is down again, please help, it is urgent!", asked))
    case = only_case()
    assert (case.status, case.resolved_at, case.reopened) == (Status.OPEN, None, 1)
    assert case.waiting_since is not None


def test_a_photo_without_a_word_needs_somebody_to_look(road: Road) -> None:
    def sent(mid: str, kind: str, person: str) -> dict[str, object]:
        told = private(mid, "", person=person)
        told["entry"][0]["messaging"][0]["message"] = {
            "mid": mid,
            "attachments": [{"type": kind, "payload": {"url": "https://cdn.example/1.jpg"}}],
        }
        return told

    road.take("messenger", sent("m_photo", "image", "7701"), sent("m_thumb", "sticker", "7702"))
    assert message("m_photo").actionable is True
    assert message("m_thumb").actionable is not True
