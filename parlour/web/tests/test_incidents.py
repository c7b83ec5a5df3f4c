"""The pages of incidents and of escalation, as leads and agents use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from parlour.cases.models import Case, Delivery, Level, Message
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.approvals.models import ApprovalRule
from parlour.policy.incidents import actions
from parlour.policy.incidents.models import Incident, Round, RoundState, State
from parlour.spine.models import Event
from parlour.staff.models import Agent, Role
from parlour.web.tests.conftest import HTMX, Scene


@pytest.fixture
def lia(person: Callable[..., Agent]) -> Agent:
    return person("Lia", Role.LEAD)


@pytest.fixture
def lead(lia: Agent) -> Client:
    client = Client()
    client.force_login(lia)
    return client


@pytest.fixture
def hit(scene: Scene) -> list[Case]:
    """Three customers whose flights are gone."""
    found = []
    for name in ("Lena Okafor", "Jun Park", "Mia <b>Bold</b>"):
        case = scene.case(name)
        scene.said(case, "You cancelled my flight!", actionable=True)
        said = case.messages.get()
        policy.judge([Case.objects.select_related("brand").get(pk=case.pk)], clock.now(), {case.pk: [said]})
        found.append(case)
    return found


def read(client: Client, name: str, *args: object, status: int = 200) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == status
    return answer.content.decode()


def test_a_lead_opens_names_answers_and_ends_an_incident(lead: Client, hit: list[Case], desk: Client) -> None:
    assert "Nothing runs" in read(lead, "policy-incidents")
    given = {"brand": hit[0].brand_id, "title": "Snow <i>storm</i>", "words": "cancelled"}
    answer = lead.post(reverse("policy-incident-new"), given)
    incident = Incident.objects.get()
    assert answer["Location"] == reverse("policy-incident", args=[incident.pk])
    assert "Snow &lt;i&gt;storm" in read(lead, "policy-incident", incident.pk)
    lead.post(
        reverse("policy-incident-status", args=[incident.pk]), {"state": "identified", "words": "snow at the hub"}
    )
    for page in (read(desk, "case", hit[0].pk), read(desk, "queue", "open")):
        assert "Snow &lt;i&gt;storm" in page
        assert "snow at the hub" in page
    assert "Part of the incident “Snow &lt;i&gt;storm&lt;/i&gt;”" in read(desk, "case", hit[0].pk)
    words = {"text": "Hello {{first_name}}, {{status}}.", "lane": "best", "do": "preview"}
    preview = lead.post(reverse("policy-incident-answer", args=[incident.pk]), words).content.decode()
    assert "Hello Jun, snow at the hub." in preview
    assert "Hello Mia, snow at the hub." in preview
    assert not Round.objects.exists()
    lead.post(reverse("policy-incident-answer", args=[incident.pk]), words | {"do": "send", "key": "once"})
    lead.post(reverse("policy-incident-answer", args=[incident.pk]), words | {"do": "send", "key": "once"})
    policy.tell()
    assert Message.objects.filter(direction="out").count() == 3
    one = Round.objects.get()
    assert "on their way" in lead.get(reverse("policy-incident-progress", args=[one.pk]), headers=HTMX).content.decode()
    Delivery.objects.update(state="sent")
    Delivery.objects.filter(message__case=hit[1]).update(state="failed", error_words="The person has blocked the page")
    shown = read(lead, "policy-incident", incident.pk)
    assert "<b>2</b> of 3 told" in shown
    assert "The person has blocked the page" in read(lead, "policy-incident-missed", one.pk)
    lead.post(reverse("policy-incident-status", args=[incident.pk]), {"state": "resolved", "words": "all fly again"})
    assert "Tell everybody that it is over" in read(lead, "policy-incident", incident.pk)
    answer = lead.post(
        reverse("policy-incident-answer", args=[incident.pk]), {"text": "{{status}}", "then_resolve": "1"}
    )
    assert answer.status_code == 302
    policy.tell()
    assert Message.objects.filter(direction="out", text="all fly again").count() == 3
    assert "Snow" not in read(desk, "queue", "open").split('id="incidents"')[1].split("</div>")[0]


def test_what_cannot_be_said_is_told_and_given_back(lead: Client, lia: Agent, hit: list[Case]) -> None:
    incident = actions.open_by_hand(hit[0].brand_id, by=lia, title="Storm", words="cancelled")
    for what in ("preview", "send"):
        answer = lead.post(
            reverse("policy-incident-answer", args=[incident.pk]), {"text": "Hi {{nmae}}, sorry", "do": what}
        )
        assert answer.status_code == 422
        assert "There is no variable {{nmae}}" in answer.content.decode()
        assert "Hi {{nmae}}, sorry" in answer.content.decode()


def test_suggestions_are_opened_dismissed_and_brought_back(lead: Client, scene: Scene) -> None:
    now = clock.now()
    one = Incident.objects.create(
        brand=scene.brand,
        title="Card, declined",
        why="Card, declined: 30 cases in 2 hours, usually 3",
        words=["card"],
        found_at=now,
        last_at=now,
    )
    assert "30 cases in 2 hours, usually 3" in read(lead, "policy-incidents")
    away = lead.post(reverse("policy-incident-dismiss", args=[one.pk]))
    assert "Undo" in lead.get(away["Location"]).content.decode()
    lead.post(reverse("policy-incident-restore", args=[one.pk]))
    lead.post(reverse("policy-incident-accept", args=[one.pk]))
    assert Incident.objects.get().state == State.INVESTIGATING
    again = lead.post(reverse("policy-incident-accept", args=[one.pk]))
    assert again.status_code == 409
    kept = {"title": "Cards", "words": "card declined, payment", "joins": "1"}
    lead.post(reverse("policy-incident-change", args=[one.pk]), kept)
    one.refresh_from_db()
    assert (one.title, one.words, one.answers_later) == ("Cards", ["card declin", "payment"], False)


def test_an_answer_is_paused_gone_on_with_and_stopped(lead: Client, lia: Agent, hit: list[Case]) -> None:
    incident = actions.open_by_hand(hit[0].brand_id, by=lia, title="Storm", words="cancelled")
    one = actions.answer_all(incident.pk, by=lia, text="Hello")
    for what, state in (("pause", RoundState.PAUSED), ("go-on", RoundState.RUNNING), ("stop", RoundState.STOPPED)):
        lead.post(reverse("policy-incident-turn", args=[one.pk, what]))
        assert Round.objects.get().state == state
    assert lead.post(reverse("policy-incident-turn", args=[one.pk, "burn"])).status_code == 422
    policy.tell()
    assert not Message.objects.filter(direction="out").exists()


def test_an_answer_to_everybody_waits_is_sent_back_and_approved_in_the_desk(
    lead: Client, lia: Agent, person: Callable[..., Agent], hit: list[Case]
) -> None:
    ApprovalRule.objects.create(name="Public words", visibility="public")
    mo = Client()
    mo.force_login(person("Mo", Role.LEAD))
    incident = actions.open_by_hand(hit[0].brand_id, by=lia, title="Storm", words="cancelled")
    given = {"text": "Hello {{first_name}}, we know.", "lane": "best", "do": "send", "key": "once"}
    lead.post(reverse("policy-incident-answer", args=[incident.pk]), given)
    one = Round.objects.get()
    assert "Waits for approval by the rule “Public words”." in read(lead, "policy-incident", incident.pk)
    assert "Approve for" not in read(lead, "approvals")
    page = read(mo, "approvals")
    assert "To 3 customers" in page
    assert "Hello Lena, we know." in page
    assert '<span class="vh">Waiting: </span>1' in page
    refuse = lambda words: mo.post(reverse("refuse-round", args=[one.pk]), {"words": words})  # noqa: E731
    assert refuse("").status_code == 422
    assert refuse("Say <b>when</b>").status_code == 302
    assert 'Mo sent it back: <span dir="auto">Say &lt;b&gt;when&lt;/b&gt;</span>' in read(
        lead, "policy-incident", incident.pk
    )
    reworded = {"text": "Hello {{first_name}}, tomorrow.", "lane": "best", "skip_answered": "1"}
    assert lead.post(reverse("policy-incident-reword", args=[one.pk]), reworded | {"text": "{{x}}"}).status_code == 422
    lead.post(reverse("policy-incident-reword", args=[one.pk]), reworded)
    stale = mo.post(reverse("approve-round", args=[one.pk]), {"wording": "0" * 64})
    assert stale.status_code == 409
    assert "Look at them again" in stale.content.decode()
    wording = stale.content.decode().split('name="wording" value="')[1].split('"')[0]
    assert lead.post(reverse("approve-round", args=[one.pk]), {"wording": wording}).status_code == 403
    mo.post(reverse("approve-round", args=[one.pk]), {"wording": wording})
    policy.tell()
    assert Message.objects.filter(direction="out", text__endswith=", tomorrow.").count() == 3
    assert "Approved by Mo." in read(lead, "policy-incident", incident.pk)


def test_agents_add_the_case_at_hand_and_may_not_decide(
    desk: Client, lia: Agent, scene: Scene, hit: list[Case]
) -> None:
    incident = actions.open_by_hand(scene.brand.pk, by=lia, title="Storm")
    case = hit[0]
    assert "Incident…" in read(desk, "case", case.pk)
    answer = desk.post(reverse("incident-add", args=[case.pk]), {"incident": incident.pk}, headers=HTMX)
    assert answer.status_code == 204
    assert "Part of <b>" in read(desk, "case", case.pk)
    desk.post(reverse("incident-remove", args=[case.pk, incident.pk]), headers=HTMX)
    assert "Part of <b>" not in read(desk, "case", case.pk)
    for name in ("policy-incident-accept", "policy-incident-answer", "policy-incident-status", "policy-incident-merge"):
        assert desk.post(reverse(name, args=[incident.pk])).status_code == 403
    read(desk, "policy-incidents", status=403)


def test_what_counts_as_a_wave_is_set_for_a_brand(lead: Client, scene: Scene) -> None:
    address = reverse("policy-incident-watch", args=[scene.brand.pk])
    assert 'value="3.0"' in lead.get(address).content.decode()
    assert lead.post(address, {"on": "1", "least": "20", "times": "x", "window_minutes": "60"}).status_code == 422
    lead.post(address, {"on": "1", "least": "20", "times": "2,5", "window_minutes": "60"})
    assert 'value="2.5"' in lead.get(address).content.decode()


def test_a_case_is_escalated_with_a_summary_and_the_customer_is_told(
    desk: Client, lia: Agent, scene: Scene, amara: Agent
) -> None:
    case = scene.case(assignee=amara)
    scene.said(case, "Where is my refund?\nI wait since May.")
    scene.answered(case, "We will refund you by Friday.", amara, "sent")
    waits = scene.answered(case, "We will pay you double.", amara, "awaiting")
    Message.objects.filter(pk=waits.pk).update(meta={"awaits": "Waits for approval."})
    form = desk.get(reverse("case-escalate", args=[case.pk]), headers=HTMX).content.decode()
    assert "“Where is my refund?”" in form
    assert "Promised: “We will refund you by Friday”" in form
    assert "double" not in form
    refused = desk.post(reverse("case-escalate", args=[case.pk]), {"to": "", "summary": "Refund overdue"})
    assert refused.status_code == 422
    assert "Refund overdue" in refused.content.decode()
    given = {
        "to": "lead",
        "summary": "Refund <b>overdue</b>",
        "lane": "public",
        "say": "My team lead will help.",
        "key": "k",
    }
    desk.post(reverse("case-escalate", args=[case.pk]), given)
    case.refresh_from_db()
    assert (case.assignee, case.level) == (lia, Level.HIGH)
    assert Message.objects.get(direction="note").text == "Escalated to Lia\n\nRefund <b>overdue</b>"
    assert Message.objects.filter(direction="out", text="My team lead will help.").count() == 1
    told = Event.objects.get(verb="case.escalated")
    assert (told.data["to"], told.data["name"], told.actor) == ("lead", "Lia", f"agent:{amara.pk}")
    lias = Client()
    lias.force_login(lia)
    page = read(lias, "case", case.pk)
    assert "Escalated to Lia by Amara" in page
    assert "Refund &lt;b&gt;overdue" in page


def test_a_case_is_escalated_to_a_team_a_person_and_another_channel(
    desk: Client, person: Callable[..., Agent], scene: Scene, amara: Agent
) -> None:
    noor = person("Noor")
    case = scene.case(assignee=amara)
    scene.said(case, "Hm")
    mail = scene.inbox("messenger")
    team = noor.teams.get()
    post = lambda to: desk.post(reverse("case-escalate", args=[case.pk]), {"to": to, "summary": "Please look"})  # noqa: E731
    assert post(f"agent:{noor.pk}").status_code == 302
    assert Case.objects.get().assignee == noor
    assert post(f"team:{team.pk}").status_code == 302
    assert (Case.objects.get().assignee, Case.objects.get().team) == (None, team)
    assert post(f"channel:{mail.pk}").status_code == 302
    assert Message.objects.filter(direction="note").latest("id").text.startswith("Escalated to Messenger (")
    for wrong in ("agent:99999", "team:", "channel:77", "moon", "lead"):
        assert post(wrong).status_code == 422
    assert Message.objects.filter(direction="note").count() == 3
    Case.objects.update(status="resolved", resolved_at=clock.now() - timedelta(hours=1))
    assert post(f"agent:{noor.pk}").status_code == 422
