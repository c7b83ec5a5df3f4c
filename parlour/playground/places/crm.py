"""The brand's own system at the API channel: a contact form that sends messages in, and takes answers, signed both ways.

The signature is made and checked here by itself (Standard Webhooks 1.0): the stand-in must not trust what it is to judge.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any

import orjson

from parlour.playground.faults import Fault
from parlour.playground.postman import Target
from parlour.playground.scenes.script import Say, Scene
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Words
from parlour.playground.web import Drop, Reply, Request, json_reply

TOLERANCE_SECONDS = 300


class Crm(StandIn):
    """Customers fill in forms; each form is a thread. Answers come to the callback."""

    name = "crm"
    label = "API"
    channels = ("api",)
    files_public = files_private = True
    how = "What the brand's own system hands over by the API: forms are private, questions on product pages public."
    scenes = (
        Scene(
            "form-warranty",
            "en",
            "crm",
            (Say("private", "The speaker of my Luma phone has been dead since yesterday. Is that still under warranty? Order {order}."),),
            private=(
                (Say("private", "It was bought in March. I have the invoice here.", 20),),
                (Say("private", "Thank you, the label arrived. Sending it off today.", 25),),
            ),
        ),
        Scene(
            "form-resiliation",
            "fr",
            "crm",
            (Say("private", "Bonjour, je souhaite résilier mon contrat, numéro {code}. Personne ne répond au téléphone."),),
            waiting=(Say("private", "J'attends toujours une réponse de votre part.", 200),),
            private=((Say("private", "Parfait, merci beaucoup pour votre aide.", 20),),),
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        told = self.kept.get("api", {})
        self.secret = told.get("secret") or "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.seen: dict[str, str] = {}
        """webhook-id -> the id we gave: a repetition is answered alike and changes nothing."""
        self.callbacks: list[dict[str, Any]] = []
        self._forms: dict[str, str] = {}

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {"secret": self.secret, "callback_url": f"{address}/answers"}

    def targets(self) -> dict[str, Target]:
        return {"api": Target("api", "", self.secret, orjson.dumps, self._headers)}

    def _headers(self, secret: str, body: bytes) -> dict[str, str]:
        # A redelivery has the id of the first delivery: it comes from the body, which stays the same.
        message_id, now = f"msg_{hashlib.sha256(body).hexdigest()[:24]}", str(int(time.time()))
        return {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": now,
            "webhook-signature": _signature(secret, message_id, now, body),
        }

    async def handle(self, request: Request) -> Reply:
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.how != "drop_after":
            return _failed(fault)
        if (request.method, request.path) != ("POST", "/answers"):
            return json_reply({"error": "There is no such address."}, 404)
        reply = self._answer(request)
        if fault is not None:
            raise Drop
        return reply

    def _answer(self, request: Request) -> Reply:
        told = {name: request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
        fits = _signature(self.secret, told["id"], told["timestamp"], request.body)
        if not hmac.compare_digest(fits.encode(), told["signature"].encode()):
            return json_reply({"error": "The signature does not fit."}, 401)
        if not told["timestamp"].isdigit() or abs(time.time() - int(told["timestamp"])) > TOLERANCE_SECONDS:
            return json_reply({"error": "The timestamp is too far away."}, 401)
        try:
            event = request.json()
        except ValueError:
            return json_reply({"error": "This is not JSON."}, 400)
        self.requests.append((request.method, request.path, event))
        if event.get("type") != "message.sent":
            return json_reply({"ok": True})
        if told["id"] not in self.seen:
            self.seen[told["id"]] = self._keep(event["data"])
        return json_reply({"id": self.seen[told["id"]]})

    def _keep(self, data: dict[str, Any]) -> str:
        self.callbacks.append(data)
        files = tuple(
            self.shelf.put(one["name"], one["mime"], base64.b64decode(one["content"]))
            for one in data.get("attachments", [])
        )
        private = data["visibility"] == "private"
        words = Words(
            f"crm-{self.ids.meta()}",
            data["author_external_id"],
            self.name_of(data["author_external_id"]),
            data["text"],
            self.clock.now(),
            private=private,
            by_brand=True,
            files=files,
            choices=tuple(data.get("choices", [])),
        )
        return self.note(words)

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        words = Words(f"form-{self.ids.meta()}", person, self.name_of(person), text, self.clock.now(), private)
        words.answers, words.files = answers, files
        self.note(words)
        self._send("message", words)
        return words.id

    def choose(self, words: str, choice: str) -> str:
        said = self.press_of(words, choice)
        return self.say(said.person, choice, private=said.private, answers=words)

    def edit(self, words: str, text: str) -> None:
        known = self.words[words]
        known.text, known.edited = text, True
        self._send("edit", known)

    def remove(self, words: str) -> None:
        known = self.words[words]
        known.removed = True
        self._send("delete", known)

    def _send(self, kind: str, words: Words) -> None:
        form = self._forms.setdefault(f"{words.person}:{words.private}", words.id)
        payload: dict[str, Any] = {
            "type": kind,
            "external_id": words.id,
            "thread": {"external_id": form, "visibility": "private" if words.private else "public"},
            "author": {"external_id": words.person, "name": words.name},
            "created_at": self.clock.now().isoformat(),
        }
        if kind != "delete":
            payload["text"] = words.text
            payload["attachments"] = [
                {"url": self.shelf.url(one), "kind": one.kind, "name": one.name, "mime": one.mime}
                for one in words.files
            ]
        if words.answers:
            payload["reply_to"] = words.answers
        self.postman.put("api", payload)


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")).decode()


def _failed(fault: Fault) -> Reply:
    if fault.how != "error":
        raise Drop
    return json_reply({"error": fault.words}, fault.status, {"retry-after": "7"} if fault.status == 429 else None)


STAND_IN = Crm
