"""Recordings that platforms post to the door, signed as each signs, to inboxes with the ids the recordings are about."""

from __future__ import annotations

import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from standardwebhooks.webhooks import Webhook

from parlour.channels.models import Inbox
from parlour.channels.whatsapp.tests.payloads import recordings as whatsapp_files
from parlour.lib.clock import now
from parlour.lib.signing import base64_signature, hex_signature
from tests.recorded.platform import Answers, Asked, Told
from tests.recorded.road import Recording, Road

SECRET = "a-secret-of-the-payloads"
WHSEC = "whsec_" + b64encode(b"k" * 32).decode()
META = {"app_secret": SECRET, "verify_token": "v", "api_base": "{platform}"}
PLACEHOLDERS = {
    b"<WHATSAPP_BUSINESS_ACCOUNT_ID>": b"102290129340398",
    b"<BUSINESS_PHONE_NUMBER_ID>": b"106540352242922",
    b"<CUSTOMER_PHONE_NUMBER_ID>": b"106540352242922",
    b"<BUSINESS_PHONE_NUMBER>": b"15550783881",
    b"<USER_PHONE_NUMBER>": b"16505551234",
    b"<BUSINESS_DISPLAY_PHONE_NUMBER>": b"15550783881",
    b"<WHATSAPP_USER_PHONE_NUMBER>": b"16505551234",
    b"<NEW_WHATSAPP_USER_PHONE_NUMBER>": b"16505559999",
    b"<WHATSAPP_USER_ID>": b"16505551234",
    b"<NEW_WHATSAPP_USER_ID>": b"16505559999",
    b"<WEBHOOK_TRIGGER_TIMESTAMP>": b"1750263773",
}
"""The documentation's names for values: with numbers in their place, the payload is what the platform would send."""


def webhooks(channel: str, payloads: Path) -> Iterator[Recording]:
    """Every recording of ``channel`` that is posted to the door."""
    return OF_CHANNEL[channel](payloads)


def _posted(body: bytes, headers: Callable[[Road, Inbox, bytes], Mapping[str, str]]) -> Callable[[Road, Inbox], None]:
    return lambda road, inbox: road.post(inbox, body, headers(road, inbox, body))


def _meta(_: Road, __: Inbox, body: bytes) -> Mapping[str, str]:
    return {"x-hub-signature-256": hex_signature(SECRET, body)}


def _sends(road: Road, token: str, ours: str) -> None:
    """What the platform answers when we send there."""
    road.platform.accounts[token] = _taken(ours)


def _taken(ours: str) -> Answers:
    def answers(asked: Asked) -> Told:
        if not asked.path.endswith("/messages"):
            return Told({"error": {"code": 100, "message": "Only messages are sent here."}}, 400)
        return Told({"messages": [{"id": ours}], "recipient_id": "1", "message_id": ours})

    return answers


# Meta


def _facebook(payloads: Path) -> Iterator[Recording]:
    for path in sorted((payloads / "facebook_page").glob("*.json")):
        told = orjson.loads(path.read_bytes())
        if "object" in told:
            settings = META | {"page_id": told["entry"][0]["id"], "access_token": "t"}
            yield Recording(
                "facebook", path.stem, f"facebook_page/{path.name}", settings, _posted(path.read_bytes(), _meta)
            )


def _messenger(payloads: Path) -> Iterator[Recording]:
    folder = payloads / "messenger"
    words = (folder / "message_text.json").read_bytes()
    for path in sorted(folder.glob("*.json")):
        told = orjson.loads(path.read_bytes())
        if "error" in told:
            continue
        token = f"messenger-{path.stem}"
        page = told["entry"][0]["id"] if "entry" in told else told["value"]["recipient"]["id"]
        settings = META | {"page_id": page, "access_token": token}
        before, ours = None, ""
        if path.stem == "message_edit":
            event = told["entry"][0]["messaging"][0]
            earlier = _spoken(
                words, page, event["sender"]["id"], event["message_edit"]["mid"], event["timestamp"] - 60_000
            )
            before = _posted(earlier, _meta)
        elif path.stem == "delivery":
            event = told["entry"][0]["messaging"][0]
            ours = event["delivery"]["mids"][0]
            before = _then_answered(_spoken(words, page, event["sender"]["id"], "mid.before", _moment()), token, ours)
        yield Recording(
            "messenger", path.stem, f"messenger/{path.name}", settings, _posted(path.read_bytes(), _meta), before, ours
        )


def _instagram(payloads: Path) -> Iterator[Recording]:
    folder = payloads / "instagram"
    words, echo = ((folder / f"message_{name}.json").read_bytes() for name in ("text", "echo"))
    for path in sorted(folder.glob("*.json")):
        told = orjson.loads(path.read_bytes())
        if "object" not in told:
            continue
        token = f"instagram-{path.stem}"
        account = told["entry"][0]["id"]
        settings = META | {"ig_id": account, "login": "instagram", "access_token": token}
        before, ours = None, ""
        if path.stem == "message_deleted":
            before = _posted(words, _meta)
        elif path.stem == "reaction":
            before = _posted(echo, _meta)
        elif path.stem == "messaging_seen":
            event = told["entry"][0]["messaging"][0]
            ours = event["read"]["mid"]
            before = _then_answered(_spoken(words, account, event["sender"]["id"], "before", _moment()), token, ours)
        yield Recording(
            "instagram", path.stem, f"instagram/{path.name}", settings, _posted(path.read_bytes(), _meta), before, ours
        )


def _moment() -> int:
    """Now, in milliseconds: an answer to words of today is within every window."""
    return int(time.time() * 1000)


def _spoken(words: bytes, account: str, person: str, mid: str, at: int) -> bytes:
    """The recorded message as an earlier one of ``person``."""
    told = orjson.loads(words)
    entry = told["entry"][0]
    event = entry["messaging"][0]
    entry["id"], event["recipient"]["id"], event["sender"]["id"] = account, account, person
    event["message"]["mid"], event["timestamp"] = mid, at
    return orjson.dumps(told)


def _then_answered(earlier: bytes, token: str, ours: str) -> Callable[[Road, Inbox], None]:
    def before(road: Road, inbox: Inbox) -> None:
        _sends(road, token, ours)
        road.post(inbox, earlier, _meta(road, inbox, earlier))

    return before


def _whatsapp(payloads: Path) -> Iterator[Recording]:
    words = (payloads / "whatsapp/docs_webhooks/text-syntax.json").read_bytes()
    for name, raw in whatsapp_files(payloads):
        body = _filled(raw)
        told = orjson.loads(body)
        entry: dict[str, Any] = next(iter(told.get("entry", [])), {})
        value = next((one["value"] for one in entry.get("changes", [])), told)
        number = str(value.get("metadata", {}).get("phone_number_id") or "106540352242922")
        account = str(value.get("waba_info", {}).get("waba_id") or entry.get("id") or "102290129340398")
        token = f"whatsapp-{name.replace('/', '-')}"
        settings = META | {"phone_number_id": number, "business_account_id": account, "access_token": token}
        before, ours = None, ""
        if statuses := [one for one in value.get("statuses", []) if one.get("id")]:
            ours = statuses[0]["id"]
            earlier = _written(words, number, statuses[0].get("recipient_id") or "16505551234")
            before = _then_answered(earlier, token, ours)
        elif any(one.get("type") == "system" for one in value.get("messages", [])):
            before = _posted(_written(words, number, value["messages"][0]["from"]), _meta)
        yield Recording(
            "whatsapp", name, f"whatsapp/{name.partition('#')[0]}.json", settings, _posted(body, _meta), before, ours
        )


def _written(words: bytes, number: str, person: str) -> bytes:
    """The recorded message as one that ``person`` has written to ``number`` today."""
    told = orjson.loads(_filled(words))
    value = told["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = number
    value["contacts"][0]["wa_id"] = value["messages"][0]["from"] = person
    value["messages"][0] |= {"id": "wamid.before", "timestamp": str(int(time.time()))}
    return orjson.dumps(told)


def _filled(body: bytes) -> bytes:
    for name, value in PLACEHOLDERS.items():
        body = body.replace(name, value)
    return body


# The others


def _x(payloads: Path) -> Iterator[Recording]:
    folder = payloads / "x"
    ours = folder / "activity_api/post.create.json"
    posted = [
        *folder.glob("activity_api/*.json"),
        *folder.glob("account_activity/*.json"),
        *(folder / name for name in X_EVENTS),
    ]
    for path in sorted(posted):
        told = orjson.loads(path.read_bytes())
        name = str(path.relative_to(folder).with_suffix(""))
        before = None
        if name.endswith("tweet-delete-events"):
            gone = told["tweet_delete_events"][0]["status"]
            earlier = ours.read_bytes().replace(b"1111111111111111111", gone["user_id"].encode())
            before = _posted(earlier.replace(b"2080761390344937796", gone["id"].encode()), _x_signed)
        settings = {
            "consumer_secret": SECRET,
            "access_token": f"x-{name}",
            "api_base": "{platform}",
            "user_id": _x_account(told),
        }
        yield Recording("x", name, f"x/{name}.json", settings, _posted(path.read_bytes(), _x_signed), before)


X_EVENTS = ("docs/activity_quickstart-getting-the-events.json", "docs/real-time-events-payload-shape-live.json")


def _x_account(told: dict[str, Any]) -> str:
    data = told.get("data")
    if isinstance(data, dict):
        return str(data.get("filter", {}).get("user_id") or data["payload"].get("conversation_id", "1").split("-")[0])
    return str(told.get("for_user_id"))


def _x_signed(_: Road, __: Inbox, body: bytes) -> Mapping[str, str]:
    return {"x-twitter-webhooks-signature": base64_signature(SECRET, body)}


def _telegram(payloads: Path) -> Iterator[Recording]:
    for path in sorted((payloads / "telegram").glob("*.json")):
        if "update_id" in orjson.loads(path.read_bytes()):
            settings = {
                "bot_token": "10042:" + "t" * 35,
                "username": "my_bot",
                "mode": "webhook",
                "secret_token": SECRET,
                "groups": "addressed",
                "api_base": "{platform}",
            }
            yield Recording(
                "telegram", path.stem, f"telegram/{path.name}", settings, _posted(path.read_bytes(), _telegram_signed)
            )


def _telegram_signed(*_: object) -> Mapping[str, str]:
    return {"x-telegram-bot-api-secret-token": SECRET}


def _sms(payloads: Path) -> Iterator[Recording]:
    for path in sorted((payloads / "sms_twilio").glob("*_form.json")):
        form = orjson.loads(path.read_bytes())
        # Documents shorten the account's SID; its shape is checked when an inbox is connected.
        account = form["AccountSid"].lower().replace("ac", "AC", 1).replace("x", "0").ljust(34, "0")
        form["AccountSid"] = account
        settings = {"account_sid": account, "auth_token": SECRET, "number": form["To"], "api_base": "{platform}"}
        yield Recording(
            "sms", path.stem, f"sms_twilio/{path.name}", settings, _posted(urlencode(form).encode(), _twilio_signed)
        )


def _twilio_signed(road: Road, inbox: Inbox, body: bytes) -> Mapping[str, str]:
    fields = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    said = road.town.door + inbox.webhook_path + "".join(name + value for name, value in fields)
    signature = hmac.digest(SECRET.encode(), said.encode(), "sha1")
    return {
        "x-twilio-signature": b64encode(signature).decode(),
        "content-type": "application/x-www-form-urlencoded",
    }


def _api(payloads: Path) -> Iterator[Recording]:
    for path in sorted((payloads / "generic_webhook").glob("*.json")):
        told = orjson.loads(path.read_bytes())
        if "body" in told or "type" in told:
            body = told["body"].encode() if "body" in told else path.read_bytes()
            yield Recording(
                "api", path.stem, f"generic_webhook/{path.name}", {"secret": WHSEC}, _posted(body, _standard)
            )


def _standard(_: Road, __: Inbox, body: bytes) -> Mapping[str, str]:
    at = now()
    signature = Webhook(WHSEC).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def _discourse(payloads: Path) -> Iterator[Recording]:
    """Recordings hold the headers beside the body."""
    for path in sorted((payloads / "discourse").glob("fedora_*.json")):
        told = orjson.loads(path.read_bytes())
        headers = {str(key).lower(): str(value) for key, value in told["headers"].items()}
        body = told["body"].encode() if isinstance(told["body"], str) else orjson.dumps(told["body"])
        kept = {key: value for key, value in headers.items() if key.startswith("x-discourse-")}
        settings = {
            "api_base": headers.get("x-discourse-instance", "{platform}"),
            "api_username": "parlour",
            "api_key": "k" * 40,
            "webhook_secret": SECRET,
        }

        def signed(_: Road, __: Inbox, raw: bytes, kept: dict[str, str] = kept) -> Mapping[str, str]:
            return kept | {"x-discourse-event-signature": hex_signature(SECRET, raw)}

        yield Recording("discourse", path.stem, f"discourse/{path.name}", settings, _posted(body, signed))


OF_CHANNEL: Mapping[str, Callable[[Path], Iterator[Recording]]] = {
    "api": _api,
    "discourse": _discourse,
    "facebook": _facebook,
    "instagram": _instagram,
    "messenger": _messenger,
    "sms": _sms,
    "telegram": _telegram,
    "whatsapp": _whatsapp,
    "x": _x,
}
