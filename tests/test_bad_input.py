"""Bad input: forged, broken, huge, hostile, slow.

Nothing crashes, nothing is lost that was answered 200, a refusal says why, and nothing personal lands in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parlour.cases.models import Message
from parlour.channels import actions as channels
from parlour.channels.models import Inbox
from parlour.channels.tests.fuzz import spoilt
from parlour.channels.tests.samples import Sample, sample
from parlour.lib import clock
from parlour.lib.signing import hex_signature
from parlour.traffic import door as door_module
from parlour.traffic import lanes, pipeline
from parlour.traffic.door import MOST_BYTES, Door
from parlour.traffic.models import Arrival, ArrivalState
from tests.desk import Desk, eventually

CHANNELS = ("facebook", "messenger", "x", "api")
PAGE, SECRET = "4711", "s3cret-of-bad-input"
SETTINGS = {
    "page_id": PAGE,
    "app_secret": SECRET,
    "verify_token": "v",
    "access_token": "t",
    "api_base": "http://127.0.0.1:9",
}
PLANTED = ("Wilhelmina Zauberfrau", "wilhelmina@geheim.example", "My card is 4929 1234 5678 9012", "81500000000004711")
"""A name, an address, words and an id that must never stand in a log."""


# --- in process: the door, the pipeline and a database ---


async def _ask(
    door: Door,
    path: str,
    body: bytes,
    headers: dict[str, str],
    *,
    parts: int = 1,
    pause: float = 0.0,
    hang_up: bool = False,
) -> tuple[int, dict[str, str], bytes]:
    """One POST to a door as a server would hand it over."""
    size = max(1, -(-len(body) // parts))
    waiting = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        if hang_up and len(waiting) == 1:
            return {"type": "http.disconnect"}
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(event: Any) -> None:
        told.append(event)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }
    await door(scope, receive, send)
    start, end = told
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, end["body"]


def _inbox(channel: str, one: Sample) -> Inbox:
    known = Inbox.objects.filter(channel=channel, name="Spoilt").first()
    given = {name: str(value) for name, value in one.CONFIG.settings.items() if value}
    return known or channels.connect_inbox(channel, "Luma", "Spoilt", given)


async def _ask_all(path: str, requests: list[tuple[bytes, dict[str, str]]]) -> list[tuple[int, dict[str, str], bytes]]:
    door = Door()
    try:
        return list(await asyncio.gather(*(_ask(door, path, body, headers) for body, headers in requests)))
    finally:
        await door.committer.close()


def _walk() -> None:
    """Handle everything that waits, and see that each has an end, or waits for another event and says so."""
    lanes.prepare()
    while pipeline.run("test"):
        pass
    for state, reason, attempts in Arrival.objects.values_list("state", "reason", "attempts"):
        if state == ArrivalState.NEW:
            assert attempts > 0
            assert reason, "It waits for nothing."
        elif state in (ArrivalState.IGNORED, ArrivalState.PARKED):
            assert reason, f"{state} without a reason."
        assert "A fault of Parlour's" not in reason, reason


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("channel", CHANNELS)
def test_wrong_types_anywhere_in_the_fixtures_end_with_a_reason(channel: str, caplog: pytest.LogCaptureFixture) -> None:
    one = sample(channel)
    inbox = _inbox(channel, one)
    words: set[str] = set()

    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # making a list of bodies smaller takes minutes and tells little
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(spoilt(one.BODIES), min_size=30, max_size=30, unique=True))
    def check(bodies: list[bytes]) -> None:
        answers = asyncio.run(_ask_all(inbox.webhook_path, [(body, dict(one.sign(body))) for body in bodies]))
        for status, headers, told in answers:
            assert status in (200, 400), told
            if status == 400:
                assert headers["content-type"] == "application/problem+json"
                assert orjson.loads(told)["detail"]
        _walk()

    with caplog.at_level(logging.DEBUG, "parlour"):
        check()
    assert Arrival.objects.count() > 15
    words |= {text for text in Message.objects.values_list("text", flat=True) if len(text) > 12}
    assert [text for text in words if text in caplog.text] == []


@pytest.mark.django_db(transaction=True)
def test_a_slow_body_is_refused_and_a_body_in_many_parts_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "BODY_SECONDS", 0.3)
    one = sample("messenger")
    path, body = _inbox("messenger", one).webhook_path, one.BODIES[0]

    async def both() -> list[tuple[int, dict[str, str], bytes]]:
        door = Door()
        quick = await _ask(door, path, body, dict(one.sign(body)), parts=len(body))
        slow = await _ask(door, path, body, dict(one.sign(body)), parts=len(body), pause=0.02)
        gone = await _ask(door, path, body, dict(one.sign(body)), parts=3, hang_up=True)
        await door.committer.close()
        return [quick, slow, gone]

    (quick, _, _), (slow, _, why), (gone, _, _) = asyncio.run(both())
    assert (quick, slow, gone) == (200, 408, 400)
    assert "longer than" in orjson.loads(why)["detail"]


# --- over HTTP: a desk in a process of its own ---


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("bad")) as desk:
        yield desk.warm_up().start()
        log = desk.log.read_text(errors="replace")
        assert [words for words in PLANTED if words in log] == []
        assert "Traceback" not in log


@pytest.fixture(scope="module")
def path(live: Desk) -> str:
    """The door of a Messenger inbox."""
    told: str = live.add_inbox("messenger", **SETTINGS)["webhook_path"]
    return told


@pytest.fixture
def wire(live: Desk) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.url, trust_env=False, timeout=20) as client:
        yield client
        assert client.get("/health").status_code == 200, "The desk is not well after this."


def _signed(body: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": hex_signature(SECRET, body)}


def _event(mid: str, text: Any = "Hello", **changes: Any) -> dict[str, Any]:
    message = {"mid": mid, "text": text, **changes.pop("message", {})}
    event = {
        "sender": {"id": "81500000000000001"},
        "recipient": {"id": PAGE},
        "timestamp": int(time.time() * 1000),
        "message": message,
    }
    return {"object": "page", "entry": [{"id": PAGE, "time": int(time.time() * 1000), "messaging": [event | changes]}]}


def _refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    assert told["detail"].endswith(".")
    return str(told["detail"])


def _outcome(live: Desk, key: str) -> tuple[str, str] | None:
    rows = live.rows("SELECT state, reason FROM traffic_arrival WHERE key = %s AND state <> 'new'", key)
    return (rows[0][0], rows[0][1]) if rows else None


@pytest.mark.whole
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "truncated",
        "no prefix",
        "of other words",
        "with another secret",
        "grün",
        "sha256=" + "f" * 20_000,
    ],
)
def test_what_is_not_signed_stays_outside(header: str | None, wire: httpx.Client, path: str, live: Desk) -> None:
    body = orjson.dumps(_event("m_forged", PLANTED[2], sender={"id": PLANTED[3]}))
    right = _signed(body)["x-hub-signature-256"]
    given = {
        "truncated": right[:-1],
        "no prefix": right.removeprefix("sha256="),
        "of other words": _signed(body + b" ")["x-hub-signature-256"],
        "with another secret": hex_signature(SECRET + "x", body),
    }.get(header or "", header)
    headers = [] if given is None else [(b"x-hub-signature-256", given.encode())]
    detail = _refused(wire.post(path, content=body, headers=headers), 403)
    assert "signature" in detail.lower()
    assert right not in detail
    assert live.rows("SELECT count(*) FROM traffic_arrival WHERE key LIKE %s", "%m_forged") == [(0,)]


@pytest.mark.whole
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"0",
        b'"page"',
        b"{",
        b"object=page",
        b"\xff\xfe{}",
        b'{"object": "page", "entry": [}',
        b"{'object': 'page'}",
        b'{"object": "page", "entry": NaN}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"object": "page", "entry": [' + b"[" * 100_000,
        b'{"object": "page", "entry": 1e999}',
        b'{"object": "page", "entry": ' + b"9" * 100_000 + b"}",
        b'{"object": "instagram", "entry": []}',
        b'{"object": "page", "entry": {}}',
        b"<xml/>",
        b"\x00" * 1000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_envelope_is_refused_with_the_reason(body: bytes, wire: httpx.Client, path: str) -> None:
    _refused(wire.post(path, content=body, headers=_signed(body)), 400)


@pytest.mark.whole
def test_ten_megabytes_are_too_many_told_or_untold(wire: httpx.Client, path: str) -> None:
    body = b'{"object": "page", "entry": [], "rest": "' + b"x" * 10 * 1024 * 1024 + b'"}'
    for sent in (body, (body[at : at + 65536] for at in range(0, len(body), 65536))):
        with contextlib.suppress(httpx.WriteError):  # the door may have answered and closed before everything was sent
            assert "at most" in _refused(wire.post(path, content=sent, headers=_signed(body)), 413)
    fits = orjson.dumps(_event("m_large", "x" * (MOST_BYTES - 1000)))
    assert wire.post(path, content=fits, headers=_signed(fits)).status_code == 200


@pytest.mark.whole
@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("m_surrogate", b'"\\ud83d half \\udc00 \\u0000 nul \\u202egnorts\\u202c"'),
        ("m_bidi", '"\u202egnorts \u2066inside\u2069 ملاحظة"'.encode()),
        ("m_long", b'"' + b"long " * 100_000 + b'"'),
        ("m_emoji", '"👩‍👩‍👧‍👧 💩 é e\u0301 \ufeff"'.encode()),
    ],
)
def test_strange_characters_are_words_all_the_same(
    name: str, event: bytes, wire: httpx.Client, path: str, live: Desk
) -> None:
    body = orjson.dumps(_event(name, "PLACE")).replace(b'"PLACE"', event)
    assert wire.post(path, content=body, headers=_signed(body)).json() == {"accepted": 1}
    assert eventually(lambda: _outcome(live, f"message:{name}")) == ("done", "")
    text = live.rows("SELECT text FROM cases_message WHERE external_id = %s", name)[0][0]
    assert text
    assert "\x00" not in text
    assert text.encode("utf-8")
    if name == "m_surrogate":
        assert text == "\ufffd half \ufffd \ufffd nul \u202egnorts\u202c"


@pytest.mark.whole
@pytest.mark.parametrize(
    "told",
    [
        0,
        -1,
        -(10**15),
        1,
        10**12,
        4102444800000,
        10**15,
        10**18,
        2**63 - 1,
        1e300,
        "0",
        "yesterday",
        "9" * 400,
        [],
        {},
        True,
    ],
)
def test_times_before_and_after_all_time_are_the_time_of_receipt_or_parked(
    told: Any, wire: httpx.Client, path: str, live: Desk
) -> None:
    mid = f"m_time_{str(told)[:20]}_{type(told).__name__}"
    body = orjson.dumps(_event(mid, timestamp=told))
    assert wire.post(path, content=body, headers=_signed(body)).status_code == 200
    rows = eventually(
        lambda: (
            live.rows("SELECT state, reason FROM traffic_arrival WHERE key LIKE %s AND state <> 'new'", f"%{mid}")
            or live.rows(
                "SELECT state, reason FROM traffic_arrival WHERE state = 'parked' AND reason LIKE %s", "%time%"
            )
        )
    )
    state, reason = rows[0]
    if state == "done":
        at = str(live.rows("SELECT sent_at FROM cases_message WHERE external_id = %s", mid)[0][0])
        assert "1990" <= at[:4] <= str(clock.now().year + 1)
    else:
        assert (state, bool(reason)) == ("parked", True)


@pytest.mark.whole
def test_spoilt_events_over_http_and_the_log_that_tells_nothing(wire: httpx.Client, path: str, live: Desk) -> None:
    name, address, words, person = PLANTED
    spoiled: list[dict[str, Any]] = []
    for number, value in enumerate([None, 7, 1.5, True, [], {}, [words], {"name": name}, "", address]):
        mid = f"m_spoilt_{number}"
        spoiled += [
            _event(mid + "a", value, sender={"id": person, "name": name}),
            _event(mid + "b", words, sender=value),
            _event(mid + "c", words, sender={"id": value}),
            _event(mid + "d", words, message={"attachments": value}),
            _event(mid + "e", words, message={"mid": value}),
            _event(mid + "f", words, recipient=value, sender={"id": person, "email": address}),
            _event(mid + "g", words, message={"reply_to": value}),
            {"object": "page", "entry": [{"id": PAGE, "messaging": value}]},
            {"object": "page", "entry": [{"id": PAGE, "changes": [{"field": words, "value": value}]}]},
            {"object": "page", "entry": [value]},
            {"object": "page", "entry": [{"id": value, "messaging": [{"sender": {"id": person}, words: value}]}]},
        ]
    before = live.rows("SELECT count(*) FROM traffic_arrival")[0][0]
    taken = 0
    for one in spoiled:
        body = orjson.dumps(one)
        answer = wire.post(path, content=body, headers=_signed(body))
        if answer.status_code != 200:
            detail = _refused(answer, 400)
            assert [secret for secret in PLANTED if secret in detail] == []
        else:
            taken += answer.json()["accepted"]
    assert taken > 60
    eventually(lambda: live.rows("SELECT count(*) FROM traffic_arrival WHERE state = 'new' AND attempts = 0") == [(0,)])
    assert live.rows("SELECT count(*) FROM traffic_arrival")[0][0] - before > 40
    assert live.rows("SELECT count(*) FROM traffic_arrival WHERE reason = '' AND state IN ('ignored', 'parked')") == [
        (0,)
    ]
    assert live.rows("SELECT reason FROM traffic_arrival WHERE reason LIKE %s", "%fault of Parlour%") == []
    reasons = " ".join(reason for (reason,) in live.rows("SELECT reason FROM traffic_arrival"))
    assert [secret for secret in (address, person) if secret in reasons] == []


@pytest.mark.whole
def test_unknown_doors_methods_and_paths(wire: httpx.Client, path: str, live: Desk) -> None:
    body = orjson.dumps(_event("m_nowhere"))
    key = path.rpartition("/")[2]
    for wrong in (
        "/in/messenger/" + "x" * 24,
        f"/in/facebook/{key}",
        f"/in/telegraph/{key}",
        "/in/messenger/",
        "/in/messenger/x",
        "/in/",
        "/in/messenger/" + "x" * 5000,
        path + "/",
        path + "/more",
        path + "%00",
        path.replace("/in/", "/in//"),
        f"/in/messenger/{key[:-1]}\u202e",
        "/in/messenger/../messenger/" + "y" * 24,
    ):
        assert "no such inbox" in _refused(wire.post(wrong, content=body, headers=_signed(body)), 404)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "BREW"):
        answer = wire.request(method, path, content=body, headers=_signed(body))
        assert answer.status_code == (400 if method == "BREW" else 405)
    assert live.rows("SELECT count(*) FROM traffic_arrival WHERE key LIKE %s", "%m_nowhere") == [(0,)]
    for other in (
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/cases",
        "/stream",
        path.upper(),
        "/case/999999",
        "/%ff%fe",
        "/" + "a" * 10_000,
        "/in",
    ):
        assert wire.get(other).status_code in (302, 400, 401, 404, 414), other


@pytest.mark.whole
def test_thousands_of_headers_do_not_matter(wire: httpx.Client, path: str) -> None:
    body = orjson.dumps(_event("m_headers"))
    headers = {f"x-header-{number}": "x" * 20 for number in range(5_000)}
    with contextlib.suppress(httpx.HTTPError):  # it may be hung up on
        assert wire.post(path, content=body, headers=headers | _signed(body)).status_code in (200, 400, 431)
    lengths = ("²", "-1", "1e3", "99999999999999999999", "4711")
    for told in lengths:
        request = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {told}\r\n\r\n".encode("latin-1") + b"{}"
        with socket.create_connection((wire.base_url.host, wire.base_url.port or 80), timeout=3) as bare:
            bare.sendall(request)
            bare.shutdown(socket.SHUT_WR)
            answer = bare.recv(1000)
        assert answer == b"" or answer.split(b" ")[1] in (b"400", b"403", b"413"), answer


@pytest.mark.whole
def test_clients_that_hang_up_harm_nobody(wire: httpx.Client, path: str, live: Desk) -> None:
    address = (wire.base_url.host, wire.base_url.port or 80)

    def request(body: bytes) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\nx-hub-signature-256: {hex_signature(SECRET, body)}\r\n\r\n"
        return head.encode() + body

    for number in range(60):
        whole = request(orjson.dumps(_event(f"m_gone_{number}")))
        with socket.create_connection(address, timeout=3) as bare:
            # A third leaves in the middle of the body, the others while the commit is under way.
            bare.sendall(whole[: -(number % 30) or None] if number % 3 == 0 else whole)
            if number % 2:
                bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    body = orjson.dumps(_event("m_stays"))
    assert wire.post(path, content=body, headers=_signed(body)).json() == {"accepted": 1}
    assert eventually(lambda: _outcome(live, "message:m_stays")) == ("done", "")
    eventually(
        lambda: (
            live.rows("SELECT count(*) FROM traffic_arrival WHERE state = 'new' AND key LIKE %s", "%m_gone%") == [(0,)]
        )
    )
    states = live.rows("SELECT DISTINCT state FROM traffic_arrival WHERE key LIKE %s", "%m_gone%")
    assert states in ([], [("done",)])


@pytest.mark.whole
def test_bodies_that_trickle_are_cut_off_and_the_others_are_served_meanwhile(wire: httpx.Client, path: str) -> None:
    slow = [socket.create_connection((wire.base_url.host, wire.base_url.port or 80), timeout=15) for _ in range(40)]
    began = time.monotonic()
    for one in slow:
        one.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{".encode())
    number, worst = 0, 0.0
    while time.monotonic() - began < door_module.BODY_SECONDS + 1:
        for one in slow:
            try:
                one.sendall(b" ")
            except OSError:
                continue
        body = orjson.dumps(_event(f"m_meanwhile_{number}"))
        asked = time.monotonic()
        assert wire.post(path, content=body, headers=_signed(body)).status_code == 200
        worst = max(worst, time.monotonic() - asked)
        number += 1
        time.sleep(0.25)
    assert worst < 3
    for one in slow:
        answer = one.recv(1000)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408"), answer
        one.close()
    assert time.monotonic() - began < door_module.BODY_SECONDS + 5
