"""The whole of it over real HTTP: webhooks signed and repeated, handshakes, broken connections."""

from __future__ import annotations

import time

import httpx
import orjson
import pytest

from parlour.lib import http, signing
from parlour.playground.faults import Fault
from parlour.playground.main import Stand
from parlour.playground.postman import Habits
from parlour.playground.web import MAX_BODY

QUICK = (0.01, 0.01, 0.01)


def aimed(door, **habits) -> Stand:
    targets = {channel: f"{door.base}/in/{channel}/key" for channel in ("facebook", "messenger", "x")}
    return Stand(targets, habits=Habits(backoff=QUICK, **habits))


def test_webhooks_are_signed_over_the_bytes_that_are_sent(door) -> None:
    with aimed(door) as stand:
        stand.say_comment("Zoë", "Grüße/Ärger 😡")
        stand.say_private("Zoë", "ä")
        stand.tweet("Zoë", "@LumaHelp Grüße 😡")
        stand.dm("Zoë", "privat")
        stand.settle()
    assert len(door.got) == 5
    for path, headers, body in door.got:
        if path == "/in/x/key":
            assert headers["x-twitter-webhooks-signature"] == signing.base64_signature("stand-in-consumer-secret", body)
        else:
            assert headers["x-hub-signature-256"] == signing.hex_signature("stand-in-app-secret", body)
    comment = door.bodies("/in/facebook/key")[1]
    assert b"Gr\\u00fc\\u00dfe\\/\\u00c4rger \\ud83d\\ude21" in comment
    assert orjson.loads(comment)["entry"][0]["changes"][0]["value"]["message"] == "Grüße/Ärger 😡"


def test_refused_webhooks_come_again_and_are_given_up_in_the_end(door) -> None:
    door.statuses = [500, 503]
    with aimed(door) as stand:
        stand.say_private("Ada", "hello")
        stand.settle()
        assert [attempt.status for attempt in stand.world.postman.attempts] == [500, 503, 200]
        assert len(set(door.bodies("/in/messenger/key"))) == 1
        door.statuses = [500] * 4
        stand.say_private("Ada", "again")
        stand.settle()
        assert (stand.world.postman.delivered, stand.world.postman.dropped) == (1, 1)


def test_nobody_there_is_a_failure_too() -> None:
    with Stand({"x": "http://127.0.0.1:9/in/x/key"}, habits=Habits(backoff=QUICK)) as stand:
        stand.dm("Ada", "hello")
        stand.settle()
        assert [attempt.status for attempt in stand.world.postman.attempts] == [None] * 4


def test_duplicates_reordering_and_batches(door) -> None:
    with aimed(door, duplicates=1.0, reorder=0.5, held=0.3, batch=3) as stand:
        for number in range(8):
            stand.say_private("Ada", str(number))
        stand.settle()
    bodies = [orjson.loads(body) for body in door.bodies("/in/messenger/key")]
    texts = [entry["messaging"][0]["message"]["text"] for body in bodies for entry in body["entry"]]
    assert sorted(texts) == sorted([str(number) for number in range(8)] * 2)
    assert list(dict.fromkeys(texts)) != [str(number) for number in range(8)]
    assert any(len(body["entry"]) > 1 for body in bodies)


def test_handshakes_come_before_the_first_webhook(door) -> None:
    with Stand() as stand:
        for channel in ("facebook", "x"):
            stand.point(channel, f"{door.base}/in/{channel}/key", handshake=True)
        stand.tweet("Ada", "@LumaHelp hello")
        stand.settle()
        assert {stand.world.postman.targets[channel].state for channel in ("facebook", "x")} == {"verified"}
        door.verify_token = "another"
        stand.point("messenger", f"{door.base}/in/messenger/key", handshake=True)
        until = time.monotonic() + 5
        while "HTTP 403" not in stand.world.postman.targets["messenger"].state and time.monotonic() < until:
            time.sleep(0.01)
        stand.say_private("Ada", "hello")
        assert "HTTP 403" in stand.world.postman.targets["messenger"].state
        assert stand.world.postman.waiting() == 1
    assert door.bodies("/in/messenger/key") == []
    assert len(door.bodies("/in/x/key")) == 1


@pytest.mark.parametrize(("how", "done"), [("drop", 0), ("drop_after", 1)])
def test_a_cut_connection_looks_like_no_answer(how, done) -> None:
    with Stand() as stand:
        comment = stand.say_comment("Ada", "hello")
        stand.graph_api.faults.add(Fault(how=how))
        headers = {"authorization": "Bearer stand-in-page-token"}
        with pytest.raises(http.NoAnswer) as caught:
            http.request(
                "POST", f"{stand.base}/graph/v25.0/{comment.id}/comments", headers=headers, data={"message": "x"}
            )
        assert caught.value.sent
        assert len(stand.graph.answers) == done


def test_a_timeout_does_nothing() -> None:
    with Stand() as stand, httpx.Client(timeout=0.2) as client:
        stand.x_api.faults.add(Fault(how="timeout", seconds=0.5))
        with pytest.raises(httpx.ReadTimeout):
            client.get(f"{stand.base}/x-api/2/users/me")


def test_huge_and_strange_requests_are_answered() -> None:
    with Stand() as stand, httpx.Client(base_url=stand.base) as client:
        assert client.post("/graph/v25.0/me/messages", content=b"x" * (MAX_BODY + 1)).status_code == 413
        assert (
            client.get("/graph/v25.0/%ff%fe", headers={"authorization": "Bearer stand-in-page-token"}).status_code
            == 400
        )
        assert client.patch("/facebook").status_code == 404
        assert client.get("/x-api/2/tweets/%00").status_code == 401


def test_the_echo_can_overtake_the_answer(door) -> None:
    with aimed(door) as stand:
        person = stand.person("Ada")
        stand.say_private("Ada", "hello")
        stand.graph.delivered_after = stand.graph.read_after = 0.0
        stand.settle()
        stand.graph_api.before_answer = stand.world.postman.settle
        body = {"recipient": {"id": person.psid}, "message": {"text": "hi"}}
        headers = {"authorization": "Bearer stand-in-page-token"}
        httpx.post(f"{stand.base}/graph/me/messages", json=body, headers=headers)
        assert len(door.bodies("/in/messenger/key")) == 4
