"""A forum and a blog that speak of the brand, as their feeds show it: RSS and Atom, with marks for whoever asks again."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.postman import Postman
from parlour.playground.scenes.script import Say, Scene
from parlour.playground.shelf import File
from parlour.playground.standin import Kept, StandIn, Words
from parlour.playground.web import Drop, Reply, Request

SHOWN = 30
"""Entries the feed holds; older ones fall out."""


@dataclass(slots=True)
class Entry:
    """Something somebody published."""

    id: str
    author: str
    title: str
    html: str
    at: datetime
    changed: datetime
    removed: bool = False
    files: tuple[tuple[str, File], ...] = ()
    """Addresses and files."""


class Feeds(StandIn):
    name = "feed"
    label = "Feed"
    channels = ("feed",)
    private = False
    files_public = True
    how = "A forum that everybody can read. The desk asks for its feed now and then; nobody can answer there from the desk."
    scenes = (
        Scene(
            "A blog on the new masts",
            "en",
            "feed",
            opening=(
                Say(
                    "post",
                    "Luma builds new masts along the coast. We drove there with three phones: here is what we measured.",
                ),
            ),
            waiting=(
                Say(
                    "edit",
                    "Luma builds new masts along the coast. Update: the one at Harbour Street is live now!",
                    after=200,
                ),
            ),
            weight=1,
        ),
        Scene(
            "Un fil de forum",
            "fr",
            "feed",
            opening=(
                Say(
                    "post",
                    "Quelqu'un a réussi à résilier Luma sans frais ? Le service client ne répond pas, commande {order}.",
                ),
            ),
            waiting=(Say("again", "Je relance, toujours sans réponse de Luma après une semaine...", after=120),),
            weight=2,
        ),
    )

    def __init__(
        self, kept: Kept, ids: Ids, clock: PlatformClock, postman: Postman, *, seed: int = 0, forgiving: bool = False
    ) -> None:
        super().__init__(kept, ids, clock, postman, seed=seed, forgiving=forgiving)
        self.entries: dict[str, Entry] = {}
        self.instead: bytes | None = None
        """What is answered in place of the feed."""
        self.leads_to = ""
        """Where the feed has moved, for ``/moved.xml``."""

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {"url": f"{address}/feed.xml"}

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """Publishes; the first sentence is the title. ``text`` is put into the feed as it is: HTML stays HTML."""
        if private:
            raise KeyError("A feed is public.")
        if answers and (answers not in self.entries or self.entries[answers].removed):
            raise KeyError(answers)
        now = self.clock.now()
        entry = Entry(f"https://forum.example.com/t/{self.ids.meta()}", self.name_of(person), "", "", now, now)
        entry.files = tuple((self.shelf.url(one), one) for one in files)
        self._write(entry, text)
        self.entries[entry.id] = entry
        return self.note(Words(entry.id, person, entry.author, text, now, answers=answers, files=files))

    def edit(self, words: str, text: str) -> None:
        entry = self.entries[words]
        if entry.removed:
            raise KeyError(words)
        self._write(entry, text)
        entry.changed = self.clock.now()
        self.words[words].text, self.words[words].edited = text, True

    def remove(self, words: str) -> None:
        """A feed does not tell: the entry is simply not there any more."""
        self.entries[words].removed = self.words[words].removed = True

    def _write(self, entry: Entry, text: str) -> None:
        sentence = text.partition(". ")[0]
        entry.title, entry.html = sentence[:80], text

    async def handle(self, request: Request) -> Reply:
        fault = self.faults.take(request.method, request.path)
        if fault is not None:
            if fault.how != "error":
                await asyncio.sleep(fault.seconds if fault.how == "timeout" else 0)
                raise Drop
            return Reply(fault.status, fault.words.encode())
        self.requests.append((request.method, request.path, {}))
        if request.path == "/moved.xml":
            return Reply(301, b"", {"location": self.leads_to})
        if request.path == "/page.html":
            page = b'<html><link rel="alternate" type="application/rss+xml" href="feed.xml"><body>Hello'
            return Reply(200, page, {"content-type": "text/html"})
        if request.path not in ("/feed.xml", "/atom.xml"):
            return Reply(404, b"not found")
        body = self.instead
        if body is None:
            shown = [entry for entry in reversed(self.entries.values()) if not entry.removed][:SHOWN]
            body = (_atom(shown) if request.path == "/atom.xml" else _rss(shown)).encode()
        mark = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"etag": mark, "content-type": "application/xml; charset=utf-8"}
        if request.headers.get("if-none-match") == mark:
            return Reply(304, b"", headers)
        return Reply(200, body, headers)


def _rss(entries: list[Entry]) -> str:
    items = "".join(
        f"<item><title>{escape(one.title)}</title><link>{one.id}</link><guid>{one.id}</guid>"
        f"<dc:creator>{escape(one.author)}</dc:creator><description>{escape(one.html)}</description>"
        f"<pubDate>{format_datetime(one.at)}</pubDate>"
        + "".join(
            f'<enclosure url="{url}" type="{file.mime}" length="{len(file.content)}"/>' for url, file in one.files
        )
        + (f"<atom:updated>{one.changed.isoformat()}</atom:updated>" if one.changed != one.at else "")
        + "</item>"
        for one in entries
    )
    spaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"'
    head = "<title>Harbour Town Forum</title><link>https://forum.example.com</link><description>All of it</description>"
    return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {spaces}><channel>{head}{items}</channel></rss>'


def _atom(entries: list[Entry]) -> str:
    items = "".join(
        f'<entry><id>{one.id}</id><title>{escape(one.title)}</title><link href="{one.id}"/>'
        f"<author><name>{escape(one.author)}</name></author><published>{one.at.isoformat()}</published>"
        f'<updated>{one.changed.isoformat()}</updated><content type="html">{escape(one.html)}</content></entry>'
        for one in entries
    )
    head = "<id>https://forum.example.com/</id><title>Harbour Town Forum</title>"
    return f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">{head}{items}</feed>'


STAND_IN = Feeds
