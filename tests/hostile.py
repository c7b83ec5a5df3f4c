"""What hostile people write, and platforms that pass it on: the stand-ins' words, spoilt on their way to the desk.

Markup carries an attribute, ``evil``, and scripts call ``pwned``: found as an element, or called, in a browser, it got out.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import orjson
from PIL import Image

from parlour.playground.main import Stand
from parlour.playground.web import Reply, Request

MARKS = "\u202e\u2067\u200f"
ZALGO = "Z" + "\u0300\u0301\u0310\u0334\u0489" * 200 + "algo"
LONG = "Endless" * 14_000
NAMES = (
    "<img src=x onerror=pwned() evil>",
    "<script evil>pwned()</script>",
    MARKS,
    '"><svg onload=pwned() evil>',
    "\u202eecila\u2066 Mallory",
    ZALGO,
    "' autofocus onfocus=pwned() evil x='",
    "\u200b\u200d\ufeff\u2060",
    "مرحبا 42 עברית",
    LONG,
    "</title></textarea><style evil>*{display:none}</style>",
    "${7*7}{{ 7*7 }}{% raise %}<b evil onmouseover=pwned()>",
)
"""Names first show what they are within a name's length."""
WORDS = (
    *NAMES,
    "https://evil.invalid/'onclick='pwned()' javascript:pwned() [x](javascript:pwned()) data:text/html,<script evil>pwned()</script>",
    '<a evil href="javascript:pwned()">a</a><iframe evil srcdoc="<script>parent.pwned()</script>"></iframe>',
    "<math evil><mtext></form><form><mglyph><style></math><img src onerror=pwned() evil></style>",
    '<link evil rel=stylesheet href=//evil.invalid/x.css><meta evil http-equiv=refresh content="0;url=//evil.invalid">',
    '<template hx-get="//evil.invalid" hx-trigger=load evil></template><div hx-on::load="pwned()" evil>\x00</div>',
    "line\u2028line\u2029\x07\x1b[31m" + "W" * 3000,
)
ADDRESSES = (
    "javascript:pwned()//",
    "http://evil.invalid/a.png",
    'https://evil.invalid/"onload="pwned()"evil="',
    "//evil.invalid/b.png",
    "data:text/html,<script>pwned()</script>",
    "JaVaScRiPt\n:pwned()",
    "vbscript:pwned()",
    "http://169.254.169.254/latest/meta-data",
    "file:///etc/passwd",
)
PAGE = b"<!DOCTYPE html><html evil><script>parent.pwned?.();pwned()</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="pwned()"><script>pwned()</script></svg>'


def bomb() -> bytes:
    """A picture of 30,000 x 30,000 pixels in a few kilobytes, as far as its head says."""
    made = BytesIO()
    Image.new("1", (4, 4)).save(made, "PNG")
    raw = bytearray(made.getvalue())
    raw[16:24] = struct.pack(">II", 30_000, 30_000)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    return bytes(raw)


FILES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "page.png": (200, {"content-type": "image/png"}, PAGE),
    "logo.svg": (200, {"content-type": "image/svg+xml"}, SVG),
    "logo.jpg": (200, {"content-type": "image/jpeg"}, b"<?xml version='1.0'?>" + SVG),
    "page.html": (200, {"content-type": "text/html"}, PAGE),
    "polyglot.gif": (200, {"content-type": "image/gif"}, b"GIF89a/*" + PAGE + b"*/=pwned();"),
    "flood.png": (200, {"content-type": "image/png"}, bomb()),
    "inside.png": (302, {"location": "http://169.254.169.254/latest/meta-data"}, b""),
    "local.png": (302, {"location": "http://127.0.0.1:1/"}, b""),
    "round.png": (302, {"location": "round.png"}, b""),
    "bomb.txt": (200, {"content-type": "text/plain", "content-encoding": "gzip"}, gzip.compress(bytes(60_000_000))),
    "bomb.zip": (200, {"content-type": "application/zip"}, b"PK\x03\x04" + zlib.compress(bytes(1_000_000))),
    "feed.xml": (200, {"content-type": "application/xhtml+xml"}, b'<html xmlns="http://www.w3.org/1999/xhtml">' + PAGE),
    "active.pdf": (200, {"content-type": "application/pdf"}, b"%PDF-1.7\n<script>pwned()</script>"),
}
"""Name -> status, headers, body of a hostile host's files; ``giant.png`` and ``endless.png`` are there too."""
TEXTY = re.compile(
    r"name|text|title|body|subject|caption|descr|content|bio|summary|nick|handle|acct|comment|snippet|message$|label|display|cooked|"
    r"^raw$|excerpt|flair|address|emoji|device|city|language|quote|author$|payload$|note|product|link_title|value$",
    re.I,
)
PLAIN = re.compile(
    r"(^|_)(id|ids|type|mime|number|phone|event|kind|field|verb|item|object|product|at|status)$|type$|^x-|Sid$|Id$|^(from|to)$|^metadata$",
    re.I,
)
FACES = re.compile(r"avatar|picture|photo|image|icon|thumb", re.I)
LINKS = re.compile(r"^(https?:)?//|^/uploads|^/user_avatar")
PAGING = re.compile(r"next|prev|cursor|token|href|uri$|paging|callback|api|_url_base|template", re.I)


class Mouth:
    """Spoils what stand-ins say: each text, name and address that is of no use to the protocol, with the next of the hostile ones."""

    def __init__(self, base: str, keep: set[str]) -> None:
        self.base = f"{base}/evil/"
        self.files = [f"{base}/evil/{name}" for name in (*FILES, "giant.png", "endless.png")]
        self.addresses = [*ADDRESSES, *self.files]
        self.keep = keep
        self._said: dict[bytes, Any] = {}
        self._at = [0, 0]

    def spoilt(self, payload: Any) -> Any:
        """``payload`` with its texts spoilt; the same for the same, as what is said again must be."""
        key = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        if key not in self._said:
            self._said[key] = self._spoil(payload, "")
        return self._said[key]

    def _spoil(self, value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self._spoil(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [self._spoil(one, key) for one in value]
        if not isinstance(value, str) or value in self.keep or PLAIN.search(key) or value.startswith(self.base):
            return value
        if LINKS.match(value):
            return value if PAGING.search(key) else self._next(1, self.addresses)
        if FACES.search(key):
            return value
        if TEXTY.search(key):
            wide = re.search(r"name|nick|handle|acct|author", key, re.I)
            return self._next(0, NAMES) + " " + value if wide else value + " " + self._next(0, WORDS)
        return value

    def _next(self, which: int, of: Any) -> str:
        self._at[which] += 1
        return str(of[self._at[which] % len(of)])


def spoil(stand: Stand, keep: set[str]) -> Mouth:
    """From now on all that the stand-ins say is spoilt, and there is a hostile host at ``/evil/``. ``keep``: words that stay as they are."""
    mouth = Mouth(stand.base, keep)
    world = stand.world
    for target in world.postman.targets.values():
        target.encode = _encoding(target.encode, mouth)
    faces: list[Any] = [world.graph_api, world.x_api, *world.places.values()]
    for face in faces:
        face.handle = _handling(face.handle, mouth)
    plain = world._http

    async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await (_evil if scope["path"].startswith("/evil/") else plain)(scope, receive, send)

    world._http = http  # type: ignore[method-assign]
    return mouth


def _encoding(plain: Callable[[Any], bytes], mouth: Mouth) -> Callable[[Any], bytes]:
    return lambda payload: plain(mouth.spoilt(payload))


def _handling(plain: Callable[[Request], Awaitable[Reply]], mouth: Mouth) -> Callable[[Request], Awaitable[Reply]]:
    async def handle(request: Request) -> Reply:
        reply = await plain(request)
        if request.method == "GET" and "json" in reply.headers.get("content-type", "") and reply.body:
            spoilt = mouth.spoilt(orjson.loads(reply.body))
            return replace(reply, body=json.dumps(spoilt).encode())
        return reply

    return handle


async def _evil(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The hostile host: a file of ``FILES``, one that says it is five gigabytes, or one that never ends."""
    name = scope["path"].rpartition("/")[2]
    if name not in ("giant.png", "endless.png"):
        status, headers, body = FILES.get(name, (404, {}, b""))
        told = [(key.encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})
        return
    told = [(b"content-type", b"image/png")]
    if name == "giant.png":
        told.append((b"content-length", b"5000000000"))
    await send({"type": "http.response.start", "status": 200, "headers": told})
    piece = {"type": "http.response.body", "body": b"\x89PNG\r\n\x1a\n" * 8192, "more_body": True}
    asked = asyncio.ensure_future(_gone(receive))
    while not asked.done():
        await send(piece)
        await asyncio.sleep(0)


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
