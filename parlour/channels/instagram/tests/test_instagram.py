"""Messages, comments and mentions in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from parlour.channels.contract import (
    Attachment,
    Author,
    Inbound,
    Kind,
    Refused,
    ThreadKey,
)
from parlour.channels.instagram.channel import channel
from parlour.channels.instagram.tests.payloads import PAYLOADS, payloads
from parlour.channels.instagram.tests.sample import CONFIG, CUSTOMER, FIXTURES, IG, MEDIA
from parlour.channels.tests.contract import RECEIVED
from parlour.channels.tests.samples import recorded

REALM = f"instagram:{IG}"
ANA = Author(REALM, CUSTOMER)
BRAND = Author(REALM, IG)
THREAD = ThreadKey(CUSTOMER, "private", address=CUSTOMER)
SENT = datetime.fromtimestamp(1790000000, UTC)


def parsed(name: str) -> list[Inbound]:
    return list(channel.parse(FIXTURES[name], CONFIG, RECEIVED))


def one(name: str, **members: Any) -> Inbound:
    """The event of a fixture, with some of its members replaced."""
    body = orjson.loads(FIXTURES[name])
    entry = body["entry"][0]
    for event in entry.get("messaging", ()):
        event |= members
    for change in entry.get("changes", [entry] if "value" in entry else ()):
        change["value"] |= members
    (inbound,) = channel.parse(orjson.dumps(body), CONFIG, RECEIVED)
    return inbound


class TestPrivate:
    def test_text(self) -> None:
        assert one("text") == Inbound(
            kind=Kind.MESSAGE,
            key="message:aWd_1",
            at=SENT,
            external_id="aWd_1",
            author=ANA,
            thread=THREAD,
            text="Hi! My case arrived broken 😢",
        )
        assert one("standby_text").kind is Kind.MESSAGE
        assert one("message_as_change").thread == THREAD

    def test_every_type_of_attachment(self) -> None:
        assert [(each.kind, each.url[-5:]) for each in one("attachments").attachments] == [
            ("image", "a.jpg"),
            ("video", "b.mp4"),
            ("audio", "c.m4a"),
            ("file", "d.pdf"),
        ]
        assert [(each.kind, each.name) for each in one("shares").attachments] == [
            ("post", "Spring cases"),
            ("post", ""),
            ("post", "Unboxing"),
            ("post", ""),
        ]
        (mention,) = one("story_mention").attachments
        assert (mention.kind, mention.url) == ("file", "https://cdn.example/story")
        answer = one("story_reply")
        assert answer.text == "Is this one sold out?"
        assert answer.attachments[0].url == "https://cdn.example/our-story"
        assert one("view_once").attachments[0].url == ""
        assert "once" in one("view_once").attachments[0].name
        sent = one("unsupported")
        assert (sent.kind, dict(sent.meta), sent.attachments[0].kind) == (Kind.MESSAGE, {"unsupported": True}, "other")
        where = one("attachments", message={"mid": "m", "attachments": [_location(52.37, 4.9)]})
        assert where.attachments == (Attachment("location", name="Here · 52.37, 4.9"),)

    def test_deleted_words(self) -> None:
        gone, ours = one("deleted"), one("echo_deleted")
        assert (gone.kind, gone.external_id, gone.key) == (Kind.DELETE, "aWd_1", "delete:aWd_1")
        assert (ours.kind, ours.external_id) == (Kind.DELETE, "aWd_out1")

    def test_echoes_come_in_the_same_field(self) -> None:
        echo = one("echo")
        assert (echo.kind, echo.author, echo.counterpart, echo.thread) == (Kind.ECHO, BRAND, ANA, THREAD)
        assert (echo.external_id, echo.key, echo.our_reference) == ("aWd_out1", "echo:aWd_out1", "")

    def test_answers_to_what_was_said(self) -> None:
        assert one("reply").reply_to == "aWd_out1"
        assert dict(one("quick_reply").meta) == {"payload": "Blue"}
        pressed = one("postback")
        assert (pressed.kind, pressed.text, dict(pressed.meta)) == (
            Kind.MESSAGE,
            "Where is my order?",
            {"payload": "ICE_ORDER"},
        )

    def test_where_the_customer_came_from(self) -> None:
        referral = one("from_ad").meta["referral"]
        assert (referral["ad_id"], referral["ads_ad_title"]) == ("23850", "Autumn offer")
        assert one("about_product").meta["referral"] == {"product_id": "60012"}

    def test_reactions_and_reading(self) -> None:
        added, removed = one("reaction"), one("reaction_removed")
        assert (added.kind, added.external_id, dict(added.meta)) == (Kind.REACTION, "aWd_out1", {"reaction": "❤️"})
        assert removed.meta["removed"] is True
        assert added.key != removed.key
        seen, earlier = parsed("seen")
        assert (seen.kind, seen.external_id, seen.watermark) == (Kind.READ, "aWd_out1", None)
        assert (earlier.kind, earlier.external_id, earlier.watermark) == (Kind.READ, "", SENT + timedelta(seconds=34))
        assert seen.thread == earlier.thread == THREAD

    def test_a_block_withdraws_access(self) -> None:
        blocked = one("blocked")
        assert blocked.kind is Kind.REVOKED
        assert "The account sent spam." in blocked.reason

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("referral", "came back"),
            ("optin", "opt-in"),
            ("handover", "passed"),
            ("unknown", "hologram"),
            ("story_insights", "figures"),
            ("dashboard_test", "arrived"),
        ],
    )
    def test_what_is_knowingly_ignored(self, name: str, words: str) -> None:
        assert one(name).kind is Kind.IGNORED
        assert words in one(name).reason

    @pytest.mark.parametrize(
        "members",
        [
            {"message": "hi"},
            {"message": {"text": "no id"}},
            {"message": {"mid": "m", "text": ["x"]}},
            {"message": {"mid": "m", "attachments": {}}},
            {"message": {"mid": "m", "reply_to": {"story": "x"}}},
            {"sender": None},
            {"timestamp": "yesterday"},
        ],
    )
    def test_malformed_events_are_named(self, members: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"[a-z]"):
            one("text", **members)


def _location(lat: float, long: float) -> dict[str, Any]:
    return {"type": "location", "payload": {"title": "Here", "coordinates": {"lat": lat, "long": long}}}


class TestPublic:
    def test_a_comment_and_a_message_are_of_one_person(self) -> None:
        comment, message = one("comment"), one("text")
        assert comment == Inbound(
            kind=Kind.MESSAGE,
            key="comment:17900",
            at=SENT,
            external_id="17900",
            author=Author(REALM, CUSTOMER, name="ana.petrova", handle="ana.petrova"),
            thread=ThreadKey(f"{MEDIA}/{CUSTOMER}", "public"),
            text="Mine broke after a week 😠",
            meta={"post": {"id": MEDIA, "media_product_type": "FEED"}},
        )
        assert comment.author
        assert message.author
        assert (comment.author.realm, comment.author.external_id) == (message.author.realm, message.author.external_id)

    def test_both_shapes(self) -> None:
        flat = one("comment_flat")
        assert (flat.kind, flat.text, flat.at) == (Kind.MESSAGE, "Same here!", SENT + timedelta(seconds=100))
        body = orjson.loads(FIXTURES["comment_flat"])
        entry = body["entry"][0]
        entry["changes"] = [{"field": entry.pop("field"), "value": entry.pop("value")}]
        assert channel.parse(orjson.dumps(body), CONFIG, RECEIVED) == [flat]

    def test_answers_share_the_lane_of_their_comment(self) -> None:
        lanes = set()
        for name in ("comment", "comment_reply", "own_reply"):
            (event,) = channel.split(orjson.loads(FIXTURES[name]), FIXTURES[name], CONFIG)
            lanes.add(event.lane)
        assert lanes == {"17900"}
        assert one("comment_reply").reply_to == "17900"

    def test_advertisements_and_live_videos(self) -> None:
        ad = one("comment_on_ad")
        assert ad.thread
        assert (ad.thread.subject, ad.meta["post"]["ad_id"]) == ("Luma 5 in blue", "23851")
        assert one("live_comment").meta["post"]["live"] == "yes"
        assert one("live_comment").key == "comment:17906"

    def test_the_brands_own_comments_are_echoes(self) -> None:
        reply, top = one("own_reply"), one("own_comment")
        assert (reply.kind, reply.thread, reply.reply_to) == (Kind.ECHO, None, "17900")
        assert (top.kind, top.thread) == (Kind.ECHO, ThreadKey(MEDIA, "public"))
        other = {"id": "555", "username": "Luma.Phones"}
        assert one("comment", **{"from": other}).kind is Kind.ECHO
        assert one("comment", **{"from": {"id": "555", "username": "luma.fan"}}).kind is Kind.MESSAGE

    def test_nobody_is_lost_when_from_is_missing(self) -> None:
        comment = one("anonymous_comment")
        assert comment.author == Author(REALM, "unknown:17907")

    def test_a_mention_shows_what_is_there(self) -> None:
        comment, caption = one("mention"), one("mention_in_caption")
        assert (comment.kind, comment.external_id, comment.key) == (Kind.MESSAGE, "17950", "mention:17950")
        assert comment.thread == ThreadKey("mention:18200/unknown:17950", "public")
        assert (comment.text, comment.meta["fetch"]) == ("", "17950")
        assert "comment" in comment.attachments[0].name
        assert (caption.external_id, caption.meta["post"]) == ("18201", {"id": "18201"})
        assert "post" in caption.attachments[0].name

    @pytest.mark.parametrize(
        "members", [{"id": None, "media": {}}, {"id": ["x"]}, {"from": "me"}, {"text": 5}, {"media": "x"}]
    )
    def test_malformed_comments_are_named(self, members: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"[a-z]"):
            one("comment", **members)

    def test_hostile_names_and_words_stay_text(self) -> None:
        rude = one("comment", text="<script>a\x00</script>", **{"from": {"id": "7", "username": "e\u202eve\n<b>"}})
        assert rude.text == "<script>a\ufffd</script>"
        assert rude.author
        assert rude.author.handle == "eve <b>"


def test_a_batch_for_several_accounts() -> None:
    events = parsed("batch")
    assert [event.kind for event in events] == [Kind.MESSAGE, Kind.MESSAGE, Kind.IGNORED, Kind.MESSAGE]
    splits = channel.split(orjson.loads(FIXTURES["batch"]), FIXTURES["batch"], CONFIG)
    assert [split.belongs for split in splits] == [
        None,
        None,
        ("instagram", "instagram:17841499999999999"),
        None,
    ]


def test_events_of_a_page_are_refused() -> None:
    with pytest.raises(Refused):
        channel.split({"object": "page", "entry": []}, b"", CONFIG)


BECOMES = {"message_deleted": Kind.DELETE, "message_echo": Kind.ECHO, "messaging_seen": Kind.READ}
BECOMES |= {"reaction": Kind.REACTION, "dashboard_test_event_quirks": Kind.IGNORED}


def test_recorded_webhooks() -> None:
    files = recorded("instagram")
    if not files:
        pytest.skip("../shared/payloads/instagram is absent.")
    told = dict(payloads(files[0].parents[1]))
    assert set(told) == set(PAYLOADS)
    for name, body in told.items():
        (event,) = channel.split(orjson.loads(body), body, CONFIG)
        inbounds = list(channel.parse(event.body, CONFIG, RECEIVED))
        assert {inbound.kind for inbound in inbounds} == {BECOMES.get(name, Kind.MESSAGE)}, name
        assert inbounds[0].key == event.key
