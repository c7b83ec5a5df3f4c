"""Who writes in the chat: a visitor the desk knows by a random name of its own making, or somebody the brand's site vouches for.

The desk seals what it knows of a visitor into a token (encrypted and signed with the installation's secret): nothing is stored for somebody
who has not written yet. A site vouches with a JSON Web Token (HS256, signed with the inbox's secret): ``sub``, ``exp``, and where it likes
``name`` and ``email``; ``aud``, when there is one, must be the inbox's key.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import jwt

from parlour.channels.contract import InboxConfig
from parlour.lib import secretbox
from parlour.lib.text import one_line

MARK = "chat visitor"
ANONYMOUS = "visitor:"
ID_LIMIT = 150
TOKEN_LIMIT = 8_000
LEEWAY_SECONDS = 30
ANONYMOUS_SECONDS = 90 * 86_400
KNOWN_SECONDS = 12 * 3600
_SEALED = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_JWT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_EMAIL = re.compile(r"[^@\s<>\"'(),:;\[\]\\\x00-\x1f]{1,64}@[^@\s<>\"'(),:;\[\]\\\x00-\x1f]{1,180}\.[A-Za-z0-9-]{2,63}")


class NotKnown(Exception):
    """A token that proves nothing; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """``id`` begins with ``visitor:`` for those the desk named itself, else it is the site's ``sub``."""

    id: str
    name: str = ""
    email: str = ""
    known: bool = False
    """The site has vouched for them."""
    earlier: str = ""
    """What the desk called them in this browser before the site vouched."""
    said: bool = False
    """Words of theirs were here when the token was made."""

    @property
    def thread(self) -> str:
        """External id of their conversation."""
        return f"user:{self.id}" if self.known else self.id

    @property
    def threads(self) -> tuple[str, ...]:
        """The conversations they may read."""
        return (self.thread, self.earlier) if self.earlier else (self.thread,)

    @property
    def may_send_files(self) -> bool:
        """Only of somebody who is vouched for, or has said something: names cost nothing."""
        return self.known or self.said

    @property
    def digest(self) -> str:
        """Short, and tells nothing: the first part of the ids of their messages."""
        return digest_of(self.thread)


def digest_of(thread: str) -> str:
    """``Visitor.digest``, by the external id of their conversation."""
    return hashlib.sha256(thread.encode()).hexdigest()[:24]


def writing(inbox: int, digest: str) -> str:
    """The topic of the bus by which a visitor's windows hear that an answer to them is being written."""
    return f"chat-writing:{inbox}:{digest}"


def somebody() -> Visitor:
    """A new visitor nobody knows anything about."""
    return Visitor(ANONYMOUS + secrets.token_urlsafe(16))


def seal(inbox: InboxConfig, visitor: Visitor, now: float | None = None) -> str:
    """A token that says who they are, for this inbox only: 90 days for somebody the desk named, 12 hours for somebody known."""
    seconds = KNOWN_SECONDS if visitor.known else ANONYMOUS_SECONDS
    until = int(now if now is not None else time.time()) + seconds
    return secretbox.seal({"for": MARK, "inbox": inbox.key, "until": until, **asdict(visitor)})


def _unsealed(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_LIMIT or not _SEALED.fullmatch(token):
        raise NotKnown("This is no token of the chat.")
    try:
        told = secretbox.unseal(token)
    except (secretbox.Unreadable, ValueError, TypeError) as error:
        raise NotKnown("This token was not made here.") from error
    if told.get("for") != MARK:
        raise NotKnown("This is no token of the chat.")
    return told


def _visitor(told: dict[str, Any]) -> Visitor:
    return Visitor(
        str(told["id"]),
        str(told["name"]),
        str(told["email"]),
        known=told["known"] is True,
        earlier=str(told["earlier"]),
        said=told.get("said") is True,
    )


def opened(inbox: InboxConfig, token: str) -> Visitor:
    """Whom a token names, the desk's own or the site's. Raises NotKnown when it is forged, for another inbox, or over."""
    if _JWT.fullmatch(token) and len(token) <= TOKEN_LIMIT:
        return vouched(inbox, token)
    told = _unsealed(token)
    if told["inbox"] != inbox.key:
        raise NotKnown("This token is for another chat.")
    if told["until"] < time.time():
        raise NotKnown("This token is over.")
    return _visitor(told)


def already_proven(token: str) -> Visitor:
    """Whom a token names that has just been ``opened``, where the inbox is not at hand."""
    if _JWT.fullmatch(token):
        return _claimed(jwt.decode(token, options={"verify_signature": False}))
    return _visitor(_unsealed(token))


def keys_of(inbox: InboxConfig) -> list[str]:
    """The inbox's secrets: the one in use and, after a space, the one before it."""
    return str(inbox.settings.get("secret") or "").split()


def vouched(inbox: InboxConfig, token: str) -> Visitor:
    """Whom the site's own token names. Raises NotKnown."""
    keys = keys_of(inbox)
    if not keys:
        raise NotKnown("This chat has no secret, so no site can vouch for anybody.")
    wrong = "The token is not signed with this chat's secret."
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["HS256"],
                leeway=LEEWAY_SECONDS,
                options={"require": ["sub", "exp"], "verify_aud": False, "verify_iat": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            wrong = f"The token was refused: {one_line(str(error), 120)}."
            continue
        audience = claims.get("aud", inbox.key)
        if inbox.key not in (audience if isinstance(audience, list) else [audience]):
            raise NotKnown("The token is for somebody else: its aud is not this chat's key.")
        return _claimed(claims)
    raise NotKnown(wrong)


def _claimed(claims: dict[str, Any]) -> Visitor:
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub.strip() or len(sub) > ID_LIMIT or not sub.isprintable():
        raise NotKnown(f"The token's sub must be text of 1 to {ID_LIMIT} printable characters.")
    if sub.startswith(ANONYMOUS):
        raise NotKnown(f"The token's sub must not begin with {ANONYMOUS}")
    name = claims.get("name")
    return Visitor(sub, one_line(name, 120) if isinstance(name, str) else "", email_of(claims.get("email")), known=True)


def email_of(value: object) -> str:
    """An e-mail address as it may be written to, '' for anything else."""
    said = value.strip() if isinstance(value, str) else ""
    return said if len(said) <= 254 and _EMAIL.fullmatch(said) and said.isprintable() else ""


def after(visitor: Visitor, before: Visitor | None) -> Visitor:
    """``visitor``, for whom the site vouches now, in the browser that was ``before``'s: somebody the desk had named, or the same person."""
    if before is None or (before.known and before.id != visitor.id):
        return visitor
    return replace(visitor, earlier=before.earlier if before.known else before.id)
