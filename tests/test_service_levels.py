"""What is promised, walked through: words come by a webhook, a worker's hands keep the clocks, an answer goes out and fails."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.test import Client

from parlour.cases.models import Case
from parlour.lib import clock
from parlour.policy import actions as policy
from parlour.policy.service_levels.models import Clock
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Role
from parlour.traffic.worker import Worker
from tests.town import Town

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_promise_made_in_the_desk_is_kept_for_what_comes_by_the_road(town: Town, client: Client) -> None:
    client.force_login(staff.add_agent("lead@example.com", "Lead", Role.LEAD))
    form = {"name": "Everybody", "first": "20 min", "next": "10 min", "resolution": "2 h", "warning": "5", "edition": 0}
    assert client.post("/policy/service-levels/target/everybody", form).status_code == 302
    town.connect("messenger", handshake=True)
    town.stand.say_private("Ana", "Where is my parcel?")
    town.drive()
    case = Case.objects.get()
    assert (case.due_what, case.response_due_at) == (
        "first",
        (case.waiting_since or case.opened_at) + timedelta(minutes=20),
    )
    assert {one.what for one in Clock.objects.filter(ended_at=None)} == {"first", "resolution"}
    town.answer(case, "On its way.")
    policy.look()
    case.refresh_from_db()
    assert (Clock.objects.get(what="first").kept, case.response_due_at) == (True, None)
    assert Clock.objects.get(what="resolution").resting == "waiting for the customer"
    town.stand.say_private("Ana", "Where exactly? It is not here!")
    town.drive()
    case.refresh_from_db()
    assert (case.due_what, case.response_due_at) == (
        "next",
        (case.waiting_since or case.opened_at) + timedelta(minutes=10),
    )
    assert Clock.objects.get(what="resolution").resting == ""
    with clock.frozen((case.response_due_at or clock.now()) + timedelta(seconds=1)):
        policy.look()
        shown = client.get(f"/case/{case.pk}").content.decode()
        assert "Next answer overdue by" in shown
        assert "The promise of a next answer was broken" in shown
        assert f"/case/{case.pk}" in client.get("/policy/service-levels/broken").content.decode()


def test_a_worker_says_within_a_second_that_a_promise_broke(town: Town) -> None:
    town.connect("telegram")
    words = town.place("telegram")
    words.say(words.person("Ana"), "Where is my parcel?", private=True)
    town.drive()
    due = clock.now() + timedelta(seconds=0.7)
    began = due - timedelta(hours=1)
    Clock.objects.update(due_at=due, warn_at=None, warned_at=began, started_at=began, running_since=began)
    Case.objects.update(look_at=due, waiting_since=began, response_due_at=due)
    worker = Worker()
    worker.start()
    try:
        until = time.monotonic() + 10
        while not (broken := Event.objects.filter(verb="case.breached").first()) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        worker.stop()
    assert broken is not None
    assert timedelta() <= broken.at - due < timedelta(seconds=1)
