"""What was said while webhooks did not get through: Meta keeps conversations, and can be asked for them.

Asking is the second road. It brings the same events with the same ids as the first, so that whatever came already is known. Nothing
from before the inbox was connected is fetched. Edits, deletions, reactions and receipts have no history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from parlour.channels import graph
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.meta import when
from parlour.lib import clock

OVERLAP = 600.0
"""Seconds fetched again each time: Meta's lists lag behind a little."""
OLDEST = 7 * 86_400.0
"""Seconds of the longest gap that is filled: later than that, nobody can be answered any more."""
PAGE = 25
FIELDS = "updated_time,messages.limit(50){id,created_time,from,to,message,sticker,attachments}"
_REFUSED = frozenset({ErrorKind.PERMISSION, ErrorKind.INVALID, ErrorKind.TARGET_DELETED})

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """What is asked for: everything from ``since`` on (epoch seconds). ``after`` is where the last page ended, '' for the first."""

    since: float
    after: str


def poll(
    cursor: dict[str, Any],
    kind: str,
    entries: Callable[[Gap], tuple[list[Event], str]],
    split: Callable[[Any, bytes], list[Split]],
) -> Poll:
    """One page: ``entries`` gives entries as webhooks of that ``kind`` have them, and where the next page begins. The first poll
    fetches nothing.

    An account that may not be asked is not: webhooks are the first road. Raises ChannelError."""
    now = clock.now().timestamp()
    since, began = cursor.get("since"), cursor.get("began")
    if not isinstance(since, int | float):
        return Poll((), {"since": now})
    began = began if isinstance(began, int | float) else now
    gap = Gap(max(since - OVERLAP, now - OLDEST), str(cursor.get("after") or ""))
    try:
        found, after = entries(gap)
    except ChannelError as error:
        if error.kind in _REFUSED:
            return Poll((), {"since": since})
        raise
    payload = {"object": kind, "entry": found}
    events = split(payload, orjson.dumps(payload)) if found else []
    if after:
        return Poll(events, {"since": since, "began": began, "after": after}, more=True)
    return Poll(events, {"since": began})


def conversations(
    inbox: InboxConfig, account: str, own: str, gap: Gap, names: Sequence[str] = (), **params: str
) -> tuple[list[Event], str]:
    """Private messages of the account ``own`` since then as one entry, and where the next page begins ('' for none).

    ``names``: account names that are the brand's, too. Raises ChannelError."""
    asked = {"fields": FIELDS, "limit": str(PAGE), **params, **({"after": gap.after} if gap.after else {})}
    answer = graph.call(inbox, "GET", account, "conversations", table=graph.COMMENTS, params=asked)
    talks = listed(answer)
    new = [talk for talk in talks if _seconds(talk.get("updated_time")) >= gap.since]
    said = [message for talk in new for message in reversed(listed(talk.get("messages")))]
    found = [event for message in said if (event := _event(message, own, names, gap)) is not None]
    found.sort(key=lambda event: int(event["timestamp"]))
    entry = {"id": own, "time": int(clock.now().timestamp() * 1000), "messaging": found}
    return [entry] if found else [], after(answer) if len(new) == len(talks) else ""


def after(answer: Event) -> str:
    """Where the next page begins, '' for none."""
    paging = answer.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
    told = cursors.get("after") if isinstance(cursors, dict) else None
    return told if isinstance(told, str) and len(told) <= 1000 else ""


def listed(value: Any) -> list[Event]:
    """The objects of an edge (``{"data": [...]}``); anything else has none."""
    data = value.get("data") if isinstance(value, dict) else None
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def since(value: Any, gap: Gap) -> datetime | None:
    """A time of the platform when it is within the gap, else None."""
    seconds = _seconds(value)
    return when(seconds, "time", clock.now()) if seconds >= gap.since else None


def _seconds(value: Any) -> float:
    try:
        told = when(value, "time", clock.now())
    except ValueError:
        return 0.0
    return told.timestamp() if told else 0.0


def _event(message: Event, own: str, names: Sequence[str], gap: Gap) -> Event | None:
    """A message as a webhook tells it; None for what is older, empty, or between strangers."""
    at = since(message.get("created_time"), gap)
    sender, recipient = _person(message.get("from"), own, names), ""
    for person in listed(message.get("to")):
        recipient = recipient or _person(person, own, names)
    attachments = [_attachment(one) for one in listed(message.get("attachments"))]
    if isinstance(message.get("sticker"), str):
        attachments.append({"type": "sticker", "payload": {"url": message["sticker"]}})
    text = message.get("message")
    if at is None or own not in (sender, recipient) or not (text or attachments):
        return None
    said = {"mid": message.get("id"), "text": text or None, **({"attachments": attachments} if attachments else {})}
    if sender == own:
        said["is_echo"] = True
    milliseconds = int(at.timestamp() * 1000)
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": milliseconds, "message": said}


def _person(value: Any, own: str, names: Sequence[str]) -> str:
    if not isinstance(value, dict):
        return ""
    name = value.get("username")
    if isinstance(name, str) and name.casefold() in names:
        return own
    return str(value.get("id") or "")


def _attachment(value: Event) -> Event:
    for kind in ("image", "video"):
        data = value.get(f"{kind}_data")
        if isinstance(data, dict):
            return {"type": kind, "payload": {"url": data.get("url")}}
    mime = str(value.get("mime_type") or "")
    kind = "audio" if mime.startswith("audio/") else "file"
    return {"type": kind, "payload": {"url": value.get("file_url"), "title": value.get("name")}}
