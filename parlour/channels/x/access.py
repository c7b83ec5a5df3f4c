"""How an account is connected by signing in at X (OAuth 2.0 with PKCE), and how its access token is renewed."""

from __future__ import annotations

from collections.abc import Mapping

from parlour.channels.contract import InboxConfig, OAuth
from parlour.channels.signing_in import token

OAUTH = OAuth(
    authorize="https://x.com/i/oauth2/authorize",
    token="{api_base}/2/oauth2/token",  # noqa: S106
    scopes=(
        "tweet.read",
        "tweet.write",
        "tweet.moderate.write",
        "users.read",
        "dm.read",
        "dm.write",
        "media.write",
        "offline.access",
    ),
    settings={"access_token": "access_token", "refresh_token": "refresh_token"},
    basic=True,
)


def renew(inbox: InboxConfig) -> Mapping[str, str]:
    """A new access token, and the new refresh token X gives with it: the old one is spent. Empty when there is none to use.

    Raises ChannelError with AUTH_EXPIRED when X does not take the refresh token any more: somebody must sign in again.
    """
    spent = str(inbox.settings.get("refresh_token") or "")
    if not spent or not inbox.settings.get("client_id"):
        return {}
    answer = token(OAUTH, inbox, {"grant_type": "refresh_token", "refresh_token": spent})
    return {name: str(answer[field]) for name, field in OAUTH.settings.items() if answer.get(field)}
