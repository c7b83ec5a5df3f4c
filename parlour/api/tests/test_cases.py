"""Reading cases, their messages and their history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydantic import TypeAdapter

from parlour.api import schemas
from parlour.api.tests.conftest import START
from parlour.cases.models import Attachment, Delivery, Direction, Message
from parlour.lib import clock
from parlour.spine import actions as spine
from parlour.staff.models import Team


def ids(page):
    return [one["id"] for one in page["items"]]


def test_case_has_the_promised_shape(ask, rows):
    case = rows.case(
        team=rows.team, assignee=rows.agent, priority=70, priority_reasons=[[40, "Waits for 2 h"]], language="en"
    )
    shown = ask.get(f"/cases/{case.pk}")
    TypeAdapter(schemas.Case).validate_python(shown)
    assert shown["brand"] == {"id": rows.brand.pk, "name": "Acme"}
    assert shown["team"] == {"id": rows.team.pk, "name": "Delivery"}
    assert shown["assignee"] == {"id": rows.agent.pk, "name": "Noor"}
    assert shown["priority_reasons"] == [{"points": 40, "words": "Waits for 2 h"}]
    assert shown["updated_at"].endswith("Z")
    assert ask.get("/cases")["items"] == [shown]


def test_pages_through_everything_once_while_cases_arrive(ask, rows):
    # Three share a moment, so that the cursor must tell them apart by id.
    there = [rows.case(updated_at=START).pk for _ in range(3)] + [rows.case().pk for _ in range(8)]
    seen, cursor = [], None
    for _ in range(6):
        page = ask.get("/cases", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += ids(page)
        rows.case(updated_at=clock.now())
        cursor = page["next"]
    assert cursor is None
    assert seen == sorted(there[3:], reverse=True) + sorted(there[:3], reverse=True)


def test_last_page_is_the_last(ask, rows):
    for _ in range(4):
        rows.case()
    first = ask.get("/cases", limit=2)
    assert first["next"]
    assert ask.get("/cases", limit=2, cursor=first["next"])["next"] is None


def test_filters(ask, rows):
    billing = rows.case(category="billing", channel="messenger", status="resolved")
    ours = rows.case(team=rows.team, assignee=rows.agent)
    other = rows.case(team=Team.objects.create(name="Web"))
    for query, expected in {
        ("status", "resolved"): {billing},
        ("status", "open"): {ours, other},
        ("team", rows.team.pk): {ours},
        ("team", "none"): {billing},
        ("assignee", rows.agent.pk): {ours},
        ("assignee", "none"): {billing, other},
        ("assignee", 10**12): set(),
        ("category", "billing"): {billing},
        ("channel", "messenger"): {billing},
        ("channel", "nowhere"): set(),
        ("q", f"#{other.pk}"): {other},
    }.items():
        assert set(ids(ask("GET", "/cases", query=dict([query])))) == {case.pk for case in expected}, query
    both = ask("GET", "/cases", query={"status": "open", "assignee": "none"})
    assert ids(both) == [other.pk]


def test_search_finds_words(ask, rows):
    here, there = rows.case(), rows.case()
    rows.said(here, "The kettle is broken")
    rows.said(there, "The parcel is late")
    assert ids(ask.get("/cases", q="kettle")) == [here.pk]


def test_updated_since(ask, rows):
    old = rows.case(updated_at=START)
    new = rows.case(updated_at=START + timedelta(hours=1))
    at = "2026-03-01T10:00:00"
    assert ids(ask.get("/cases", updated_since=f"{at}Z")) == [new.pk]
    assert ids(ask.get("/cases", updated_since="2026-03-01T10:00:00+01:00")) == [new.pk, old.pk]
    # A plus sign that a client forgot to encode.
    bare = ask.client.get(f"/api/v1/cases?updated_since={at}+01:00", headers={"Authorization": f"Bearer {ask.token}"})
    assert ids(bare.json()) == [new.pk, old.pk]


def test_messages_have_the_promised_shape(ask, rows):
    case = rows.case()
    said = rows.said(case, language="en", sentiment="negative", category="delivery", urgency=0.5, meta={"big": 2**80})
    cdn = "https://cdn.example/1.jpg"
    file = Attachment.objects.create(message=said, kind="image", url=cdn, mime="image/jpeg", size=9)
    answer = rows.said(case, "On its way", direction=Direction.OUT, identity=None, agent=rows.agent, external_id=None)
    Delivery.objects.create(
        message=answer, reference="p1", due_at=START, state="failed", error_kind="window_closed", error_words="Too late"
    )
    note = Message.objects.create(
        case=case, direction="note", visibility="private", agent=rows.agent, text="Ask Bo", sent_at=START
    )
    page = ask.get(f"/cases/{case.pk}/messages")
    TypeAdapter(schemas.ListOf[schemas.Message]).validate_python(page)
    shown = {one["id"]: one for one in page["items"]}
    assert ids(page) == [answer.pk, said.pk, note.pk]
    inbound = shown[said.pk]
    assert inbound["author"] == {"name": "Ada", "external_id": f"u{case.customer_id}", "agent_id": None}
    assert (inbound["language"], inbound["sentiment"], inbound["category"]) == ("en", "negative", "delivery")
    assert inbound["delivery"] is None
    told = {"id": file.pk, "kind": "image", "state": "link", "url": cdn, "name": "", "mime": "image/jpeg", "size": 9}
    assert inbound["attachments"] == [told | {"error": None}]
    assert inbound["meta"] == {"big": 2**80}
    assert shown[answer.pk]["delivery"] == {"state": "failed", "error": "Too late"}
    assert shown[answer.pk]["author"] == {"name": "Noor", "external_id": None, "agent_id": rows.agent.pk}
    assert (shown[note.pk]["thread_id"], shown[note.pk]["language"], shown[note.pk]["sentiment"]) == (None, None, None)


def test_messages_and_events_page_once_each(ask, rows):
    case = rows.case()
    said = [rows.said(case, f"Part {number}").pk for number in range(5)]
    for number in range(5):
        spine.write("case.routed", case_id=case.pk, reason=f"Because of {number}.")
    for what in ("messages", "events"):
        seen, cursor = [], None
        for _ in range(3):
            page = ask.get(f"/cases/{case.pk}/{what}", limit=2, **({"cursor": cursor} if cursor else {}))
            seen += page["items"]
            cursor = page["next"]
        assert cursor is None
        assert len({one["id"] for one in seen}) == 5
        if what == "messages":
            assert [one["id"] for one in seen] == said[::-1]
        else:
            TypeAdapter(list[schemas.Event]).validate_python(seen)
            assert seen[0]["reason"] == "Because of 4."


def test_length_of_a_page_does_not_cost_queries(ask, rows, django_assert_num_queries, django_assert_max_num_queries):
    def spent(path):
        with CaptureQueriesContext(connection) as queries:
            ask.get(path)
        # What counts as personal data is read again after some seconds.
        return len([one for one in queries.captured_queries if "moderation_change" not in one["sql"]])

    case = rows.case(team=rows.team, assignee=rows.agent)
    said = rows.said(case)
    ask.get("/me")
    few = [spent(path) for path in ("/cases", f"/cases/{case.pk}/messages", "/inboxes", "/agents")]
    for _ in range(5):
        rows.case(team=rows.team, assignee=rows.agent)
        Attachment.objects.create(message=rows.said(case, agent=rows.agent), kind="file")
    Attachment.objects.create(message=said, kind="file")
    assert [spent(path) for path in ("/cases", f"/cases/{case.pk}/messages", "/inboxes", "/agents")] == few
    with django_assert_num_queries(3):  # the token, the page, its clocks
        ask.get("/cases")
    # The token, the case, its messages; attachments, versions, deliveries; and now and then what counts as personal data.
    with django_assert_max_num_queries(7):
        ask.get(f"/cases/{case.pk}/messages")


@pytest.mark.parametrize("path", ["/cases/{}", "/cases/{}/messages", "/cases/{}/events"])
@pytest.mark.parametrize("number", ["0", "999999", str(2**63 - 1), str(2**63), str(2**64), "9" * 30, "9" * 5000])
def test_no_such_case(ask, path, number):
    ask("GET", path.format(number), status=404)
