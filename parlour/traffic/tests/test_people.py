"""Who is who: several people in one conversation of a platform, and ids that go from one person to another."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from parlour.cases import actions
from parlour.cases.models import Case, Message, Thread
from parlour.cases.ways import ways
from parlour.channels import registry
from parlour.channels.contract import Author, Inbound, Kind, ThreadKey
from parlour.customers.models import Customer, Identity
from parlour.spine.models import Event
from parlour.traffic.shared import LONGEST, own_name, platform_name
from parlour.traffic.tests.road import T0, Fake, Payload, Road, message, minutes, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clocked")]
OLD, NEW, PHONE = "DE.1111111111", "DE.2222222222", "4915112345"


def case_of(external_id: str) -> Case:
    case = message(external_id).case
    assert case is not None
    return case


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_of_several_people_in_one_conversation_each_can_be_answered(road: Road, together: bool, api: Fake) -> None:
    words = [
        said("1", "Where is my parcel?", T0, "ana", "room"),
        said("2", "And where is mine?", T0 + minutes(1), "ben", "room"),
        said("3", "Number 77!", T0 + minutes(2), "ana", "room"),
        said("4", "Hello, I am waiting", T0 + minutes(3), "ben", "room"),
    ]
    for part in [words] if together else [[one] for one in words]:
        road.take("api", *part)
    assert (case_of("1"), case_of("2")) == (case_of("3"), case_of("4"))
    assert Case.objects.count() == Thread.objects.count() == 2
    assert message("2").thread_id == message("4").thread_id != message("1").thread_id
    for first in ("1", "2"):
        case = case_of(first)
        assert [way.blocked for way in ways(case)] == [""]
        assert {one.customer_id for one in case.threads.all()} == {case.customer_id}
        actions.reply(case.pk, by=road.agent(), text=f"Answer to {first}", visibility="private")
    road.send_due()
    assert {(one.thread, one.text) for one in api.sent} == {("room", "Answer to 1"), ("room", "Answer to 2")}


@pytest.fixture
def api(road: Road, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake(registry.get("api"))
    monkeypatch.setitem(registry.CHANNELS, "api", fake)
    return fake


def echo(text: str, external_id: str, reply_to: str = "") -> Inbound:
    author, thread = Author("api", "desk"), ThreadKey("room", "private")
    return Inbound(
        Kind.ECHO,
        f"echo {external_id}",
        T0 + minutes(9),
        external_id,
        author,
        thread=thread,
        text=text,
        reply_to=reply_to,
    )


def test_our_words_in_it_go_to_whom_they_answer(road: Road, api: Fake, monkeypatch) -> None:
    road.take("api", said("1", person="ana", thread="room"), said("2", person="ben", thread="room"))
    ours = actions.reply(case_of("2").pk, by=road.agent(), text="For Ben.", visibility="private")
    ours.deliveries.update(claimed_until=T0)
    told = {"a": echo("For Ben.", "a"), "b": echo("Said there.", "b", "2"), "c": echo("To all.", "c")}

    def parse(body: bytes, *_: object) -> list[Inbound]:
        return [next(one for name, one in told.items() if f'"{name}"'.encode() in body)]

    monkeypatch.setattr(api, "parse", parse, raising=False)
    road.take("api", said("a", person="x", thread="room"), said("b", person="x"), said("c", person="x", thread="room"))
    ours.refresh_from_db()
    assert ours.external_id == "a"
    assert (case_of("b"), message("b").thread) == (case_of("2"), message("2").thread)
    assert (case_of("c"), message("c").thread) == (case_of("1"), message("1").thread)
    assert Thread.objects.count() == 2


def test_whoever_was_there_first_costs_no_query_more(road: Road) -> None:
    road.take("api", said("1", person="ana", thread="room"))
    road.arrive("api", *(said(f"a{number}", person="ana", thread="room") for number in range(9)))
    with CaptureQueriesContext(
        connection,
    ) as alone:
        road.drive()
    road.take("api", said("2", person="ben", thread="room"))
    road.arrive("api", *(said(f"b{number}", person="ana", thread="room") for number in range(9)))
    with CaptureQueriesContext(connection) as beside:
        road.drive()
    assert len(beside) == len(alone)


@pytest.mark.parametrize("name", ["room", "x" * 250, "", "a␟b", "a␟"])
def test_names_lead_back_to_the_platform_s(name: str) -> None:
    own = own_name(name, 4711)
    assert len(own) <= LONGEST
    assert platform_name(own) == name[:245]
    assert platform_name(name) == name


def wrote(number: int, scoped: str, phone: str, text: str = "Hello", at: datetime = T0) -> Payload:
    stamp = str(int(at.timestamp()) + number)
    told = {"id": f"wamid.{number}", "timestamp": stamp, "type": "text", "text": {"body": text}, "from": phone}
    contact = {"profile": {"name": text}, "wa_id": phone}
    if scoped:
        told["from_user_id"] = contact["user_id"] = scoped
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": "700100201"},
        "contacts": [contact],
        "messages": [told],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def owners() -> dict[str, int]:
    return dict(Identity.objects.values_list("external_id", "customer_id"))


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_a_number_given_to_the_next_person_leads_to_nobody_s_old_case(road: Road, together: bool) -> None:
    road.take("whatsapp", wrote(1, "", PHONE, "My IBAN is DE12"))
    words = [wrote(2, OLD, PHONE, "Me again"), wrote(3, NEW, PHONE, "Hi, new here")]
    for part in [words] if together else [[one] for one in words]:
        road.take("whatsapp", *part)
    assert owners()[OLD] != owners()[NEW] == owners()[PHONE]
    old, new = case_of("wamid.1"), case_of("wamid.3")
    assert case_of("wamid.2") == old != new
    opened = Event.objects.get(verb="case.opened", case_id=new.pk)
    assert "another customer's" in opened.data["reason"]
    # What is answered to the one before goes to their own id, and the words they said stay theirs.
    assert {one.address for one in old.threads.all()} == {OLD}
    assert {one.address for one in new.threads.all()} == {PHONE}
    assert {one.identity.customer_id for one in Message.objects.select_related("identity") if one.identity} == set(
        Customer.objects.values_list("pk", flat=True)
    )
    assert message("wamid.1").identity == Identity.objects.get(external_id=OLD)
    # By the number alone it is the new one, though the conversation of that name was the other's.
    road.take("whatsapp", wrote(4, "", PHONE, "Anybody there?"))
    assert case_of("wamid.4") == new
    assert {way.blocked for case in (old, new) for way in ways(case)} <= {""}


def test_the_first_id_of_its_kind_is_the_same_person_s(road: Road) -> None:
    road.take("whatsapp", wrote(1, "", PHONE), wrote(2, OLD, PHONE), wrote(3, OLD, PHONE))
    road.take("whatsapp", wrote(4, OLD, ""), wrote(5, OLD, PHONE))
    assert Customer.objects.count() == Case.objects.count() == 1
