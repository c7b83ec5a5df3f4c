"""Asking for customers' messages whose webhook never came: Twilio knocks once, and not again.

The list begins with the newest, so it is read by windows of time, each as a whole. Windows overlap; what is known already is
recognised by its id.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Poll, Split
from parlour.channels.sms import calls, inbound, numbers
from parlour.lib import clock

WINDOW = timedelta(hours=1)
OVERLAP = timedelta(minutes=10)
OLDEST = timedelta(days=30)
PAGES = 20
FIELDS = ("sid", "from", "to", "body", "num_media", "date_created", "date_sent", "messaging_service_sid")


def poll(inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
    """The next window since ``cursor``, which is the present at the first call: what was said before is not fetched."""
    now = clock.now()
    since = _since(cursor)
    if since is None:
        return Poll((), {"since": now.isoformat()})
    since = max(min(since, now), now - OLDEST)
    until = min(since + WINDOW, now)
    events = [_split(inbox, told) for told in _listed(inbox, since - OVERLAP, until)]
    return Poll(events, {"since": until.isoformat()}, more=until < now)


def _since(cursor: dict[str, Any]) -> datetime | None:
    try:
        since = datetime.fromisoformat(str(cursor["since"]))
    except (KeyError, ValueError):
        return None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


def _listed(inbox: InboxConfig, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The customers' messages of a time, oldest first."""
    number = str(inbox.settings.get("number") or "")
    params = {"PageSize": "500", "DateSent>": f"{since:%Y-%m-%dT%H:%M:%SZ}"}
    if number:
        params["To"] = number
    if clock.now() - until > OVERLAP:
        params["DateSent<"] = f"{until + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    answer = calls.call(inbox, "GET", "/Messages.json", params=params)
    found: list[dict[str, Any]] = []
    for _ in range(PAGES):
        rows = answer.get("messages")
        if not isinstance(rows, list):
            raise ChannelError(ErrorKind.TRANSIENT, "Twilio's list of messages holds no messages.")
        found += [row for row in rows if isinstance(row, dict) and _ours(inbox, number, row)]
        following = answer.get("next_page_uri")
        if not isinstance(following, str) or not following:
            break
        answer = calls.page(inbox, following)
    return found[::-1]


def _ours(inbox: InboxConfig, number: str, row: dict[str, Any]) -> bool:
    """Whether a customer said it to a number of this inbox."""
    if row.get("direction") != "inbound" or not isinstance(row.get("sid"), str):
        return False
    service = str(inbox.settings.get("messaging_service_sid") or "")
    to = row.get("to")
    same_number = isinstance(to, str) and numbers.e164(to) == number
    return same_number or (bool(service) and row.get("messaging_service_sid") == service)


def _split(inbox: InboxConfig, row: dict[str, Any]) -> Split:
    told: dict[str, Any] = {"message": {name: row[name] for name in FIELDS if name in row}}
    if str(row.get("num_media") or "0") != "0":
        told["media"] = _media(inbox, row["sid"])
    return Split(*inbound.named(told), orjson.dumps(told))


def _media(inbox: InboxConfig, sid: str) -> list[dict[str, Any]]:
    answer = calls.call(inbox, "GET", f"/Messages/{quote(sid, safe='')}/Media.json")
    rows = answer.get("media_list")
    return [
        {"url": calls.base(inbox) + row["uri"].removesuffix(".json"), "content_type": row.get("content_type")}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("uri"), str)
    ]
