"""How the stand-ins and a desk are joined: accounts, secrets and webhook addresses."""

from __future__ import annotations

from dataclasses import dataclass

BRAND = "Luma"
PAGE_ID = "104250773019001"
X_USER_ID = "1570010000000000001"
X_USERNAME = "LumaHelp"


@dataclass(frozen=True, slots=True)
class Wire:
    """One account of the brand on one stand-in and where its webhooks go ('' until a desk is there)."""

    channel: str
    account_id: str
    """Page id, or user id on X."""
    secret: str
    """App secret, or consumer secret on X: signs the webhooks."""
    access_token: str
    verify_token: str = ""
    webhook_url: str = ""

    def settings(self, base: str) -> dict[str, str]:
        """The settings of an inbox that talks to the stand-in at ``base`` (the playground's own address)."""
        if self.channel == "x":
            return {
                "user_id": self.account_id,
                "consumer_secret": self.secret,
                "access_token": self.access_token,
                "api_base": f"{base}/x-api",
            }
        return {
            "page_id": self.account_id,
            "app_secret": self.secret,
            "verify_token": self.verify_token,
            "access_token": self.access_token,
            "api_base": f"{base}/graph/v25.0",
        }


def made_up(tag: str = "stand-in") -> list[Wire]:
    """Wires with fixed secrets and no webhook address, for tests."""
    secret, token, verify = f"{tag}-app-secret", f"{tag}-page-token", f"{tag}-verify-token"
    return [
        Wire("facebook", PAGE_ID, secret, token, verify),
        Wire("messenger", PAGE_ID, secret, token, verify),
        Wire("x", X_USER_ID, f"{tag}-consumer-secret", f"{tag}-x-token"),
    ]
