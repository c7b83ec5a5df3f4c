"""Rules on the road: real payloads, the real pipeline, and what stands on the case afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from parlour.cases import actions as cases
from parlour.cases.models import Case, Delivery, Direction, Message, Status
from parlour.commands.rules import command
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.approvals.models import ApprovalRule, ApprovedWords
from parlour.policy.rules import actions
from parlour.policy.rules.models import Firing, Rule
from parlour.spine.models import Event
from parlour.spine.tests.patience import wait_until_settled
from parlour.staff.actions import set_up_team
from parlour.staff.models import Presence, Role
from parlour.traffic.tests.conftest import road  # noqa: F401
from parlour.traffic.tests.road import T0, Road, minutes, only_case, private, said, verbs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """Every day begins at ``T0``, before the road is made."""
    with clock.frozen(T0):
        yield


def rule(name: str, event: str | dict[str, Any], condition: Any, *then: dict[str, Any], **more: Any) -> Rule:
    when = {"event": event} if isinstance(event, str) else event
    data = {"name": name, "on": True, "when": when, "if": {"all": condition}, "then": list(then), **more}
    return actions.save(data, by=None)


def mentions(*words: str) -> dict[str, Any]:
    return {"what": "message.text", "is": "contains", "value": list(words)}


def fired() -> list[str]:
    return [event.data["name"] for event in Event.objects.filter(verb="rule.fired").order_by("id")]


def follow() -> bool:
    """As a worker does, once the log holds what was written."""
    wait_until_settled()
    return policy.follow_rules()


def test_a_rule_sorts_a_case_before_it_is_given_out(road: Road) -> None:  # noqa: F811
    set_up_team("Billing", [])
    set_up_team("Front desk", [])
    noor = road.agent("Noor", presence=Presence.ONLINE, teams=["Billing"])
    road.agent("Ben", presence=Presence.ONLINE, teams=["Front desk"])
    made = rule(
        "Refunds",
        "message",
        [mentions("refund"), {"what": "message.channel", "is": "is", "value": ["messenger"]}],
        {"do": "team", "value": "Billing"},
        {"do": "level", "value": "high"},
        {"do": "category", "value": "billing"},
        {"do": "add_tags", "value": ["money"]},
    )
    with clock.frozen(T0):
        road.take("messenger", private("m1", "I want my REFUND now, where is it?"))
    case = only_case()
    assert (case.team and case.team.name, case.assignee_id, case.level) == ("Billing", noor.pk, "high")
    assert (case.category, case.category_by, case.tags, case.priority) == ("billing", f"rule:{made.pk}", ["money"], 75)
    told = Event.objects.get(verb="rule.fired")
    assert told.case_id == case.pk
    assert told.data["reason"].startswith("When a message comes in and it mentions “refund” and the channel is")
    assert told.data["did"][0] == "hand it to Billing"
    assert Firing.objects.get().rule_id == made.pk


def test_answers_notes_and_resolving_happen_once_with_the_case(road: Road) -> None:  # noqa: F811
    rule(
        "Hours",
        "message",
        [mentions("opening hours")],
        {"do": "reply", "value": "Dear {first_name}, we open at nine. ({case})"},
        {"do": "note", "value": "Answered by itself"},
        {"do": "resolve"},
    )
    road.take("api", said("a1", "What are your opening hours?", person="cust-7"))
    case = only_case()
    assert case.status == Status.RESOLVED
    ours = Message.objects.get(direction=Direction.OUT)
    assert ours.text == f"Dear Cust-7, we open at nine. ({case.pk})"
    assert Message.objects.get(direction=Direction.NOTE).text == "Answered by itself"
    assert "case.routed" not in verbs(case_id=case.pk)
    assert Delivery.objects.filter(what="send").count() == 1
    road.send_due()
    assert [one.text for one in road.fakes["api"].sent] == [ours.text]


def test_what_a_person_has_set_stays_unless_the_rule_says_otherwise(road: Road) -> None:  # noqa: F811
    noor = road.agent()
    road.take("api", said("a1", "My parcel is broken"))
    case = only_case()
    cases.set_category(case.pk, "account", by=noor)
    cases.set_level(case.pk, "low", by=noor)
    polite = rule("Polite", "message", [], {"do": "category", "value": "billing"}, {"do": "level", "value": "high"})
    road.take("api", said("a2", "Still broken"))
    case.refresh_from_db()
    assert (case.category, case.level) == ("account", "low")
    told = Event.objects.get(verb="rule.fired")
    assert told.data["left"] == [
        "set the category to Billing (a person had set it)",
        "set the priority to high (a person had set it)",
    ]
    actions.switch(polite.pk, False, by=None)
    rule(
        "Rude", "message", [], {"do": "category", "value": "billing"}, {"do": "level", "value": "high"}, overwrite=True
    )
    road.take("api", said("a3", "Still broken, really"))
    case.refresh_from_db()
    assert (case.category, case.level) == ("billing", "high")


def test_rules_are_asked_in_order_see_each_other_s_changes_and_stop(road: Road) -> None:  # noqa: F811
    rule("One", "message", [], {"do": "add_tags", "value": ["Seen"]})
    rule(
        "Two",
        "message",
        [{"what": "case.tags", "is": "is", "value": ["seen"]}],
        {"do": "level", "value": "low"},
        {"do": "stop"},
    )
    last = rule("Three", "message", [], {"do": "level", "value": "urgent"})
    road.take("api", said("a1", "Where is it?"))
    assert (fired(), only_case().level) == (["One", "Two"], "low")
    actions.move(last.pk, -5, by=None)
    road.take("api", said("b1", "Where is mine?", person="cust-8"))
    assert fired()[2:] == ["Three", "One", "Two"]


def test_nobody_answered_and_the_customer_is_silent(road: Road) -> None:  # noqa: F811
    noor = road.agent()
    with clock.frozen(T0):
        rule("Slow", {"event": "unanswered", "minutes": 20}, [], {"do": "add_tags", "value": ["slow"]})
        rule("Quiet", {"event": "silent", "hours": 48}, [], {"do": "resolve"})
        road.take("api", said("a1", "Where is my parcel?", at=T0))
    with clock.frozen(T0 + minutes(19)):
        policy.look()
        assert only_case().tags == []
    for minute in (21, 22, 70):
        with clock.frozen(T0 + minutes(minute)):
            policy.look()
    assert (only_case().tags, fired()) == (["slow"], ["Slow"])
    with clock.frozen(T0 + minutes(80)):
        cases.reply(only_case().pk, by=noor, text="Tomorrow.", visibility=only_case().visibility)
        policy.look()
    with clock.frozen(T0 + minutes(80) + timedelta(hours=47)):
        policy.look()
        assert only_case().status == Status.OPEN
    with clock.frozen(T0 + minutes(81) + timedelta(hours=48)):
        policy.look()
    assert (only_case().status, fired()) == (Status.RESOLVED, ["Slow", "Quiet"])


def test_a_rule_asks_a_silent_customer_once_and_not_each_day(road: Road) -> None:  # noqa: F811
    rule("Still there", {"event": "silent", "hours": 24}, [], {"do": "reply", "value": "Did that help?"})
    road.take("api", said("a1", "Where is my parcel?", at=T0))

    def say(text: str, after: timedelta) -> None:
        with clock.frozen(T0 + after):
            cases.reply(only_case().pk, by=road.agent(), text=text, visibility=only_case().visibility)

    def asked(day: int) -> int:
        with clock.frozen(T0 + timedelta(days=day, minutes=10)):
            policy.look()
        return Message.objects.filter(text="Did that help?").count()

    say("Tomorrow.", minutes(5))
    assert [asked(day) for day in range(1, 6)] == [1] * 5
    say("It has arrived.", timedelta(days=6))
    assert [asked(day) for day in (6, 7, 8, 9)] == [1, 2, 2, 2]


def test_a_rule_about_time_leaves_alone_what_was_due_before_it(road: Road) -> None:  # noqa: F811
    with clock.frozen(T0):
        road.take("api", said("a1", "Where is my parcel?", at=T0))
    with clock.frozen(T0 + minutes(60)):
        road.take("api", said("b1", "Where is mine?", at=T0 + minutes(60), person="cust-8"))
        Case.objects.update(look_at=None)
        rule("Slow", {"event": "unanswered", "minutes": 30}, [], {"do": "add_tags", "value": ["slow"]})
    for minute in (61, 91):
        with clock.frozen(T0 + minutes(minute)):
            policy.look()
    assert [case.tags for case in Case.objects.order_by("id")] == [[], ["slow"]]


@pytest.mark.django_db(transaction=True)
def test_the_log_is_followed_once(road: Road) -> None:  # noqa: F811
    noor = road.agent()
    assert follow() is False
    road.take("api", said("a1", "Where is my parcel?"))
    case = only_case()
    rule("Given", "assigned", [mentions("parcel")], {"do": "add_tags", "value": ["given"]})
    rule("Over", "resolved", [], {"do": "note", "value": "Over for {name}."})
    rule("Again", "reopened", [], {"do": "level", "value": "high"})
    cases.take(case.pk, by=noor)
    for _ in range(3):
        follow()
    cases.resolve(case.pk, by=noor)
    cases.reopen(case.pk, by=noor)
    for _ in range(3):
        follow()
    case.refresh_from_db()
    assert (case.tags, case.level, fired()) == (["given"], "high", ["Given", "Over", "Again"])
    assert Message.objects.get(direction=Direction.NOTE).text == "Over for Cust-7."


@pytest.mark.django_db(transaction=True)
def test_a_crash_while_following_repeats_nothing_and_forgets_nothing(road: Road, monkeypatch: Any) -> None:  # noqa: F811
    follow()
    road.take("api", said("a1", "Where is my parcel?"))
    rule("Over", "resolved", [], {"do": "note", "value": "Over."})
    cases.resolve(only_case().pk, by=None)

    def crash(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as broken, pytest.raises(SystemExit):
        broken.setattr("parlour.policy.rules.follow._move", crash)
        follow()
    assert fired() == []
    follow()
    follow()
    assert (fired(), Message.objects.filter(direction=Direction.NOTE).count()) == (["Over"], 1)


@pytest.mark.django_db(transaction=True)
def test_rules_that_chase_each_other_are_stopped_and_told(road: Road) -> None:  # noqa: F811
    follow()
    ada, ben = road.agent("Ada", role=Role.LEAD), road.agent("Ben")
    road.take("api", said("a1", "Where is my parcel?"))
    case = only_case()
    first = rule(
        "To Ben",
        "assigned",
        [{"what": "case.assignee", "is": "is", "value": [ada.email]}],
        {"do": "assignee", "value": ben.email},
        overwrite=True,
    )
    second = rule(
        "To Ada",
        "assigned",
        [{"what": "case.assignee", "is": "is", "value": [ben.email]}],
        {"do": "assignee", "value": ada.email},
        overwrite=True,
    )
    cases.assign(case.pk, ada.pk, by=None)
    for _ in range(20):
        follow()
    assert fired() == ["To Ben", "To Ada"] * 5
    told = Event.objects.get(verb="rule.stopped")
    assert told.data["reason"] == "Stopped: the rules “To Ben” and “To Ada” chase each other."
    for one in (first, second):
        one.refresh_from_db()
        assert (one.stopped_words, one.stopped_case) == (told.data["reason"], case.pk)


def test_two_robots_do_not_answer_each_other_for_ever(road: Road) -> None:  # noqa: F811
    rule("Thanks", "message", [], {"do": "reply", "value": "We are on it."})
    for number in range(6):
        road.take("api", said(f"a{number}", "I am out of the office, where is it?"))
    assert Message.objects.filter(direction=Direction.OUT).count() == 3
    assert "Does another robot answer it?" in Event.objects.filter(verb="rule.failed").first().data["reason"]  # type: ignore[union-attr]


def test_what_a_rule_says_waits_until_its_words_are_approved_once(road: Road, client: Any) -> None:  # noqa: F811
    lena, mo = road.agent("Lena", role=Role.LEAD), road.agent("Mo", role=Role.LEAD)
    ApprovalRule.objects.create(name="Automatic words", agents=[lena.pk])
    data = {"name": "Thanks", "on": True, "when": {"event": "opened"}, "if": {"all": []}}
    made = actions.save(data | {"then": [{"do": "reply", "value": "Dear {name}, case {case}."}]}, by=lena)
    for number in range(3):
        road.take("messenger", private(f"m{number}", "Where is it?", person=f"70{number}"))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"awaiting"}
    client.force_login(lena)
    assert "Dear " not in client.get("/approvals").content.decode()
    client.force_login(mo)
    page = client.get("/approvals").content.decode()
    assert "The rule “<bdi>Thanks</bdi>”" in page
    assert page.count("Approve these words from now on") == 1
    assert "2 more wait with the same words." in page
    first = Message.objects.filter(direction=Direction.OUT).earliest("id")
    assert client.post(f"/message/{first.pk}/approve-words", {"from": "list"}).status_code == 302
    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"}

    road.take("messenger", private("m3", "And mine?", person="703"))
    latest = Message.objects.filter(direction=Direction.OUT).latest("id")
    assert (latest.deliveries.get().state, latest.meta["approved_by"]) == ("queued", f"agent:{mo.pk}")
    actions.save(data | {"then": [{"do": "reply", "value": "{name}, we know."}]}, by=lena, rule_id=made.pk)
    road.take("messenger", private("m4", "And mine?", person="704"))
    assert Delivery.objects.latest("id").state == "awaiting"
    assert "Dear {name}, case {case}." in client.get("/policy/approvals").content.decode()
    client.post(f"/policy/approvals/words/{ApprovedWords.objects.get().pk}/forget")
    assert not ApprovedWords.objects.exists()


def test_an_edit_fires_nothing_twice_and_what_cannot_be_done_is_told(road: Road) -> None:  # noqa: F811
    rule("Hide", "message", [mentions("idiot")], {"do": "hide"}, {"do": "add_tags", "value": ["rude"]})
    road.take("api", said("a1", "You idiot, where is it?"))
    case = only_case()
    assert case.tags == ["rude"]
    assert "could not hide the message on the platform" in Event.objects.get(verb="rule.failed").data["reason"]
    edited = Message.objects.get(external_id="a1")
    with clock.frozen(T0 + minutes(50)):
        from parlour.traffic.understand import judge, think

        judge(think([edited]))
    assert fired() == ["Hide"]


def test_the_timeline_tells_which_rule_did_what(road: Road, client: Any) -> None:  # noqa: F811
    rule(
        "Money",
        "message",
        [mentions("refund")],
        {"do": "level", "value": "high"},
        {"do": "add_tags", "value": ["money"]},
    )
    road.take("api", said("a1", "Where is my refund?"))
    client.force_login(road.agent("Lena", role=Role.LEAD))
    page = client.get(f"/case/{only_case().pk}").content.decode()
    assert "Rule “Money”: set the priority to high; tag it “money”" in page
    assert "When a message comes in and it mentions “refund”, set the priority to high and tag it “money”" in page
    assert "Priority set to high" not in page
    listed = client.get("/policy/rules").content.decode()
    assert "Fired 1 time in 30 days" in listed


def test_the_command_exports_and_imports(road: Road, tmp_path: Path) -> None:  # noqa: F811
    rule("Money", "message", [mentions("refund")], {"do": "level", "value": "high"})
    run, file = CliRunner(), tmp_path / "rules.json"
    assert run.invoke(command, ["export", str(file)]).exit_code == 0
    assert run.invoke(command, ["import", str(file), "--replace"]).output == "Imported 1.\n"
    listed = run.invoke(command, ["list"]).output
    assert "Money: When a message comes in and it mentions “refund”, set the priority to high." in listed
    file.write_text('{"parlour_rules": 2}')
    refused = run.invoke(command, ["import", str(file)])
    assert (refused.exit_code, "Nothing was imported. This is no export of rules" in refused.output) == (1, True)
    assert run.invoke(command, ["undo"]).output.startswith("Undone: Imported 1 rule")
    assert Rule.objects.get().name == "Money"


@pytest.mark.django_db(transaction=True)
def test_a_rule_that_follows_a_broken_promise_gives_the_case_to_a_lead(road: Road) -> None:  # noqa: F811
    follow()
    lead = road.agent("Lena", role=Role.LEAD)
    rule("Late", "breached", [], {"do": "escalate", "value": "{name} waits too long."})
    road.take("api", said("a1", "Where is my refund?"))
    with clock.frozen(T0 + minutes(90)):
        policy.look()
        follow()
        follow()
    case = only_case()
    assert (case.assignee_id, case.level, case.tags) == (lead.pk, "urgent", ["escalated"])
    assert Message.objects.get(direction=Direction.NOTE).text == "For Lena: Cust-7 waits too long."
    assert case.routing_reason == "Escalated to Lena by the rule “Late”."


def test_conditions_about_the_customer_the_inbox_and_the_hour(road: Road) -> None:  # noqa: F811
    brand = road.brand.name
    conditions = [
        {"what": "customer.known", "is": "is", "value": False},
        {"what": "customer.vip", "is": "is", "value": False},
        {"what": "inbox", "is": "is", "value": [f"{brand} / api / @api"]},
        {"what": "brand", "is": "is", "value": [brand]},
        {"what": "case.team", "is": "is", "value": ["nobody"]},
        {"what": "case.assignee", "is": "is", "value": ["nobody"]},
        {"what": "case.waiting", "is": "most", "value": 5},
        {"what": "message.files", "is": "is", "value": False},
        {"what": "message.language", "is": "is", "value": ["EN"]},
        {"what": "time.hours", "is": "between", "value": ["10:00", "10:30"]},
        {"what": "time.weekday", "is": "is", "value": ["fri"]},
    ]
    rule("All", "opened", conditions, {"do": "add_tags", "value": ["all"]}, zone="Europe/Berlin")
    for number, condition in enumerate(conditions):
        rule(
            f"Not {number}",
            "opened",
            [{"not": [condition]}],
            {"do": "add_tags", "value": [f"not {number}"]},
            zone="Europe/Berlin",
        )
    road.take("api", said("a1", "Where is my parcel? It was promised for yesterday and is not here."))
    road.take("api", said("a2", "Where is my parcel? It was promised for yesterday and is not here."))
    assert (only_case().tags, fired()) == (["all"], ["All"])


@pytest.mark.django_db(transaction=True)
def test_a_rule_does_not_look_back(road: Road) -> None:  # noqa: F811
    follow()
    road.take("api", said("a1", "Where is my parcel?"))
    cases.resolve(only_case().pk, by=None)
    with clock.frozen(T0 + minutes(1)):
        rule("Over", "resolved", [], {"do": "note", "value": "Over."})
        follow()
        assert fired() == []
        cases.reopen(only_case().pk, by=None)
        cases.resolve(only_case().pk, by=None)
        follow()
    assert fired() == ["Over"]
