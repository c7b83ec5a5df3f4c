"""What the widget asks of the desk, besides the door (``/in/chat/<key>``) and the stream. No cookies: each request carries the visitor's
token, so no other site can speak for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache, wraps
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from parlour.channels import queries as channels
from parlour.channels.chat import events, hours, visitors
from parlour.channels.chat.floods import SESSION_EACH_SECOND, SESSION_MOST, Floods
from parlour.channels.chat.settings import ink, origins, setting
from parlour.channels.chat.visitors import NotKnown, Visitor
from parlour.channels.contract import InboxConfig
from parlour.channels.models import Inbox
from parlour.chat import files, shown
from parlour.chat.words import WORDS, language
from parlour.lib import clock, serve
from parlour.lib.files import Unavailable

SETTINGS_MARK = b'"@SETTINGS@"'
EVERYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""For sites that isolate themselves (COEP)."""

SPENT = "Whoever this token was for has signed in since; it opens nothing any more."
_new = Floods()

View = Callable[..., HttpResponse]


def _with_inbox(view: View) -> View:
    """Give a view the inbox of the key in its address; 404 for none."""

    @wraps(view)
    def answer(request: HttpRequest, key: str, *more: Any, **named: Any) -> HttpResponse:
        inbox = channels.inbox_by_key("chat", key)
        if inbox is None:
            return HttpResponse("There is no such chat.", status=404, content_type="text/plain; charset=utf-8")
        return view(request, inbox, *more, **named)

    return answer


def _with_visitor(view: View) -> View:
    """Give a view the visitor of the token; 401 for none, 403 for one that is spent."""

    @_with_inbox
    @wraps(view)
    def answer(request: HttpRequest, inbox: Inbox, *more: Any, **named: Any) -> HttpResponse:
        try:
            visitor = visitors.opened(channels.config(inbox), bearer(request.headers.get("Authorization", "")))
        except NotKnown as error:
            return JsonResponse({"error": str(error)}, status=401)
        if shown.spent(inbox, visitor):
            return JsonResponse({"error": SPENT}, status=403)
        return view(request, inbox, visitor, *more, **named)

    return answer


def bearer(header: str) -> str:
    """The token of an Authorization header, '' for none."""
    scheme, _, token = header.partition(" ")
    return token if scheme.lower() == "bearer" else ""


@require_safe
def static(_: HttpRequest, edition: str, name: str) -> HttpResponse:
    """One of the widget's files."""
    if name not in files.files():
        return HttpResponse("There is no such file.", status=404, content_type="text/plain; charset=utf-8")
    content, kind = files.files()[name]
    kept = "public, max-age=31536000, immutable" if edition == files.edition() else "no-cache"
    return HttpResponse(content, content_type=kind, headers={"Cache-Control": kept})


@require_safe
@_with_inbox
def script(request: HttpRequest, inbox: Inbox) -> HttpResponse:
    """What the brand's pages load: the button, and the frame once it is pressed."""
    config = channels.config(inbox)
    spoken = language(setting(config, "language"), request.headers.get("Accept-Language", ""))
    words, brand, colour = WORDS[spoken], _title(config, inbox), setting(config, "colour")
    told = {
        "key": inbox.key,
        "colour": colour,
        "ink": ink(colour),
        "language": spoken,
        "chat": words["chat"].replace("{brand}", brand),
        "new_one": words["new_one"].replace("{brand}", brand),
        "new": words["new"].replace("{brand}", brand),
    }
    body = files.files()["widget.js"][0].replace(SETTINGS_MARK, orjson.dumps(told), 1)
    headers = {"Cache-Control": "public, max-age=300", "Vary": "Accept-Language", **EVERYWHERE}
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)


@require_safe
@_with_inbox
def frame(request: HttpRequest, inbox: Inbox) -> HttpResponse:
    """The conversation, framed by the brand's pages (and by nobody else's) or opened by itself."""
    config = channels.config(inbox)
    spoken = language(setting(config, "language"), request.headers.get("Accept-Language", ""))
    colour, brand = setting(config, "colour"), _title(config, inbox)
    words = {name: said.replace("{brand}", brand) for name, said in WORDS[spoken].items()}
    html = _template().render(
        inbox=inbox,
        brand=brand,
        language=spoken,
        words=words,
        words_json=orjson.dumps(words).decode(),
        welcome=setting(config, "welcome") or words["welcome"],
        away=setting(config, "away") or words["away"],
        colour=colour,
        ink=ink(colour),
        edition=files.edition(),
        text_limit=events.TEXT_LIMIT,
        file_bytes=events.FILE_BYTES,
        file_count=events.FILE_COUNT,
    )
    policy = [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob:",
        "form-action 'none'",
        "base-uri 'none'",
        # Where a browser knows this, it overrules X-Frame-Options.
        f"frame-ancestors {' '.join(_origins(config))}",
    ]
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "Vary": "Accept-Language",
        "Referrer-Policy": "no-referrer",
    }
    return HttpResponse(html, headers=headers)


@csrf_exempt
@require_POST
@_with_inbox
def session(request: HttpRequest, inbox: Inbox) -> HttpResponse:
    """Who they are from now on: ``{"token": ours or null, "identity": the site's or null}`` gives a fresh token. 403 when the site's own
    token proves nothing; one of ours that proves nothing any more, or is spent, is a new visitor's (429: too many of those from one
    address). Somebody the site does not vouch for any more has ``left``."""
    config = channels.config(inbox)
    told = _json(request)
    if told is None:
        return JsonResponse({"error": "The body must be one JSON object."}, status=400)
    before = _before(config, told.get("token"))
    if told.get("identity"):
        try:
            visitor = visitors.vouched(config, str(told["identity"])[: visitors.TOKEN_LIMIT])
        except NotKnown as error:
            return JsonResponse({"error": str(error)}, status=403)
        if before is not None and not before.known and not shown.join(inbox, visitor, before):
            before = None
        visitor = visitors.after(visitor, before)
    elif before is not None and not before.known and not shown.spent(inbox, before):
        visitor = replace(before, said=shown.has_spoken(inbox, before))
    elif _too_many(inbox, request.META.get("REMOTE_ADDR", "")):
        return JsonResponse({"error": "Very many chats were begun from your address; wait a moment."}, status=429)
    else:
        visitor = visitors.somebody()
    left = before is not None and before.known and before.id != visitor.id
    named = {"known": visitor.known, "email": bool(visitor.email), "left": left}
    return JsonResponse({"token": visitors.seal(config, visitor), **named})


def _too_many(inbox: Inbox, address: str) -> bool:
    """Whether an address begins too many chats. One that is not public is a proxy's in front of everybody, and says nothing."""
    try:
        place = ip_address(address)
    except ValueError:
        return False
    if not place.is_global:
        return False
    # A household has 2**64 addresses of the new kind.
    home = str(ip_network((place, 64), strict=False) if place.version == 6 else place)
    return not _new.take((inbox.key, home), 1, most=SESSION_MOST, each_second=SESSION_EACH_SECOND)


def _before(config: InboxConfig, token: object) -> Visitor | None:
    try:
        return visitors.opened(config, token) if isinstance(token, str) and token else None
    except NotKnown:
        return None


def _json(request: HttpRequest) -> dict[str, Any] | None:
    try:
        told = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
    return told if isinstance(told, dict) else None


@require_safe
@_with_inbox
def hours_now(_: HttpRequest, inbox: Inbox) -> HttpResponse:
    """``{"opens": when somebody is there again, or null while somebody is}``."""
    opens = _opens(channels.config(inbox))
    return JsonResponse({"opens": opens.isoformat() if opens else None})


def _opens(config: InboxConfig) -> datetime | None:
    try:
        spans, where = hours.read(setting(config, "hours")), hours.zone(setting(config, "timezone"))
    except ValueError:
        return None
    return hours.opens_at(spans, where, clock.now())


@require_safe
@_with_visitor
def messages(request: HttpRequest, inbox: Inbox, visitor: Visitor) -> HttpResponse:
    """A page of the visitor's conversation: the newest, or what lies before the cursor ``before``."""
    try:
        return JsonResponse(shown.page(inbox, visitor, request.GET.get("before", "")))
    except shown.WrongCursor as error:
        return JsonResponse({"error": str(error)}, status=400)


@require_safe
@_with_visitor
def file(request: HttpRequest, inbox: Inbox, visitor: Visitor, number: int) -> HttpResponse:
    """A file of the visitor's conversation, theirs or the brand's."""
    found = shown.attachment(inbox, visitor, number)
    try:
        if found is not None:
            return serve.answer(request, found.digest, found.name or found.kind)
    except Unavailable:
        pass
    return JsonResponse({"error": "There is no such file."}, status=404)


def _title(config: InboxConfig, inbox: Inbox) -> str:
    return setting(config, "title") or inbox.brand.name


def _origins(config: InboxConfig) -> list[str]:
    try:
        return origins(setting(config, "origins"))
    except ValueError:
        return ["'none'"]


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent / "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("chat.html")
