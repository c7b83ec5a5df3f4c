"""Verbs of the channels room: connecting inboxes and noting how they fare."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from parlour.channels import registry
from parlour.channels.contract import Channel
from parlour.channels.models import Brand, Inbox
from parlour.lib import secretbox
from parlour.lib.text import one_line


class WrongSettings(ValueError):
    """One or more settings of an inbox are unknown, missing or wrong; each is a sentence in ``problems``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def checked_settings(channel: Channel, given: Mapping[str, str]) -> dict[str, str]:
    """``given`` with defaults filled in. Raises WrongSettings naming every problem at once."""
    known = {setting.name: setting for setting in channel.settings}
    problems = [
        f"Unknown setting {name!r} for {channel.name}; it takes {', '.join(known)}."
        for name in given
        if name not in known
    ]
    values: dict[str, str] = {}
    for setting in channel.settings:
        value = given.get(setting.name, "").strip() or setting.default
        if setting.required and not value:
            problems.append(f"Missing setting {setting.name!r} ({setting.label}).")
        elif value and (wrong := setting.check(value)):
            problems.append(f"Setting {setting.name!r}: {wrong}")
        values[setting.name] = value
    if problems:
        raise WrongSettings(problems)
    return values


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


def mark_recorded(brand_id: int) -> None:
    """Note that a brand is known from recordings only, unless it has an inbox that works."""
    living = Inbox.objects.filter(brand_id=brand_id).exclude(health=Inbox.Health.PAUSED)
    Brand.objects.filter(pk=brand_id).exclude(pk__in=living.values("brand_id")).update(recorded=True)


def update_settings(inbox_id: int, changes: Mapping[str, str]) -> Inbox:
    """The inbox with ``changes`` laid over its settings. Raises Inbox.DoesNotExist or WrongSettings, and changes nothing then."""
    with transaction.atomic():
        inbox = Inbox.objects.select_for_update().get(pk=inbox_id)
        kept = {name: str(value) for name, value in inbox.settings.items()}
        inbox.sealed = secretbox.seal(checked_settings(registry.get(inbox.channel), {**kept, **changes}))
        inbox.save(update_fields=["sealed"])
    return Inbox.objects.select_related("brand").get(pk=inbox_id)


def note_health(inbox_id: int, health: str, words: str = "") -> None:
    """Note that an inbox works or what is wrong with it; writes only on a change."""
    Inbox.objects.filter(pk=inbox_id).exclude(health=health, health_note=words[:300]).update(
        health=health, health_note=words[:300]
    )
