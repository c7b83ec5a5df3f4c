"""The Jinja environment of the desk's templates."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.backends.utils import csrf_input
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from heroicons.jinja import heroicon_outline
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from parlour.channels import registry
from parlour.staff import access
from parlour.understanding import categories, personal
from parlour.understanding.heads import INTENT_NAMES
from parlour.web import bubbles, files, words


@cache
def icon(name: str, size: int = 18) -> Markup:
    """An outline icon, hidden from screen readers (the text beside it, or an aria-label, says what it is)."""
    return Markup(heroicon_outline(name, size=size, stroke_width="1.7", focusable="false"))  # noqa: S704 - our package's own SVG


@cache
def small_icon(name: str, size: int = 16) -> Markup:
    """The same, drawn stronger so that it holds beside small type."""
    return Markup(heroicon_outline(name, size=size, stroke_width="2", focusable="false"))  # noqa: S704 - our package's own SVG


@cache
def channel_icon(name: str) -> Markup:
    """The channel's own icon from its folder; nothing for a channel that is no longer registered."""
    channel = registry.CHANNELS.get(name)
    return Markup(channel.icon) if channel else Markup("")  # noqa: S704 - a file of ours


def channel_label(name: str) -> str:
    channel = registry.CHANNELS.get(name)
    return channel.label if channel else name.title()


def category_name(slug: str, brand_id: int | None = None) -> str:
    return categories.name(slug, brand_id)


def token_once(request: HttpRequest) -> dict[str, Any]:
    """The hidden field of forms, made for the first form of a page and the same in all others: Django masks it anew each time."""
    return {"csrf_input": SimpleLazyObject(lambda: csrf_input(request))}


def url(name: str, *args: Any) -> str:
    return reverse(name, args=args)


def environment(**options: Any) -> Environment:
    """What ``TEMPLATES`` names. A misspelt variable is an error, not an empty space."""
    options |= {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    options.pop("autoescape", None)
    built = Environment(autoescape=True, **options)
    built.globals.update(
        file_room=settings.FILE_BYTES,
        url=url,
        static=files.address,
        icon=icon,
        small_icon=small_icon,
        channel_icon=channel_icon,
        channel_label=channel_label,
        category_name=category_name,
        case_clock=words.case_clock,
        between=words.between,
        seconds_until=words.seconds_until,
        reactions=words.reactions,
        stars=words.stars,
        facts=words.facts,
        folded=words.folded,
        shown_as=words.shown_as,
        file_type=words.file_type,
        may=access.may,
        INTENT_NAMES=INTENT_NAMES,
    )
    built.filters.update(
        channel_name=channel_label,
        zip=zip,
        with_token=bubbles.with_token,
        ago=words.ago,
        since=words.since,
        stamp=words.stamp,
        span=words.span,
        countdown=words.countdown,
        number=words.number,
        file_size=words.file_size,
        media_json=words.media_json,
        count_words=words.count,
        initials=words.initials,
        hue=words.hue,
        bars=words.bars,
        linked=words.linked,
        found=words.found,
        personal_words=personal.in_words,
    )
    return built
