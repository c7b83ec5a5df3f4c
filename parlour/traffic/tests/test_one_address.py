"""Meta sends everything of an app to one address: the door hands each event to the inbox it belongs to."""

from __future__ import annotations

import asyncio

import httpx
import orjson
import pytest

from parlour.channels.actions import connect_inbox
from parlour.channels.models import Inbox
from parlour.lib.signing import hex_signature
from parlour.traffic.door import Door
from parlour.traffic.models import Arrival

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = {
    "object": "page",
    "entry": [
        {
            "id": "77",
            "time": 1,
            "messaging": [{"sender": {"id": "5"}, "recipient": {"id": "77"}, "message": {"mid": "m1", "text": "a"}}],
        },
        {
            "id": "77",
            "time": 1,
            "changes": [{"field": "feed", "value": {"item": "comment", "verb": "add", "comment_id": "c1"}}],
        },
        {
            "id": "88",
            "time": 1,
            "changes": [{"field": "feed", "value": {"item": "comment", "verb": "add", "comment_id": "c2"}}],
        },
    ],
}


def inbox(channel: str, page: str, secret: str = "app-secret") -> Inbox:
    settings = {"page_id": page, "app_secret": secret, "verify_token": "v", "access_token": "t"}
    return connect_inbox(channel, "Luma", f"{channel} {page}", settings)


def post(to: Inbox, payload: object, secret: str = "app-secret") -> httpx.Response:
    body = orjson.dumps(payload)

    async def run() -> httpx.Response:
        door = Door()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=door), base_url="http://desk") as client:
            answer = await client.post(
                to.webhook_path, content=body, headers={"x-hub-signature-256": hex_signature(secret, body)}
            )
        await door.committer.close()
        return answer

    return asyncio.run(run())


def kept() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for inbox_id, key in Arrival.objects.order_by("id").values_list("inbox_id", "key"):
        found.setdefault(inbox_id, []).append(key)
    return found


def test_each_event_goes_to_its_inbox() -> None:
    page, chat, other = inbox("facebook", "77"), inbox("messenger", "77"), inbox("facebook", "88")
    answer = post(page, BOTH)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 3})
    assert {pk: len(keys) for pk, keys in kept().items()} == {page.pk: 1, chat.pk: 1, other.pk: 1}
    # The same delivery at the other address is known already.
    assert post(chat, BOTH).status_code == 200
    assert sum(len(keys) for keys in kept().values()) == 3


def test_not_to_an_inbox_of_another_app() -> None:
    page, chat = inbox("facebook", "77"), inbox("messenger", "77", secret="another-secret")
    assert post(page, BOTH).status_code == 200
    assert chat.pk not in kept()
    assert len(kept()[page.pk]) == 3  # kept where it came, and ignored there with its reason
