"""Connects the desk to the stand-ins: brand, inboxes and secrets, made once and kept over restarts."""

from __future__ import annotations

import secrets
from dataclasses import replace

from parlour.channels import actions, queries, registry
from parlour.channels.models import Inbox
from parlour.playground.wires import BRAND, PAGE_ID, X_USER_ID, Wire
from parlour.playground.world import World

NAMES = {"facebook": f"{BRAND} on Facebook", "messenger": f"{BRAND} on Messenger", "x": f"{BRAND} on X"}


def connect(desk_url: str, playground_url: str) -> list[Wire]:
    """The wires between the desk at ``desk_url`` and the playground at ``playground_url`` (both without a slash at the end).

    Makes the brand and its three inboxes at the first call. Later calls keep their secrets and only set the stand-ins'
    address anew when it has changed.
    """
    found = {
        inbox.channel: inbox
        for inbox in queries.inboxes().filter(brand__name=BRAND)
        if NAMES.get(inbox.channel) == inbox.name
    }
    wires: dict[str, Wire] = {}
    for channel in NAMES:
        wires[channel] = _of_inbox(found[channel]) if channel in found else _new(channel, found, wires)
    return [_connected(wire, found.get(channel), desk_url, playground_url) for channel, wire in wires.items()]


def kept() -> dict[str, dict[str, str]]:
    """Channel -> settings of the brand's inboxes at stand-ins, as made by ``join`` at an earlier start."""
    found = queries.inboxes().filter(brand__name=BRAND)
    return {inbox.channel: dict(inbox.settings) for inbox in found if inbox.name.startswith(f"{BRAND} on ")}


def join(world: World, desk_url: str, playground_url: str) -> None:
    """Connect each stand-in of ``places`` with an inbox, made at the first call, and point its webhooks there."""
    for place in world.places.values():
        for channel in place.channels:
            name = f"{BRAND} on {registry.get(channel).label}"[:80]
            settings = world.settings(channel, playground_url)
            inbox = queries.inboxes().filter(brand__name=BRAND, channel=channel, name=name).first()
            if inbox is None:
                inbox = actions.connect_inbox(channel, BRAND, name, settings)
            elif any(inbox.settings.get(key) != value for key, value in settings.items()):
                inbox = actions.update_settings(inbox.pk, settings)
            if channel in world.postman.targets:
                world.postman.targets[channel].url = desk_url + inbox.webhook_path


def _of_inbox(inbox: Inbox) -> Wire:
    told = inbox.settings
    if inbox.channel == "x":
        return Wire("x", told["user_id"], told["consumer_secret"], told["access_token"])
    return Wire(inbox.channel, told["page_id"], told["app_secret"], told["access_token"], told["verify_token"])


def _new(channel: str, found: dict[str, Inbox], wires: dict[str, Wire]) -> Wire:
    """Fresh secrets; Facebook and Messenger are one Page of one app and share theirs."""
    sister = {"facebook": "messenger", "messenger": "facebook"}.get(channel, "")
    known = _of_inbox(found[sister]) if sister in found else wires.get(sister)
    if known is not None:
        return replace(known, channel=channel)
    if channel == "x":
        return Wire(channel, X_USER_ID, secrets.token_hex(16), secrets.token_urlsafe(32))
    return Wire(channel, PAGE_ID, secrets.token_hex(16), secrets.token_urlsafe(32), secrets.token_urlsafe(12))


def _connected(wire: Wire, inbox: Inbox | None, desk_url: str, playground_url: str) -> Wire:
    settings = wire.settings(playground_url)
    if inbox is None:
        inbox = actions.connect_inbox(wire.channel, BRAND, NAMES[wire.channel], settings)
    elif inbox.settings.get("api_base") != settings["api_base"]:
        inbox = actions.update_settings(inbox.pk, {"api_base": settings["api_base"]})
    return replace(wire, webhook_url=desk_url.rstrip("/") + inbox.webhook_path)
