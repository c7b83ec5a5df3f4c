"""The SMTP side: a real server (aiosmtpd) that wants credentials, refuses unknown recipients and keeps to its limits."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from parlour.playground.faults import Fault, Faults, FixedWindow

SIZE = 25 * 1024 * 1024
# aiosmtpd writes a line for every connection, and names addresses in it.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Clerk:
    """aiosmtpd's handler. ``knows`` tells whether somebody has an address; ``take`` gets what was accepted: recipient and mail."""

    def __init__(
        self, user: str, password: str, faults: Faults, knows: Callable[[str], bool], take: Callable[[str, bytes], None]
    ) -> None:
        self.user = user
        self.password = password
        self.faults = faults
        self.knows = knows
        self.take = take
        self.window: FixedWindow | None = None
        """A limit on mails, when there is one."""
        self.requests: list[str] = []
        self.access_token: Callable[[], str] = str

    def server(self) -> SMTP:
        """A protocol for one connection; in a running loop."""
        return SMTP(
            self,
            data_size_limit=SIZE,
            hostname="smtp.luma.example",
            ident="SMTP stand-in",
            authenticator=self._authenticate,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        fault = self.faults.take("SMTP", "AUTH")
        if fault is not None:
            return AuthResult(success=False, handled=False, message=_words(fault))
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        return AuthResult(success=right, handled=False)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        told = base64.b64decode(args[1]).decode("utf-8", "replace") if len(args) > 1 else ""
        return AuthResult(
            success=told == f"user={self.user}\x01auth=Bearer {self.access_token()}\x01\x01", handled=False
        )

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        self.requests.append(f"MAIL {address}")
        if fault := self.faults.take("SMTP", "MAIL"):
            return _broken(server, fault)
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        if self.window is not None and not self.window.take().allowed:
            return "451 4.7.28 Rate limit exceeded, try again later"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        self.requests.append(f"RCPT {address}")
        if fault := self.faults.take("SMTP", "RCPT"):
            return _broken(server, fault)
        if not self.knows(address.lower()):
            return "550 5.1.1 The mail account that you tried to reach does not exist"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.requests.append("DATA")
        fault = self.faults.take("SMTP", "DATA")
        if fault is not None and fault.how != "drop_after":
            return _broken(server, fault)
        content = envelope.content
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content or b""
        for address in envelope.rcpt_tos:
            self.take(address.lower(), raw)
        return _broken(server, fault) if fault is not None else "250 2.0.0 OK queued"


def _words(fault: Fault) -> str:
    return f"{fault.status} {fault.words}"


def _broken(server: SMTP, fault: Fault) -> str:
    """The answer a failure gives; the line is cut where it gives none."""
    if fault.how != "error" and (abort := getattr(server.transport, "abort", None)) is not None:
        abort()
    return _words(fault)
