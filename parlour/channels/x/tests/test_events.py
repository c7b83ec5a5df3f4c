"""Fixtures become exactly these Inbounds, and recorded payloads are read or knowingly ignored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from parlour.channels.contract import Author, Inbound, Kind, Refused, ThreadKey
from parlour.channels.tests.samples import recorded
from parlour.channels.x.channel import channel
from parlour.channels.x.direct import ENCRYPTED
from parlour.channels.x.fields import REALM, moment, pair
from parlour.channels.x.tests.sample import ANA, BEN, CONFIG, FIXTURES, US

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
P = {number: f"20800000000000{number + 100:05d}" for number in range(60)}
DM = f"dm:{US}-{ANA}"


def parsed(name: str, body: bytes | None = None) -> list[Inbound]:
    return list(channel.parse(FIXTURES[name] if body is None else body, CONFIG, RECEIVED))


def one(name: str) -> Inbound:
    (inbound,) = parsed(name)
    return inbound


def with_post(name: str, **changes: Any) -> bytes:
    body = orjson.loads(FIXTURES[name])
    body["data"]["payload"].update(changes)
    return orjson.dumps(body)


def test_a_mention_is_a_public_message_of_its_author() -> None:
    said = one("post_mention")
    assert (said.kind, said.key, said.external_id) == (Kind.MESSAGE, f"post:{P[0]}", P[0])
    assert said.at == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)
    assert said.author == Author(
        REALM,
        ANA,
        name="Ana Prado",
        handle="ana_writes",
        avatar_url=f"https://pbs.twimg.com/profile_images/{ANA}/face_normal.jpg",
        followers=97,
    )
    assert said.thread == ThreadKey(f"{P[0]}/{ANA}", "public", url=f"https://x.com/i/web/status/{P[0]}")
    assert said.text == "hey @NorthwindHelp my parcel & the invoice are lost https://t.co/aaaaaaaaaa"
    assert said.reply_to == ""
    assert [(file.kind, file.url, file.name) for file in said.attachments] == [
        ("image", "https://pbs.twimg.com/media/parcel.jpg", "A torn box"),
        ("link", "https://northwind.example/track/77", "northwind.example/track/77"),
    ]


def test_a_reply_stays_in_the_conversation_of_its_author() -> None:
    said = one("post_reply")
    assert said.kind is Kind.MESSAGE
    assert said.thread is not None
    assert (said.thread.external_id, said.reply_to) == (f"{P[0]}/{ANA}", P[1])


def test_a_quote_answers_what_it_quotes() -> None:
    said = one("post_quote")
    assert (said.kind, said.reply_to, said.meta) == (Kind.MESSAGE, P[1], {"quote": True, "quoted": P[1]})


def test_the_brands_reply_is_an_echo_in_the_customers_thread() -> None:
    said = one("post_own_reply")
    assert (said.kind, said.key, said.reply_to) == (Kind.ECHO, f"post:{P[1]}", P[0])
    assert said.thread is not None
    assert said.thread.external_id == f"{P[0]}/{ANA}"
    assert said.counterpart == Author(REALM, ANA, handle="ana_writes")


def test_the_brands_own_posts() -> None:
    status = one("post_own_status")
    assert (status.kind, status.counterpart) == (Kind.ECHO, None)
    assert status.thread is not None
    assert status.thread.external_id == P[5]
    # Only the post it continues knows whose thread it is.
    continued = one("post_own_thread")
    assert (continued.kind, continued.thread, continued.reply_to) == (Kind.ECHO, None, P[5])
    assert continued.counterpart is None


def test_an_edit_is_of_the_first_version_and_could_stand_alone() -> None:
    said = one("post_edit")
    assert (said.kind, said.key, said.external_id) == (Kind.EDIT, f"post:{P[7]}", P[0])
    assert said.author is not None
    assert said.thread is not None
    assert said.thread.external_id == f"{P[0]}/{ANA}"
    assert said.meta == {"version": P[7], "versions": [P[0], P[7]]}
    assert said.same == (P[7],)
    (split,) = channel.split(orjson.loads(FIXTURES["post_edit"]), b"", CONFIG)
    assert split.lane == P[0]


def test_the_first_version_is_a_message_even_when_it_names_later_ones() -> None:
    (said,) = parsed("", with_post("post_mention", edit_history_tweet_ids=[P[0], P[7]]))
    assert (said.kind, said.external_id) == (Kind.MESSAGE, P[0])


def test_an_edit_of_the_brands_own_post_never_looks_like_a_customer() -> None:
    echo, edit = parsed("post_own_edit")
    assert (echo.kind, echo.key, echo.external_id) == (Kind.ECHO, f"post:{P[5]}", P[5])
    assert (edit.kind, edit.key, edit.external_id, edit.author) == (Kind.EDIT, f"post:{P[8]}", P[5], None)
    assert echo.text == edit.text == "We ship on Sundays now!"


def test_a_long_post_is_read_whole() -> None:
    assert one("post_long").text.endswith("ended badly")


def test_a_deletion_names_the_post() -> None:
    said = one("post_delete")
    assert (said.kind, said.key, said.external_id) == (Kind.DELETE, f"delete:{P[0]}", P[0])
    old = one("old_deletes")
    assert (old.kind, old.key, old.external_id) == (Kind.DELETE, f"delete:{P[30]}", P[30])
    assert old.at == datetime(2025, 11, 20, 9, 15, 55, 593000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("post_repost", "repost"),
        ("post_empty", "without content"),
        ("post_other_account", "another account"),
        ("like", "Likes"),
        ("old_likes", "Likes"),
        ("follow", "Follows"),
        ("old_follows", "Follows"),
        ("profile_update", "profile"),
        ("spaces_end", "Spaces"),
        ("dm_typing", "Typing"),
        ("old_typing", "Typing"),
        ("unheard_of", "hologram.projected"),
    ],
)
def test_what_is_not_kept_says_why(name: str, words: str) -> None:
    said = one(name)
    assert said.kind is Kind.IGNORED
    assert words in said.reason


def test_a_direct_message_and_its_answer_share_a_thread() -> None:
    received, sent = one("dm_received"), one("dm_sent")
    assert received.kind is Kind.MESSAGE
    assert received.thread == sent.thread == ThreadKey(DM, "private", address=ANA)
    assert received.text == "here is my address <home>"
    assert received.author is not None
    assert received.author.handle == "ana_writes"
    assert (sent.kind, sent.key) == (Kind.ECHO, f"dm:{P[21]}")
    assert sent.counterpart == received.author


def test_a_video_comes_in_its_best_playable_version() -> None:
    (file,) = one("dm_photo").attachments
    assert (file.kind, file.url) == ("video", "https://video.twimg.com/large.mp4")


def test_having_read_is_a_watermark() -> None:
    said = one("dm_read")
    assert said.kind is Kind.READ
    assert said.thread is not None
    assert said.thread.external_id == DM
    assert said.watermark == said.at == datetime(2025, 11, 20, 9, 15, 40, 372000, tzinfo=UTC)
    assert one("old_reads").kind is Kind.READ


def test_an_encrypted_message_is_announced() -> None:
    said = one("chat_received")
    assert (said.kind, said.text, said.meta) == (Kind.MESSAGE, ENCRYPTED, {"encrypted": True})
    assert said.thread is not None
    assert said.thread.external_id == DM


def test_withdrawn_access() -> None:
    assert one("oauth_revoke").kind is Kind.REVOKED
    assert one("old_revoke").kind is Kind.REVOKED
    of_another = FIXTURES["old_revoke"].replace(US.encode(), BEN.encode())
    assert parsed("", of_another)[0].kind is Kind.IGNORED


def test_old_posts() -> None:
    mention, answer, long_one, quote, repost = parsed("old_posts")
    assert (mention.kind, mention.key) == (Kind.MESSAGE, f"post:{P[30]}")
    assert mention.at == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)
    assert mention.thread is not None
    assert mention.thread.external_id == f"{P[30]}/{ANA}"
    assert (answer.kind, answer.reply_to, answer.counterpart) == (
        Kind.ECHO,
        P[30],
        Author(REALM, ANA, handle="ana_writes"),
    )
    assert answer.thread == mention.thread
    assert long_one.text == "@NorthwindHelp a long story & its end"
    assert [file.url for file in long_one.attachments] == ["https://pbs.twimg.com/media/old.jpg"]
    assert (quote.reply_to, quote.meta["quote"]) == (P[31], True)
    assert repost.kind is Kind.IGNORED
    lanes = [split.lane for split in channel.split(orjson.loads(FIXTURES["old_posts"]), b"", CONFIG)]
    assert lanes == [P[30], P[30], P[32], P[33], P[34]]


def test_old_direct_messages_know_both_sides() -> None:
    received, sent = parsed("old_direct_messages")
    assert (received.kind, sent.kind) == (Kind.MESSAGE, Kind.ECHO)
    assert received.author is not None
    assert (received.author.name, received.author.followers) == ("Ana Prado", 97)
    assert sent.counterpart == received.author


def test_pages_of_the_api() -> None:
    first, second = parsed("page_mentions")
    assert (first.key, first.kind) == (f"post:{P[40]}", Kind.MESSAGE)
    assert second.thread is not None
    assert (second.thread.external_id, second.reply_to) == (f"{P[40]}/{BEN}", P[40])
    said, answer, group, ours, joined, photo = parsed("page_direct_messages")
    assert said.thread == answer.thread == ThreadKey(DM, "private", address=ANA)
    assert (said.kind, answer.kind, answer.counterpart) == (Kind.MESSAGE, Kind.ECHO, said.author)
    assert group.thread == ThreadKey(f"dm:1578398451921985538/{BEN}", "private")
    assert ours.kind is joined.kind is Kind.IGNORED
    assert (photo.text, photo.attachments[0].url) == ("", "https://pbs.twimg.com/media/dm.jpg")


def test_the_same_happening_has_one_key_however_it_comes() -> None:
    post = orjson.loads(FIXTURES["post_mention"])["data"]["payload"]
    forms: list[Any] = [
        orjson.loads(FIXTURES["post_mention"]),
        {"data": {"event_type": "post.reply.create", "event_uuid": "7", "payload": post}},
        {"data": [post]},
        {"data": post},
        {"for_user_id": US, "tweet_create_events": [{"id": int(post["id"]), "text": "x", "user": {"id": int(ANA)}}]},
    ]
    assert {split.key for form in forms for split in channel.split(form, b"", CONFIG)} == {f"post:{P[0]}"}
    assert {split.lane for form in forms for split in channel.split(form, b"", CONFIG)} == {P[0]}
    message = {"id": P[20], "event_type": "MessageCreate", "text": "x", "sender_id": ANA, "dm_conversation_id": DM[3:]}
    (polled,) = channel.split({"data": [message]}, b"", CONFIG)
    (pushed,) = channel.split(orjson.loads(FIXTURES["dm_received"]), b"", CONFIG)
    assert (polled.key, polled.lane) == (pushed.key, pushed.lane) == (f"dm:{P[20]}", f"{US}-{ANA}")
    (chat,) = channel.split(orjson.loads(FIXTURES["chat_received"]), b"", CONFIG)
    assert chat.lane == pushed.lane


def test_another_accounts_delivery_does_not_take_the_place_of_ours() -> None:
    (theirs,) = channel.split(orjson.loads(FIXTURES["post_other_account"]), b"", CONFIG)
    ours = orjson.loads(FIXTURES["post_other_account"])
    ours["data"]["filter"]["user_id"] = US
    (mine,) = channel.split(ours, b"", CONFIG)
    assert theirs.key != mine.key


def test_messages_between_others_are_not_ours() -> None:
    body = FIXTURES["page_direct_messages"].replace(US.encode(), b"1500000000000000555")
    assert parsed("", body)[0].kind is Kind.IGNORED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": None}, "id"),
        ({"author_id": {}}, "author_id"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
    ],
)
def test_what_cannot_be_read_says_which_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parsed("", with_post("post_mention", **changes))


def test_a_post_with_odd_sides_is_still_read() -> None:
    odd = {"created_at": [], "conversation_id": {}, "referenced_tweets": 5, "entities": "x", "attachments": [1]}
    (said,) = parsed("", with_post("post_mention", **odd))
    assert said.kind is Kind.MESSAGE
    assert said.thread is not None
    assert said.thread.external_id == f"{P[0]}/{ANA}"


def test_one_odd_event_does_not_spoil_its_neighbours() -> None:
    body = orjson.loads(FIXTURES["old_posts"])
    body["tweet_create_events"][1:3] = [5, {"id": None}]
    splits = channel.split(body, b"", CONFIG)
    assert len({split.key for split in splits}) == 5
    outcomes: list[Kind | None] = []
    for split in splits:
        try:
            outcomes += [inbound.kind for inbound in channel.parse(split.body, CONFIG, RECEIVED)]
        except ValueError:
            outcomes.append(None)
    assert outcomes == [Kind.MESSAGE, None, None, Kind.MESSAGE, Kind.IGNORED]


@pytest.mark.parametrize("payload", [{}, {"errors": []}, {"data": 5}, {"test": 1}, {"object": "page", "entry": []}])
def test_other_bodies_are_refused(payload: Any) -> None:
    with pytest.raises(Refused) as caught:
        channel.split(payload, b"", CONFIG)
    assert caught.value.status == 400


def test_hostile_text_and_nesting_reach_the_arrival_storable() -> None:
    body = orjson.loads(FIXTURES["post_mention"])
    body["data"]["payload"]["text"] = "a\x00b\ud83dc"
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    body["data"]["payload"]["geo"] = deep
    body["data"]["payload"]["wild"] = 10**30
    (split,) = channel.split(body, b"", CONFIG)
    (said,) = channel.parse(split.body, CONFIG, RECEIVED)
    assert said.text == "a\ufffdb\ufffdc"


def test_times() -> None:
    assert moment("Wed Oct 10 20:19:24 +0000 2018", RECEIVED) == datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    assert moment("2018-10-10T22:19:24+02:00", RECEIVED) == datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    assert moment("1539202764000", RECEIVED) == datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    # Without a time the id tells it.
    told = moment(None, RECEIVED, "1445880548472328192")
    assert abs(told - datetime(2021, 10, 6, 22, 35, 47, tzinfo=UTC)) < timedelta(minutes=1)
    for absurd in (None, "", "soon", "9" * 30, -1, 10**40, "0001-01-01T00:00:00+14:00", "2199-01-01T00:00:00Z", 1.5):
        assert moment(absurd, RECEIVED) == RECEIVED, absurd


def test_pairs_put_the_smaller_number_first() -> None:
    assert pair("100", "99") == pair("99", "100") == "99-100"


@pytest.mark.parametrize(
    ("folder", "kinds"),
    [
        (
            "x/activity_api",
            {
                "dm.received": Kind.MESSAGE,
                "chat.received": Kind.MESSAGE,
                "post.create": Kind.ECHO,
                "post.mention.create": Kind.MESSAGE,
            },
        ),
        (
            "x/account_activity",
            {"direct-message-events": Kind.MESSAGE, "tweet-delete-events": Kind.DELETE},
        ),
        ("x/dm_v2", {"example-events": Kind.MESSAGE}),
    ],
)
def test_recorded_payloads(folder: str, kinds: dict[str, Kind]) -> None:
    paths = recorded(folder)
    if not paths:
        pytest.skip("No recorded payloads beside the repository.")
    assert {path.stem for path in paths} >= set(kinds)
    for path in paths:
        payload = orjson.loads(path.read_bytes())
        if "dm_v2" in folder:
            payload = {"data": [payload]}
        config = replace(CONFIG, settings={**CONFIG.settings, "user_id": _account(payload)})
        (split,) = channel.split(payload, b"", config)
        (said,) = channel.parse(split.body, config, RECEIVED)
        assert said.kind is kinds.get(path.stem, Kind.IGNORED), (path.name, said)
        if said.kind is Kind.IGNORED:
            assert said.reason
        if said.kind is Kind.MESSAGE:
            assert said.text
            assert split.key == said.key


def _account(payload: dict[str, Any]) -> str:
    if "for_user_id" in payload:
        return str(payload["for_user_id"])
    data = payload["data"]
    return str(data.get("filter", {}).get("user_id", US)) if isinstance(data, dict) else US


def test_recorded_mentions_of_the_api_documentation() -> None:
    path = next((one for one in recorded("x/docs") if one.stem.endswith("get-user-mentions")), None)
    if path is None:
        pytest.skip("No recorded payloads beside the repository.")
    (said,) = channel.parse(path.read_bytes(), CONFIG, RECEIVED)
    assert (said.kind, said.text) == (Kind.MESSAGE, "Hey @XDevelopers, love the new API!")
