"""What is fetched when webhooks did not get through, for Messenger, the Page and Instagram."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from parlour.channels.contract import ChannelError, ErrorKind, Inbound, InboxConfig, Kind, Poll
from parlour.channels.facebook.channel import channel as facebook
from parlour.channels.facebook.tests.sample import CONFIG as FACEBOOK
from parlour.channels.facebook.tests.sample import refusal
from parlour.channels.instagram.channel import channel as instagram
from parlour.channels.instagram.tests.sample import CONFIG as INSTAGRAM
from parlour.channels.instagram.tests.sample import IG
from parlour.channels.messenger.channel import channel as messenger
from parlour.channels.messenger.tests.sample import CONFIG as MESSENGER
from parlour.channels.messenger.tests.sample import CUSTOMER, PAGE
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform
from parlour.lib import clock

SINCE = RECEIVED.timestamp() - 3600
NEW, OLD = "2026-11-22T11:30:00+0000", "2026-11-20T11:30:00+0000"
AT = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
CHANNELS = [(messenger, MESSENGER), (facebook, FACEBOOK), (instagram, INSTAGRAM)]


def fetched(server: Platform, channel: Any, config: InboxConfig, **cursor: Any) -> tuple[Poll, list[Inbound]]:
    with clock.frozen(RECEIVED):
        poll = channel.poll(at(config, server.base), {"since": SINCE, **cursor})
        inbounds = [one for split in poll.events for one in channel.parse(split.body, config, RECEIVED)]
    return poll, inbounds


def message(mid: Any = "m_1", sender: str = CUSTOMER, to: str = PAGE, when: str = NEW, **more: Any) -> dict[str, Any]:
    return {
        "id": mid,
        "created_time": when,
        "from": {"id": sender},
        "to": {"data": [{"id": to}]},
        "message": "hi",
        **more,
    }


def talks(*messages: dict[str, Any], updated: str = NEW) -> dict[str, Any]:
    return {"data": [{"updated_time": updated, "messages": {"data": list(messages)}}]}


@pytest.mark.parametrize(("channel", "config"), CHANNELS)
def test_the_first_poll_fetches_nothing(channel: Any, config: InboxConfig) -> None:
    with platform() as server, clock.frozen(RECEIVED):
        for cursor in ({}, {"since": "then"}):
            assert channel.poll(at(config, server.base), cursor) == Poll((), {"since": RECEIVED.timestamp()})
    assert server.asked == []


@pytest.mark.parametrize(("channel", "config"), CHANNELS)
def test_who_may_not_ask_does_not_fail(channel: Any, config: InboxConfig) -> None:
    with platform() as server:
        for body in (refusal(200), refusal(10), refusal(100), refusal(100, 33)):
            server.answers(400, body)
            assert fetched(server, channel, config)[0] == Poll((), {"since": SINCE})
        for body, kind in ((refusal(190), ErrorKind.AUTH_EXPIRED), (refusal(4), ErrorKind.RATE_LIMITED)):
            server.answers(400, body)
            with pytest.raises(ChannelError) as caught:
                fetched(server, channel, config)
            assert caught.value.kind is kind


@pytest.mark.parametrize(("channel", "config"), CHANNELS)
def test_hostile_answers_bring_nothing(channel: Any, config: InboxConfig) -> None:
    with platform() as server:
        answers: list[dict[str, Any]] = [
            {},
            {"data": {}},
            {"data": [None, 5, {"messages": 7, "comments": [], "updated_time": {}, "created_time": []}]},
            {"data": [{"updated_time": NEW, "messages": {"data": [{"created_time": NEW, "from": 5, "to": 6}]}}]},
        ]
        for body in answers:
            server.answers(200, body)
            assert fetched(server, channel, config) == (Poll([], {"since": RECEIVED.timestamp()}), [])


def test_conversations_become_what_webhooks_would_have_told() -> None:
    photo = {"data": [{"image_data": {"url": "https://cdn.example/a.jpg"}}, {"file_url": "https://cdn.example/b.pdf"}]}
    answer = talks(
        message("m_4", message="", attachments=photo),
        message("m_3", PAGE, CUSTOMER, message="We are on it."),
        message("m_2", message=""),
        message("m_1", sticker="https://cdn.example/s.png"),
        message("m_0", when=OLD),
        message("m_x", "77", "78"),
        message(["odd"]),
    )
    with platform() as server:
        server.answers(200, answer)
        with pytest.raises(ValueError, match="mid is not an id"):
            fetched(server, messenger, MESSENGER)
        del answer["data"][0]["messages"]["data"][-1]
        server.answers(200, answer)
        poll, found = fetched(server, messenger, MESSENGER)
    assert [split.key for split in poll.events] == ["message:m_1", "echo:m_3", "message:m_4"]
    sticker, ours, files = found
    assert (sticker.text, sticker.at, sticker.attachments[0].kind) == ("hi", AT, "sticker")
    assert (ours.kind, ours.thread and ours.thread.address) == (Kind.ECHO, CUSTOMER)
    assert [one.kind for one in files.attachments] == ["image", "file"]
    asked = urlsplit(server.asked[-1].path)
    assert asked.path == f"/{PAGE}/conversations"
    assert "messages" in parse_qs(asked.query)["fields"][0]


def test_page_by_page_until_what_is_old() -> None:
    paging = {"cursors": {"after": "QVFI"}, "next": "https://graph.example/2"}
    with platform() as server:
        server.answers(200, {**talks(message()), "paging": paging})
        first, _ = fetched(server, messenger, MESSENGER)
        assert (first.more, first.cursor["after"], first.cursor["since"]) == (True, "QVFI", SINCE)
        with clock.frozen(RECEIVED):
            messenger.poll(at(MESSENGER, server.base), first.cursor)
        assert "after=QVFI" in server.asked[-1].path
        old = talks(message(when=OLD), updated=OLD)
        server.answers(200, {**old, "paging": paging})
        last, _ = fetched(server, messenger, MESSENGER, began=5.0, after="QVFI")
    assert (last.more, last.cursor, list(last.events)) == (False, {"since": 5.0}, [])


def test_the_feed() -> None:
    comment = {"id": "9001_2", "from": {"id": "7", "name": "Ben"}, "message": "Me too", "created_time": NEW}
    reply = {**comment, "id": "9001_3", "parent": {"id": "9001_2"}, "message": "And me"}
    picture = {"media": {"image": {"src": "https://cdn.example/p.jpg"}}}
    post = {"id": f"{PAGE}_9001", "from": {"id": PAGE}, "message": "Offer", "created_time": OLD}
    with platform() as server:
        server.answers(200, {"data": [{**post, "comments": {"data": [{**reply, "attachment": picture}, comment]}}]})
        poll, (first, second) = fetched(server, facebook, FACEBOOK)
    stamp = int(AT.timestamp())
    assert [split.key for split in poll.events] == [f"feed:comment:add:9001_{n}:{stamp}" for n in (2, 3)]
    assert (first.text, first.reply_to, second.reply_to) == ("Me too", f"{PAGE}_9001", "9001_2")
    assert second.attachments[0].url == "https://cdn.example/p.jpg"


def test_instagram_knows_the_brand_by_its_name() -> None:
    mine = message("aWd_2", "28978", "55")
    mine["from"] = {"id": "28978", "username": "Luma.Phones"}
    theirs = message("aWd_1", "55", "28978")
    theirs["to"] = {"data": [{"id": "28978", "username": "luma.phones"}]}
    comment = {"id": "17900", "text": "Broken", "timestamp": NEW, "username": "ana", "from": {"id": "55"}}
    nested = {**comment, "id": "17901", "text": "Still"}
    media = {"id": "18100", "comments": {"data": [{**comment, "replies": {"data": [nested]}}]}}
    with platform() as server:
        server.answers(200, {"data": [{**talks(mine, theirs)["data"][0], **media}]})
        poll, found = fetched(server, instagram, INSTAGRAM)
    assert [split.key for split in poll.events] == ["message:aWd_1", "echo:aWd_2", "comment:17900", "comment:17901"]
    assert [one.author.external_id for one in found if one.author] == ["55", IG, "55", "55"]
    assert found[3].reply_to == "17900"
    paths = [urlsplit(asked.path).path for asked in server.asked]
    assert paths == ["/me/conversations", f"/{IG}/media"]
    assert "platform=instagram" in server.asked[0].path


def test_what_is_fetched_has_the_keys_of_what_was_told() -> None:
    told = {
        "sender": {"id": CUSTOMER},
        "recipient": {"id": PAGE},
        "timestamp": 1,
        "message": {"mid": "m_1", "text": "hi"},
    }
    payload = {"object": "page", "entry": [{"id": PAGE, "time": 1, "messaging": [told]}]}
    (webhook,) = messenger.split(payload, orjson.dumps(payload), MESSENGER)
    with platform() as server:
        server.answers(200, talks(message()))
        poll, _ = fetched(server, messenger, replace(MESSENGER, id=9))
    assert [(one.key, one.lane) for one in poll.events] == [(webhook.key, webhook.lane)]
