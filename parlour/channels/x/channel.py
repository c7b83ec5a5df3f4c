"""X: posts that mention or answer the brand in public, and direct messages in private."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from parlour.channels.base import Base
from parlour.channels.checks import printable, web_address
from parlour.channels.contract import (
    Act,
    Answer,
    Attachment,
    Author,
    Capabilities,
    DoorRequest,
    Inbound,
    InboxConfig,
    Limit,
    Outbound,
    Poll,
    Rate,
    Receipt,
    Refused,
    Setting,
    Source,
    Split,
    Visibility,
)
from parlour.channels.x import access, envelope, media, parsing, polling, sending, weight
from parlour.channels.x.calls import API, base
from parlour.channels.x.fields import REALM
from parlour.lib import signing
from parlour.lib.text import json_bytes

# Answering a challenge signs it with the key that signs webhooks: whoever could have a JSON body signed here could
# forge events. X's challenges are short tokens, so nothing with a brace, bracket or quotation mark is ever signed.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.:+/=~ -]{1,256}")


# Pictures of direct messages lie where only the account may fetch them; the API hands them out.
_OF_MESSAGE = re.compile(r"https://ton\.(?:twitter|x)\.com/(?:[\w.]+/)*dm/(\d{1,19})/(\d{1,19})/([\w.-]{1,200})")
SEARCH_LIMIT = 512


def _search(value: str) -> str | None:
    if len(value) > SEARCH_LIMIT:
        return f"A search has at most {SEARCH_LIMIT} characters."
    return None if value.isprintable() else "It holds line breaks or odd characters."


def _user_id(value: str) -> str | None:
    if value.isascii() and value.isdecimal() and len(value) <= 19:
        return None
    return "It is the account's number (such as 2244994945), not its handle."


class X(Base):
    name = "x"
    label = "X"
    icon = (Path(__file__).parent / "icon.svg").read_text(encoding="utf-8")
    oauth = access.OAUTH
    account_by = ("user_id",)
    settings: tuple[Setting, ...] = (
        Setting(
            "user_id",
            "Account number",
            "The numeric id of the brand's account, not its @name. In the X app: Settings, Your account, Account information; or ask the "
            "developer console's lookup.",
            check=_user_id,
        ),
        Setting(
            "consumer_secret",
            "API secret key",
            "Also called consumer secret: developer console, your app, Keys and tokens. It signs what X delivers to the webhook.",
            secret=True,
            check=printable,
        ),
        Setting(
            "client_id",
            "OAuth 2.0 client id",
            "Developer console, your app, Keys and tokens. Needed to sign in at X, and to renew the access token by itself.",
            required=False,
            check=printable,
        ),
        Setting(
            "client_secret",
            "OAuth 2.0 client secret",
            "Beside the client id. Empty for an app of the type “native”.",
            required=False,
            secret=True,
            check=printable,
        ),
        Setting(
            "access_token",
            "Access token",
            "Of the brand's account, filled in by signing in at X. By hand, it needs: tweet.read, tweet.write, tweet.moderate.write, "
            "users.read, dm.read, dm.write, media.write.",
            secret=True,
            check=printable,
        ),
        Setting(
            "refresh_token",
            "Refresh token",
            "Filled in by signing in at X. X's access tokens last two hours; this one gets the next.",
            required=False,
            secret=True,
            check=printable,
        ),
        Setting(
            "search",
            "Only listen to a search",
            "Words to search X for, such as: Luma (router OR “5G”) lang:en. The inbox then brings what the search finds, in place of mentions "
            "and messages. Every post found costs money on X.",
            required=False,
            check=_search,
        ),
        Setting(
            "long_posts",
            "Long posts",
            "X Premium accounts may post up to 25,000 characters.",
            required=False,
            options=(("", "No: 280 characters"), ("yes", "Yes: 25,000 characters")),
            check=lambda value: None if value in ("", "yes") else "It is “yes” or empty.",
        ),
        Setting("api_base", "API address", required=False, default=API, advanced=True, check=web_address(API)),
    )
    capabilities = Capabilities(
        public=Limit(weight.POST_LIMIT, "weighted"),
        private=Limit(weight.MESSAGE_LIMIT),
        private_reply=True,
        acts_public=frozenset({"hide", "unhide", "delete"}),
        acts_private=frozenset({"delete"}),
        edits=True,
        receipts=True,
        poll_seconds=60,
        media_public=media.MOST,
        media_private=media.MOST,
        parts=10,
        media_count=sending.MOST_FILES,
        # Asked only about those whose events came without a name: X takes a cent for each.
        profiles=True,
        rate=Rate(100, 900.0),
    )

    def realm(self, inbox: InboxConfig) -> str:
        return REALM

    def verify(self, request: DoorRequest, inbox: InboxConfig) -> None:
        secret = str(inbox.settings.get("consumer_secret") or "")
        given = request.headers.get("x-twitter-webhooks-signature", "")
        if not given:
            raise Refused(403, "The header x-twitter-webhooks-signature is missing.")
        if not secret or not signing.same(signing.base64_signature(secret, request.body), given):
            raise Refused(403, "The signature does not fit the body.")

    def handshake(self, request: DoorRequest, inbox: InboxConfig) -> Answer:
        secret = str(inbox.settings.get("consumer_secret") or "")
        token = request.query.get("crc_token", "")
        if not _CHALLENGE.fullmatch(token):
            raise Refused(400, "The parameter crc_token is missing or is no challenge of X.")
        if not secret:
            raise Refused(403, "This inbox has no API secret key.")
        answer = {"response_token": signing.base64_signature(secret, token.encode())}
        return Answer(200, json_bytes(answer), "application/json")

    def split(self, payload: Any, body: bytes, inbox: InboxConfig) -> list[Split]:
        try:
            return envelope.split(payload, str(inbox.settings.get("user_id", "")))
        except envelope.EnvelopeError as error:
            raise Refused(400, str(error)) from error

    def parse(self, body: bytes, inbox: InboxConfig, received_at: datetime) -> Iterable[Inbound]:
        return list(parsing.inbounds(body, str(inbox.settings.get("user_id", "")), received_at))

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:
        return polling.poll(inbox, cursor)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:
        return sending.send(inbox, outbound)

    def act(self, inbox: InboxConfig, act: Act, target: str, visibility: Visibility) -> None:
        sending.act(inbox, act, target, visibility)

    def length(self, text: str, visibility: Visibility) -> int:
        return weight.post_length(text) if visibility == "public" else len(text)

    def limit(self, inbox: InboxConfig, visibility: Visibility) -> Limit | None:
        if visibility == "public":
            return Limit(sending.post_limit(inbox), "weighted")
        return self.capabilities.private

    def renew(self, inbox: InboxConfig) -> Mapping[str, str]:
        return access.renew(inbox)

    def profile(self, inbox: InboxConfig, external_id: str) -> Author | None:
        return sending.profile(inbox, external_id)

    def source(self, inbox: InboxConfig, attachment: Attachment) -> Source:
        if found := _OF_MESSAGE.fullmatch(attachment.url.partition("?")[0]):
            message, file, resource = found.groups()
            url = f"{base(inbox)}/2/dm_conversations/media/{message}/{file}/{resource}"
            token = {"authorization": f"Bearer {inbox.settings.get('access_token', '')}"}
            return Source(url, token, mime=attachment.mime, name=attachment.name, own=True)
        return super().source(inbox, attachment)

    def check(self, inbox: InboxConfig) -> str:
        return sending.check(inbox)


channel = X()
