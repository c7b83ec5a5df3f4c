"""A language model is asked about what the desk is unsure of: beside the road, over real HTTP, and never over a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from parlour import settings as start
from parlour.cases import corrections, learning
from parlour.cases.models import Case, Message
from parlour.cases.tests.rows import Rows
from parlour.lib import clock
from parlour.spine.models import Event
from parlour.staff.models import Agent, Role
from parlour.traffic import asking
from parlour.traffic.worker import Worker
from parlour.understanding import own
from parlour.understanding.asking import actions, endpoint, queries
from parlour.understanding.learning import corrections_of
from parlour.understanding.models import Asked, Correction, Endpoint, Learned
from tests.language_model import LanguageModel, hangs_up, language_model, raw, refuses, says

pytestmark = pytest.mark.django_db
PAGE = "/policy/understanding/language-model"
DOUBT = {"category": 0.3, "sentiment": 0.3, "intent": 0.3, "actionable": 0.55}
SURE = {"category": 0.9, "sentiment": 0.9, "intent": 0.9, "actionable": 0.9}
WORDS = "so that happened again, thx I guess"


@pytest.fixture(scope="module")
def running() -> Iterator[LanguageModel]:
    with language_model() as model:
        yield model


@pytest.fixture
def model(running: LanguageModel, settings: Any) -> LanguageModel:
    running.asked.clear()
    running.coming.clear()
    running.labels = {"category": "billing", "sentiment": "negative", "intent": "complaint", "actionable": True}
    endpoint._manners.clear()
    settings.LANGUAGE_MODEL = running.settings()
    return running


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@pytest.fixture
def lead(rows: Rows, client: Client) -> Agent:
    agent = rows.agent("Lead", role=Role.LEAD)
    client.force_login(agent)
    return agent


def on(rows: Rows, per_hour: int = 600) -> None:
    actions.switch(rows.brand.pk, on=True, per_hour=per_hour, by=None)


def unsure(rows: Rows, text: str = WORDS, case: Case | None = None, **more: Any) -> Message:
    """A message of which the desk is unsure in every field, in a case as the road leaves it."""
    read: dict[str, Any] = {
        "category": "other",
        "sentiment": "neutral",
        "intent": "other",
        "actionable": True,
        "confidence": DOUBT,
    }
    return rows.said(case or rows.case(sentiment_lowest="neutral", intent="other"), text, **(read | more))


def test_a_label_is_written_told_and_the_case_judged_anew(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    message = unsure(rows)
    assert asking.ask_next()
    message.refresh_from_db()
    found = (message.category, message.sentiment, message.intent, message.actionable, message.sentiment_score)
    assert found == ("billing", "negative", "complaint", True, -1.0)
    case = Case.objects.get()
    assert (case.category, case.category_by, case.sentiment, case.intent) == ("billing", "llm", "negative", "complaint")
    assert case.sentiment_lowest == "negative"
    # Policy has judged it: it has a score that counts the mood, and a team to go to or a reason why not.
    assert any("negative" in words.lower() or "unhappy" in words.lower() for _, words in case.priority_reasons)
    event = Event.objects.get(verb="message.labelled")
    assert (event.actor, event.case_id, event.message_id) == ("llm", case.pk, message.pk)
    assert "The language model said “Billing”; our own said “Other”, 30% sure." in event.data["reason"]
    assert WORDS not in json.dumps(event.data)
    assert model.text == WORDS
    # Asked once, whatever it said.
    assert not asking.ask_next()
    assert len(model.asked) == 1


def test_only_fields_that_are_in_doubt_are_taken(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    message = unsure(rows, confidence={**SURE, "category": 0.3, "because": {}})
    sure = unsure(rows, "We love it here", confidence=SURE)
    settled = unsure(rows, "Like a corrected one", confidence={**SURE, "intent": 0.2, "because": {"intent": 7}})
    while asking.ask_next():
        pass
    assert len(model.asked) == 1
    for one in (message, sure, settled):
        one.refresh_from_db()
    assert (message.category, message.sentiment, message.intent) == ("billing", "neutral", "other")
    assert (sure.category, settled.intent) == ("other", "other")


def test_what_a_person_has_said_is_never_overwritten(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    noor = rows.agent()
    before = unsure(rows)
    corrections.correct(before.pk, "category", "delivery", by=noor)
    assert asking.ask_next()
    before.refresh_from_db()
    assert (before.category, before.sentiment) == ("delivery", "negative")
    assert Case.objects.get().category == "delivery"
    # Somebody corrects while the model is still thinking.
    meanwhile = unsure(rows)

    def slow(handler: Any, body: dict[str, Any]) -> None:
        told.append(handler.path)
        says(json.dumps(model.labels))(handler, body)

    told: list[str] = []
    model.spoil(slow)
    asked = Message.objects.get(pk=meanwhile.pk)
    corrections.correct(meanwhile.pk, "sentiment", "positive", by=noor)
    assert asking._ask(asked, ("category", "sentiment"))
    meanwhile.refresh_from_db()
    assert told
    assert (meanwhile.category, meanwhile.sentiment) == ("billing", "positive")
    # All that was in doubt is judged: nothing is asked.
    done = unsure(rows, confidence={**SURE, "intent": 0.2})
    corrections.confirm(done.pk, "intent", by=noor)
    assert not asking.ask_next()


@pytest.mark.parametrize("how", ["edited", "deleted", "category gone"])
def test_an_answer_that_comes_too_late_changes_nothing(rows: Rows, model: LanguageModel, how: str) -> None:
    message = unsure(rows)
    asked = Message.objects.get(pk=message.pk)
    told = {"category": "billing", "sentiment": "negative", "intent": "complaint", "actionable": "true"}
    fields = ("category",) if how == "category gone" else tuple(told)
    match how:
        case "edited":
            Message.objects.filter(pk=message.pk).update(text="Something else")
        case "deleted":
            Message.objects.filter(pk=message.pk).update(deleted_at=clock.now())
        case _:
            told["category"] = "long-archived"
    assert asking.write(asked, fields, told) == 0
    message.refresh_from_db()
    assert message.category == "other"
    assert not Correction.objects.exists()


def test_noise_and_calls_follow_the_readings_but_not_over_people(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    model.labels["actionable"] = False
    unsure(rows)
    asking.ask_next()
    case = Case.objects.get()
    assert (case.actionable, case.waiting_since) == (False, None)
    # Another question of the same customer still stands.
    asks = rows.case()
    first = rows.said(asks, "Where is it?", confidence=SURE)
    unsure(rows, case=asks)
    asking.ask_next()
    asks.refresh_from_db()
    assert (asks.actionable, asks.waiting_since) == (True, first.sent_at)
    # What was taken for noise is called back, and waits since then.
    model.labels["actionable"] = True
    noise = unsure(rows, actionable=False)
    Case.objects.filter(messages=noise).update(actionable=False, waiting_since=None)
    asking.ask_next()
    case = Case.objects.get(messages=noise)
    assert (case.actionable, case.waiting_since) == (True, noise.sent_at)
    # A person, a rule or moderation has set the case aside although its words need an answer: it stays so.
    aside = rows.case()
    rows.said(aside, "Where is it?", confidence=SURE)
    unsure(rows, case=aside, actionable=False)
    Case.objects.filter(pk=aside.pk).update(actionable=False, waiting_since=None)
    asking.ask_next()
    aside.refresh_from_db()
    assert (aside.actionable, aside.waiting_since) == (False, None)


def test_a_category_that_a_rule_or_other_words_gave_stays_on_the_case(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    for values in ({"category": "other", "category_by": "rule:7"}, {"category": "technical", "category_by": "model"}):
        case = rows.case(**values)
        message = unsure(rows, case=case)
        asking.ask_next()
        case.refresh_from_db()
        message.refresh_from_db()
        assert (case.category, message.category) == (values["category"], "billing")


def test_off_by_default_nothing_is_sent(rows: Rows, model: LanguageModel, settings: Any) -> None:
    unsure(rows)
    assert not asking.ask_next()
    on(rows)
    settings.LANGUAGE_MODEL = None
    assert not asking.ask_next()
    other = Rows("Southwind")
    settings.LANGUAGE_MODEL = model.settings()
    Message.objects.all().delete()
    unsure(other)
    assert not asking.ask_next()
    assert not model.asked
    assert not Asked.objects.exists()


def test_the_worker_asks_only_where_there_is_somebody_to_ask(model: LanguageModel, settings: Any, monkeypatch) -> None:
    begun: dict[str, Any] = {}
    monkeypatch.setattr(Worker, "_loop", lambda _, name, work, *_more: begun.update({name: work}))
    Worker().start()
    assert begun.pop("asking") is asking.ask_next
    settings.LANGUAGE_MODEL = None
    Worker().start()
    assert "asking" not in begun
    assert "learning" in begun


@pytest.mark.parametrize("how", ["resolved", "held", "deleted", "old", "empty", "ours"])
def test_what_nobody_has_to_look_at_is_not_sent(rows: Rows, model: LanguageModel, how: str) -> None:
    on(rows)
    message = unsure(rows)
    rows_of = Message.objects.filter(pk=message.pk)
    match how:
        case "resolved":
            Case.objects.update(status="resolved")
        case "held":
            rows_of.update(held=True)
        case "deleted":
            rows_of.update(deleted_at=clock.now())
        case "old":
            rows_of.update(stored_at=clock.now() - timedelta(days=2))
        case "empty":
            rows_of.update(text=" ")
        case _:
            rows_of.update(direction="out")
    assert not asking.ask_next()
    assert not model.asked


def test_personal_data_stays_here(rows: Rows, model: LanguageModel) -> None:
    on(rows)
    text = "I am Ana, ana@example.com, +1 202 555 0172, and my code is QX-77412"
    unsure(rows, text, language="en", personal=[[text.index("QX"), len(text), "number"]])
    asking.ask_next()
    assert model.text == "I am Ana, [a mail address], [a phone number], and my code is [a booking or order number]"
    body = json.dumps(model.asked)
    assert "ana@" not in body
    assert "0172" not in body
    assert "77412" not in body


def test_the_newest_first_within_the_budget(rows: Rows, model: LanguageModel) -> None:
    on(rows, per_hour=20)
    for number in range(5):
        unsure(rows, f"thing number {number}")
    now = clock.now()
    with clock.frozen(now):
        assert [asking.ask_next() for _ in range(3)] == [True, True, False]
    asked = [json.loads(one["messages"][-1]["content"])["message"] for one in model.asked]
    assert asked == ["thing number 4", "thing number 3"]
    with clock.frozen(now + timedelta(minutes=2)):
        assert asking.ask_next()
    Asked.objects.bulk_create(
        Asked(brand_id=rows.brand.pk, message_id=9, at=now, outcome="answered") for _ in range(17)
    )
    with clock.frozen(now + timedelta(minutes=4)):
        assert not asking.ask_next()
    with clock.frozen(now + timedelta(minutes=70)):
        assert asking.ask_next()
    assert len(model.asked) == 4


def test_a_failing_endpoint_is_left_alone_told_once_and_loses_nothing(
    rows: Rows, model: LanguageModel, client: Client, lead: Agent, caplog: pytest.LogCaptureFixture
) -> None:
    on(rows)
    message = unsure(rows)
    now = clock.now()
    assert client.get("/health").json() == {"ok": True, "language_model": "ok"}
    model.spoil(refuses(429, f"too much: {WORDS}", "rate_limit_exceeded", retry_after="120"), refuses(500), hangs_up)
    with caplog.at_level(logging.INFO, "parlour"):
        with clock.frozen(now):
            assert not asking.ask_next()
            assert not asking.ask_next()
            assert len(model.asked) == 1
            page = client.get(PAGE).content.decode()
        assert "asked too often" in page
        assert "rate_limit_exceeded" in page
        assert client.get("/health").json() == {"ok": True, "language_model": "failing"}
        with clock.frozen(now + timedelta(seconds=119)):
            assert not asking.ask_next()
        with clock.frozen(now + timedelta(seconds=121)):
            assert not asking.ask_next()
        assert len(model.asked) == 2
        rest = Endpoint.objects.get().rest_until
        assert rest == now + timedelta(seconds=121 + 30)
        message.refresh_from_db()
        assert message.category == "other"
        assert Event.objects.filter(verb="endpoint.failing").count() == 1
        with clock.frozen(now + timedelta(minutes=4)):
            assert not asking.ask_next()
        # Three times in vain: another message is asked about when it comes.
        with clock.frozen(now + timedelta(minutes=30)):
            assert not asking.ask_next()
            unsure(rows, "and another")
            assert asking.ask_next()
    assert client.get("/health").json() == {"ok": True, "language_model": "ok"}
    assert Event.objects.filter(verb="endpoint.back").count() == 1
    warnings = [one.getMessage() for one in caplog.records if "language model" in one.getMessage()]
    assert len(warnings) == 2
    assert WORDS not in caplog.text
    assert "k-123" not in caplog.text


def test_answers_of_no_use_are_not_asked_for_again_and_three_in_a_row_are_a_fault(
    rows: Rows, model: LanguageModel
) -> None:
    on(rows)
    for number in range(5):
        unsure(rows, f"thing number {number}")
    evil = json.dumps({**model.labels, "category": "<script>", "sentiment": "x" * 5000})
    model.spoil(raw(b"<html>"), says(evil), says(None, refusal="no"))
    assert asking.ask_next()
    assert asking.ask_next()
    asking.ask_next()
    assert queries.rests()
    assert not asking.ask_next()
    assert len(model.asked) == 3
    assert set(Message.objects.values_list("category", flat=True)) == {"other"}
    assert Asked.objects.filter(outcome="unusable").count() == 3
    Endpoint.objects.update(rest_until=clock.now())
    assert asking.ask_next()
    assert model.text == "thing number 1"


def test_its_labels_teach_nothing_until_a_person_confirms(
    rows: Rows, model: LanguageModel, client: Client, lead: Agent
) -> None:
    on(rows)
    message = unsure(rows)
    asking.ask_next()
    brand = rows.brand.pk
    assert not corrections_of(brand, "category").exists()
    assert not Learned.objects.exists()
    assert own.annotate([WORDS], [brand])[0].because == {}
    asked = learning.to_label(brand, "category")
    assert [(one.message.pk, one.value, one.by_model) for one in asked] == [(message.pk, "billing", True)]
    page = client.get(f"/policy/understanding?brand={brand}&field=category").content.decode()
    assert "The language model says Billing" in page
    reading = client.get(f"/message/{message.pk}/reading").content.decode()
    assert "The language model said so on" in reading
    assert "our own reading was “Other”, 30% sure" in reading
    assert "The language model said so" in client.get(f"/case/{message.case_id}/why").content.decode()
    assert "The language model said “Billing”" in client.get(f"/case/{message.case_id}").content.decode()
    # Confirmed, it is a person's word like any other.
    headers = {"HX-Request": "true"}
    client.post(f"/message/{message.pk}/correct", {"field": "category", "confirm": "1"}, headers=headers)
    client.post(f"/message/{message.pk}/correct", {"field": "sentiment", "value": "positive"}, headers=headers)
    assert own.annotate([WORDS], [brand])[0].category == "billing"
    assert corrections_of(brand, "category").count() == 1
    assert learning.to_label(brand, "category") == []
    told = {one.field: (one.said, one.differed, one.judged, one.agreed) for one in queries.agreement(brand)}
    # Answered or resolved without a correction, what it labelled counts for nothing either.
    second, third = unsure(rows, "and once more"), unsure(rows, "the bill again", confidence=SURE)
    asking.ask_next()
    Case.objects.update(status="resolved")
    assert [one.message_id for one in learning.confirmed(brand, "category", 10)] == [third.pk]
    assert Message.objects.get(pk=second.pk).category == "billing"
    assert told == {
        "category": (1, 1, 1, 1),
        "sentiment": (1, 1, 1, 0),
        "intent": (1, 1, 0, 0),
        "actionable": (1, 0, 0, 0),
    }


def test_leads_switch_it_undo_it_see_what_it_costs_and_try_it(
    rows: Rows, model: LanguageModel, client: Client, lead: Agent
) -> None:
    unsure(rows)
    brand = rows.brand.pk
    page = client.get(PAGE).content.decode()
    assert "Nothing is sent" in page
    assert "unsure of <b>1</b>" in page
    page = client.post(f"{PAGE}/switch", {"brand": brand, "on": "1", "per_hour": "50"}, follow=True).content.decode()
    assert "Asked about at most 50 messages an hour." in page
    assert 'name="on" value=""' in page
    asking.ask_next()
    page = client.get(PAGE).content.decode()
    assert "<td>300</td>" in page
    assert "k-123" not in page
    client.post(f"{PAGE}/switch", {"brand": brand, "on": "", "per_hour": "60"})
    assert not queries.setting(brand).on
    assert Event.objects.filter(verb="asking.switched", actor=f"agent:{lead.pk}").count() == 2
    for wrong in ("0", "many", "99999"):
        assert client.post(f"{PAGE}/switch", {"brand": brand, "on": "1", "per_hour": wrong}).status_code == 422
    text = "My bill <b> doubled, write to ana@example.com"
    page = client.post(f"{PAGE}/try", {"brand": brand, "text": text}).content.decode()
    assert "My bill &lt;b&gt; doubled, write to [a mail address]" in page
    assert "320 tokens" in page
    assert "ana@" not in model.text
    model.spoil(refuses(401, code="invalid_api_key"))
    page = client.post(f"{PAGE}/try", {"brand": brand, "text": "hm"}, headers={"HX-Request": "true"}).content.decode()
    assert "does not take PARLOUR_LLM_KEY (HTTP 401, invalid_api_key)" in page
    assert client.post(f"{PAGE}/try", {"brand": brand, "text": " "}).status_code == 422
    Asked.objects.bulk_create(Asked(brand_id=brand, outcome="answered") for _ in range(queries.TRIALS_PER_HOUR))
    assert client.post(f"{PAGE}/try", {"brand": brand, "text": "hm"}).status_code == 422


def test_without_a_model_the_page_says_how_to_name_one(rows: Rows, client: Client, lead: Agent) -> None:
    page = client.get(PAGE, {"brand": rows.brand.pk}).content.decode()
    assert "PARLOUR_LLM_URL" in page
    assert "Switch it on" not in page
    assert client.post(f"{PAGE}/switch", {"brand": rows.brand.pk, "on": "1"}).status_code == 422
    assert client.post(f"{PAGE}/try", {"brand": rows.brand.pk, "text": "hm"}).status_code == 422
    assert client.get("/health").json() == {"ok": True}
    client.force_login(rows.agent("Noor"))
    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}/switch", {"brand": rows.brand.pk, "on": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("url", "more", "words"),
    [
        ("ftp://x/v1", {}, "must be an address such as"),
        ("http://", {}, "must be an address such as"),
        ("http://x:99999/v1", {}, "must be an address such as"),
        ("http://me:secret@x/v1", {}, "without a user"),
        ("http://x/v1?key=1", {}, "without a user"),
        ("http://x/v1/chat/completions", {}, "leave /chat/completions out"),
        ("http://x/v1", {"MODEL": ""}, "PARLOUR_LLM_MODEL must name"),
        ("http://x/v1", {"MODEL": "m" * 201}, "at most 200"),
        ("http://x/v1", {"KEY": "two words"}, "PARLOUR_LLM_KEY must"),
        ("http://x/v1", {"KEY": "schlüssel"}, "PARLOUR_LLM_KEY must"),
        ("", {}, "PARLOUR_LLM_URL must be set"),
    ],
)
def test_a_wrong_setting_is_a_sentence(
    url: str, more: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ({"URL": url, "MODEL": "m", "KEY": ""} | more).items():
        monkeypatch.setenv(f"PARLOUR_LLM_{name}", value)
    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        start._language_model()
    assert "secret" not in str(caught.value)
    monkeypatch.setenv("PARLOUR_LLM_URL", "https://x.example/v1/")
    monkeypatch.setenv("PARLOUR_LLM_MODEL", "m")
    monkeypatch.setenv("PARLOUR_LLM_KEY", "")
    assert start._language_model() == {"url": "https://x.example/v1", "model": "m", "key": ""}
    for name in ("URL", "MODEL", "KEY"):
        monkeypatch.delenv(f"PARLOUR_LLM_{name}")
    assert start._language_model() is None
