"""Signatures and challenges."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from parlour.channels.actions import WrongSettings, checked_settings
from parlour.channels.contract import DoorRequest, InboxConfig, Refused
from parlour.channels.tests.samples import recorded
from parlour.channels.x.channel import channel
from parlour.channels.x.tests.sample import CONFIG, FIXTURES, sign
from parlour.lib.signing import base64_signature


def with_secret(secret: str) -> InboxConfig:
    return replace(CONFIG, settings={**CONFIG.settings, "consumer_secret": secret})


def challenge(token: str, config: InboxConfig = CONFIG) -> dict[str, str]:
    answer = channel.handshake(DoorRequest("GET", {}, {"crc_token": token}, b""), config)
    assert (answer.status, answer.content_type) == (200, "application/json")
    told: dict[str, str] = orjson.loads(answer.body)
    return told


def test_the_challenge_is_signed_with_the_consumer_secret() -> None:
    assert challenge("challenge_string", with_secret("consumer_secret")) == {
        "response_token": "sha256=v1WdiCVwy17uGTMWveHGlqQXN/qW1bQraNXXByRO2YA="
    }


def test_the_recorded_vector() -> None:
    path = next((path for path in recorded("generic_webhook") if path.stem == "signature_vectors_computed"), None)
    if path is None:
        pytest.skip("No recorded payloads beside the repository.")
    vector = orjson.loads(path.read_bytes())["x_crc"]
    told = challenge(vector["crc_token"], with_secret(vector["consumer_secret"]))
    assert told["response_token"] == vector["response_token"]


@pytest.mark.parametrize("token", ["", "x" * 257, '{"data":1}', "[1]", 'a"b', "é", "a\nb"])
def test_what_is_no_challenge_is_not_signed(token: str) -> None:
    with pytest.raises(Refused) as caught:
        challenge(token)
    assert caught.value.status == 400


def test_the_challenge_cannot_be_used_to_forge_an_event() -> None:
    body = FIXTURES["post_mention"]
    with pytest.raises(Refused):
        challenge(body.decode())
    with pytest.raises(Refused):
        channel.verify(DoorRequest("POST", {}, {}, body), CONFIG)
    channel.verify(DoorRequest("POST", sign(body), {}, body), CONFIG)


def test_an_empty_secret_opens_nothing() -> None:
    body = b'{"for_user_id":"1"}'
    headers = {"x-twitter-webhooks-signature": base64_signature("", body)}
    with pytest.raises(Refused) as caught:
        channel.verify(DoorRequest("POST", headers, {}, body), with_secret(""))
    assert caught.value.status == 403
    with pytest.raises(Refused):
        challenge("token", with_secret(""))


def test_settings_say_what_is_wrong() -> None:
    good = {name: str(value) for name, value in CONFIG.settings.items()}
    assert checked_settings(channel, {**good, "api_base": ""})["api_base"] == "https://api.x.com"
    with pytest.raises(WrongSettings) as caught:
        checked_settings(channel, {**good, "user_id": "@NorthwindHelp", "access_token": "a b", "api_base": "api.x.com"})
    assert len(caught.value.problems) == 3
    assert "not its handle" in str(caught.value)
