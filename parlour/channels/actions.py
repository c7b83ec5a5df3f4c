"""Verbs of the channels room: connecting inboxes and noting how they fare."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from parlour.channels import registry
from parlour.channels.contract import Channel, Setting
from parlour.channels.models import STILL, Brand, Inbox
from parlour.channels.signing_in import begin as begin_sign_in
from parlour.channels.signing_in import finish as finish_sign_in
from parlour.channels.signing_in import register as register_client
from parlour.channels.signing_in import way as sign_in_of
from parlour.lib import clock, secretbox
from parlour.lib.text import one_line
from parlour.spine import actions as spine


class WrongSettings(ValueError):
    """One or more settings of an inbox are unknown, missing or wrong; each is a sentence in ``problems``, and by its name in ``fields``."""

    def __init__(self, problems: list[str], fields: Mapping[str, str] | None = None) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems
        self.fields = dict(fields or {})


def checked_settings(channel: Channel, given: Mapping[str, str]) -> dict[str, str]:
    """``given`` with defaults filled in. Raises WrongSettings naming every problem at once.

    What signing in at the platform brings (``Channel.oauth``) may be missing until somebody has done so. What is not asked for with
    the other values (``Setting.when``) is left out, whatever was given.
    """
    signs_in = channel.oauth is not None and (given.get("client_id") or channel.oauth.register)
    later = set(channel.oauth.settings) if channel.oauth and signs_in else set()
    known = {setting.name: setting for setting in channel.settings}
    problems = [
        f"Unknown setting {name!r} for {channel.name}; it takes {', '.join(known)}."
        for name in given
        if name not in known
    ]
    values: dict[str, str] = {}
    fields: dict[str, str] = {}
    for setting in channel.settings:
        asked = setting.asked(values)
        value = (given.get(setting.name, "").strip() if asked else "") or setting.default
        if setting.required and asked and not value and setting.name not in later:
            problems.append(f"Missing setting {setting.name!r} ({setting.label}{_with(channel, setting)}).")
            fields[setting.name] = f"This is needed{_with(channel, setting)}."
        elif value and (wrong := _wrong(setting, value)):
            problems.append(f"Setting {setting.name!r}: {wrong}")
            fields[setting.name] = wrong
        values[setting.name] = value
    if problems:
        raise WrongSettings(problems, fields)
    return values


def _with(channel: Channel, setting: Setting) -> str:
    words = asked_with(channel, setting)
    return f" {words}" if words else ""


def asked_with(channel: Channel, setting: Setting) -> str:
    """The choices with which a setting is asked for, in words (with “Google Play”); '' when it always is."""
    if not setting.when:
        return ""
    other = next(one for one in channel.settings if one.name == setting.when[0])
    return "with " + " or ".join(f"“{other.told(value)}”" for value in setting.when[1:])


def made_up(channel: Channel, given: Mapping[str, str]) -> dict[str, str]:
    """What is asked for with ``given``, was left empty and can be made up (``Setting.make``)."""
    values = {one.name: given.get(one.name, "").strip() or one.default for one in channel.settings}
    return {one.name: one.make() for one in channel.settings if one.make and one.asked(values) and not values[one.name]}


def _wrong(setting: Setting, value: str) -> str | None:
    if setting.options and value not in dict(setting.options):
        return f"It is one of {', '.join(dict(setting.options))}."
    return setting.check(value)


def connect_inbox(channel_name: str, brand: str, name: str, settings: Mapping[str, str]) -> Inbox:
    """A new inbox, its brand made if it is new. Raises WrongSettings, LookupError (no such channel) or ValueError (name taken)."""
    channel = registry.get(channel_name)
    values = checked_settings(channel, settings)
    if not brand.strip() or not name.strip():
        raise ValueError("A brand and a name are needed.")
    try:
        with transaction.atomic():
            owner, _ = Brand.objects.get_or_create(name=one_line(brand, 80))
            Brand.objects.filter(pk=owner.pk, recorded=True).update(recorded=False)
            return Inbox.objects.create(
                brand=owner,
                channel=channel.name,
                name=one_line(name, 80),
                key=secrets.token_urlsafe(18),
                sealed=secretbox.seal(values),
            )
    except IntegrityError as error:
        raise ValueError(f"{brand} already has a {channel.name} inbox named {name!r}.") from error


def same_account(channel: Channel, settings: Mapping[str, str]) -> Inbox | None:
    """The inbox that already brings in what one with these (checked) settings would, if there is one."""
    names = channel.account_by
    if not names or not settings.get(names[0]):
        return None
    others = Inbox.objects.filter(channel=channel.name).exclude(health=Inbox.Health.GONE).order_by("id")
    wanted = [settings.get(name, "") for name in names]
    return next((one for one in others if [str(one.settings.get(name, "")) for name in names] == wanted), None)


def mark_recorded(brand_id: int) -> None:
    """Note that a brand is known from recordings only, unless it has an inbox that works."""
    living = Inbox.objects.filter(brand_id=brand_id).exclude(health__in=STILL)
    Brand.objects.filter(pk=brand_id).exclude(pk__in=living.values("brand_id")).update(recorded=True)


def update_settings(inbox_id: int, changes: Mapping[str, str]) -> Inbox:
    """The inbox with ``changes`` laid over its settings. Raises Inbox.DoesNotExist or WrongSettings, and changes nothing then."""
    with transaction.atomic():
        inbox = Inbox.objects.select_for_update().get(pk=inbox_id)
        kept = {name: str(value) for name, value in inbox.settings.items()}
        inbox.sealed = secretbox.seal(checked_settings(registry.get(inbox.channel), {**kept, **changes}))
        inbox.save(update_fields=["sealed"])
    return Inbox.objects.select_related("brand").get(pk=inbox_id)


def note_health(inbox_id: int, health: str, words: str = "", by: str = "") -> None:
    """Note that an inbox works or what is wrong with it; writes only on a change, and never over what a person has decided.

    A ``poll`` that works makes good what a poll has found, and nothing else: an account may be read and yet not answer.
    """
    others = Inbox.objects.filter(pk=inbox_id).exclude(health__in=STILL).exclude(health=health, health_note=words[:300])
    if by and health == Inbox.Health.OK:
        others = others.filter(health_by=by)
    if others.update(health=health, health_note=words[:300], health_by=by, health_at=clock.now()):
        spine.write("inbox.health", inbox=inbox_id, now=health)


def pause(inbox_id: int, words: str = "", *, actor: str = "desk") -> None:
    """Send and fetch nothing until ``resume``; what the platform brings is still taken in."""
    _decide(inbox_id, Inbox.Health.PAUSED, words, actor)


def resume(inbox_id: int, *, actor: str = "desk") -> None:
    """Go on with a paused inbox; polling goes on from where it stood."""
    _decide(inbox_id, Inbox.Health.OK, "", actor)


def disconnect(inbox_id: int, *, actor: str = "desk") -> None:
    """Forget the credentials of an inbox and take nothing in any more. Its conversations stay; nothing brings it back."""
    with transaction.atomic():
        _decide(inbox_id, Inbox.Health.GONE, "", actor)
        Inbox.objects.filter(pk=inbox_id).update(sealed="", key=secrets.token_urlsafe(18))


def _decide(inbox_id: int, health: str, words: str, actor: str) -> None:
    with transaction.atomic():
        rows = Inbox.objects.filter(pk=inbox_id).exclude(health=Inbox.Health.GONE)
        if rows.update(health=health, health_note=words[:300], health_at=clock.now()):
            spine.write("inbox.health", actor=actor, inbox=inbox_id, now=health)


def note_heard(inbox_id: int, at: datetime, lag_seconds: float | None) -> None:
    """Note when something last came, and how late it was."""
    changes = {"heard_at": at} | ({"lag_seconds": lag_seconds} if lag_seconds is not None else {})
    Inbox.objects.filter(pk=inbox_id).update(**changes)


__all__ = [
    "WrongSettings",
    "asked_with",
    "begin_sign_in",
    "checked_settings",
    "connect_inbox",
    "disconnect",
    "finish_sign_in",
    "made_up",
    "mark_recorded",
    "note_health",
    "note_heard",
    "pause",
    "register_client",
    "resume",
    "sign_in_of",
    "update_settings",
]
