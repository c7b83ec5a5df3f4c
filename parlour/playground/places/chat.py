"""The brand's website with the chat on it, and customers who are signed in there and chat by the widget's own HTTP protocol.

``/api/chat/`` is a page of the site, under a strict content security policy; with ``?as=Name`` its visitor is signed in. Customers of the
cast show the desk's door the site's token, and read what the brand says by asking now and then, as a widget without its stream does.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import html
import secrets
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import orjson

from parlour.playground.postman import Payload, Target, trusted
from parlour.playground.scenes.script import Say, Scene
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Unable, Words
from parlour.playground.web import Reply, Request, html_reply
from parlour.playground.wires import BRAND

LOOK_SECONDS = 0.25
MOST_LOOKS = 8
"""Customers who look at once; the others wait for their turn."""
PATIENCE_SECONDS = 1800.0
TOKEN_SECONDS = 600
FILE_BYTES = 3_000_000
STYLE = """
:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; background: light-dark(#fff, #14171a) }
a { color: light-dark(#0b4a8f, #9cc7ff) }
body { max-width: 44rem; margin: 0 auto; padding: 2rem 1.25rem 7rem }
h1 { font-size: 2rem; line-height: 1.2 }
nav a { margin-inline-end: 1rem }
button, iframe { border: 9px solid red !important }
"""
"""The last line shows that the site's own style does not reach the widget."""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · {brand}</title><link rel="stylesheet" href="style.css">{script}</head>
<body><nav aria-label="Site"><a href="./">Offers</a><a href="./?page=help">Help</a></nav><main><h1>{title}</h1>{words}</main></body></html>
"""
PAGES = {
    "": ("Luma Go M: 40 GB for the price of 20", "Until Sunday, online and in all our shops."),
    "help": ("Help", "Our chat is at the bottom of each page: write to us."),
}


class Site(StandIn):
    """Customers are the site's accounts; their number is the ``sub`` of their token."""

    name = "chat"
    label = "Chat"
    channels = ("chat",)
    public = False
    files_private = True
    how = "The brand's website, with the chat on it. Only the brand and the visitor read along."
    scenes = (
        Scene(
            "chat-double-charge",
            "en",
            "chat",
            (
                Say("private", "Hi, I have been charged twice this month, {amount} each time."),
                Say("private", "Order {order}. Can somebody look at this please?", 12),
            ),
            waiting=(Say("private", "Hello? Is anybody there?", 150),),
            private=(
                (Say("private", "Yes, that is the one. My number is {phone}.", 25),),
                (Say("private", "Great, thank you so much!", 20),),
            ),
        ),
        Scene(
            "chat-kein-netz",
            "de",
            "chat",
            (Say("private", "Guten Tag, seit heute früh habe ich zu Hause kein Netz mehr. Router ist neu gestartet."),),
            waiting=(
                Say("private", "Ich arbeite von zu Hause und brauche das wirklich bald.", 180),
                Say("private", "Das ist jetzt schon der zweite Tag in diesem Monat!!", 420),
            ),
            private=((Say("private", "Bestellnummer {order}, die Lampe blinkt rot.", 30),),),
        ),
        Scene(
            "chat-tarifa",
            "es",
            "chat",
            (Say("private", "Hola, ¿puedo cambiar mi tarifa a Luma Go M sin perder mi número?"),),
            private=(
                (Say("private", "Perfecto. ¿Y cuándo empieza?", 20),),
                (Say("private", "Muchas gracias, muy amable.", 15),),
            ),
        ),
    )

    def __init__(self, *told: Any, **more: Any) -> None:
        super().__init__(*told, **more)
        self.secret = self.kept.get("chat", {}).get("secret") or secrets.token_hex(24)
        self._target = Target("chat", "", self.secret, orjson.dumps, self._headers)
        self._writers: dict[str, str] = {}
        """Id of an event -> who sends it."""
        self._looking: dict[str, float] = {}
        """Who waits for answers -> since when, by a steady clock."""
        self._seen: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def settings(self, channel: str, address: str) -> dict[str, str]:
        parts = urlsplit(address)
        here = f"{parts.scheme}://{parts.netloc}"
        return {
            "origins": here,
            "secret": self.secret,
            "welcome": "Hello! What can we do for you?",
            "colour": "#5b3fd1",
        }

    def targets(self) -> dict[str, Target]:
        return {"chat": self._target}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def desk(self) -> str:
        """The address of the desk's chat, '' until a desk is there."""
        parts = urlsplit(self._target.url)
        return f"{parts.scheme}://{parts.netloc}/chat/{parts.path.rpartition('/')[2]}" if parts.netloc else ""

    def token(self, person: str, seconds: float = TOKEN_SECONDS, **claims: Any) -> str:
        """What the site's server vouches with for a signed-in customer."""
        told = {"sub": person, "name": self.name_of(person), "exp": int(time.time() + seconds), **claims}
        return jwt.encode(told, self.secret, algorithm="HS256")

    def _headers(self, _secret: str, body: bytes) -> dict[str, str]:
        person = self._writers[orjson.loads(body)["id"]]
        return {"content-type": "application/json", "authorization": f"Bearer {self.token(person)}"}

    def _put(self, person: str, event: Payload) -> str:
        """Post an event as the customer; its id, by which a repetition is known."""
        event = {"id": secrets.token_hex(16), **event}
        self._writers[event["id"]] = person
        self.postman.put("chat", event)
        return str(event["id"])

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        if sum(len(one.content) for one in files) > FILE_BYTES or len(files) > 5:
            raise Unable("The chat takes up to five files of 3 MB together.")
        event: Payload = {"type": "message", "text": text, "page": {"url": f"https://www.{self.name}.example/"}}
        event["files"] = [
            {"name": one.name, "mime": one.mime, "content": base64.b64encode(one.content).decode()} for one in files
        ]
        named = self._put(person, event)
        self._looking[person] = time.monotonic()
        return self.note(Words(named, person, self.name_of(person), text, self.clock.now(), private=True, files=files))

    # Reading what the brand says

    async def _read(self) -> None:
        async with httpx.AsyncClient(trust_env=False, verify=trusted(), timeout=5.0) as client:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                since = time.monotonic() - PATIENCE_SECONDS
                self._looking = {person: at for person, at in self._looking.items() if at > since}
                turn = list(self._looking)[:MOST_LOOKS] if self.desk else []
                for person in turn:
                    # To the end of the queue: everybody has their turn.
                    self._looking[person] = self._looking.pop(person)
                    with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
                        await self._look(client, person)

    async def _look(self, client: httpx.AsyncClient, person: str) -> None:
        headers = {"authorization": f"Bearer {self.token(person)}"}
        answer = await client.get(f"{self.desk}/messages", headers=headers)
        if answer.status_code != 200:
            return
        theirs = [one for one in answer.json()["messages"] if not one["mine"]]
        for one in theirs:
            at = datetime.fromisoformat(one["at"])
            if one["id"] not in self.words:
                self._seen[person] = max(at, self._seen.get(person, at))
                files = await self._files(client, person, one)
                if files is None:
                    continue
                self.note(Words(one["id"], person, BRAND, one["text"], at, private=True, by_brand=True, files=files))
                self._put(person, {"type": "read", "until": self._seen[person].isoformat()})

    async def _files(self, client: httpx.AsyncClient, person: str, told: Payload) -> tuple[File, ...] | None:
        """The files of a message; None while the desk does not have them all."""
        headers, found = {"authorization": f"Bearer {self.token(person)}"}, []
        for one in told.get("files", ()):
            answer = await client.get(f"{self.desk}/file/{one['id']}", headers=headers) if one["id"] else None
            if answer is None or answer.status_code != 200:
                return None
            found.append(self.shelf.put(one["name"], answer.headers.get("content-type", ""), answer.content))
        return tuple(found)

    # The brand's website

    async def handle(self, request: Request) -> Reply:
        self.requests.append((request.method, request.path, dict(request.query)))
        if request.path == "/style.css":
            return Reply(200, STYLE.encode(), {"content-type": "text/css; charset=utf-8"})
        if request.path != "/" or request.method not in ("GET", "HEAD"):
            return html_reply("There is no such page.", 404)
        title, words = PAGES.get(request.query.get("page", ""), PAGES[""])
        script, policy = "", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'"
        if self.desk:
            who = request.query.get("as", "").strip()[:60]
            vouched = f' data-token="{html.escape(self.token(self.person(who)))}"' if who else ""
            script = f'<script src="{html.escape(self.desk)}/widget.js"{vouched} async></script>'
            desk = self.desk.partition("/chat/")[0]
            policy += f"; script-src {desk}; frame-src {desk}; require-trusted-types-for 'script'"
        page = PAGE.format(title=html.escape(title), words=f"<p>{html.escape(words)}</p>", brand=BRAND, script=script)
        reply = html_reply(page)
        reply.headers["content-security-policy"] = policy
        return reply


STAND_IN = Site
