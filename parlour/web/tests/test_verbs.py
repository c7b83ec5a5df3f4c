from __future__ import annotations

import json

import pytest

from parlour.cases.models import Delivery, Message
from parlour.web.tests.conftest import HTMX


@pytest.fixture
def case(scene):
    case = scene.case()
    scene.thread(case, "messenger", "private")
    scene.said(case, "My flight was cancelled")
    return case


@pytest.fixture
def ben(person):
    return person("Ben")


def say(desk, case, headers=HTMX, **form):
    return desk.post(f"/case/{case.pk}/say", {"way": "public", "text": "We are on it", **form}, headers=headers)


def told(answer):
    return json.loads(answer.headers["HX-Trigger"])


def test_verbs_change_the_case_and_tell_the_desk_to_ask_again(desk, case, amara, ben):
    steps = [
        ("take", {}, "assignee_id", amara.pk),
        ("assign", {"assignee": ben.pk}, "assignee_id", ben.pk),
        ("assign", {"assignee": ""}, "assignee_id", None),
        ("team", {"team": amara.teams.get().pk}, "team_id", amara.teams.get().pk),
        ("level", {"level": "urgent"}, "level", "urgent"),
        ("level", {"level": ""}, "level", None),
        ("category", {"category": "billing"}, "category", "billing"),
        ("actionable", {"actionable": "0"}, "actionable", False),
        ("resolve", {}, "status", "resolved"),
        ("reopen", {}, "status", "open"),
    ]
    for verb, form, field, value in steps:
        answer = desk.post(f"/case/{case.pk}/{verb}", form, headers=HTMX)
        assert answer.status_code == 204, verb
        assert told(answer)["desk:changed"]["case"] == case.pk
        case.refresh_from_db()
        assert getattr(case, field) == value, verb


def test_without_scripts_a_verb_leads_back_to_the_case_in_its_tab(desk, case):
    answer = desk.post(f"/case/{case.pk}/take", {"tab": "open", "q": "bag & box"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/case/{case.pk}?tab=open&q=bag+%26+box"


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("assign", {"assignee": "ben"}),
        ("assign", {"assignee": "99999"}),
        ("assign", {"assignee": "9" * 40}),
        ("team", {"team": "99999"}),
        ("level", {"level": "extreme"}),
        ("category", {"category": "<b>"}),
        ("say", {"way": "sideways", "text": "x"}),
        ("say", {"way": "note", "text": "   "}),
        ("say", {"way": "public:99999", "text": "x"}),
    ],
)
def test_nonsense_is_refused_with_a_sentence(desk, case, verb, form):
    answer = desk.post(f"/case/{case.pk}/{verb}", form, headers=HTMX)
    assert answer.status_code == 422
    assert len(answer.text) > 10


def test_verbs_are_never_reached_by_a_link(desk, case):
    for verb in ["take", "resolve", "say", "assign"]:
        assert desk.get(f"/case/{case.pk}/{verb}").status_code == 405


def test_an_answer_is_queued_once_however_often_the_button_is_pressed(desk, case, amara):
    first, again = say(desk, case, key="abc"), say(desk, case, key="abc")
    assert first.status_code == again.status_code == 204
    message = Message.objects.get(case=case, direction="out")
    sent = {"case": case.pk, "way": "public", "say": "Sending…", "message": message.pk, "seconds": 4.0}
    assert told(first)["desk:sent"] == sent | {"undo": f"/message/{message.pk}/undo"}
    assert (message.text, message.visibility, message.agent) == ("We are on it", "public", amara)
    assert Delivery.objects.get(message=message).state == "queued"


def test_a_note_is_kept_from_the_customer(desk, case):
    say(desk, case, way="note", text="VIP <3")
    note = Message.objects.get(case=case, direction="note")
    assert not Delivery.objects.filter(message=note).exists()
    assert "VIP &lt;3" in desk.get(f"/case/{case.pk}").text


def test_a_colleagues_answer_stops_mine_until_i_say_so(desk, case, scene, ben):
    seen = Message.objects.filter(case=case).latest("id").pk
    newer = scene.answered(case, "Ben was here", ben, "sent")
    refused = say(desk, case, text="Mine, too", seen=seen, key="k1")
    assert refused.status_code == 409
    assert refused.headers["HX-Retarget"] == "#trouble"
    assert "Ben has answered" in refused.text
    assert "Ben was here" in refused.text
    assert f'name="anyway" value="{newer.pk}"' in refused.text
    assert not Message.objects.filter(text="Mine, too").exists()
    assert say(desk, case, text="Mine, too", seen=seen, anyway=newer.pk, key="k1").status_code == 204
    assert Message.objects.filter(text="Mine, too").exists()


def test_a_refused_answer_is_given_back_without_scripts_too(desk, case):
    words = "far too long " * 4000
    answer = say(desk, case, headers={}, text=words, way="public")
    assert answer.status_code == 422
    assert answer.text.startswith("<!doctype html>")
    assert words.strip()[:200] in answer.text
    assert "at most" in answer.text


def test_send_and_resolve(desk, case):
    assert say(desk, case, then="resolve").status_code == 204
    case.refresh_from_db()
    assert case.status == "resolved"
    assert Message.objects.filter(case=case, direction="out").count() == 1


def test_resolve_and_next_opens_the_case_below(desk, scene, case):
    below = scene.case("Next one", priority=10)
    answer = desk.post(f"/case/{case.pk}/resolve", {"then": "next", "tab": "open"}, headers=HTMX)
    assert json.loads(answer.headers["HX-Location"])["path"] == f"/case/{below.pk}?tab=open"
    plain = desk.post(f"/case/{below.pk}/resolve", {"then": "next", "tab": "open"})
    assert plain.headers["Location"] == "/queue/open"


def test_undo_retry_and_settle(desk, case, scene, amara):
    queued = scene.answered(case, "one", amara, "queued")
    failed = scene.answered(case, "two", amara, "failed")
    unsure = scene.answered(case, "three", amara, "uncertain")
    undone = desk.post(f"/message/{queued.pk}/undo", headers=HTMX)
    assert undone.json() == {"case": case.pk, "way": "public", "text": "one", "files": []}
    assert told(undone)["desk:changed"]["case"] == case.pk
    assert desk.post(f"/message/{failed.pk}/retry", headers=HTMX).status_code == 204
    assert desk.post(f"/message/{unsure.pk}/arrived", headers=HTMX).status_code == 204
    states = [Delivery.objects.get(message=message).state for message in [queued, failed, unsure]]
    assert states == ["cancelled", "queued", "sent"]
    late = desk.post(f"/message/{unsure.pk}/undo", headers=HTMX)
    assert late.status_code == 409
    assert "too late" in late.text
    assert desk.post("/message/99999/undo", headers=HTMX).status_code == 404


def test_acts_and_corrections_of_a_message(desk, case):
    said = Message.objects.get(case=case)
    assert desk.post(f"/message/{said.pk}/act", {"act": "hide"}, headers=HTMX).status_code == 204
    assert Delivery.objects.get(message=said).what == "hide"
    assert "Hiding" in desk.get(f"/case/{case.pk}").text
    assert desk.post(f"/message/{said.pk}/act", {"act": "explode"}, headers=HTMX).status_code == 422
    assert desk.post(f"/message/{said.pk}/fix", {"set": "sentiment:positive"}, headers=HTMX).status_code == 204
    said.refresh_from_db()
    assert said.sentiment == "positive"
