"""A small real IMAP4rev1 server for one mailbox: what a client needs that reads, searches, appends and idles (RFC 3501, 2177, 6154)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime

from parlour.playground.faults import Faults
from parlour.playground.places.email.mailbox import Folder, Kept

CAPABILITIES = "IMAP4rev1 LITERAL+ IDLE SPECIAL-USE UIDPLUS UNSELECT AUTH=PLAIN AUTH=XOAUTH2"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}$")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\([^()]*\))|(\S+)')
_PARTIAL = re.compile(r"BODY(?:\.PEEK)?\[(HEADER)?\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE)


class ImapServer:
    """``requests`` gets the commands, without what is secret."""

    def __init__(self, user: str, password: str, folders: Sequence[Folder], faults: Faults) -> None:
        self.user = user
        self.password = password
        self.folders = list(folders)
        self.faults = faults
        self.access_token = secrets.token_urlsafe(16)
        """What is taken in place of the password (XOAUTH2)."""
        self.idles = True
        """Whether IDLE is offered."""
        self.requests: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await _Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return
        except asyncio.CancelledError:
            return
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(Exception):
                writer.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def capabilities(self) -> str:
        return CAPABILITIES if self.idles else CAPABILITIES.replace(" IDLE", "")


class _Session:
    def __init__(self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.signed_in = False
        self.folder: Folder | None = None
        self.told = 0
        """How many mails of the folder the client knows of."""

    async def run(self) -> None:
        self.say("* OK IMAP stand-in ready")
        while True:
            await self.writer.drain()
            line, literals = await self.command()
            if not line:
                return
            tag, _, rest = line.partition(" ")
            name, _, arguments = rest.partition(" ")
            name = name.upper()
            if name == "UID":
                sub, _, arguments = arguments.partition(" ")
                name = f"UID {sub.upper()}"
            self.server.requests.append(name if name in ("LOGIN", "AUTHENTICATE") else f"{name} {arguments}"[:200])
            fault = self.server.faults.take("IMAP", name)
            if fault is not None and fault.how == "drop":
                return
            if fault is not None and fault.how == "error":
                self.say(f"{tag} NO {fault.words}")
                continue
            if not await self.obey(tag, name, arguments, literals):
                await self.writer.drain()
                return
            if fault is not None:
                return

    async def command(self) -> tuple[str, list[bytes]]:
        """One line with its literals, which are replaced by ``{}``."""
        line = b""
        literals: list[bytes] = []
        while True:
            piece = (await self.reader.readline()).rstrip(b"\r\n")
            found = _LITERAL.search(piece)
            if found is None:
                return (line + piece).decode("utf-8", "replace"), literals
            if not found[2]:
                self.say("+ Ready for the literal")
                await self.writer.drain()
            literals.append(await self.reader.readexactly(int(found[1])))
            line += piece[: found.start()] + b"{}"

    def say(self, line: str) -> None:
        self.writer.write(line.encode() + b"\r\n")

    async def obey(self, tag: str, name: str, arguments: str, literals: list[bytes]) -> bool:
        """Do a command; whether the line stays open."""
        words = _words(arguments, literals)
        if name == "CAPABILITY":
            self.say(f"* CAPABILITY {self.server.capabilities}")
        elif name == "LOGOUT":
            self.say("* BYE See you")
            self.say(f"{tag} OK LOGOUT completed")
            return False
        elif name == "LOGIN":
            return self._sign_in(tag, words[:2])
        elif name == "AUTHENTICATE":
            self.say("+ ")
            await self.writer.drain()
            told = base64.b64decode((await self.reader.readline()).strip()).decode("utf-8", "replace")
            if words[:1] != ["XOAUTH2"]:
                return self._sign_in(tag, told.split("\0")[1:3])
            self.signed_in = told == f"user={self.server.user}\x01auth=Bearer {self.server.access_token}\x01\x01"
            if self.signed_in:
                self.say(f"{tag} OK Signed in")
                return True
            self.say("+ " + base64.b64encode(b'{"status":"400"}').decode())
            await self.writer.drain()
            await self.reader.readline()
            self.say(f"{tag} NO AUTHENTICATE failed.")
            return True
        elif name == "NOOP":
            self.news()
        elif not self.signed_in:
            self.say(f"{tag} NO Please sign in first")
            return True
        elif name == "LIST":
            for folder in self.server.folders:
                self.say(f'* LIST (\\HasNoChildren{" " + folder.flag if folder.flag else ""}) "/" "{folder.name}"')
        elif name in ("SELECT", "EXAMINE"):
            return self._select(tag, name, words)
        elif name == "APPEND":
            return self._append(tag, words, literals)
        elif self.folder is None:
            self.say(f"{tag} BAD No folder is selected")
            return True
        elif name == "IDLE":
            await self._idle(self.folder)
        elif name == "UID SEARCH":
            found = [kept.uid for kept in self.folder.mails if _matches(kept, words, self.folder)]
            self.say(" ".join(["* SEARCH", *map(str, found)]))
        elif name == "UID FETCH":
            self._fetch(self.folder, words)
        elif name in ("CLOSE", "UNSELECT"):
            self.folder = None
        elif name != "CHECK":
            self.say(f"{tag} BAD Not known here: {name[:20]}")
            return True
        self.say(f"{tag} OK {name} completed")
        return True

    def _sign_in(self, tag: str, told: list[str]) -> bool:
        self.signed_in = told == [self.server.user, self.server.password]
        no = "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
        self.say(f"{tag} OK Signed in" if self.signed_in else f"{tag} {no}")
        return True

    def _select(self, tag: str, name: str, words: list[str]) -> bool:
        wanted = words[0] if words else ""
        folder = next((one for one in self.server.folders if one.name.lower() == wanted.lower()), None)
        if folder is None:
            self.say(f"{tag} NO [NONEXISTENT] There is no folder {wanted[:60]}")
            return True
        self.folder, self.told = folder, len(folder.mails)
        self.say(f"* {self.told} EXISTS")
        self.say("* 0 RECENT")
        self.say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)")
        self.say(f"* OK [UIDVALIDITY {folder.validity}] UIDs valid")
        self.say(f"* OK [UIDNEXT {folder.next_uid}] Predicted next UID")
        self.say(f"{tag} OK [{'READ-ONLY' if name == 'EXAMINE' else 'READ-WRITE'}] {name} completed")
        return True

    def _append(self, tag: str, words: list[str], literals: list[bytes]) -> bool:
        folder = next((one for one in self.server.folders if words and one.name.lower() == words[0].lower()), None)
        if folder is None or not literals:
            self.say(f"{tag} NO [TRYCREATE] There is no such folder")
            return True
        flags = next((word for word in words[1:] if word.startswith("(")), "()")
        uid = folder.put(literals[-1], flags=set(flags.strip("()").split()))
        self.say(f"{tag} OK [APPENDUID {folder.validity} {uid}] APPEND completed")
        return True

    def _fetch(self, folder: Folder, words: list[str]) -> None:
        uids = _uid_set(words[0] if words else "", folder)
        items = " ".join(words[1:]).strip("()")
        for number, kept in enumerate(list(folder.mails), 1):
            if kept.uid not in uids:
                continue
            told = [f"UID {kept.uid}"]
            upper = items.upper()
            if "RFC822.SIZE" in upper:
                told.append(f"RFC822.SIZE {len(kept.raw)}")
            if "FLAGS" in upper:
                told.append(f"FLAGS ({' '.join(sorted(kept.flags))})")
            if "INTERNALDATE" in upper:
                told.append(f'INTERNALDATE "{_internal_date(kept.at)}"')
            self.writer.write(f"* {number} FETCH ({' '.join(told)}".encode())
            if wanted := _PARTIAL.search(items):
                content = kept.raw
                if wanted[1]:
                    content = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                begin = ""
                if wanted[2] is not None:
                    begin = f"<{wanted[2]}>"
                    content = content[int(wanted[2]) :][: int(wanted[3])]
                self.writer.write(f" BODY[{wanted[1] or ''}]{begin} {{{len(content)}}}\r\n".encode() + content)
            self.writer.write(b")\r\n")

    async def _idle(self, folder: Folder) -> None:
        event = folder.watch()
        self.say("+ idling")
        done = asyncio.ensure_future(self.reader.readline())
        try:
            while not done.done():
                self.news()
                await self.writer.drain()
                came = asyncio.ensure_future(event.wait())
                await asyncio.wait({done, came}, return_when=asyncio.FIRST_COMPLETED)
                came.cancel()
                event.clear()
        finally:
            folder.unwatch(event)
            done.cancel()

    def news(self) -> None:
        """Tell the client of mails that have come since it was last told."""
        if self.folder is not None and len(self.folder.mails) != self.told:
            self.told = len(self.folder.mails)
            self.say(f"* {self.told} EXISTS")


def _words(arguments: str, literals: list[bytes]) -> list[str]:
    waiting = [literal.decode("utf-8", "replace") for literal in literals]
    found: list[str] = []
    for quoted, group, atom in _WORD.findall(arguments):
        if atom == "{}" and waiting:
            found.append(waiting.pop(0))
        else:
            found.append(group or atom or re.sub(r"\\(.)", r"\1", quoted))
    return found


def _uid_set(told: str, folder: Folder) -> set[int]:
    highest = max((kept.uid for kept in folder.mails), default=0)
    found: set[int] = set()
    for part in told.split(","):
        begin, colon, end = part.partition(":")
        first, last = (highest if one == "*" else int(one) for one in (begin, end if colon else begin))
        low, high = min(first, last), max(first, last)
        found |= {kept.uid for kept in folder.mails if low <= kept.uid <= high}
    return found


def _matches(kept: Kept, words: list[str], folder: Folder) -> bool:
    waiting = [word for word in words if word.upper() not in ("CHARSET", "US-ASCII", "UTF-8", "ALL")]
    while waiting:
        name, value = waiting.pop(0).upper(), waiting.pop(0) if waiting else ""
        if name == "UID" and kept.uid not in _uid_set(value, folder):
            return False
        if name == "SINCE" and kept.at.date() < _date(value):
            return False
    return True


def _date(told: str) -> date:
    day, month, year = told.split("-")
    return datetime(int(year), MONTHS.index(month.title()) + 1, int(day), tzinfo=UTC).date()


def _internal_date(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day:2d}-{MONTHS[at.month - 1]}-{at.year} {at:%H:%M:%S} +0000"
