"""What proves to the stores that the desk may ask: keys, and the access tokens given for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

EMAIL = "desk@luma.iam.example.com"


@dataclass(slots=True)
class Keys:
    """Of the service account (Google Play), the team (App Store), and whoever signed in (Google Business)."""

    account: str
    team: str
    client_secret: str
    refresh_token: str
    client_id: str = "luma.apps.example.com"
    key_id: str = "2X9R4HXF34"
    issuer: str = "57246542-96fe-1a63-e053-0824d011072a"
    given: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Access token -> store and when it ends."""

    @classmethod
    def made(cls, kept: Mapping[str, str]) -> Keys:
        """Those of an earlier start, else new ones."""
        account, team = kept.get("service_account", ""), kept.get("private_key", "")
        return cls(
            account=orjson.loads(account)["private_key"] if account else _pem(rsa.generate_private_key(65537, 2048)),
            team=team or _pem(ec.generate_private_key(ec.SECP256R1())),
            client_secret=kept.get("client_secret") or secrets.token_hex(12),
            refresh_token=kept.get("refresh_token") or secrets.token_urlsafe(24),
        )

    def file(self) -> str:
        """The service account's key file."""
        told = {"type": "service_account", "client_email": EMAIL, "private_key_id": "k1", "private_key": self.account}
        return orjson.dumps(told).decode()

    def allow(self, store: str, token: str) -> bool:
        """Whether a store takes this access token."""
        if store != "appstore":
            given = self.given.get(token)
            return given is not None and given[0] == store and given[1] > time.time()
        public: Any = load_pem_private_key(self.team.encode(), None).public_key()
        try:
            head = jwt.get_unverified_header(token)
            told = jwt.decode(token, public, algorithms=["ES256"], audience="appstoreconnect-v1", issuer=self.issuer)
        except jwt.PyJWTError:
            return False
        return bool(head.get("kid") == self.key_id and told["exp"] - told.get("iat", 0) <= 1200)

    def exchange(self, form: Mapping[str, str]) -> str:
        """An access token for what was shown, '' when it proves nothing."""
        if form.get("grant_type") == "refresh_token":
            names = ("client_id", "client_secret", "refresh_token")
            fine, store = all(form.get(name) == getattr(self, name) for name in names), "business"
        else:
            fine, store = self._stated(form), "play"
        if not fine:
            return ""
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.given[token] = (store, time.time() + 3600)
        return token

    def _stated(self, form: Mapping[str, str]) -> bool:
        public: Any = load_pem_private_key(self.account.encode(), None).public_key()
        try:
            told = jwt.decode(form.get("assertion", ""), public, algorithms=["RS256"], options={"verify_aud": False})
        except jwt.PyJWTError:
            return False
        right = told.get("iss") == EMAIL and str(told.get("scope")).endswith("/androidpublisher")
        return bool(right and str(told.get("aud")).endswith("/token") and told["exp"] - told.get("iat", 0) <= 3600)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
