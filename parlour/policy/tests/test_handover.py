"""Cases that go to another system: a real one, at the other end of a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from parlour.cases.access import Conflict, Invalid
from parlour.cases.models import Case, Message
from parlour.cases.tests.rows import Rows
from parlour.lib import clock, safe_http
from parlour.policy import actions as policy
from parlour.policy import escalating
from parlour.policy.handover import actions, queries, sending
from parlour.policy.handover.models import Handover, State, System
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.access import Denied
from parlour.staff.models import Agent, Role

pytestmark = pytest.mark.django_db


@dataclass
class Other:
    """The other system: what it heard, and what it says next (status, body, headers); 201 and {} when nothing is laid out."""

    url: str
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    says: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)

    def say(self, status: int, body: Any = None, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        self.says.append((status, content, headers))


@pytest.fixture(scope="module")
def listening() -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            other: Other = self.server.other  # type: ignore[attr-defined]
            body = self.rfile.read(int(self.headers["content-length"]))
            other.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            status, content, headers = other.says.pop(0) if other.says else (201, b"{}", {})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def other(listening: ThreadingHTTPServer, settings: Any) -> Other:
    settings.OWN_NETWORKS = ["127.0.0.0/8"]
    settings.PUBLIC_URL = "https://desk.example.com"
    found = Other(f"http://127.0.0.1:{listening.server_address[1]}/hook")
    listening.other = found  # type: ignore[attr-defined]
    return found


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def ada(rows: Rows) -> Agent:
    return rows.agent("Ada", Role.ADMIN)


@pytest.fixture
def system(other: Other, ada: Agent) -> System:
    return actions.save_system({"name": "Repairs", "url": other.url, "authorization": "Bearer theirs"}, by=ada)


@pytest.fixture
def case(rows: Rows) -> Case:
    case = rows.case()
    rows.said(case, "My kettle is broken")
    return case


def escalate(case: Case, system: System, by: Agent) -> Handover:
    escalating.escalate(case.pk, by=by, to="system", target=system.pk, summary="The kettle leaks.")
    return Handover.objects.latest("id")


def test_a_case_is_handed_over_signed_and_its_number_comes_back(case: Case, system: System, other: Other) -> None:
    noor = Rows().agent("Noor")
    assert [one.value for one in escalating.targets(case, noor)][-1] == f"system:{system.pk}"
    one = escalate(case, system, noor)
    assert (one.state, other.heard) == (State.WAITING, [])
    assert Message.objects.get(direction="note").text == "Escalated to Repairs\n\nThe kettle leaks."
    other.say(201, {"id": 4711, "url": "https://repairs.example.com/4711", "message": "Welcome"})
    assert policy.send_due() == 1
    [(headers, body)] = other.heard
    Webhook(system.secret).verify(body, headers)
    assert (headers["authorization"], headers["webhook-id"]) == ("Bearer theirs", one.key)
    told = json.loads(body)
    assert (told["type"], told["data"]["summary"], told["data"]["by"]) == (
        "case.escalated",
        "The kettle leaks.",
        "Noor",
    )
    assert told["data"]["updates"] == f"https://desk.example.com/api/v1/escalations/{one.pk}/updates"
    one.refresh_from_db()
    assert (one.state, one.reference, one.link, one.words) == (
        State.HANDED,
        "4711",
        "https://repairs.example.com/4711",
        "Welcome",
    )
    assert Event.objects.get(verb="handover.taken").case_id == case.pk
    assert policy.send_due() == 0
    assert Case.objects.get().status == "open"


def test_it_is_tried_again_with_the_same_id_until_it_is_taken(case: Case, system: System, other: Other) -> None:
    one = escalate(case, system, Rows().agent())
    later = escalate(case, system, Rows().agent("Ben"))
    other.say(503, b"<html>Down</html>")
    other.say(429, {"detail": "Slowly"}, Retry_After="90")
    now = clock.now()
    with clock.frozen(now):
        assert policy.send_due() == 1
        one.refresh_from_db()
        assert (one.state, one.words, one.due_at) == (
            State.WAITING,
            "It answered 503",
            now + timedelta(seconds=5),
        )
        assert Handover.objects.get(pk=later.pk).due_at == one.due_at  # others wait for it, too
        assert policy.send_due() == 0
    with clock.frozen(now + timedelta(seconds=5)):
        policy.send_due()
        assert Handover.objects.get(pk=one.pk).due_at == clock.now() + timedelta(seconds=90)
    for minutes in (2, 3):
        with clock.frozen(now + timedelta(minutes=minutes)):
            policy.send_due()
    assert set(Handover.objects.values_list("state", flat=True)) == {State.HANDED}
    ids = [headers["webhook-id"] for headers, _ in other.heard]
    assert ids == [one.key, one.key, one.key, later.key]
    assert len({body for headers, body in other.heard if headers["webhook-id"] == one.key}) == 1


def test_what_is_refused_fails_with_their_words_and_may_be_tried_again(
    case: Case, system: System, other: Other, client: Client
) -> None:
    noor = Rows().agent("Noor")
    one = escalate(case, system, noor)
    other.say(422, {"message": "No <such> product"})
    policy.send_due()
    one.refresh_from_db()
    assert (one.state, one.words) == (State.FAILED, "It answered 422: No <such> product")
    client.force_login(noor)
    page = client.get(f"/case/{case.pk}").text
    assert "Repairs did not take it" in page
    assert "It answered 422: No &lt;such&gt; product" in page
    assert client.post(f"/handover/{one.pk}/again").status_code == 302
    policy.send_due()
    assert Handover.objects.get().state == State.HANDED
    with pytest.raises(Conflict):
        actions.again(one.pk, by=noor)


def test_it_gives_up_after_most_of_a_day(case: Case, system: System, other: Other) -> None:
    escalate(case, system, Rows().agent())
    at = clock.now()
    for wait in (0, *sending.BACKOFF):
        at += timedelta(seconds=wait)
        other.say(500)
        with clock.frozen(at):
            policy.send_due()
    assert (Handover.objects.get().state, Handover.objects.get().attempts) == (State.FAILED, len(sending.BACKOFF) + 1)


def test_killed_while_it_is_sent_it_is_sent_again(
    case: Case, system: System, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = escalate(case, system, Rows().agent())

    class Killed(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched, suppress(Killed):
        patched.setattr(sending, "settle", die)
        policy.send_due()
    assert Handover.objects.get().state == State.WAITING
    assert policy.send_due() == 0  # whoever has it may still be at it
    with clock.frozen(clock.now() + sending.CLAIM):
        assert policy.send_due() == 1
    assert [headers["webhook-id"] for headers, _ in other.heard] == [one.key] * 2
    assert Handover.objects.get().state == State.HANDED


def test_the_other_system_answers_on_the_case_with_its_own_token(
    case: Case, system: System, other: Other, ada: Agent, client: Client
) -> None:
    one = escalate(case, system, Rows().agent())
    another = actions.save_system({"name": "Billing", "url": other.url}, by=ada)
    token, wrong = actions.new_token(system.pk, by=ada), actions.new_token(another.pk, by=ada)

    def post(body: dict[str, Any], token: str = token, **headers: str) -> Any:
        return client.post(
            f"/api/v1/escalations/{one.pk}/updates",
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}", **headers},
        )

    said = post({"comment": "A new lid is <on> its way", "reference": "R-7"}, **{"Idempotency-Key": "a"})
    assert (said.status_code, said.json()["state"], said.json()["reference"]) == (200, "handed", "R-7")
    assert post({"comment": "A new lid is <on> its way"}, **{"Idempotency-Key": "a"}).status_code == 200
    assert post({"state": "closed", "url": "javascript:alert(1)"}).json()["state"] == "closed"
    assert post({}).status_code == 422
    assert post({"state": "burnt"}).status_code == 422
    assert post({"state": "closed"}, token="parlour_nobody").status_code == 401
    assert post({"state": "open"}, token=wrong).status_code == 404
    assert post({"state": "open"}, token=staff.add_token("Reader", "analyst")).status_code == 403
    # It is good for nothing else, and ends with the next one.
    assert client.get("/api/v1/cases", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    actions.new_token(system.pk, by=ada)
    assert post({"state": "open"}).status_code == 401
    notes = [note.text for note in Message.objects.filter(direction="note").order_by("id")]
    assert notes[1:] == ["Repairs (R-7): A new lid is <on> its way"]
    client.force_login(ada)
    page = client.get(f"/case/{case.pk}").text
    assert "Repairs: done there" in page
    assert "A new lid is &lt;on&gt; its way" in page
    assert "javascript:" not in page
    # What has answered has it: it is not sent once more.
    assert policy.send_due() == 0
    listed = client.get(
        f"/api/v1/cases/{case.pk}/escalations", headers={"Authorization": f"Bearer {staff.add_token('M', 'agent')}"}
    )
    assert [(row["system"], row["state"]) for row in listed.json()["items"]] == [("Repairs", "closed")]


def test_nothing_inside_our_walls_is_asked_unless_the_operator_says_so(
    case: Case, system: System, other: Other, settings: Any, ada: Agent
) -> None:
    settings.OWN_NETWORKS = []
    escalate(case, system, ada)
    policy.send_due()
    assert other.heard == []
    one = Handover.objects.get()
    assert (one.state, one.words) == (State.FAILED, "Its address is not on the open internet.")
    for url in ("http://repairs.example.com", "ftp://example.com", "https://a:b@example.com", "repairs", ""):
        with pytest.raises(Invalid):
            actions.save_system({"name": "X", "url": url}, by=ada)


def test_only_a_system_of_the_brand_takes_its_cases(case: Case, system: System, other: Other, ada: Agent) -> None:
    brand = Rows("Another").brand
    actions.save_system({"name": "Repairs", "url": other.url, "brand": brand.pk}, by=ada, system_id=system.pk)
    assert not [one for one in escalating.targets(case, ada) if one.kind == "system"]
    with pytest.raises(Invalid):
        escalate(case, system, ada)
    assert not Message.objects.filter(direction="note").exists()
    with pytest.raises(Denied):
        actions.save_system({"name": "X", "url": other.url}, by=Rows().agent("Noor", Role.LEAD))


def test_an_administrator_sets_one_up_tests_it_and_removes_it(other: Other, ada: Agent, client: Client) -> None:
    client.force_login(ada)
    assert "Set up the first" in client.get("/policy/escalation").text
    form = {"name": "Repairs <b>", "url": other.url, "secret": "whsec_short", "brand": ""}
    refused = client.post("/policy/escalation/new", form)
    assert refused.status_code == 422
    assert "24 to 64 bytes" in refused.text or "letters of base64" in refused.text
    assert other.url in refused.text
    saved = client.post("/policy/escalation/new", form | {"secret": "", "authorization": "Bearer very-secret"})
    page = client.get(saved["Location"]).text
    system = System.objects.get()
    assert system.secret in page
    assert "very-secret" not in page
    other.say(200, {"key": "T-1"})
    assert "would be called <bdi>T-1</bdi>" in client.post(saved["Location"], {"do": "test"}).text
    assert json.loads(other.heard[0][1])["type"] == "parlour.test"
    other.say(404, b"no")
    assert "It answered 404: no" in client.post(saved["Location"], {"do": "test"}).text
    assert "Its token is" in client.post(saved["Location"], {"do": "token"}).text
    kept = {"name": "Repairs", "url": other.url, "keep": "1", "do": "save"}
    client.post(saved["Location"], kept)
    assert queries.systems().get().authorization == "Bearer very-secret"
    gone = client.post(saved["Location"], {"do": "remove"})
    assert "is removed" in client.get(gone["Location"]).text
    assert not queries.systems().exists()
    client.post(f"/policy/escalation/{system.pk}/restore")
    assert queries.systems().exists()
    client.force_login(Rows().agent("Lia", Role.LEAD))
    assert "Repairs" in client.get("/policy/escalation").text
    assert client.get(saved["Location"]).status_code == 403


@pytest.mark.parametrize(
    ("status", "content", "taken", "again", "words", "reference"),
    [
        (200, b"", True, False, "", ""),
        (204, b"\xff\xfe", True, False, "", ""),
        (200, b'{"id": true, "number": 7}', True, False, "", "7"),
        (200, b"[1]", True, False, "", ""),
        (302, b"", False, False, "It answered 302", ""),
        (400, b"<html>x</html>", False, False, "It answered 400", ""),
        (408, b"", False, True, "It answered 408", ""),
        (500, b'{"error": "Oh\\nno"}', False, True, "It answered 500: Oh no", ""),
    ],
)
def test_answers_are_read_with_care(
    status: int, content: bytes, taken: bool, again: bool, words: str, reference: str
) -> None:
    read = sending.read(safe_http.Answered(status, content))
    assert (read.taken, read.again, read.words, read.reference) == (taken, again, words, reference)
