"""Answers, acts and questions: both flavours of the API out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from parlour.channels.contract import (
    Author,
    ChannelError,
    ErrorKind,
    File,
    Receipt,
    ThreadKey,
)
from parlour.channels.facebook.tests.sample import refusal
from parlour.channels.instagram import account
from parlour.channels.instagram.channel import channel
from parlour.channels.instagram.tests.sample import CONFIG, CUSTOMER, IG, MEDIA, outbound
from parlour.channels.tests.contract import at
from parlour.channels.tests.platform import Platform, platform
from parlour.lib import clock

REALM = f"instagram:{IG}"
THREAD = ThreadKey(CUSTOMER, "private", address=CUSTOMER)


def sent(server: Platform, **changes: Any) -> Receipt:
    return channel.send(at(CONFIG, server.base), replace(outbound("private"), **changes))


def file(mime: str = "image/png", size: int = 4) -> File:
    return File("a.png", mime, size, lambda: b"\x89PNG")


def test_a_direct_message() -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "aWd_o"}, x_app_usage='{"call_count":95}')
        receipt = sent(server, choices=("Blue", "Green"))
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/me/messages", "Bearer IGAA-token")
    replies = [{"content_type": "text", "title": one, "payload": one} for one in ("Blue", "Green")]
    assert asked.json == {
        "recipient": {"id": CUSTOMER},
        "message": {"text": "We are looking into it.", "quick_replies": replies},
    }
    assert (receipt.external_id, receipt.thread, receipt.rest) == ("aWd_o", None, 5.0)


@pytest.mark.parametrize(
    ("silence", "human", "tag"),
    [
        (timedelta(hours=23), False, None),
        (timedelta(hours=25), True, "HUMAN_AGENT"),
        (timedelta(hours=25), False, "closed"),
        (timedelta(days=7), True, "closed"),
        (None, True, "closed"),
    ],
)
def test_windows(silence: timedelta | None, human: bool, tag: str | None) -> None:
    last = None if silence is None else clock.now() - silence
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "aWd_o"})
        if tag == "closed":
            with pytest.raises(ChannelError) as caught:
                sent(server, last_inbound_at=last, human=human)
            assert caught.value.kind is ErrorKind.WINDOW_CLOSED
            assert server.asked == []
        else:
            sent(server, last_inbound_at=last, human=human)
            assert server.asked[0].json.get("tag") == tag


def test_the_limit_is_in_bytes() -> None:
    assert channel.length("ж", "private") == 2
    assert channel.length("ж", "public") == 1
    assert channel.length("\ud800", "private") == 3
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "aWd_o"})
        sent(server, text="ж" * 500)
        with pytest.raises(ChannelError) as caught:
            sent(server, text="ж" * 500 + "!")
    assert caught.value.kind is ErrorKind.TOO_LONG
    assert len(server.asked) == 1


def test_a_file_is_handed_over_first() -> None:
    with platform() as server:
        server.answers(200, {"attachment_id": "77", "recipient_id": CUSTOMER, "message_id": "aWd_o"})
        receipt = sent(server, attachments=(file(),), text="This one?")
    upload, picture, words = server.asked
    assert upload.path == "/me/message_attachments"
    assert b'name="platform"\r\n\r\ninstagram' in upload.body
    assert b"\x89PNG" in upload.body
    assert picture.json["message"] == {"attachment": {"type": "image", "payload": {"attachment_id": "77"}}}
    assert words.json["message"] == {"text": "This one?"}
    assert (receipt.external_id, receipt.more) == ("aWd_o", ("aWd_o",))


def test_files_instagram_does_not_take_ask_nobody() -> None:
    with platform() as server:
        for wrong, kind in (
            (file("image/webp"), ErrorKind.INVALID),
            (file("application/zip"), ErrorKind.INVALID),
            (file("image/png", 9 * 1024 * 1024), ErrorKind.TOO_LONG),
        ):
            with pytest.raises(ChannelError) as caught:
                sent(server, attachments=(wrong,))
            assert caught.value.kind is kind
        with pytest.raises(ChannelError):
            sent(server, attachments=(file(),) * 11)
        with pytest.raises(ChannelError):
            channel.send(at(CONFIG, server.base), replace(outbound("public"), attachments=(file(),)))
    assert server.asked == []


def test_a_private_reply_opens_a_thread_of_the_same_inbox() -> None:
    with platform() as server:
        server.answers(200, {"recipient_id": CUSTOMER, "message_id": "aWd_o"})
        receipt = sent(server, mode="private_reply", target="17900", last_inbound_at=None)
    assert server.asked[0].json == {
        "recipient": {"comment_id": "17900"},
        "message": {"text": "We are looking into it."},
    }
    assert receipt.thread == THREAD
    assert channel.capabilities.private_channel == ""


@pytest.mark.parametrize(
    ("changes", "path", "form"),
    [
        ({}, "/17900/replies", {}),
        ({"target": ""}, f"/{MEDIA}/comments", {}),
        (
            {"thread": "mention:18200/unknown:17950", "target": "17950"},
            f"/{IG}/mentions",
            {"media_id": ["18200"], "comment_id": ["17950"]},
        ),
        (
            {"thread": "mention:18201/unknown:18201", "target": "18201"},
            f"/{IG}/mentions",
            {"media_id": ["18201"]},
        ),
    ],
)
def test_public_answers(changes: dict[str, Any], path: str, form: dict[str, list[str]]) -> None:
    with platform() as server:
        server.answers(200, {"id": "17999"})
        receipt = channel.send(at(CONFIG, server.base), replace(outbound("public"), **changes))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", path)
    assert parse_qs(asked.body.decode()) == {"message": ["We are looking into it."], **form}
    assert receipt.external_id == "17999"


def test_acts() -> None:
    with platform() as server:
        server.answers(200, {"success": True})
        config = at(CONFIG, server.base)
        channel.act(config, "hide", "17900", "public")
        channel.act(config, "unhide", "17900", "public")
        channel.act(config, "delete", "17900", "public")
        channel.act(config, "seen", CUSTOMER, "private")
        server.answers(200, {"success": False})
        with pytest.raises(ChannelError):
            channel.act(config, "hide", "17900", "public")
    assert [(asked.method, asked.path, asked.body) for asked in server.asked[:3]] == [
        ("POST", "/17900", b"hide=true"),
        ("POST", "/17900", b"hide=false"),
        ("DELETE", "/17900", b""),
    ]
    assert server.asked[3].json == {"recipient": {"id": CUSTOMER}, "sender_action": "mark_seen"}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, refusal(10, 2534022), ErrorKind.WINDOW_CLOSED),
        (400, refusal(10900), ErrorKind.ALREADY_REPLIED),
        (400, refusal(551, 1545041), ErrorKind.RECIPIENT_UNAVAILABLE),
        (400, refusal(100, 2018001), ErrorKind.RECIPIENT_UNAVAILABLE),
        (400, refusal(230), ErrorKind.PERMISSION),
    ],
)
def test_refusals_in_private(status: int, body: dict[str, Any], kind: ErrorKind) -> None:
    with platform() as server:
        server.answers(status, body)
        with pytest.raises(ChannelError) as caught:
            sent(server)
    assert caught.value.kind is kind


def test_profiles() -> None:
    told = {
        "name": "Ana\u202e P",
        "username": "ana.petrova",
        "profile_pic": "https://cdn.example/ana.jpg",
        "follower_count": 1200,
        "is_verified_user": True,
    }
    with platform() as server:
        config = at(CONFIG, server.base)
        server.answers(200, told)
        ana = Author(REALM, CUSTOMER, "Ana P", "ana.petrova", "https://cdn.example/ana.jpg", 1200, True)
        assert channel.profile(config, CUSTOMER) == ana
        server.answers(200, {"username": "ana", "follower_count": True, "profile_pic": "javascript:x", "name": 5})
        assert channel.profile(config, CUSTOMER) == Author(REALM, CUSTOMER, "ana", "ana")
        server.answers(200, {})
        assert channel.profile(config, CUSTOMER) is None
        asked = len(server.asked)
        assert channel.profile(config, "unknown:17950") is None
        assert len(server.asked) == asked


def test_the_check_asks_by_the_way_of_signing_in() -> None:
    with platform() as server:
        server.answers(200, {"user_id": IG, "id": "28978", "username": "luma.phones"})
        assert channel.check(at(CONFIG, server.base)) == "Connected to @luma.phones."
        server.answers(200, {"id": IG, "username": "luma.phones"})
        page = replace(CONFIG, settings={**CONFIG.settings, "login": "facebook"})
        assert channel.check(at(page, server.base)) == "Connected to @luma.phones."
        with pytest.raises(ChannelError, match="belongs to the account of nobody"):
            channel.check(at(CONFIG, server.base))
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/me", f"/{IG}", "/me"]


def test_each_way_of_signing_in_has_its_own_api() -> None:
    settings = {**CONFIG.settings, "api_base": ""}
    assert account.dressed(replace(CONFIG, settings=settings)).settings["api_base"] == account.BASES["instagram"]
    settings["login"] = "facebook"
    assert account.dressed(replace(CONFIG, settings=settings)).settings["api_base"] == account.BASES["facebook"]
    check = {setting.name: setting.check for setting in channel.settings}
    assert check["ig_id"](IG) is None
    assert check["username"]("luma.phones") is None
    for name, wrong in (("ig_id", "@luma"), ("username", "@luma"), ("api_base", "nowhere")):
        assert check[name](wrong)
