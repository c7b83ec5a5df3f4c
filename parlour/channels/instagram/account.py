"""The account of an inbox: what it needs to be told, and which of the two flavours of Meta's API it speaks."""

from __future__ import annotations

import re
from dataclasses import replace

from parlour.channels import graph, meta
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import Author, ChannelError, ErrorKind, InboxConfig, Setting
from parlour.channels.messenger.sending import Sender
from parlour.lib.text import one_line

BASES = {"facebook": meta.GRAPH, "instagram": "https://graph.instagram.com/v26.0"}
"""Of each way to sign in, the API that takes its tokens."""


def _ig_id(value: str) -> str | None:
    fine = value.isascii() and value.isdecimal() and len(value) <= 30
    return None if fine else "It is the account's number (such as 17841405309211844), not its name."


def _username(value: str) -> str | None:
    fine = not value or re.fullmatch(r"[\w.]{1,30}", value, re.ASCII)
    return None if fine else "It is the name in the address of the profile, without the @."


SETTINGS = (
    Setting(
        "ig_id",
        "Instagram account id",
        "The number of the professional account (it begins with 17841): developers.facebook.com, your app, Instagram, API setup.",
        check=_ig_id,
    ),
    Setting(
        "login",
        "Sign-in of the token",
        "How the access token was made.",
        default="instagram",
        options=(("instagram", "Instagram Login"), ("facebook", "That of the Facebook Page the account is linked to")),
    ),
    meta.APP_SECRET,
    meta.VERIFY_TOKEN,
    Setting(
        "access_token",
        "Access token",
        "Sends answers: of the Instagram account, or of its Page, as chosen above. Take one that lasts.",
        secret=True,
        check=printable,
    ),
    Setting(
        "username",
        "Account name",
        "Without the @. With it, comments the brand writes in the app are known as its own in any case.",
        required=False,
        advanced=True,
        check=_username,
    ),
    Setting(
        "api_base",
        "API address",
        f"Leave it empty for {BASES['instagram']} or {BASES['facebook']}, as the token needs it.",
        required=False,
        advanced=True,
        check=web_address(meta.GRAPH),
    ),
)
SENDER = Sender(account="me", label="Instagram", metadata=False, within={}, upload={"platform": "instagram"})


def ig_id(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("ig_id", ""))


def realm(inbox: InboxConfig) -> str:
    """One name space for who comments and who writes: both are named by their Instagram-scoped id."""
    return f"instagram:{ig_id(inbox)}"


def brand(inbox: InboxConfig) -> Author:
    """The account itself, as an author."""
    return Author(realm(inbox), ig_id(inbox))


def is_brand(inbox: InboxConfig, external_id: str, username: str) -> bool:
    known = str(inbox.settings.get("username", "")).casefold()
    return external_id == ig_id(inbox) or bool(known and username.casefold() == known)


def dressed(inbox: InboxConfig) -> InboxConfig:
    """The inbox with the API's address that its token needs."""
    if inbox.settings.get("api_base"):
        return inbox
    base = BASES.get(str(inbox.settings.get("login", "")), BASES["instagram"])
    return replace(inbox, settings={**inbox.settings, "api_base": base})


def check(inbox: InboxConfig) -> str:
    """Words about the account the token speaks for. Raises ChannelError."""
    inbox, own = dressed(inbox), ig_id(inbox)
    if inbox.settings.get("login") == "facebook":
        told = graph.call(inbox, "GET", own, table=graph.COMMENTS, params={"fields": "id,username"})
        found = str(told.get("id", ""))
    else:
        # Of a token of Instagram Login, ``id`` is another number; webhooks name the account by ``user_id``.
        told = graph.call(inbox, "GET", "me", table=graph.COMMENTS, params={"fields": "user_id,username"})
        found = str(told.get("user_id", ""))
    if found != own:
        words = f"The token belongs to the account {one_line(found, 40) or 'of nobody'}, not to {own}."
        raise ChannelError(ErrorKind.INVALID, words)
    return f"Connected to @{one_line(str(told.get('username', '')), 60) or own}."
