"""One answer to everybody: customers of two platforms write about one cause, and each hears back on their own."""

from __future__ import annotations

import pytest

from parlour.cases.models import Case, DeliveryState
from parlour.policy import actions as policy
from parlour.policy.incidents import actions, queries
from parlour.policy.incidents.models import State
from parlour.staff import actions as staff
from parlour.staff.models import Role
from parlour.traffic import profiles
from tests.town import Town

pytestmark = pytest.mark.django_db(transaction=True)


def drain(town: Town) -> None:
    """Tell and send until nothing is left, with the platforms' own receipts coming in between."""
    while policy.tell() or town.send():
        pass
    town.drive()


def test_a_storm_is_answered_on_two_platforms_and_ended_for_everybody(town: Town) -> None:
    town.connect("messenger", handshake=True)
    town.connect("telegram")
    lead = staff.add_agent("lia@example.com", "Lia", Role.LEAD)
    telegram = town.place("telegram")
    town.stand.say_private("Ana", "You cancelled my flight and nobody answers")
    town.stand.say_private("Ben", "Where is my suitcase?")
    chats = telegram.person("Cleo")
    telegram.say(chats, "flight cancelled?!", private=True)
    town.drive()
    profiles.ask()
    incident = actions.open_by_hand(Case.objects.earliest("id").brand_id, by=lead, title="Snow", words="cancelled")
    assert incident.members.count() == 2
    actions.set_status(incident.pk, State.IDENTIFIED, by=lead, words="snow")
    first = actions.answer_all(incident.pk, by=lead, text="Dear {{first_name}}: {{status}}.")
    drain(town)
    assert [line.text for line in town.stand.graph.sent] == ["Dear Ana: snow."]
    assert [line.text for line in telegram.sent] == ["Dear Cleo: snow."]
    assert queries.progress(first).arrived == 2

    telegram.say(telegram.person("Dan"), "Mine is cancelled, too", private=True)
    town.stand.say_private("Ana", "Cancelled again!")
    town.drive()
    drain(town)
    assert [line.text for line in telegram.sent] == ["Dear Cleo: snow.", "Dear Dan: snow."]
    assert len(town.stand.graph.sent) == 1

    actions.set_status(incident.pk, State.RESOLVED, by=lead, words="all fly again")
    closing = actions.answer_all(incident.pk, by=lead, text="{{status}}", closing=True, then_resolve=True)
    drain(town)
    assert [line.text for line in town.stand.graph.sent] == ["Dear Ana: snow.", "all fly again"]
    assert [line.text for line in telegram.sent][2:] == ["all fly again"] * 2
    assert queries.progress(closing).arrived == 3
    open_ones = Case.objects.filter(status="open")
    assert [case.snippet for case in open_ones] == ["Where is my suitcase?"]
    assert not open_ones.filter(messages__deliveries__state=DeliveryState.FAILED).exists()
