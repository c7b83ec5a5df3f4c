"""Leads see what was learnt and teach more; agents see why a message was read so, and set it right by a click."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from parlour.cases import actions
from parlour.cases.models import Case, Message
from parlour.cases.tests.rows import Rows
from parlour.staff.models import Agent, Role
from parlour.understanding import own
from parlour.understanding.models import Category, Correction, ModelVersion

pytestmark = pytest.mark.django_db
PAGE = "/policy/understanding"
CALM = [
    f"the {thing} on deck {number} is humming" for thing in ("pump", "fan", "valve", "crane") for number in range(5)
]
LOUD = [f"{who} says the cabin {thing} rattles" for who in ("mia", "leo", "ida", "ben") for thing in "abcde"]


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def lead(rows: Rows, client: Client) -> Agent:
    agent = rows.agent("Lead", role=Role.LEAD)
    client.force_login(agent)
    return agent


def told(rows: Rows, lead: Agent, texts: list[str], sentiment: str) -> None:
    for text in texts:
        actions.set_sentiment(rows.said(rows.case(), text, sentiment="neutral").pk, sentiment, by=lead)


def test_ten_corrections_become_a_version_that_answers_is_measured_and_can_be_rolled_back(
    rows: Rows, lead: Agent, client: Client
) -> None:
    told(rows, lead, CALM, "positive")
    told(rows, lead, LOUD, "negative")
    where: dict[str, str | int] = {"brand": rows.brand.pk, "field": "sentiment"}
    before = client.get(PAGE, where).content.decode()
    assert "What ships with Parlour answers" in before
    assert "40 corrections" in before
    answer = client.post(f"{PAGE}/learn", where)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).content.decode()
    version = ModelVersion.objects.get()
    assert version.active
    assert "Version 1 answers" in page
    assert version.words in page
    assert re.search(r"<th scope=\"row\">Positive</th><td>\d+%</td><td>\d+%</td>", page)
    # Not like any of them enough to be remembered, so it is the head that has learnt.
    unseen = "another deck, another crane, humming and humming"
    assert own.annotate([unseen], [rows.brand.pk])[0].sentiment == "positive"
    assert own.annotate([unseen], [None])[0].sentiment != "positive"
    page = client.post(f"{PAGE}/use", {**where, "number": ""}, follow=True).content.decode()
    assert "What ships answers now." in page
    assert own.annotate([unseen], [rows.brand.pk])[0].sentiment != "positive"
    client.post(f"{PAGE}/use", {**where, "number": "1"})
    assert own.annotate([unseen], [rows.brand.pk])[0].sentiment == "positive"


def test_too_little_to_learn_from_is_said(rows: Rows, lead: Agent, client: Client) -> None:
    told(rows, lead, CALM[:3], "positive")
    answer = client.post(f"{PAGE}/learn", {"brand": rows.brand.pk, "field": "sentiment"})
    assert answer.status_code == 422
    assert "ten corrections" in answer.content.decode()
    assert not ModelVersion.objects.exists()


def test_lists_of_what_was_said_show_nobody_s_numbers(rows: Rows, lead: Agent, client: Client) -> None:
    told(rows, lead, ["my card 4111 1111 1111 1111 was charged twice"], "negative")
    page = client.get(PAGE, {"brand": str(rows.brand.pk), "field": "sentiment"}).content.decode()
    assert "my card ••••" in page
    assert "4111 1111" not in page


def test_what_the_desk_asks_about_is_labelled_by_a_click_and_taken_back_by_another(
    rows: Rows, lead: Agent, client: Client
) -> None:
    message = rows.said(rows.case(), "the ferry to the island, hm", category="delivery")
    where: dict[str, str | int] = {"brand": rows.brand.pk, "field": "category"}
    page = client.get(PAGE, where).content.decode()
    assert "the ferry to the island, hm" in page
    form = {**where, "from": "page"}
    page = client.post(f"/message/{message.pk}/correct", {**form, "value": "website"}, follow=True).content.decode()
    assert "Corrected." in page
    message.refresh_from_db()
    assert message.category == "website"
    correction = Correction.objects.get()
    assert f'value="{correction.pk}"' in page
    client.post(f"{PAGE}/undo", {**form, "correction": correction.pk})
    message.refresh_from_db()
    assert message.category == "delivery"
    client.post(f"/message/{message.pk}/correct", {**form, "confirm": "1"})
    confirmed = Correction.objects.latest("id")
    assert (confirmed.was, confirmed.now) == ("delivery", "delivery")
    assert "the ferry" not in client.get(PAGE, where).content.decode().split('id="shares"')[0]


def test_an_agent_sees_why_a_message_was_read_so_and_sets_every_field_right(rows: Rows, client: Client) -> None:
    noor = rows.agent("Noor")
    client.force_login(noor)
    case = rows.case()
    message = rows.said(case, "My invoice is wrong, you charged me twice <b>", category="billing", urgency=0.1)
    page = client.get(f"/message/{message.pk}/reading").content.decode()
    assert "invoice" in page.split("Billing", 1)[1].split("</dd>")[0]
    assert "<b>" not in page.split("<blockquote", 1)[1].split("</blockquote>")[0].split(">", 1)[1]
    for field, value in {
        "category": "account",
        "sentiment": "negative",
        "intent": "cancellation",
        "actionable": "false",
        "urgency": "true",
        "offensive": "true",
        "spam": "true",
        "language": "de",
    }.items():
        answer = client.post(
            f"/message/{message.pk}/correct", {"field": field, "value": value}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200, field
        assert "Corrected." in answer.content.decode()
    message = Message.objects.get(pk=message.pk)
    found = (message.category, message.intent, message.actionable, message.language)
    assert found == ("account", "cancellation", False, "de")
    assert (message.urgency, message.offensive, message.spam) == (1.0, 1.0, 1.0)
    case = Case.objects.get()
    assert (case.category, case.intent, case.actionable, case.language) == ("account", "cancellation", False, "de")
    assert Correction.objects.filter(agent_id=noor.pk).count() == 8
    assert "Set by Noor" in client.get(f"/message/{message.pk}/reading").content.decode()
    desk = client.get(f"/case/{case.pk}").content.decode()
    assert f"/case/{case.pk}/why" in desk
    assert "Set by Noor." in client.get(f"/case/{case.pk}/why").content.decode()
    assert f"/message/{message.pk}/reading" in desk


@pytest.mark.parametrize(
    ("field", "value"),
    [("category", "weather"), ("mood", "x"), ("urgency", "soon"), ("language", "<b>"), ("spam", ""), ("", "")],
)
def test_what_cannot_be_is_refused_with_a_sentence(rows: Rows, client: Client, field: str, value: str) -> None:
    client.force_login(rows.agent("Noor"))
    message = rows.said(rows.case())
    answer = client.post(
        f"/message/{message.pk}/correct", {"field": field, "value": value}, headers={"HX-Request": "1"}
    )
    assert answer.status_code == 422
    assert len(answer.content) > 10
    assert not Correction.objects.exists()


def test_agents_do_not_change_versions_or_trees_and_analysts_correct_nothing(rows: Rows, client: Client) -> None:
    message = rows.said(rows.case())
    client.force_login(rows.agent("Noor"))
    for address in (PAGE, "/policy/categories"):
        assert client.get(address).status_code == 403
    for address in (f"{PAGE}/learn", f"{PAGE}/use", "/policy/categories/change"):
        assert client.post(address, {"brand": rows.brand.pk}).status_code == 403
    client.force_login(rows.agent("Ann", role=Role.ANALYST))
    assert client.get(f"/message/{message.pk}/reading").status_code == 200
    assert client.post(f"/message/{message.pk}/correct", {"field": "spam", "value": "true"}).status_code == 403


def test_a_brand_s_tree_is_what_its_cases_can_be(rows: Rows, lead: Agent, client: Client) -> None:
    case = rows.case(category="billing")
    rows.said(case, "I want to send it back", category="billing")
    change = "/policy/categories/change"
    where = {"brand": rows.brand.pk}
    client.post(
        change, {**where, "do": "add", "name": "Returns & <Swaps>", "parent": "product", "examples": "send back"}
    )
    page = client.get("/policy/categories", where).content.decode()
    assert "Returns &amp; &lt;Swaps&gt;" in page
    desk = client.get(f"/case/{case.pk}").content.decode()
    assert '<option value="returns-swaps">\u2003Returns &amp; &lt;Swaps&gt;</option>' in desk
    assert client.post(f"/case/{case.pk}/category", {"category": "returns-swaps"}).status_code == 302
    client.post(change, {**where, "do": "rename", "slug": "returns-swaps", "name": "Returns"})
    assert "Returns</option>" in client.get(f"/case/{case.pk}").content.decode()
    assert ">Returns<" in client.get("/queue/open").content.decode()
    # Undo is a form on the page that follows.
    page = client.get("/policy/categories", where).content.decode()
    assert 'name="name" value="Returns &amp; &lt;Swaps&gt;"' in page
    client.post(change, {**where, "do": "merge", "slug": "returns-swaps", "into": "delivery"})
    assert Case.objects.get().category == "delivery"
    client.post(change, {**where, "do": "archive", "slug": "delivery"})
    assert Case.objects.get().category == "delivery"
    assert client.post(f"/case/{case.pk}/category", {"category": "returns-swaps"}).status_code == 422
    assert "Delivery" in client.get(f"/case/{case.pk}").content.decode()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"do": "add", "name": "  "}, "needs a name"),
        ({"do": "add", "name": "billing"}, "already"),
        ({"do": "add", "name": "x" * 61}, "60 characters"),
        ({"do": "add", "name": "New", "parent": "nowhere"}, "no category"),
        ({"do": "archive", "slug": "other"}, "what nothing else fits"),
        ({"do": "move", "slug": "billing", "parent": "billing"}, "below itself"),
        ({"do": "merge", "slug": "billing", "into": "billing"}, "another one"),
        ({"do": "examples", "slug": "billing", "examples": "x" * 501}, "500 characters"),
        ({"do": "explode"}, "no such change"),
    ],
)
def test_a_change_of_the_tree_that_cannot_be_says_why(
    rows: Rows, lead: Agent, client: Client, form: dict[str, str], words: str
) -> None:
    answer = client.post("/policy/categories/change", {"brand": rows.brand.pk, **form})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Category.objects.exists()


def test_another_brand_keeps_the_tree_that_ships(rows: Rows, lead: Agent, client: Client) -> None:
    client.post("/policy/categories/change", {"brand": rows.brand.pk, "do": "archive", "slug": "billing"})
    other = Rows("Southwind")
    case = other.case()
    assert '<option value="billing"' in client.get(f"/case/{case.pk}").content.decode()
    assert '<option value="billing"' not in client.get(f"/case/{rows.case().pk}").content.decode()


# One click


def press(client: Client, message: Message, what: str) -> dict[str, object]:
    """What the desk is told after a chip was pressed."""
    answer = client.post(f"/message/{message.pk}/fix", {"set": what}, headers={"HX-Request": "true"})
    assert answer.status_code == 204, answer.content
    told: dict[str, object] = json.loads(answer.headers["HX-Trigger"])["desk:changed"]
    return told


def test_what_a_message_was_taken_for_is_corrected_by_one_click_and_taken_back_by_another(
    rows: Rows, lead: Agent, client: Client
) -> None:
    case = rows.case(category="technical", language="de")
    next_best = {"next": {"category": "billing", "intent": "question"}}
    message = rows.said(
        case,
        "Kaputt",
        category="technical",
        intent="complaint",
        sentiment="neutral",
        language="de",
        confidence=next_best,
    )
    page = client.get(f"/case/{case.pk}").content.decode()
    for chip in (
        "sentiment:negative", "actionable:false", "offensive:true", "spam:true", "category:billing", "intent:question",
        "language:en",
    ):  # fmt: skip
        assert f'<button name="set" value="{chip}"' in page
    told = press(client, message, "category:billing")
    assert str(told["say"]).startswith("Corrected: Billing.")
    case.refresh_from_db()
    assert case.category == "billing"
    # What stands there now is no longer offered, and one click brings back what was.
    assert 'value="category:billing"' not in client.get(f"/case/{case.pk}").content.decode()
    back = client.post(str(told["undo"]), headers={"HX-Request": "true"})
    assert back.status_code == 204
    case.refresh_from_db()
    assert case.category == "technical"
    assert Correction.objects.get().undone_at is not None


def test_noise_spam_and_abuse_are_toggled_by_one_click(rows: Rows, lead: Agent, client: Client) -> None:
    case = rows.case()
    message = rows.said(case, "Buy my coins", sentiment="neutral", spam=0.1)
    for what, field, value in (
        ("actionable:false", "actionable", False), ("actionable:true", "actionable", True),
        ("spam:true", "spam", 1.0), ("offensive:true", "offensive", 1.0), ("spam:false", "spam", 0.0),
    ):  # fmt: skip
        press(client, message, what)
        message.refresh_from_db()
        assert getattr(message, field) == value
    assert client.post(f"/message/{message.pk}/fix", {"set": "mood:blue"}).status_code == 422
    # On the head of the case, noise has its own button, with Undo.
    answer = client.post(f"/case/{case.pk}/actionable", {"actionable": "0"}, headers={"HX-Request": "true"})
    undo = json.loads(answer.headers["HX-Trigger"])["desk:changed"]["undo"]
    assert "Noise: call it back" in client.get(f"/case/{case.pk}").content.decode()
    client.post(undo)
    case.refresh_from_db()
    assert case.actionable


def test_what_comes_in_is_kept_with_the_next_likeliest_answer(rows: Rows) -> None:
    read = own.annotate(["My parcel was charged twice"], [rows.brand.pk])[0]
    assert set(read.next_best) == {"category", "intent"}
    assert read.next_best["category"] != read.category
    assert read.next_best["intent"] != read.intent
