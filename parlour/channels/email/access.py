"""Signing in at Microsoft 365, which takes no passwords for mail, and at Google: OAuth 2.0, and the access token in place of the password
(XOAUTH2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parlour.channels.contract import InboxConfig, OAuth
from parlour.channels.signing_in import token

LOGIN = "https://login.microsoftonline.com/common"
GOOGLE_LOGIN = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
TOKENS = {"access_token": "access_token", "refresh_token": "refresh_token"}
GOOGLE = OAuth(
    at="Google",
    authorize="{google_login}",
    token="{google_tokens}",  # noqa: S106
    scopes=("https://mail.google.com/",),
    settings=TOKENS,
    # Without a prompt, Google gives its refresh token at the first sign-in only.
    extra={"access_type": "offline", "prompt": "consent", "login_hint": "{address}"},
)
OAUTH = OAuth(
    at="Microsoft",
    authorize="{login_base}/oauth2/v2.0/authorize",
    token="{login_base}/oauth2/v2.0/token",  # noqa: S106
    scopes=(
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
    ),
    settings=TOKENS,
    extra={"login_hint": "{address}"},
    by="sign_in",
    others={"google": GOOGLE},
)


def renew(inbox: InboxConfig) -> Mapping[str, str]:
    """A new access token, and a new refresh token where one comes with it. Empty when there is none to use. Raises ChannelError with
    AUTH_EXPIRED when the refresh token is not taken any more: somebody must sign in again."""
    known = str(inbox.settings.get("refresh_token") or "")
    if not known or not signs_in(inbox.settings):
        return {}
    oauth = GOOGLE if inbox.settings.get("sign_in") == "google" else OAUTH
    told = {"grant_type": "refresh_token", "refresh_token": known}
    # Google knows the scopes of a refresh token, and takes none with it.
    answer = token(oauth, inbox, told if oauth is GOOGLE else {**told, "scope": " ".join(oauth.scopes)})
    return {name: str(answer[field]) for name, field in oauth.settings.items() if answer.get(field)}


def signs_in(settings: Mapping[str, Any]) -> bool:
    """Whether a token goes in the password's place."""
    return settings.get("sign_in") in ("microsoft", "google")


def bearer(user: str, access_token: str) -> str:
    """What XOAUTH2 says in place of a password."""
    return f"user={user}\x01auth=Bearer {access_token}\x01\x01"
