"""What Meta's channels share: settings, signatures, the handshake, the envelope of webhooks and the fields inside it.

One envelope carries up to a thousand events of a Page, or of an Instagram account:
``{"object": "page", "entry": [{"id", "time", "messaging" | "standby" | "changes": [...]}]}``. Instagram also writes a change
flat into its entry: ``{"id", "time", "field", "value"}``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Answer,
    Author,
    Capabilities,
    ChannelError,
    DoorRequest,
    ErrorKind,
    InboxConfig,
    Outbound,
    Refused,
    Setting,
    Split,
    Visibility,
)
from parlour.lib import clock, signing
from parlour.lib.text import one_line, storable

GRAPH = "https://graph.facebook.com/v26.0"
LISTS = ("messaging", "standby", "changes")
MAX_KEY = 200


def _page_id(value: str) -> str | None:
    return None if re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII) else "A Page id is a number such as 448242228374517."


APP_SECRET = Setting(
    "app_secret",
    "App secret",
    "Meta signs every webhook with it: developers.facebook.com, your app, App settings, Basic, App secret, Show.",
    secret=True,
    check=printable,
)
VERIFY_TOKEN = Setting(
    "verify_token",
    "Verify token",
    "A word of your own choice. Meta asks for it, together with the webhook address, in the app under Webhooks.",
    make=lambda: secrets.token_urlsafe(18),
)
SETTINGS = (
    Setting(
        "page_id",
        "Page id",
        "The number of the Facebook Page: facebook.com, your Page, About, Page transparency, Page ID.",
        check=_page_id,
    ),
    APP_SECRET,
    VERIFY_TOKEN,
    Setting(
        "access_token",
        "Page access token",
        "Sends answers. Take one that does not expire: Business settings, System users, Generate token, "
        "with the permissions listed in this channel's page of the documentation.",
        secret=True,
        check=printable,
    ),
    Setting(
        "api_base",
        "Graph API address",
        "Change it only to talk to a stand-in or to another version.",
        default=GRAPH,
        advanced=True,
        check=web_address(GRAPH),
    ),
)


def page_id(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("page_id", ""))


def realm(inbox: InboxConfig) -> str:
    """One name space for the Page's comment authors and its Messenger users, so that the same id is the same person."""
    return f"meta:{page_id(inbox)}"


def page(inbox: InboxConfig) -> Author:
    """The Page itself, as an author."""
    return Author(realm=realm(inbox), external_id=page_id(inbox))


def verify(request: DoorRequest, inbox: InboxConfig) -> None:
    """Return when ``X-Hub-Signature-256`` signs the raw body with the app secret, else raise Refused(403)."""
    secret = str(inbox.settings.get("app_secret", ""))
    given = request.headers.get("x-hub-signature-256", "")
    if not given:
        raise Refused(403, "The header X-Hub-Signature-256 is missing.")
    if not secret or not signing.same(signing.hex_signature(secret, request.body), given):
        raise Refused(403, "The signature does not fit the body.")


def handshake(request: DoorRequest, inbox: InboxConfig) -> Answer:
    """Answer ``hub.challenge`` to whoever knows the verify token, else raise Refused."""
    token = str(inbox.settings.get("verify_token", ""))
    given = request.query.get("hub.verify_token", "")
    if request.query.get("hub.mode") != "subscribe":
        raise Refused(403, "hub.mode must be 'subscribe'.")
    if not token or not hmac.compare_digest(token.encode(), given.encode("utf-8", "surrogatepass")):
        raise Refused(403, "hub.verify_token is not the verify token of this inbox.")
    challenge = request.query.get("hub.challenge", "")
    if not challenge or len(challenge) > 1000:
        raise Refused(400, "hub.challenge is missing or too long.")
    return Answer(200, challenge.encode("utf-8", "replace"))


def check_outbound(outbound: Outbound, capabilities: Capabilities, length: Callable[[str, Visibility], int]) -> None:
    """Raise ChannelError when there is nothing to send, or more, longer or other than the platform takes."""
    private = outbound.visibility == "private"
    limit = capabilities.private if private else capabilities.public
    media = capabilities.media_private if private else capabilities.media_public
    if not outbound.text.strip() and not outbound.attachments:
        raise ChannelError(ErrorKind.INVALID, "There is nothing to send.")
    if limit and (long := length(outbound.text, outbound.visibility)) > limit.length:
        raise ChannelError(ErrorKind.TOO_LONG, f"The text has {long} {limit.unit}; {limit.length} are allowed.")
    if len(outbound.attachments) > capabilities.media_count:
        raise ChannelError(ErrorKind.INVALID, f"At most {capabilities.media_count} files go with one answer.")
    for file in outbound.attachments:
        most = media.get(file.kind)
        if most is None:
            raise ChannelError(ErrorKind.INVALID, f"A file of the kind '{file.kind}' cannot be sent here.")
        if file.size > most:
            raise ChannelError(ErrorKind.TOO_LONG, f"The file has {file.size:,} bytes; {most:,} are allowed.")


class Piece(NamedTuple):
    """One event of an envelope. ``entry`` is the envelope's entry with just this event; ``odd`` says what is wrong."""

    where: str
    entry: Any
    event: dict[str, Any]
    odd: str = ""

    @property
    def told_at(self) -> Any:
        return self.entry.get("time") if isinstance(self.entry, dict) else None


def pieces(payload: Any, kind: str = "page") -> list[Piece]:
    """The events of a decoded body, in order. Raises Refused(400) when it is no envelope of that ``object``.

    A bare ``{"field", "value"}``, which Meta's documents show for postbacks, counts as an envelope of that one change.
    """
    if not isinstance(payload, dict):
        raise Refused(400, "The body must be a JSON object.")
    if "object" not in payload and "field" in payload and "value" in payload:
        payload = {"object": kind, "entry": [{"changes": [payload]}]}
    if payload.get("object") != kind:
        raise Refused(400, f"This address takes events of another kind: 'object' must be '{kind}'.")
    entries = payload.get("entry")
    if not isinstance(entries, list):
        raise Refused(400, "'entry' must be a list.")
    return [piece for entry in entries for piece in _of_entry(entry)]


def _of_entry(entry: Any) -> Iterator[Piece]:
    if not isinstance(entry, dict):
        yield Piece("", entry, {}, odd="An entry is not an object.")
        return
    lists = [name for name in LISTS if name in entry]
    about = {name: entry[name] for name in ("id", "time") if name in entry}
    if "field" in entry and "value" in entry:
        change = {"field": entry["field"], "value": entry["value"]}
        yield Piece("changes", {**about, **change}, change)
    elif not lists:
        yield Piece("", entry, {}, odd="An entry holds no list of events.")
        return
    for name in lists:
        events = entry[name]
        if not isinstance(events, list):
            yield Piece(name, {**about, name: events}, {}, odd=f"'{name}' is not a list.")
            continue
        for event in events:
            alone = {**about, name: [event]}
            if isinstance(event, dict):
                yield Piece(name, alone, event)
            else:
                yield Piece(name, alone, {}, odd=f"An event in '{name}' is not an object.")


FACEBOOK, MESSENGER, INSTAGRAM = "facebook", "messenger", "instagram"
PUBLIC_FIELDS = ("feed", "mention")


def owner_of(piece: Piece, channel: str) -> str:
    """The channel an event of a Page belongs to: Meta sends what is public and what is private to one address."""
    if piece.where == "changes":
        field = piece.event.get("field")
        return FACEBOOK if field in PUBLIC_FIELDS else MESSENGER if field == "messages" else channel
    return MESSENGER if piece.where in LISTS else channel


def about(piece: Piece, own: str) -> str:
    """The account an event is about, ``own`` where it does not say. Meta's dashboard tests with the account 0."""
    told = piece.entry.get("id") if isinstance(piece.entry, dict) else None
    return told[:200] if isinstance(told, str) and told not in ("", "0") else own


def page_belongs(channel: str, inbox: InboxConfig) -> Callable[[Piece], tuple[str, str] | None]:
    """Whose an event is when it is not this inbox's: Meta sends all Pages of an app to one address."""
    own = page_id(inbox)

    def belongs(piece: Piece) -> tuple[str, str] | None:
        owner, page = owner_of(piece, channel), about(piece, own)
        return None if owner == channel and page == own else (owner, f"meta:{page}")

    return belongs


def split(
    payload: Any,
    body: bytes,
    name: Callable[[Piece], tuple[str, str]],
    belongs: Callable[[Piece], tuple[str, str] | None],
    kind: str = "page",
) -> list[Split]:
    """One Split per event. ``name`` gives its key and lane, or raises ValueError; ``belongs`` is ``Split.belongs``.
    Raises Refused(400)."""
    found = pieces(payload, kind)
    try:
        return [
            Split(
                *_named(piece, name),
                body if len(found) == 1 else orjson.dumps({"object": kind, "entry": [piece.entry]}),
                belongs(piece),
            )
            for piece in found
        ]
    except orjson.JSONEncodeError:
        # orjson reads deeper nesting than it writes. Such an event cannot be cut out, so the body is kept whole.
        return [Split("odd:" + hashlib.sha256(body).hexdigest(), "", body)]


def _named(piece: Piece, name: Callable[[Piece], tuple[str, str]]) -> tuple[str, str]:
    if not piece.odd:
        try:
            return name(piece)
        except ValueError:
            pass
    return "odd:" + hashlib.sha256(orjson.dumps(piece.entry, option=orjson.OPT_SORT_KEYS)).hexdigest(), ""


def read(body: bytes, kind: str = "page") -> list[Piece]:
    """The events of a stored body. Raises ValueError when it, or one of them, is malformed."""
    try:
        found = pieces(orjson.loads(body), kind)
    except Refused as refused:
        raise ValueError(refused.reason) from refused
    for piece in found:
        if piece.odd:
            raise ValueError(piece.odd)
    return found


def of_another(piece: Piece, own: str) -> bool:
    """Whether the event belongs to another account of the same app, which has an inbox of its own."""
    told = identifier(piece.entry.get("id"), "entry.id")
    return told not in ("", "0", own)


def key(*parts: str) -> str:
    """A dedup key: the parts joined by colons, hashed when that would be too long or hold odd characters."""
    joined = ":".join(parts)
    if len(joined) <= MAX_KEY and joined.isascii() and joined.isprintable():
        return joined
    head = parts[0] if parts[0].isascii() and parts[0].isprintable() else "event"
    return f"{head[:40]}:{digest(joined)}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(event: Any) -> str:
    """A hash of what the event says, whatever the order of its fields. Raises ValueError when it is too deep."""
    try:
        return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except orjson.JSONEncodeError as error:
        raise ValueError("The event is nested too deeply.") from error


def identifier(value: Any, what: str, limit: int = 100) -> str:
    """An id as text, '' for none. Raises ValueError when it is no text or number, too long, or holds odd characters."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str) and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"{what} is not an id.")
    text = str(value)
    if len(text) > limit or not text.isprintable():
        raise ValueError(f"{what} is too long or holds odd characters.")
    return text


def members(value: Any, what: str) -> dict[str, Any]:
    """An object, {} for none. Raises ValueError when it is something else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not an object.")
    return value


def words(value: Any, what: str) -> str:
    """Text as it may be stored, '' for none. Raises ValueError when it is something else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{what} is not text.")
    return storable(value)


def name(value: Any) -> str:
    """A person's name; anything but text is no name."""
    return one_line(value, 120) if isinstance(value, str) else ""


def picture(value: Any) -> str:
    """The address of a person's picture; anything but a reasonable https address is none."""
    return value if isinstance(value, str) and value.startswith("https://") and len(value) <= 500 else ""


def stamp(value: Any, what: str) -> str:
    """A time as it stands in the event, for a dedup key. Raises ValueError when it can be no time."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{what} is not a time.")
    return str(value)


def when(value: Any, what: str, received_at: datetime) -> datetime | None:
    """A time in UTC, None for none: epoch seconds or milliseconds (Meta uses both, also as text) or ISO 8601.

    Absurd times become ``received_at``; raises ValueError when it can be no time."""
    text = stamp(value, what)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        try:
            told = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{what} is not a time.") from None
        return clock.plausible(told if told.tzinfo else told.replace(tzinfo=UTC), received_at).astimezone(UTC)
    seconds = number / 1000 if number > 1e11 else number
    return clock.platform_time(seconds, received_at)
