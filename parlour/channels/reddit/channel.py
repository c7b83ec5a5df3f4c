"""Reddit: answers and mentions in public, modmail and messages in private; subreddits and searches that are listened to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Act,
    Author,
    Capabilities,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Poll,
    Rate,
    Receipt,
    Refused,
    Setting,
    Split,
    Visibility,
)
from parlour.channels.reddit import parsing, polling, sending
from parlour.channels.reddit.calls import API, SIGN_IN
from parlour.channels.reddit.reading import NAME, REALM
from parlour.channels.social import saved

_SUBREDDIT = re.compile(r"[A-Za-z0-9_]{2,24}")


def _username(value: str) -> str | None:
    return None if NAME.fullmatch(value.removeprefix("/").removeprefix("u/")) else "It is a name such as LumaHelp."


def _subreddits(value: str) -> str | None:
    wrong = next((one for one in saved(value, 1000) if not _SUBREDDIT.fullmatch(one)), None)
    return None if wrong is None else f"{wrong[:40]!r} is not the name of a subreddit: give it without r/."


class Reddit(Base):
    name = "reddit"
    label = "Reddit"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    account_by = ("username", "subreddits", "modmail", "search")
    settings: tuple[Setting, ...] = (
        Setting("username", "Name", "The brand's name on Reddit, without u/.", check=_username),
        Setting(
            "client_id",
            "Client id",
            "Of an app of the kind 'script' on https://www.reddit.com/prefs/apps: the letters under its name. Reddit has to have "
            "approved the use of its Data API.",
            check=printable,
        ),
        Setting(
            "client_secret",
            "Client secret",
            "Of the same app: what stands beside 'secret'.",
            secret=True,
            check=printable,
        ),
        Setting(
            "password",
            "Password",
            "Of the brand's account; not possible with two-factor sign-in. Leave it empty where there is a refresh token.",
            required=False,
            secret=True,
        ),
        Setting(
            "refresh_token",
            "Refresh token",
            "A permanent one, for identity, read, submit, edit, privatemessages, history, modmail, modposts.",
            required=False,
            secret=True,
            check=printable,
        ),
        Setting(
            "subreddits",
            "Subreddits to listen to",
            "Separated by commas, without r/: new posts and comments there come in as if they were addressed to the brand.",
            required=False,
            check=_subreddits,
        ),
        Setting(
            "modmail",
            "Own subreddits",
            "Separated by commas, without r/: where the brand moderates. Their modmail comes in as private messages.",
            required=False,
            check=_subreddits,
        ),
        Setting(
            "search",
            "Searches to listen to",
            "Separated by commas: new posts that fit come in, at most ten searches.",
            required=False,
        ),
        Setting(
            "api_base",
            "API address",
            "Where requests go to.",
            required=False,
            default=API,
            advanced=True,
            check=web_address(API),
        ),
        Setting(
            "auth_base",
            "Sign-in address",
            "Where tokens come from.",
            required=False,
            default=SIGN_IN,
            advanced=True,
            check=web_address(SIGN_IN),
        ),
    )
    capabilities = Capabilities(
        public=Limit(sending.LENGTH),
        private=Limit(sending.LENGTH),
        private_reply=True,
        acts_public=frozenset({"delete", "hide", "unhide"}),
        edits=True,
        webhook=False,
        poll_seconds=30,
        profiles=True,
        profile_days=30,
        parts=10,
        rate=Rate(30, 60.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return REALM

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return [parsing.split(payload)]
        except parsing.NotAnEvent as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(parsing.inbounds(body, received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        return sending.profile(inbox, external_id)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = Reddit()
