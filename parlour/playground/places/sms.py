"""Twilio's messages for one number: forms signed by their address, status callbacks where the sender asked for them, opt-outs, and the
list of messages. Twilio knocks once: what nobody answers is only in the list."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from parlour.playground.faults import Bucket, Fault
from parlour.playground.postman import Payload, Target
from parlour.playground.scenes.script import Say, Scene
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Words
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

NUMBER, LONGEST = "+15005550006", 1600
INVALID = "+15005550001"
STOP, START = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"}, {"START", "YES", "UNSTOP"}
SCENES = (
    Scene(
        "top-up by text",
        "en",
        "sms",
        opening=(Say("private", "I topped up {amount} an hour ago and my balance is still 0. Luma number {phone}"),),
        waiting=(Say("private", "Hello?? I can't call anybody", 120),),
        private=((Say("private", "Voucher code {code}", 20),), (Say("private", "Now it is there. Thx", 20),)),
    ),
    Scene(
        "pas de réseau",
        "fr",
        "sms",
        opening=(
            Say(
                "private",
                "Bonjour, plus de réseau depuis ce matin, même pas d'internet. Je vous écris du téléphone de ma sœur.",
            ),
        ),
        waiting=(Say("private", "Toujours rien...", 150),),
        private=(
            (Say("private", "Code postal 69003. Mon numéro est le {phone}", 20),),
            (Say("private", "Ça revient, merci !", 30),),
        ),
    ),
)


class TwilioError(Exception):
    """A refusal; the HTTP status is 400 unless told otherwise."""

    def __init__(self, code: int, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.code, self.words, self.status = code, words, status

    def reply(self) -> Reply:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        told = {"code": self.code, "message": self.words, "more_info": more, "status": self.status}
        return json_reply(told, self.status)


@dataclass(slots=True)
class Line:
    """One message as Twilio lists it."""

    sid: str
    sender: str
    to: str
    body: str
    at: datetime
    status: str
    callback: str = ""
    files: tuple[str, ...] = ()
    error: int | None = None


class Sms(StandIn):
    """Customers are known by their numbers. ``edit`` and ``remove`` are unknown to SMS."""

    name = "sms"
    label = "SMS"
    channels = ("sms",)
    public = False
    files_private = True
    how = "Only the brand and the customer read along. STOP ends it, START lets the brand write again."
    scenes = SCENES

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        kept = self.kept.get("sms", {})
        self.account = kept.get("account_sid") or "AC" + secrets.token_hex(16)
        self.token = kept.get("auth_token") or secrets.token_hex(16)
        self.shared_key: tuple[str, str] | None = None
        """Id and secret of the key that signs in place of the auth token."""
        self.seen_as = ""
        """The address that is signed, where a proxy stands in front of the desk."""
        self.address = ""
        self.bucket = Bucket(100, 1.0)
        self.lines: dict[str, Line] = {}
        self.media: dict[str, tuple[bytes, str]] = {}
        self.stopped: set[str] = set()
        self.unreachable: set[str] = set()
        self.backwards = False
        """Whether statuses come in the wrong order."""
        self.target = Target(
            "sms",
            "",
            self.token,
            _encode,
            where=lambda payload: str(payload["where"]),
            signed=self._signed,
            retries=False,
        )
        self.routes = Router()
        for method, pattern, handler in (
            ("POST", "/Messages.json", self._create),
            ("GET", "/Messages.json", self._list),
            ("GET", "/Messages/{sid}/Media.json", self._media_list),
            ("GET", "/Messages/{sid}/Media/{media}", self._media),
        ):
            self.routes.add(method, pattern, handler)

    def settings(self, channel: str, address: str) -> dict[str, str]:
        self.address = address
        return {"account_sid": self.account, "auth_token": self.token, "number": NUMBER, "api_base": address}

    def targets(self) -> dict[str, Target]:
        return {"sms": self.target}

    def _signed(self, secret: str, url: str, body: bytes) -> Mapping[str, str]:
        if self.seen_as:
            url = self.seen_as + url.removeprefix(self.target.url)
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "user-agent": "TwilioProxy/1.1 (stand-in)",
        }
        kind = hashlib.sha1
        if self.shared_key is not None:
            headers["x-twilio-webhooks-signature-settings"] = f"key={self.shared_key[0]},algorithm=HMAC_SHA256"
            secret, kind = self.shared_key[1], hashlib.sha256
        pairs = sorted(set(parse_qsl(body.decode(), keep_blank_values=True)))
        said = url + "".join(name + value for name, value in pairs)
        headers["x-twilio-signature"] = base64.b64encode(
            hmac.new(secret.encode(), said.encode(), kind).digest()
        ).decode()
        return headers

    # Customers

    def person(self, name: str) -> str:
        if name not in self.people:
            self.people[name] = f"+4915{self.ids.meta()[-9:]}"
        return self.people[name]

    def say(
        self, person: str, text: str, *, private: bool = True, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        return self.tell(person, text, tuple((one.content, one.mime) for one in files))

    def tell(self, person: str, text: str, files: tuple[tuple[bytes, str], ...] = (), **more: str) -> str:
        """A customer writes, with files (content, type) or further parameters of the webhook; the message's id."""
        sid = ("MM" if files else "SM") + f"{int(self.ids.meta()):032x}"
        media = tuple(f"ME{int(self.ids.meta()):032x}" for _ in files)
        self.media |= dict(zip(media, files, strict=True))
        line = Line(sid, person, NUMBER, text, self.clock.now(), "received", files=media)
        self.lines[sid] = line
        command = text.strip().upper()
        form = {
            **self._about(line),
            "SmsStatus": "received",
            "Body": text,
            "NumMedia": str(len(media)),
            "NumSegments": "1",
        }
        form |= {"FromCountry": "DE", "FromCity": "", "ToCountry": "US", "AddedWithoutNotice": "yes"}
        for place, one in enumerate(media):
            form |= {f"MediaUrl{place}": self._address_of(sid, one), f"MediaContentType{place}": self.media[one][1]}
        if command in STOP | START:
            (self.stopped.add if command in STOP else self.stopped.discard)(person)
            form["OptOutType"] = "STOP" if command in STOP else "START"
        self._post({**form, **more})
        shown = tuple(self.shelf.put("", mime, content) for content, mime in files)
        return self.note(Words(sid, person, self.name_of(person), text, line.at, private=True, files=shown))

    def _about(self, line: Line) -> dict[str, str]:
        ids = dict.fromkeys(("MessageSid", "SmsSid", "SmsMessageSid"), line.sid)
        return {**ids, "AccountSid": self.account, "ApiVersion": "2010-04-01", "From": line.sender, "To": line.to}

    def _post(self, form: Mapping[str, str], where: str = "") -> None:
        self.postman.put("sms", {"form": dict(form), "where": where})

    def report(self, sid: str, status: str, error: int | None = None) -> None:
        """Tell the desk what became of a message of the brand, if it asked for that."""
        line = self.lines[sid]
        line.status, line.error = status, error
        base = self.seen_as or self.target.url
        if base and line.callback.startswith(base):
            told = {**self._about(line), "MessageStatus": status, "SmsStatus": status}
            told |= {"ErrorCode": str(error)} if error else {}
            self._post(told, line.callback.removeprefix(base))

    # The desk

    async def handle(self, request: Request) -> Reply:
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            reply = self._work(request)
        except TwilioError as error:
            return error.reply()
        if fault is not None:
            raise Drop
        return reply

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "drop":
            raise Drop
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
            raise Drop
        return TwilioError(fault.code, fault.words, fault.status).reply()

    def _work(self, request: Request) -> Reply:
        pair = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Basic {pair}".encode()):
            raise TwilioError(20003, "Authenticate", 401)
        if not self.bucket.take().allowed:
            raise TwilioError(20429, "Too Many Requests", 429)
        path = request.path.removeprefix(f"/2010-04-01/Accounts/{self.account}")
        if path == ".json" and request.method == "GET":
            return json_reply({"sid": self.account, "friendly_name": "Luma", "status": "active", "type": "Full"})
        found = self.routes.find(request.method, path)
        if found is None:
            raise TwilioError(20404, f"The requested resource {request.path} was not found", 404)
        handler, names = found
        reply: Reply = handler(request, **names)
        return reply

    def _create(self, request: Request) -> Reply:
        form = request.form()
        self.requests.append((request.method, request.path, dict(form)))
        to, body, sender = form.get("To", ""), form.get("Body", ""), form.get("From", NUMBER)
        if to == INVALID or not to.removeprefix("+").isdecimal():
            raise TwilioError(21211, f"The 'To' number {to} is not a valid phone number.")
        if sender != NUMBER:
            raise TwilioError(
                21606,
                f"The 'From' phone number provided ({sender}) is not a valid message-capable Twilio phone number.",
            )
        if not body.strip() and "MediaUrl" not in form:
            raise TwilioError(21602, "Message body is required.")
        if len(body) > LONGEST:
            raise TwilioError(21617, "The concatenated message body exceeds the 1600 character limit.")
        if to in self.stopped:
            raise TwilioError(21610, "Attempt to send to unsubscribed recipient")
        line = Line(
            f"SM{int(self.ids.meta()):032x}",
            sender,
            to,
            body,
            self.clock.now(),
            "queued",
            form.get("StatusCallback", ""),
        )
        self.lines[line.sid] = line
        self.note(Words(line.sid, to, self.name_of(to), body, line.at, private=True, by_brand=True))
        told = json_reply(self._resource(line), 201)
        if to in self.unreachable:
            self.report(line.sid, "sent")
            self.report(line.sid, "undelivered", 30003)
        else:
            for status in ("delivered", "sent") if self.backwards else ("sent", "delivered"):
                self.report(line.sid, status)
        return told

    def _resource(self, line: Line) -> dict[str, Any]:
        at = format_datetime(line.at.replace(microsecond=0))
        return {
            "sid": line.sid,
            "account_sid": self.account,
            "from": line.sender,
            "to": line.to,
            "body": line.body,
            "status": line.status,
            "direction": "inbound" if line.to == NUMBER else "outbound-api",
            "num_media": str(len(line.files)),
            "num_segments": "1",
            "date_created": at,
            "date_sent": at,
            "error_code": line.error,
            "messaging_service_sid": None,
            "price": None,
        }

    def _list(self, request: Request) -> Reply:
        """Newest first, page by page."""
        asked = request.query
        rows = [line for line in self.lines.values() if asked.get("To") in (None, line.to)]
        if "DateSent>" in asked:
            rows = [line for line in rows if line.at >= _time(asked["DateSent>"])]
        if "DateSent<" in asked:
            rows = [line for line in rows if line.at <= _time(asked["DateSent<"])]
        rows.sort(key=lambda line: line.at, reverse=True)
        size, page = int(asked.get("PageSize", "50")), int(asked.get("Page", "0"))
        more = None
        if len(rows) > size * (page + 1):
            more = f"/2010-04-01/Accounts/{self.account}/Messages.json?{urlencode({**asked, 'Page': page + 1})}"
        shown = [self._resource(line) for line in rows[size * page : size * (page + 1)]]
        return json_reply({"messages": shown, "page": page, "page_size": size, "next_page_uri": more})

    def _media_list(self, request: Request, sid: str) -> Reply:
        base = f"/2010-04-01/Accounts/{self.account}/Messages/{sid}/Media"
        files = self.lines[sid].files if sid in self.lines else ()
        rows = [{"sid": one, "content_type": self.media[one][1], "uri": f"{base}/{one}.json"} for one in files]
        return json_reply({"media_list": rows, "next_page_uri": None})

    def _media(self, request: Request, sid: str, media: str) -> Reply:
        if media not in self.media:
            raise TwilioError(20404, "The requested resource was not found", 404)
        content, mime = self.media[media]
        return Reply(200, content, {"content-type": mime})

    def _address_of(self, sid: str, media: str) -> str:
        return f"{self.address}/2010-04-01/Accounts/{self.account}/Messages/{sid}/Media/{media}"


def _encode(payload: Payload) -> bytes:
    return urlencode(payload["form"]).encode()


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)


STAND_IN = Sms
