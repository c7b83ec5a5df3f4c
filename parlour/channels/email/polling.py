"""Fetching what is new in the mailbox: its INBOX, and the Sent folder for answers written in another mail program.

The cursor is ``{"inbox": place, "sent": place, "ids": {...}}``. A place is ``{"validity", "uid", "at"}``: the folder's UIDVALIDITY, the
highest UID seen, and when the newest mail seen had come (epoch seconds). ``ids`` remembers the latest Message-IDs, so that two mails
with one id are told apart. Nothing is marked as read, moved or deleted.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any

from imap_tools import BaseMailBox, MailboxFolderSelectError

from parlour.channels.contract import InboxConfig, Poll, Split
from parlour.channels.email import servers
from parlour.channels.email.bounces import OURS
from parlour.channels.email.envelope import INBOX, SENT, Envelope, fingerprint, split_of
from parlour.channels.email.headers import digest, first, ident
from parlour.channels.email.mail import head
from parlour.lib import clock

MOST_MAILS = 50
MOST_BYTES = 25_000_000
"""What one poll brings at most; what is left comes with the next, at once."""
HUGE = 26_000_000
"""Of larger mails only the beginning is fetched."""
BEGINNING = 262_144
REMEMBERED = 300
EARLY = 2.0
UNUSED = 300.0
"""Seconds after which a connection kept for waiting is given up."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')
_EXISTS = re.compile(rb"\* \d+ EXISTS")
_SENT_NAMES = (
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "envoyés",
    "enviados",
)


@dataclass(frozen=True, slots=True)
class _Found:
    at: float
    event: Split


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """What is new in both folders, oldest first. Raises ChannelError."""
    ids = dict(cursor["ids"]) if isinstance(cursor.get("ids"), dict) else {}
    following: dict[str, Any] = {}
    found: list[_Found] = []
    more = False
    with servers.imap(inbox) as box:
        folders = {INBOX: servers.setting(inbox, "folder", "INBOX"), SENT: sent_folder(box, inbox)}
        for kind, name in folders.items():
            before = cursor.get(kind)
            if name and (place := _select(box, name, required=kind == INBOX)) is not None:
                got, following[kind], unfinished = _new(
                    box, kind, before if isinstance(before, dict) else {}, place, inbox, ids
                )
                found += got
                more = more or unfinished
            elif isinstance(before, dict):
                following[kind] = before
    following["ids"] = dict(list(ids.items())[-REMEMBERED:])
    # Questions before their answers: what was sent in a second is never older than what came in that second.
    return Poll([one.event for one in sorted(found, key=lambda one: one.at)], following, more)


def sent_folder(box: BaseMailBox, inbox: InboxConfig) -> str:
    """The name of the Sent folder: as set, by its flag, else by the names that are in use. '' when there is none."""
    if told := servers.setting(inbox, "sent_folder"):
        return "" if told == "-" else told
    folders = box.folder.list()
    flagged = next((one.name for one in folders if "\\sent" in {flag.lower() for flag in one.flags}), "")
    if flagged:
        return flagged
    return next((one.name for one in folders if one.name.rpartition(one.delim or "/")[2].lower() in _SENT_NAMES), "")


def _select(box: BaseMailBox, name: str, *, required: bool) -> tuple[int, int] | None:
    """UIDVALIDITY and UIDNEXT of a folder, opened for reading only."""
    try:
        box.folder.set(name, readonly=True)
    except MailboxFolderSelectError:
        if required:
            raise
        return None
    return _told(box, "UIDVALIDITY"), _told(box, "UIDNEXT")


def _told(box: BaseMailBox, name: str) -> int:
    values = box.client.untagged_responses.get(name) or [b""]
    last = values[-1]
    return int(last) if isinstance(last, bytes) and last.isdigit() else 0


def _new(
    box: BaseMailBox, kind: str, before: dict[str, Any], place: tuple[int, int], inbox: InboxConfig, ids: dict[str, str]
) -> tuple[list[_Found], dict[str, Any], bool]:
    validity, following = place
    last, newest = _number(before.get("uid")), float(_number(before.get("at")))
    if before.get("validity") == validity:
        uids = [uid for uid in _search(box, f"UID {last + 1}:*") if uid > last]
    else:
        # The first look, or the folder was made anew and numbers its mails differently: what is known is recognised by its id.
        days = float(servers.setting(inbox, "history_days", "3"))
        since = (
            datetime.fromtimestamp(newest, UTC) - timedelta(days=2) if newest else clock.now() - timedelta(days=days)
        )
        uids = _search(box, f"SINCE {since.day}-{MONTHS[since.month - 1]}-{since.year}")
        # Some old servers do not say which number comes next.
        following = following or max(_search(box, "ALL"), default=0) + 1
        last = min(uids, default=following) - 1
    found: list[_Found] = []
    budget = MOST_BYTES
    sizes = _sizes(box, uids[:MOST_MAILS])
    done = 0
    for uid in uids[:MOST_MAILS]:
        done += 1
        last = max(last, uid)
        size, flags = sizes.get(uid, (0, ""))
        if uid not in sizes or "\\draft" in flags:
            continue
        mail = _fetch(box, kind, validity, uid, size)
        if mail is None:
            continue
        budget -= len(mail.raw)
        newest = max(newest, mail.at or 0.0)
        event = split_of(_told_apart(mail, ids) if kind == INBOX else mail)
        # Our own mails come before anything that a machine says about them in the same second.
        early = EARLY if kind == SENT and OURS.fullmatch(event.key.partition(":")[2]) else 0.0
        found.append(_Found((mail.at or 0.0) - early, event))
        if budget <= 0:
            break
    return found, {"validity": validity, "uid": last, "at": int(newest)}, done < len(uids)


def _search(box: BaseMailBox, criteria: str) -> list[int]:
    return sorted({int(uid) for uid in box.uids(criteria, charset=None) if uid.isdigit()})


def _sizes(box: BaseMailBox, uids: list[int]) -> dict[int, tuple[int, str]]:
    """UID -> size in bytes and flags, of the mails that are still there."""
    if not uids:
        return {}
    status, data = box.client.uid("FETCH", ",".join(map(str, uids)), "(UID RFC822.SIZE FLAGS)")
    found: dict[int, tuple[int, str]] = {}
    for line in data if status == "OK" else ():
        said = line[0] if isinstance(line, tuple) else line
        uid = _UID.search(said) if isinstance(said, bytes) else None
        if uid is not None and isinstance(said, bytes):
            size, flags = _SIZE.search(said), _FLAGS.search(said)
            found[int(uid[1])] = (int(size[1]) if size else 0, flags[1].decode("latin-1").lower() if flags else "")
    return found


def _fetch(box: BaseMailBox, kind: str, validity: int, uid: int, size: int) -> Envelope | None:
    """One mail; without its text when the server will not hand it out, so that it is parked and not lost. None when it is gone."""
    wanted = f"BODY.PEEK[]<0.{BEGINNING}>" if size > HUGE else "BODY.PEEK[]"
    status, data = box.client.uid("FETCH", str(uid), f"(UID INTERNALDATE {wanted})")
    if status != "OK":
        return Envelope(kind, b"", validity, uid, None, size)
    literals = [one for one in data or () if isinstance(one, tuple) and len(one) == 2]
    if not literals:
        return None
    beside = b" ".join(
        part for one in data for part in ([one[0]] if isinstance(one, tuple) else [one]) if isinstance(part, bytes)
    )
    raw = max((one[1] for one in literals), key=len)
    return Envelope(kind, raw, validity, uid, _internal_date(beside), max(size, len(raw)) if size > HUGE else len(raw))


def _internal_date(said: bytes) -> float | None:
    found = _DATE.search(said)
    if found is None:
        return None
    try:
        return parsedate_to_datetime(found[1].decode("ascii", "replace").strip().replace("-", " ", 2)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _told_apart(mail: Envelope, ids: dict[str, str]) -> Envelope:
    """Mark a mail whose Message-ID another one has already used."""
    headers = head(mail.raw)
    told = ident(first(headers, "message-id"))
    if not told:
        return mail
    known, print_ = digest(told, 16), fingerprint(headers)[:8]
    earlier = ids.pop(known, print_)
    ids[known] = earlier
    return mail if earlier == print_ else replace(mail, copy=True)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


# Waiting


@dataclass(slots=True)
class _Line:
    """A connection that is kept between two waits: what comes meanwhile is told at the next one."""

    box: BaseMailBox
    settings: str
    exists: int
    idles: bool
    used: float = 0.0


_lines: dict[int, _Line] = {}
_places: dict[int, tuple[int, int]] = {}
_lock = Lock()


def wait(inbox: InboxConfig, seconds: float) -> bool:
    """Wait for news in the INBOX with IDLE, at most ``seconds``. Raises ChannelError."""
    settings = digest(repr(sorted(inbox.settings.items())), 32)
    with _lock:
        line = _lines.pop(inbox.id, None)
    if line is not None and line.settings != settings:
        servers.close_imap(line.box)
        line = None
    if line is not None:
        try:
            return _listen(inbox, line, seconds)
        except Exception:  # servers hang up on those who idle: a new connection tells what was missed
            servers.close_imap(line.box)
    box = servers.open_imap(inbox)
    try:
        place = _select(box, servers.setting(inbox, "folder", "INBOX"), required=True)
        line = _Line(box, settings, _told(box, "EXISTS"), servers.idles(box))
        assert place is not None
        if _places.get(inbox.id) != place:
            _places[inbox.id] = place
            _keep(inbox, line)
            return True
        return _listen(inbox, line, seconds)
    except Exception as error:
        servers.close_imap(box)
        raise servers.imap_refusal(error, inbox) from error


def _listen(inbox: InboxConfig, line: _Line, seconds: float) -> bool:
    said: list[bytes] = []
    if not line.idles:
        time.sleep(seconds)
    line.box.client.noop()
    if line.idles and _told(line.box, "EXISTS") == line.exists:
        said = line.box.idle.wait(timeout=seconds)
    # What is told while idling passes by the counts that the connection keeps, and the other way round.
    exists = _told(line.box, "EXISTS")
    news = exists != line.exists or any(_EXISTS.match(one) for one in said)
    line.exists = exists
    _keep(inbox, line)
    return news


def _keep(inbox: InboxConfig, line: _Line) -> None:
    line.used = time.monotonic()
    with _lock:
        # Nobody waits any more for an inbox that was paused or disconnected.
        others = [pk for pk, one in _lines.items() if pk == inbox.id or line.used - one.used > UNUSED]
        gone = [_lines.pop(pk) for pk in others]
        _lines[inbox.id] = line
    for one in gone:
        servers.close_imap(one.box)


def hang_up(inboxes: Iterable[int] | None = None) -> None:
    """Close the connections that are kept, of all inboxes or of some."""
    with _lock:
        gone = [_lines.pop(pk) for pk in list(_lines) if inboxes is None or pk in set(inboxes)]
    for line in gone:
        servers.close_imap(line.box)
