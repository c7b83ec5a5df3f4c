from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from parlour.cases.models import Attachment, MessageVersion
from parlour.customers.models import Identity
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.staff.models import Role
from parlour.web import around, bubbles
from parlour.web.tests.conftest import HTMX, statements


@pytest.fixture
def case(scene):
    case = scene.case()
    scene.thread(case, "messenger", "private")
    return case


def test_a_case_is_a_page_and_its_panes_are_fragments(desk, scene, case):
    scene.said(case, "My flight was cancelled")
    page = desk.get(f"/case/{case.pk}?tab=open").text
    assert page.startswith("<!doctype html>")
    assert "My flight was cancelled" in page
    assert '<section id="queue"' in page
    part = desk.get(f"/case/{case.pk}", headers=HTMX).text
    assert '<section id="case"' in part
    assert 'id="who" class="who" aria-label="Customer" hx-swap-oob="true"' in part
    assert '<section id="queue"' not in part
    for name, inside in {
        "head": 'id="head"',
        "timeline": 'id="flow"',
        "composer": 'id="composer"',
        "customer": 'id="who"',
    }.items():
        assert inside in desk.get(f"/case/{case.pk}/{name}", headers=HTMX).text, name
    live = desk.get(f"/case/{case.pk}/live", headers=HTMX).text
    assert all(f'id="{name}"' in live for name in ["head", "flow", "ways", "who"])
    assert "<textarea" not in live, "what is being typed is never sent again"


def test_a_case_is_offered_only_to_those_who_may_answer(desk, scene, case, person):
    lead, analyst = person("Lea", Role.LEAD), person("Ana", Role.ANALYST)
    head = desk.get(f"/case/{case.pk}/head", headers=HTMX).text
    assert f'<option value="{lead.pk}">Lea</option>' in head
    assert ">Ana</option>" not in head
    assert desk.post(f"/case/{case.pk}/assign", {"assignee": analyst.pk}, headers=HTMX).status_code == 422
    case.assignee = analyst
    case.save()
    head = desk.get(f"/case/{case.pk}/head", headers=HTMX).text
    assert f'<option value="{analyst.pk}" selected>Ana</option>' in head, "the select shows who has it"


@pytest.mark.parametrize("number", [999, 2**63, 10**30])
def test_a_case_that_is_not_there_is_said_so(desk, number):
    assert desk.get(f"/case/{number}").status_code == 404
    fragment = desk.get(f"/case/{number}/live", headers=HTMX)
    assert fragment.status_code == 404
    assert fragment.headers["Content-Type"].startswith("text/plain")


def test_public_and_private_words_stand_in_their_lanes(desk, scene, case):
    scene.said(case, "in the open", ago=9)
    scene.said(case, "between us", visibility="private", ago=5)
    text = desk.get(f"/case/{case.pk}").text
    public, private = text.index('class="lane p"'), text.index('class="lane v"')
    assert public < text.index("in the open") < private < text.index("between us")
    assert text.count('class="lane ') == 2


def test_hostile_words_stay_words_and_links_cannot_lie(desk, scene, case):
    said = scene.said(
        case, '<script>x</script> https://a.example/"onclick=1 javascript:alert(1) \u202ehttps://b.example/?q=<b>'
    )
    Attachment.objects.create(message=said, kind="image", url="javascript:alert(1)", name="<b>bold</b>.png")
    Attachment.objects.create(message=said, kind="file", url="https://files.example/a?b=1&c=2", name="invoice.pdf")
    MessageVersion.objects.create(message=said, text="<i>before</i>", until=clock.now())
    text = desk.get(f"/case/{case.pk}").text
    assert "<script>x" not in text
    assert "<i>before" not in text
    assert "<b>bold" not in text
    assert 'href="javascript' not in text
    assert "\u202e" not in text
    assert (
        '<a href="https://a.example/" target="_blank" rel="noreferrer noopener nofollow ugc">https://a.example/</a>'
        in text
    )
    assert 'href="https://files.example/a?b=1&amp;c=2" target="_blank" rel="noreferrer noopener"' in text
    assert "<img" not in text
    assert "style=" not in text
    assert "It said before" in text


def test_what_became_of_a_message_is_shown(desk, scene, case, amara):
    scene.said(case, "taken back by the customer", deleted_at=clock.now())
    scene.said(case, "hidden words", hidden=True)
    scene.answered(case, "one", amara, "queued")
    scene.answered(case, "two", amara, "failed", error_words="(#10) Outside of the <window>")
    scene.answered(case, "three", amara, "uncertain")
    scene.answered(case, "four", amara, "read")
    scene.answered(case, "five", amara, "cancelled")
    text = desk.get(f"/case/{case.pk}").text
    assert "Deleted on" in text
    assert "<del>" in text
    assert "Hidden from the public" in text
    assert ">Undo</button>" in text
    assert "(#10) Outside of the &lt;window&gt;" in text
    assert ">Try again</button>" in text
    assert ">It arrived</button>" in text
    assert ">Send again</button>" in text
    assert "Taken back, never sent" in text


def test_history_is_told_between_the_words(desk, scene, case, amara):
    spine.write(
        "case.routed", case_id=case.pk, assignee=amara.pk, team=None, reason="speaks English, fewest open cases"
    )
    spine.write("case.level", case_id=case.pk, actor=f"agent:{amara.pk}", level="high")
    spine.write("case.level", case_id=case.pk, actor="agent:99999", level=None)
    spine.write("case.assigned", case_id=case.pk, assignee=99999)
    spine.write("case.scored", case_id=case.pk, reasons=[])
    text = desk.get(f"/case/{case.pk}").text
    assert "Given to Amara: speaks English, fewest open cases" in text
    assert "Priority set to high by Amara" in text
    assert "Priority left to the score by a former colleague" in text
    assert "Given to a former colleague" in text


def test_what_was_done_by_hand_is_told_once_with_the_hand_that_did_it(desk, scene, case, amara):
    spine.write("case.team", case_id=case.pk, actor="token:1", team=None, reason="Taken from its team by hand.")
    spine.write("case.assigned", case_id=case.pk, actor="token:1", assignee=amara.pk, reason="Given to Amara by hand.")
    spine.write(
        "case.assigned", case_id=case.pk, actor=f"agent:{amara.pk}", assignee=amara.pk, reason="Taken by Amara."
    )
    text = desk.get(f"/case/{case.pk}").text
    for words in ["Taken from its team by the API", "Given to Amara by the API", "Taken by Amara"]:
        assert f"<span>{words}</span>" in text


def test_an_inbox_at_rest_is_told_in_one_line(desk, scene, case):
    scene.said(case, "in the open")
    scene.said(case, "between us", visibility="private")
    for inbox in scene.inboxes.values():
        inbox.health, inbox.name = "paused", "Luma"
        inbox.save()
    text = desk.get(f"/case/{case.pk}/composer", headers=HTMX).text
    assert text.count("is paused") == 3, "one line, and the titles of two tabs"
    assert "The inbox Luma is paused: only notes." in text


def test_answering_the_case_of_a_colleague_is_told_quietly(desk, scene, case, amara, person):
    words = "has this case."
    assert words not in desk.get(f"/case/{case.pk}").text
    case.assignee = amara
    case.save()
    assert words not in desk.get(f"/case/{case.pk}").text
    case.assignee = person("Jonas")
    case.save()
    assert f"<bdi>Jonas</bdi> {words}" in desk.get(f"/case/{case.pk}").text


def test_customers_are_known_by_name_and_place_not_by_realm(desk, scene, case):
    first = case.customer.identities.get()
    second = Identity.objects.create(customer=case.customer, realm="meta:77", external_id="psid", name=first.name)
    case.threads.filter(visibility="private").update(identity=second)
    Identity.objects.create(customer=case.customer, realm="x", external_id="9", handle="lena", followers=1200)
    text = desk.get(f"/case/{case.pk}/customer").text
    assert f'<span class="tag">Facebook</span><span class="tag">Messenger</span><bdi>{first.name}</bdi>' in text
    assert '<span class="tag">X</span><bdi>@lena</bdi>' in text
    assert "Meta" not in text


def test_earlier_messages_are_a_step_away(desk, scene, case):
    for number in range(90):
        scene.said(case, f"word-{number}.", ago=500 - number)
    first = desk.get(f"/case/{case.pk}").text
    assert "word-89." in first
    assert "word-29." not in first
    address = first.split('id="earlier-link"')[1].split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    earlier = desk.get(address, headers=HTMX).text
    assert "word-29." in earlier
    assert "word-30." not in earlier
    assert "earlier-link" not in earlier
    assert desk.get(address).text.startswith("<!doctype html>")


def test_a_long_case_asks_the_database_as_often_as_a_short_one(desk, scene, case, amara, monkeypatch):
    # What is the same for all desks is read when something has happened, which is before each count.
    monkeypatch.setattr(around, "LASTS", 60.0)
    scene.said(case, "first")
    scene.answered(case, "answer", amara, "sent")
    ask = lambda: desk.get(f"/case/{case.pk}/live", headers=HTMX)  # noqa: E731
    ask()
    few = statements(ask)
    for number in range(40):
        said = scene.said(case, f"word {number}")
        Attachment.objects.create(message=said, kind="image", url="https://x.example/a.png")
        scene.answered(case, f"answer {number}", amara, "sent")
        spine.write("case.level", case_id=case.pk, actor=f"agent:{amara.pk}", level="high")
    ask()
    many = statements(ask)
    assert many == few
    assert len(many) <= 21, "\n".join(many)


def test_a_message_is_drawn_again_only_when_it_says_something_else(desk, scene, case, person):
    with clock.frozen(clock.now()):
        scene.said(case, "Where is <own> parcel?")
        answer = scene.answered(case, "On its way", person("Bo"), "sent")
        first = desk.get(f"/case/{case.pk}").text
        drawn_before = bubbles._drawn.cache_info().misses
        other = Client()
        other.force_login(person("Otto"))
        again = other.get(f"/case/{case.pk}").text
        assert bubbles._drawn.cache_info().misses == drawn_before
        # What is drawn for one is shown to others, but for the token of its forms.
        tokens = [set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)) for page in (first, again)]
        assert [len(one) for one in tokens] == [1, 1]
        assert not tokens[0] & tokens[1]
        assert bubbles.HERE not in again
        assert "&lt;own&gt; parcel" in again
        assert again.count("sent</span>") == 1
        answer.deliveries.update(state="read")
        assert "read</span>" in desk.get(f"/case/{case.pk}").text
        assert bubbles._drawn.cache_info().misses == drawn_before + 1
        reader = Client()
        reader.force_login(person("Ana", Role.ANALYST))
        assert "message-reading" not in reader.get(f"/case/{case.pk}/live", headers=HTMX).text


def test_a_closed_way_says_why_and_cannot_be_chosen(desk, scene, case):
    scene.said(case, "in the open")
    scene.said(case, "long ago", visibility="private", ago=60 * 24 * 30)
    case.threads.filter(visibility="private").update(last_inbound_at=clock.now() - timedelta(days=30))
    text = desk.get(f"/case/{case.pk}/composer", headers=HTMX).text
    private = text.split('id="way-private"')[1].split(">")[0]
    assert "disabled" in private
    assert "takes no free answer" in text
    assert "checked" in text.split('id="way-public"')[1].split(">")[0]


def test_the_priority_is_explained_and_the_mood_has_words(desk, scene, case):
    scene.said(case, "bad", sentiment_score=-0.9, ago=9)
    scene.said(case, "better", sentiment_score=0.8, ago=3)
    text = desk.get(f"/case/{case.pk}").text
    assert "<b>+30</b> urgent words" in text
    assert 'aria-label="From unhappy to happy over 2 messages"' in text


def test_an_analyst_reads_but_is_given_nothing_to_press(scene, case, person):
    scene.said(case, "in the open")
    client = Client()
    client.force_login(person("Ana", Role.ANALYST))
    text = client.get(f"/case/{case.pk}").text
    assert "in the open" in text
    assert "does not answer them" in text
    assert "<textarea" not in text
    assert f'action="/case/{case.pk}/resolve"' not in text
    refused = client.post(f"/case/{case.pk}/say", {"way": "note", "text": "x"}, headers=HTMX)
    assert refused.status_code == 403
    assert "may not answer" in refused.text


def test_what_a_channel_tells_beside_the_words_is_shown(desk, scene):
    case = scene.case()
    meta = {
        "rating": 2,
        "automatic": "Auto-Submitted",
        "version": "4.1 <b>",
        "quoted": "> Hello\n> <script>",
        "signature": "Ana",
    }
    scene.said(case, "New words.", meta=meta)
    scene.said(case, "Odd.", meta={"rating": True, "quoted": 5, "version": None})
    page = desk.get(f"/case/{case.pk}").text
    assert 'aria-label="2 of 5 stars"' in page
    assert page.count('class="stars"') == 1
    assert "automatic</bdi>" in page
    assert "version 4.1 &lt;b&gt;" in page
    assert "&gt; Hello" in page
    assert "<script>" not in page.split('id="flow"')[1].split("</article>")[0]
    assert page.count('class="folded"') == 1
