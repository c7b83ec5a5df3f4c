"""Moderation in the desk: its pages, what covers personal data from whom, and what agents say about messages and authors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from parlour.cases.models import Case, Delivery, Message, MessageVersion
from parlour.lib import clock
from parlour.policy.moderation import actions, backtest
from parlour.policy.moderation.models import Change, Flood, Handled, Measures, Restriction, WordList
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Role
from parlour.understanding.models import Correction
from parlour.web.tests.conftest import HTMX, Scene
from parlour.web.views import moderation as views

CARD = "4111 1111 1111 1111"
CARD_SPAN = [[8, 27, "card"]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(person: Callable[..., Agent]) -> Agent:
    return person("Lena", Role.LEAD)


def at(agent: Agent) -> Client:
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def exposed(scene: Scene) -> tuple[Case, Message]:
    case = scene.case(snippet=f"My card {CARD} was charged twice")
    said = scene.said(case, f"My card {CARD} was charged twice", personal=CARD_SPAN)
    MessageVersion.objects.create(message=said, text=f"My card is {CARD}", until=clock.now())
    return case, said


PAGES = ("/case/{}", "/case/{}/live", "/case/{}/timeline")


@pytest.mark.parametrize("address", PAGES)
def test_personal_data_is_shown_to_leads_and_whoever_holds_the_case_and_covered_from_all_others(
    address: str, exposed: tuple[Case, Message], person: Callable[..., Agent], lead: Agent, amara: Agent
) -> None:
    case, _ = exposed
    Case.objects.filter(pk=case.pk).update(assignee=amara)
    analyst, other = person("Ana", Role.ANALYST), person("Otto")
    page = address.format(case.pk)
    for agent, sees in ((lead, True), (amara, True), (other, False), (analyst, False)):
        for headers in ({}, HTMX):
            told = at(agent).get(page, headers=headers).content.decode()
            in_words = told.replace(f"My card {CARD} was charged twice</p>", "")
            assert (CARD in in_words) is sees, (agent.name, headers)
            assert "1111" in told


def test_lists_and_search_show_nothing_personal_to_anybody(exposed: tuple[Case, Message], lead: Agent) -> None:
    for address in ("/queue/unassigned", "/queue/open?q=charged"):
        told = at(lead).get(address).content.decode()
        assert "charged twice" in told.replace("<mark>", "").replace("</mark>", "")
        assert CARD not in told


def test_the_api_covers_by_the_role_of_the_token(exposed: tuple[Case, Message], client: Client) -> None:
    case, _ = exposed
    for role, sees in ((Role.LEAD, True), (Role.AGENT, False), (Role.ANALYST, False)):
        secret = staff.add_token(f"{role}", role)
        told = client.get(f"/api/v1/cases/{case.pk}/messages", headers={"Authorization": f"Bearer {secret}"})
        assert told.status_code == 200
        assert (CARD in told.json()["items"][0]["text"]) is sees
        for address in ("/api/v1/cases", f"/api/v1/cases/{case.pk}"):
            told = client.get(address, headers={"Authorization": f"Bearer {secret}"})
            assert CARD not in told.content.decode()


def test_programs_keep_lists_try_texts_and_uncover(exposed: tuple[Case, Message], client: Client) -> None:
    _, said = exposed
    lead, agent = ({"Authorization": f"Bearer {staff.add_token(role, role)}"} for role in (Role.LEAD, Role.AGENT))
    body = {"name": "Abuse", "action": "hide", "words": ["crook*"], "exceptions": []}
    lists = "/api/v1/moderation/lists"
    assert client.post(lists, body, "application/json", headers=agent).status_code == 403
    made = client.post(lists, body, "application/json", headers=lead)
    assert made.status_code == 201
    changed = client.put(f"{lists}/{made.json()['id']}", body | {"words": ["thief"]}, "application/json", headers=lead)
    assert changed.json()["words"] == ["thief"]
    assert client.get(lists, headers=lead).json()["items"] == [changed.json()]
    assert client.post(lists, body | {"words": ["*"]}, "application/json", headers=lead).status_code == 422
    assert client.put(f"{lists}/99", body, "application/json", headers=lead).status_code == 404
    told = client.post("/api/v1/moderation/try", {"text": f"Th1ef {CARD}"}, "application/json", headers=lead).json()
    assert told["matches"] == [{"list": "Abuse", "word": "thief", "action": "hide"}]
    assert (told["personal"], told["covered"]) == (["card"], "Th1ef •••• •••• •••• 1111")
    assert client.get("/api/v1/moderation/report", headers=lead).json()["hidden"] == 0
    shown = client.post(f"/api/v1/messages/{said.pk}/uncover", headers=agent)
    assert CARD in shown.json()["text"]
    assert Event.objects.filter(verb="personal.shown", message_id=said.pk).exists()


def test_a_click_uncovers_it_for_that_agent_only_and_is_told_on_the_case(
    exposed: tuple[Case, Message], amara: Agent, person: Callable[..., Agent]
) -> None:
    case, said = exposed
    assert at(amara).post(f"/message/{said.pk}/uncover", headers=HTMX).status_code == 204
    event = Event.objects.get(verb="personal.shown")
    assert (event.actor, event.case_id, event.message_id) == (f"agent:{amara.pk}", case.pk, said.pk)
    assert "4111" not in str(event.data)
    mine = at(amara).get(f"/case/{case.pk}/live").content.decode()
    assert CARD in mine
    assert "Personal data was uncovered by Amara" in mine
    assert CARD not in at(person("Otto")).get(f"/case/{case.pk}/live").content.decode()
    assert at(person("Ana", Role.ANALYST)).post(f"/message/{said.pk}/uncover").status_code == 403


def test_what_stands_in_public_is_hidden_with_one_button_that_goes_on_in_private(
    exposed: tuple[Case, Message], amara: Agent
) -> None:
    case, said = exposed
    page = at(amara).get(f"/case/{case.pk}").content.decode()
    assert "Posted in public:" in page
    assert "Hide it on Facebook Page and ask in private" in page
    done = at(amara).post(f"/message/{said.pk}/protect", headers=HTMX)
    assert '"desk:way": {"way": "private"}' in done["HX-Trigger"]
    assert Delivery.objects.get().what == "hide"
    Message.objects.filter(pk=said.pk).update(hidden=True)
    assert "Posted in public:" not in at(amara).get(f"/case/{case.pk}").content.decode()


def test_nobody_is_sent_in_private_where_there_is_no_private(scene: Scene, amara: Agent) -> None:
    case = scene.case(channel="reviews", assignee=amara)
    scene.said(case, f"Two stars, my card is {CARD}")
    page = at(amara).get(f"/case/{case.pk}").content.decode()
    assert "Posted in public:" in page
    assert "Reviews can neither hide it nor be answered in private." in page
    assert "/protect" not in page


def test_answers_and_notes_are_covered_too(scene: Scene, amara: Agent, person: Callable[..., Agent]) -> None:
    case = scene.case()
    scene.said(case, "Hello")
    scene.answered(case, f"Is it {CARD}?", amara, "sent")
    assert CARD not in at(person("Otto")).get(f"/case/{case.pk}/timeline").content.decode()


FORM = {"name": "Abuse", "action": "hide", "brand": "", "language": "", "words": "crook*\nthieves", "exceptions": ""}


MEASURES = {"templates": "", "region": "", "flood_messages": "5"}
MEASURES |= {"flood_authors": "3", "spam_messages": "3", "window_minutes": "60"}


def test_a_list_is_tried_on_past_words_saved_changed_and_each_step_undone(scene: Scene, lead: Agent) -> None:
    case = scene.case()
    scene.said(case, "You cr00ks, where is my refund?", intent="complaint")
    scene.said(case, "Thank you")
    client = at(lead)
    told = client.post("/policy/moderation/list", FORM | {"do": "preview"}).content.decode()
    assert "Of the last 2 messages it would have acted on 1" in told
    assert "<mark>crook</mark>" in told
    assert not WordList.objects.exists()
    page = client.post("/policy/moderation/list", FORM | {"do": "save"}, follow=True).content.decode()
    assert "was made: 2 words" in page
    row = WordList.objects.get()
    client.post(f"/policy/moderation/list/{row.pk}", FORM | {"words": "thieves", "do": "save"})
    assert WordList.objects.get().words == "thieves"
    client.post(f"/policy/moderation/undo/{Change.objects.latest('id').pk}")
    assert WordList.objects.get().words == "crook*\nthieves"
    client.post(f"/policy/moderation/list/{row.pk}", {"do": "remove"})
    assert not WordList.objects.exists()
    client.post(f"/policy/moderation/undo/{Change.objects.filter(undone=False).latest('id').pk}")
    assert WordList.objects.get().words == "crook*\nthieves"
    client.post(f"/policy/moderation/list/{row.pk}", {"do": "off"})
    assert not WordList.objects.get().active


def test_trying_goes_on_where_its_time_was_over(scene: Scene, lead: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "CHUNK", 2)
    monkeypatch.setattr(views, "SLICE_SECONDS", -1.0)
    case = scene.case()
    for number in range(5):
        scene.said(case, f"You crooks {number}, my card is {CARD}" if number != 2 else "Thank you")
    client = at(lead)
    for address, form, words in (
        ("/policy/moderation/list", FORM, "Of the last {} messages it would have acted on {}"),
        (
            f"/policy/moderation/brand/{scene.brand.pk}",
            MEASURES | {"hide_personal": "1", "hide_kinds": ["card"]},
            "Of the last {} public messages {} would have been hidden",
        ),
    ):
        first = client.post(address, form | {"do": "preview"}).text
        assert words.format(2, 2) in first
        assert 'value="2" aria-label="How much was looked at"' in first
        assert words.format(4, 3) in client.post(address, form | {"do": "more"}).text
        assert words.format(5, 4) in client.post(address, form | {"do": "more"}).text
        whole = client.post(address, form | {"do": "more"}).text
        assert words.format(5, 4) in whole
        assert "<progress" not in whole
        # Something else is tried from the beginning.
        assert words.format(2, 2) in client.post(address, form | {"do": "preview"}).text
    changed = client.post("/policy/moderation/list", FORM | {"words": "thank*", "do": "more"}).text
    assert "Of the last 2 messages it would have acted on 0" in changed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "A list needs a name."),
        ({"words": "# only a remark"}, "A list needs at least one word."),
        ({"words": "a*"}, "would match nearly everything"),
        ({"words": "***"}, "holds no letters"),
        ({"language": "deutsch"}, "is no language code"),
        ({"action": "explode"}, "Say what is to happen"),
        ({"brand": "99999"}, "There is no such brand."),
    ],
)
def test_what_cannot_be_a_list_is_said_and_nothing_typed_is_lost(
    changed: dict[str, str], words: str, lead: Agent
) -> None:
    told = at(lead).post("/policy/moderation/list", FORM | {"exceptions": "Scunthorpe"} | changed)
    assert told.status_code == 422
    assert words in told.content.decode()
    assert "Scunthorpe" in told.content.decode()
    assert not WordList.objects.exists()


def test_a_text_is_tried_and_kept_nowhere(scene: Scene, lead: Agent) -> None:
    actions.save_list(None, FORM, by=lead)
    text = "Y0u are thi3ves, call +49 30 901820"
    told = at(lead).post("/policy/moderation/try", {"text": text, "brand": scene.brand.pk}, headers=HTMX)
    page = told.content.decode()
    assert "<mark>thieves</mark>" in page
    assert "a phone number" in page
    assert "Read as: <bdi>you are thieves call 49 30 901820</bdi>" in page
    whole = at(lead).post("/policy/moderation/try", {"text": text}).content.decode()
    assert "Lists of words" in whole
    assert "<mark>thieves</mark>" in whole


def test_shipped_lists_are_switched_on_by_language(lead: Agent) -> None:
    client = at(lead)
    assert "Shipped profanity list" in client.get("/policy/moderation").content.decode()
    client.post("/policy/moderation/preset", {"language": "de", "action": "hold"})
    row = WordList.objects.get()
    assert (row.name, row.language, row.action, row.preset) == ("Profanity, German", "de", "hold", "de")
    assert client.post("/policy/moderation/preset", {"language": "de"}).status_code == 422
    assert client.post("/policy/moderation/preset", {"language": "xx"}).status_code == 422


def test_a_brand_says_how_its_numbers_look(scene: Scene, lead: Agent) -> None:
    client, address = at(lead), f"/policy/moderation/brand/{scene.brand.pk}"
    scene.said(scene.case(), f"My card {CARD}, booking LX-48213")
    given = {
        "templates": "AA-99999\n",
        "region": "de",
        "hide_personal": "1",
        "hide_kinds": ["card"],
        "flood_messages": "5",
    }
    given |= {"flood_authors": "3", "spam_messages": "3", "window_minutes": "60"}
    told = client.post(address, given | {"do": "preview"}).content.decode()
    assert "Of the last 1 public messages 1 would have been hidden" in told
    assert "My card •••• •••• •••• 1111, booking ••-•••••" in told
    assert not Measures.objects.exists()
    assert client.post(address, given).status_code == 302
    row = Measures.objects.get()
    assert (row.templates, row.region, row.hide_personal, row.hide_kinds) == (["AA-99999"], "DE", True, ["card"])
    for changed in ({"templates": "(a+)+$"}, {"templates": "AAA"}, {"region": "XX"}, {"flood_messages": "0"}):
        assert client.post(address, given | changed).status_code == 422
    home = client.get("/policy/moderation").content.decode()
    assert "Hidden by itself when posted in public: a card number. Other personal data is shown" in home
    tried = client.post("/policy/moderation/try", {"text": "Booking LX-48213", "brand": scene.brand.pk}, headers=HTMX)
    assert "••-•••••" in tried.content.decode()


def test_agents_mute_leads_block_and_both_forgive(scene: Scene, amara: Agent, lead: Agent) -> None:
    case = scene.case()
    said = scene.said(case, "Spam")
    address = f"/moderation/author/{said.identity_id}"
    given = {"reason": "Adverts", "days": "7", "case": case.pk}
    assert at(amara).post(address, given | {"do": "blocked"}).status_code == 403
    assert at(amara).post(address, given | {"do": "muted", "reason": " "}).status_code == 422
    assert at(amara).post(address, given | {"do": "muted"}, headers=HTMX).status_code == 204
    pane = at(amara).get(f"/case/{case.pk}/customer").content.decode()
    assert "their messages do not reach the queue" in pane
    assert "Adverts" in pane
    assert at(lead).post(address, given | {"do": "blocked"}).status_code == 302
    assert Restriction.objects.filter(lifted_at=None).get().kind == "blocked"
    assert at(amara).post(address, {"do": "forgive"}).status_code == 403
    assert at(amara).post(address, given | {"do": "muted"}).status_code == 403
    assert Restriction.objects.filter(lifted_at=None).get().kind == "blocked"
    assert "Adverts" in at(lead).get("/policy/moderation/people").content.decode()
    at(lead).post(address, {"do": "forgive"})
    assert not Restriction.objects.filter(lifted_at=None).exists()


def test_what_was_said_of_a_flood_is_not_undone_like_a_setting(scene: Scene, lead: Agent) -> None:
    actions.save_measures(scene.brand.pk, {"recognise": True}, by=lead)
    times = dict.fromkeys(("began_at", "last_at"), clock.now())
    counts = dict.fromkeys(("print", "messages", "authors"), 5)
    flood = Flood.objects.create(pk=scene.brand.pk, brand=scene.brand, sample="Buy", **times, **counts)
    actions.settle_flood(flood.pk, True, by=lead)
    assert at(lead).post(f"/policy/moderation/undo/{Change.objects.latest('pk').pk}").status_code == 422
    assert Measures.objects.get().recognise


def test_the_report_counts_complaints_as_people_correct_them(scene: Scene, amara: Agent, lead: Agent) -> None:
    case = scene.case(actionable=False, waiting_since=None)
    said = scene.said(case, "You crooks")
    row, _ = actions.save_list(None, FORM, by=lead)
    Handled.objects.create(
        message=said,
        brand=scene.brand,
        kind="word",
        action="hide",
        list=row,
        word="crook*",
        reason="“crook*” of the list.",
    )
    page = at(lead).get("/policy/moderation/report").content.decode()
    assert "<b>0</b> of them were real complaints" in page
    assert at(amara).post(f"/message/{said.pk}/complaint", {"complaint": "1"}, headers=HTMX).status_code == 204
    page = at(lead).get("/policy/moderation/report").content.decode()
    assert "<b>1</b> of them was a real complaint" in page
    case.refresh_from_db()
    assert (case.actionable, case.waiting_since) == (True, said.sent_at)


def test_held_messages_are_for_agents_policy_is_for_leads(scene: Scene, amara: Agent, lead: Agent) -> None:
    case = scene.case(actionable=False)
    said = scene.said(case, "Casino! 4111 1111 1111 1111", held=True)
    Handled.objects.create(
        message=said, brand=scene.brand, kind="word", action="hold", word="casino", reason="“casino”."
    )
    for agent in (amara, lead):
        page = at(agent).get("/moderation/held").content.decode()
        assert "Casino!" in page
        assert CARD not in page
    assert "Held messages" in at(amara).get("/moderation/held").content.decode()
    assert 'href="/moderation/held"' in at(amara).get("/queue/open").content.decode()
    for page in ("", "/list", f"/brand/{scene.brand.pk}", "/people", "/report"):
        assert at(amara).get(f"/policy/moderation{page}").status_code == 403
        assert at(lead).get(f"/policy/moderation{page}").status_code == 200
    at(amara).post(f"/message/{said.pk}/held", {"do": "out", "page": "held"})
    assert "Nothing is held" in at(amara).get("/moderation/held").content.decode()
    assert at(amara).post(f"/message/{said.pk}/held", {"do": "out"}).status_code == 422


def test_a_verdict_on_a_hidden_message_teaches_the_models(scene: Scene, amara: Agent) -> None:
    case = scene.case()
    abuse, plain = scene.said(case, "You crooks!", offensive=0.9), scene.said(case, "Thieves, all of you")
    for message in (abuse, plain):
        Handled.objects.create(message=message, brand=scene.brand, kind="word", action="hide", reason="A word.")
    client = at(amara)
    client.post(f"/message/{abuse.pk}/complaint", {"complaint": "1"})
    client.post(f"/message/{plain.pk}/complaint", {"complaint": "0"})
    abuse.refresh_from_db()
    plain.refresh_from_db()
    assert (abuse.offensive, plain.offensive) == (0.0, 1.0)
    taught = Correction.objects.order_by("id").values_list("message_id", "field", "was", "now", "agent_id")
    assert list(taught) == [
        (abuse.pk, "offensive", "true", "false", amara.pk),
        (plain.pk, "offensive", "false", "true", amara.pk),
    ]
    client.post(f"/message/{plain.pk}/complaint", {"complaint": "0"})
    assert Correction.objects.latest("id").was == Correction.objects.latest("id").now == "true"
