"""Signing in at Microsoft 365, which takes no passwords for mail: OAuth 2.0, and the access token in place of the password (XOAUTH2)."""

from __future__ import annotations

from collections.abc import Mapping

from parlour.channels.contract import InboxConfig, OAuth
from parlour.channels.signing_in import token

LOGIN = "https://login.microsoftonline.com/common"
OAUTH = OAuth(
    at="Microsoft",
    authorize="{login_base}/oauth2/v2.0/authorize",
    token="{login_base}/oauth2/v2.0/token",  # noqa: S106
    scopes=(
        "https://outlook.office.com/IMAP.AccessAsUser.All",
        "https://outlook.office.com/SMTP.Send",
        "offline_access",
    ),
    settings={"access_token": "access_token", "refresh_token": "refresh_token"},
)


def renew(inbox: InboxConfig) -> Mapping[str, str]:
    """A new access token, and a new refresh token where one comes with it. Empty when there is none to use. Raises ChannelError with
    AUTH_EXPIRED when the refresh token is not taken any more: somebody must sign in again."""
    known = str(inbox.settings.get("refresh_token") or "")
    if not known or not inbox.settings.get("client_id"):
        return {}
    answer = token(
        OAUTH, inbox, {"grant_type": "refresh_token", "refresh_token": known, "scope": " ".join(OAUTH.scopes)}
    )
    return {name: str(answer[field]) for name, field in OAUTH.settings.items() if answer.get(field)}


def bearer(user: str, access_token: str) -> str:
    """What XOAUTH2 says in place of a password."""
    return f"user={user}\x01auth=Bearer {access_token}\x01\x01"
