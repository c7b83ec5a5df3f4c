"""Reading reviews, proving who asks, and walking through pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from parlour.channels.contract import ChannelError, ErrorKind, File, Inbound, InboxConfig, Kind, Limit
from parlour.channels.reviews import tokens
from parlour.channels.reviews.channel import channel
from parlour.channels.reviews.tests.payloads import PAYLOADS, REQUESTS, payloads
from parlour.channels.reviews.tests.sample import CONFIG, FIXTURES, REVIEW, TEAM_KEY, outbound
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform
from parlour.lib import clock

FOLDER = Path(__file__).parents[5] / "shared" / "payloads" / "reviews"


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as running:
        yield running


@pytest.fixture(autouse=True)
def no_tokens() -> None:
    tokens._kept.clear()


@pytest.fixture(scope="module")
def account() -> tuple[str, Any]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    told = {"client_email": "desk@luma.example.com", "private_key": pem, "private_key_id": "k1"}
    return orjson.dumps(told).decode(), key.public_key()


def store(name: str, base: str = "http://127.0.0.1:9", **more: str) -> InboxConfig:
    apps = {"play": "com.example.luma", "appstore": "1234567890", "business": "accounts/1/locations/2"}
    told = {"store": name, "app": apps[name], "api_base": base, "token_url": f"{base}/token"}
    return replace(CONFIG, settings={**CONFIG.settings, **told, **more})


def inbounds(name: str) -> list[Inbound]:
    return list(channel.parse(FIXTURES[name], CONFIG, RECEIVED))


def test_a_review_of_google_play() -> None:
    said, edit, changed = inbounds("play")
    assert (said.kind, edit.kind, changed.kind) == (Kind.MESSAGE, Kind.EDIT, Kind.EDIT)
    assert said.text == edit.text == "★★☆☆☆ Battery\nSince the update my phone is empty at noon."
    assert said.author is not None
    assert (said.author.name, said.author.external_id, said.author.language) == (
        "Ana Prado",
        "review:gp:AOqpTOH1",
        "en",
    )
    assert said.author.realm == channel.realm(CONFIG)
    assert said.at == datetime.fromtimestamp(1795200000.25, UTC)
    assert said.meta["device"] == "husky (Pixel 8 Pro)"
    assert (said.meta["rating"], said.meta["version"]) == (2, "4.1.2")
    assert said.thread is not None
    assert said.thread.url.endswith("id=com.example.luma&reviewId=gp%3AAOqpTOH1")
    assert changed.author is not None
    assert changed.author.name == "Reviewer on Google Play"


def test_a_review_of_the_app_store() -> None:
    said, changed, ours = inbounds("appstore")
    assert (said.kind, changed.kind, ours.kind) == (Kind.MESSAGE, Kind.EDIT, Kind.ECHO)
    assert said.text == "★☆☆☆☆ Ne marche plus\nImpossible de payer ma facture depuis hier."
    assert said.meta == {"rating": 1, "country": "FRA"}
    assert changed.text == "★★★★☆ Good"
    assert (ours.text, ours.reply_to, ours.external_id) == (
        "Thank you, Lex!",
        changed.external_id,
        f"{changed.external_id}:reply:1795312800000",
    )
    assert ours.counterpart == changed.author


def test_reviews_of_google_business() -> None:
    said, first, edit, ours, refused = inbounds("business")
    assert [one.kind for one in (said, first, edit, ours, refused)] == [
        Kind.MESSAGE,
        Kind.MESSAGE,
        Kind.EDIT,
        Kind.ECHO,
        Kind.FAILED,
    ]
    assert said.text == "★★★☆☆ Friendly people, long queue."
    assert first.text == "★☆☆☆☆"
    assert first.author is not None
    assert first.author.name == "Reviewer on Google Business Profile"
    assert refused.external_id == ours.external_id
    assert refused.reason == "Google does not show this answer: Advertising."


def test_what_is_gone() -> None:
    assert [(one.kind, one.external_id) for one in inbounds("gone")] == [
        (Kind.DELETE, "AbFvOq3"),
        (Kind.DELETE, "AbFvOq1:reply:1795255200000"),
    ]


def test_recorded_payloads_become_what_the_table_says() -> None:
    if not FOLDER.is_dir():
        pytest.skip("No recorded payloads beside the repository.")
    assert {path.stem for path in FOLDER.glob("*.json")} == {name.partition("/")[0] for name in PAYLOADS} | REQUESTS
    for name, body in payloads(FOLDER):
        found = [
            inbound
            for event in channel.split(orjson.loads(body), body, CONFIG)
            for inbound in channel.parse(event.body, CONFIG, RECEIVED)
        ]
        assert ", ".join(one.kind for one in found) == PAYLOADS[name]
        assert found[0].text == found[1].text
    (jane, _), (john, _) = [list(channel.parse(body, CONFIG, RECEIVED)) for _, body in payloads(FOLDER)]
    assert (jane.text, jane.meta) == ("★★★★★ This is the best app ever!", {"rating": 5})
    assert john.meta["thumbs_up"] == 10
    assert john.at == RECEIVED  # 1974 is no time for a review


def test_each_store_has_its_limit() -> None:
    assert channel.limit(store("play"), "public") == Limit(350)
    assert channel.limit(store("appstore"), "public") == Limit(5970)
    assert channel.limit(store("business"), "public") == Limit(4096, "bytes")
    assert channel.limit(store("business"), "private") is None
    assert channel.measure(store("business"), "é", "public") == 2
    assert channel.measure(store("play"), "é", "public") == 1


@pytest.mark.parametrize(("name", "text"), [("play", "x" * 351), ("business", "é" * 2049)])
def test_what_is_too_long_for_this_store_is_refused_in_words(server: Platform, name: str, text: str) -> None:
    with pytest.raises(ChannelError, match="at most") as caught:
        channel.send(store(name, server.base), replace(outbound("public"), text=text))
    assert caught.value.kind is ErrorKind.TOO_LONG
    assert server.asked == []


def test_what_cannot_be_answered_is_refused_before_any_request(server: Platform) -> None:
    config, fine = at(CONFIG, server.base), outbound("public")
    file = File("a.png", "image/png", 1, lambda: b"x")
    wrong = (
        replace(fine, text="  "),
        replace(fine, visibility="private"),
        replace(fine, mode="private_reply"),
        replace(fine, attachments=(file,)),
        replace(fine, thread="../x", target="../x"),
        replace(fine, thread="", target=""),
    )
    for one in wrong:
        with pytest.raises(ChannelError) as caught:
            channel.send(config, one)
        assert caught.value.kind is ErrorKind.INVALID
    with pytest.raises(ChannelError, match="whoever wrote it"):
        channel.act(config, "delete", REVIEW, "public")
    with pytest.raises(ChannelError, match="only replaced"):
        channel.act(store("play", server.base), "delete", "gp:1:reply:5", "public")
    assert server.asked == []


def test_the_app_store_is_shown_a_signed_token(server: Platform) -> None:
    when = "2026-11-22T10:00:00.500+00:00"
    server.answers(201, {"data": {"id": "r1", "attributes": {"lastModifiedDate": when, "state": "PENDING_PUBLISH"}}})
    receipt = channel.send(at(CONFIG, server.base), outbound("public"))
    assert receipt.external_id == f"{REVIEW}:reply:{int(datetime.fromisoformat(when).timestamp() * 1000)}"
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/customerReviewResponses")
    assert asked.json["data"]["relationships"]["review"]["data"] == {"type": "customerReviews", "id": REVIEW}
    token = asked.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, TEAM_KEY.public_key(), algorithms=["ES256"], audience="appstoreconnect-v1")
    assert claims["iss"] == CONFIG.settings["issuer_id"]
    assert claims["exp"] - claims["iat"] <= 1200
    assert jwt.get_unverified_header(token)["kid"] == "2X9R4HXF34"


def test_google_play_gives_a_token_for_a_statement(server: Platform, account: tuple[str, Any]) -> None:
    key, public = account
    config = store("play", server.base, service_account=key)
    server.answers(
        200, {"access_token": "ya29.x", "expires_in": 3599, "result": {"lastEdited": {"seconds": "1795207200"}}}
    )
    receipt = channel.send(config, replace(outbound("public"), thread="gp:1"))
    assert receipt.external_id == "gp:1:reply:1795207200000"
    token, reply = server.asked
    form = {name: values[0] for name, values in parse_qs(token.body.decode()).items()}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(form["assertion"], public, algorithms=["RS256"], audience=f"{server.base}/token")
    assert claims["scope"].endswith("/auth/androidpublisher")
    assert (reply.path, reply.json) == (
        "/androidpublisher/v3/applications/com.example.luma/reviews/gp:1:reply",
        {"replyText": "We are sorry to hear it."},
    )
    assert reply.headers["authorization"] == "Bearer ya29.x"
    channel.send(config, replace(outbound("public"), thread="gp:1"))
    assert len(server.asked) == 3  # the token serves on


def test_a_token_that_is_refused_is_replaced_once(server: Platform) -> None:
    config = store("business", server.base, refresh_token="r", client_id="c", client_secret="s")
    server.answers(200, {"access_token": "ya29.x", "expires_in": 3599, "updateTime": "2026-11-22T10:00:00Z"})
    channel.send(config, replace(outbound("public"), thread="AbF"))
    server.asked.clear()
    server.answers(401, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."})
    with pytest.raises(ChannelError, match="Google gives no access: Token has been expired") as caught:
        channel.send(config, replace(outbound("public"), thread="AbF"))
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    assert [asked.path for asked in server.asked] == ["/v4/accounts/1/locations/2/reviews/AbF/reply", "/token"]


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("play", {}, "key file of a service account"),
        ("appstore", {"key_id": ""}, "key, its key ID and the issuer ID"),
        ("appstore", {"private_key": "-----BEGIN PRIVATE KEY-----\nx\n"}, "cannot be read"),
        ("business", {}, "Nobody has signed in"),
        ("business", {"app": "com.example.luma", "refresh_token": "r", "client_id": "c"}, "accounts/123"),
        ("appstore", {"app": "com.example.luma"}, "Apple ID"),
    ],
)
def test_what_is_missing_is_told_in_words(name: str, more: dict[str, str], words: str) -> None:
    with pytest.raises(ChannelError, match=words) as caught:
        channel.check(store(name, **more))
    assert caught.value.permanent


def test_settings_explain_what_is_wrong() -> None:
    check = {setting.name: setting.check for setting in channel.settings}
    assert check["app"]("com.example.luma") is check["app"]("accounts/1/locations/2") is None
    assert check["app"]("../x")
    assert "not JSON" in str(check["service_account"]("{"))
    assert "client_email and private_key" in str(check["service_account"]('{"type":"authorized_user"}'))
    assert check["private_key"]("MIGTAgEAMBMG")


def test_checking_names_the_app(server: Platform) -> None:
    server.answers(200, {"data": {"attributes": {"name": "Luma"}}})
    assert channel.check(at(CONFIG, server.base)) == "Connected to the reviews of Luma in the App Store."
    config = store("business", server.base, refresh_token="r", client_id="c")
    server.answers(200, {"access_token": "x", "totalReviewCount": 1234, "averageRating": 4.26})
    assert channel.check(config) == "Connected to Google Business: 1,234 reviews, 4.3 of 5 stars on average."


def test_apple_counts_by_the_hour(server: Platform) -> None:
    server.answers(429, {}, x_rate_limit="user-hour-lim:3600;user-hour-rem:0;")
    with pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), outbound("public"))
    assert caught.value.retry_after == 900


def apple(number: int, **more: Any) -> dict[str, Any]:
    written = (clock.now() - timedelta(minutes=number)).isoformat()
    told = {
        "rating": 3,
        "title": "",
        "body": f"Number {number}",
        "reviewerNickname": "x",
        "createdDate": written,
        **more,
    }
    return {"type": "customerReviews", "id": f"r{number}", "attributes": told}


def test_an_expired_page_mark_begins_again(server: Platform) -> None:
    config = at(CONFIG, server.base)
    following = "https://elsewhere.example.com/v1/apps/1/customerReviews?cursor=Mg&limit=200"
    server.answers(200, {"data": [apple(1), apple(2)], "links": {"next": following}})
    first = channel.poll(config, {})
    assert (len(first.events), first.more) == (2, True)
    server.answers(400, {"errors": [{"code": "PARAMETER_ERROR.INVALID", "detail": "'Mg' is not a valid cursor"}]})
    again = channel.poll(config, first.cursor)
    assert server.asked[-1].path.startswith("/v1/apps/1234567890/customerReviews?")
    assert "cursor=Mg" in server.asked[-1].path
    assert (again.events, again.more) == ((), True)
    server.answers(200, {"data": [apple(1), apple(2)]})
    last = channel.poll(config, again.cursor)
    assert (len(last.events), last.more) == (0, False)
    assert "walk" not in last.cursor


def test_a_quiet_store_is_asked_for_one_page(server: Platform) -> None:
    config = at(CONFIG, server.base)
    server.answers(200, {"data": [apple(1)]})
    cursor = channel.poll(config, {}).cursor
    server.answers(200, {"data": [apple(1)], "links": {"next": "https://x.example.com/?cursor=Mg"}})
    assert channel.poll(config, cursor).more is False
    changed = channel.poll(config, {**cursor, "swept": time.time() - 7 * 3600})
    assert changed.more is True


@pytest.mark.parametrize(
    "cursor", [{"known": 5}, {"known": {"r1": [1]}, "walk": [], "swept": "x"}, {"walk": {"token": 7}, "begun": 1}]
)
def test_a_broken_cursor_is_a_first_poll(server: Platform, cursor: dict[str, Any]) -> None:
    server.answers(200, {"data": [apple(1), {"id": []}, 7]})
    got = channel.poll(at(CONFIG, server.base), cursor)
    assert [event.key.partition(":")[0] for event in got.events] == ["review", "odd", "odd"]
    with pytest.raises(ValueError, match="missing"):
        channel.parse(got.events[1].body, CONFIG, RECEIVED)
