"""Reviews in app stores and of places: polled, and answered once, in public."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Act,
    Capabilities,
    ChannelError,
    ErrorKind,
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
from parlour.channels.reviews import appstore, business, play, polling, reading, tokens
from parlour.channels.reviews.fields import STORES, ident
from parlour.channels.reviews.shops import LIMITS, realm_of, shop_of, store_of
from parlour.lib.text import storable


def _app(value: str) -> str | None:
    if ident(value) or business.PLACE.fullmatch(value):
        return None
    return "It is a package name (com.example.app), an Apple ID (1234567890) or a place (accounts/1/locations/2)."


def _key(value: str) -> str | None:
    return (
        None
        if not value or "PRIVATE KEY" in value
        else "It begins with -----BEGIN PRIVATE KEY-----: paste the whole .p8 file."
    )


class Reviews(Base):
    name = "reviews"
    label = "Reviews"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    oauth = tokens.OAUTH
    account_by = ("store", "app")
    settings: tuple[Setting, ...] = (
        Setting("store", "Store", "Where the reviews are.", default="play", options=tuple(STORES.items())),
        Setting(
            "app",
            "App or place",
            "Google Play: the package name, as in the address of its page (com.example.app). App Store: the Apple ID, a number, under App "
            "information. Google Business: accounts/…/locations/…, as the Business Profile API names the place.",
            check=_app,
        ),
        Setting(
            "service_account",
            "Key of a service account",
            "The whole JSON file. Google Cloud console: IAM, Service accounts, Keys; the account must be invited in the Play Console under "
            "Users and permissions with “Reply to reviews”.",
            when=("store", "play"),
            secret=True,
            long=True,
            check=tokens.key_problem,
        ),
        Setting(
            "key_id",
            "Key ID",
            "App Store Connect: Users and access, Integrations, App Store Connect API. The key needs the role Customer Support.",
            when=("store", "appstore"),
            check=printable,
        ),
        Setting("issuer_id", "Issuer ID", "Above the list of keys.", when=("store", "appstore"), check=printable),
        Setting(
            "private_key",
            "Private key",
            "The whole text of the .p8 file, which Apple gives once.",
            when=("store", "appstore"),
            secret=True,
            long=True,
            check=_key,
        ),
        Setting(
            "client_id",
            "OAuth client id",
            "Google Cloud console: APIs and services, Credentials, a client of the type “Web application”. Then sign in at Google.",
            when=("store", "business"),
            check=printable,
        ),
        Setting(
            "client_secret",
            "OAuth client secret",
            "Beside the client id.",
            when=("store", "business"),
            secret=True,
            check=printable,
        ),
        Setting(
            "refresh_token",
            "Refresh token",
            "Filled in by signing in at Google.",
            when=("store", "business"),
            secret=True,
            check=printable,
        ),
        Setting(
            "api_base",
            "API address",
            f"Empty for the store's own: {play.API}, {appstore.API} or {business.API}.",
            required=False,
            advanced=True,
            check=web_address(play.API),
        ),
        Setting(
            "token_url",
            "Address of Google's tokens",
            required=False,
            default=tokens.TOKEN_URL,
            when=("store", "play", "business"),
            advanced=True,
            check=web_address(play.API),
        ),
    )
    capabilities = Capabilities(
        # The longest of the three; what an inbox may send is ``limit``'s to say.
        public=LIMITS["appstore"],
        acts_public=frozenset({"delete"}),
        edits=True,
        webhook=False,
        poll_seconds=300,
        one_answer=True,
        rate=Rate(2000, 86_400.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return realm_of(inbox)

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return reading.split(payload)
        except reading.EnvelopeError as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(reading.inbounds(body, inbox, received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        text = storable(outbound.text).strip()
        if outbound.visibility != "public" or outbound.mode != "reply":
            raise ChannelError(
                ErrorKind.INVALID, "Reviews are answered in public: there is no way to write to a reviewer."
            )
        if outbound.attachments:
            raise ChannelError(ErrorKind.INVALID, "An answer to a review holds words only, no files.")
        if not text:
            raise ChannelError(ErrorKind.INVALID, "An answer to a review needs some text.")
        review = _review(outbound.thread or outbound.target)
        made = shop_of(inbox).reply(inbox, review, text)
        return Receipt(reading.reply_id(review, made.version))

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        if act != "delete" or visibility != "public":
            super().act(inbox, act, target, visibility)
        if reading.REPLY not in target:
            raise ChannelError(
                ErrorKind.INVALID, "A review can only be deleted by whoever wrote it; our answer can be taken back."
            )
        shop_of(inbox).withdraw(inbox, _review(target))

    def limit(self, inbox: InboxConfig, visibility: Visibility) -> Limit | None:
        return LIMITS[store_of(inbox)] if visibility == "public" else None

    def measure(self, inbox: InboxConfig, text: str, visibility: Visibility) -> int:
        return len(text.encode("utf-8", "replace")) if store_of(inbox) == "business" else len(text)

    def check(self, inbox: InboxConfig) -> str:
        return shop_of(inbox).check(inbox)


def _review(external_id: str) -> str:
    """Raises ChannelError: what is no id never becomes part of an address."""
    if not (found := ident(reading.review_of(external_id))):
        raise ChannelError(ErrorKind.INVALID, "The store needs the id of a review to answer.")
    return found


channel = Reviews()
