"""Stand-in of the world's mail: the brand's provider (a real SMTP and a real IMAP server on free ports of this machine), and customers
with mailboxes, absences and full inboxes."""

from __future__ import annotations

import asyncio
import secrets
import socket
from datetime import timedelta
from email.utils import parseaddr

from aiosmtpd.smtp import SMTP

from parlour.playground.consent import Consent
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.places.email import letters
from parlour.playground.places.email.imap import ImapServer
from parlour.playground.places.email.mailbox import Folder
from parlour.playground.places.email.scenes import SCENES
from parlour.playground.places.email.smtp import Clerk
from parlour.playground.postman import Postman
from parlour.playground.shelf import File
from parlour.playground.standin import Kept, StandIn, Words
from parlour.playground.web import Reply, Request, json_reply

ADDRESS = "help@luma.example"
DOMAIN = "mail.example"


class MailStandIn(StandIn):
    """``mailboxes`` hold what customers got: address -> raw mails, oldest first. ``inbox`` and ``sent_folder`` are the brand's."""

    name = "email"
    label = "E-mail"
    channels = ("email",)
    public = False
    files_private = True
    how = (
        f"Only the brand and the customer read along. The brand's address is {ADDRESS}; a short first line with an empty one below it "
        "is the subject."
    )
    scenes = SCENES

    def __init__(
        self, kept: Kept, ids: Ids, clock: PlatformClock, postman: Postman, *, seed: int = 0, forgiving: bool = False
    ) -> None:
        super().__init__(kept, ids, clock, postman, seed=seed, forgiving=forgiving)
        self.password = kept.get("email", {}).get("password") or secrets.token_urlsafe(16)
        # A mailbox in memory begins anew at each start, and says so as real servers do.
        validity = int(clock.now().timestamp())
        self.inbox = Folder("INBOX", "", validity)
        self.sent_folder = Folder("Sent Items", "\\Sent", validity + 1)
        self.imap = ImapServer(
            ADDRESS,
            self.password,
            [self.inbox, Folder("Drafts", "\\Drafts", validity + 2), self.sent_folder],
            self.faults,
        )
        self.smtp = Clerk(ADDRESS, self.password, self.faults, self._knows, self._deliver)
        self.smtp.access_token = lambda: self.imap.access_token
        self.mailboxes: dict[str, list[bytes]] = {}
        self.refresh_token = secrets.token_urlsafe(16)
        self.consent = Consent(self.imap.access_token, self.refresh_token)
        """The provider's page for signing in, where it takes no passwords."""
        self.consent.clients["app"] = "app-secret"
        self.saves_sent = False
        """Whether the provider puts what is sent through it into the Sent folder by itself."""
        self.absent: dict[str, bool] = {}
        """Customers whose mailbox answers by itself; True when it says so in its headers, as it should."""
        self.full: dict[str, str] = {}
        """Customers whose mailbox takes nothing now: address -> ``failed`` or ``delayed``, which is told by a mail."""
        self._talks: dict[str, tuple[str, list[str], str]] = {}
        """Customer -> subject, Message-IDs and last words of the conversation with the brand."""
        self._number = 0
        self._imap_socket, self._smtp_socket = _bound(), _bound()
        self._servers: list[asyncio.Server] = []

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return {
            "address": ADDRESS,
            "from_name": "Luma Help",
            "password": self.password,
            "imap_host": "127.0.0.1",
            "imap_port": str(self._imap_socket.getsockname()[1]),
            "imap_security": "none",
            "smtp_host": "127.0.0.1",
            "smtp_port": str(self._smtp_socket.getsockname()[1]),
            "smtp_security": "none",
        }

    async def start(self) -> None:
        loop = asyncio.get_running_loop()

        def protocol() -> SMTP:
            return self.smtp.server()

        self._servers = [
            await asyncio.start_server(self.imap.serve, sock=self._imap_socket, limit=2**20),
            await loop.create_server(protocol, sock=self._smtp_socket),
        ]

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        await self.imap.stop()
        self._servers.clear()

    async def handle(self, request: Request) -> Reply:
        """Mail itself is no web service; signing in is."""
        match request.method, request.path:
            case "GET", "/oauth2/v2.0/authorize" | "/google/auth":
                return self.consent.authorize(request)
            case "POST", "/oauth2/v2.0/token" | "/google/token":
                self.consent.access = self.imap.access_token
                return self.consent.token(request)
        return json_reply({"error": "not_found"}, 404)

    # Customers

    def person(self, name: str) -> str:
        if name not in self.people:
            slug = letters.slug(name) or f"customer{len(self.people) + 1}"
            taken = set(self.people.values())
            number = next(n for n in range(1, 10_000) if f"{slug}{n if n > 1 else ''}@{DOMAIN}" not in taken)
            self.people[name] = f"{slug}{number if number > 1 else ''}@{DOMAIN}"
            self.mailboxes.setdefault(self.people[name], [])
        return self.people[name]

    def say(
        self, person: str, text: str, *, private: bool = True, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """Write to the brand: an answer where it has answered before (or to ``answers``), else a new mail whose subject is the first line."""
        if answers and answers not in self.words:
            raise KeyError(answers)
        subject, body = letters.subject_and_body(text)
        answered, quoted = answers, ""
        chain: tuple[str, ...] = ()
        if not answered and person in self._talks:
            known, earlier, quoted = self._talks[person]
            subject, body, answered, chain = f"Re: {known}", text, earlier[-1], tuple(earlier[:-1])
        told = tuple((one.name, one.mime, one.content) for one in files)
        return self.write(person, subject, body, answers=answered, chain=chain, quoted=quoted, files=told)

    def write(
        self,
        person: str,
        subject: str,
        text: str,
        *,
        answers: str = "",
        chain: tuple[str, ...] = (),
        quoted: str = "",
        headers: dict[str, str] | None = None,
        files: tuple[tuple[str, str, bytes], ...] = (),
        ago: timedelta = timedelta(),
    ) -> str:
        """One mail of a customer in the brand's INBOX; its Message-ID without brackets."""
        message_id, at = self.message_id(DOMAIN), self.clock.now() - ago
        sender = (self.name_of(person), person)
        raw = letters.letter(
            sender,
            ADDRESS,
            subject,
            text,
            message_id,
            at,
            answers=answers,
            chain=chain,
            quoted=quoted,
            headers=headers,
            files=files,
        )
        self.inbox.put(raw, at)
        shown = tuple(self.shelf.put(*one) for one in files)
        words = Words(message_id, person, sender[0], text, at, private=True, answers=answers, files=shown)
        words.head = "" if answers else subject
        return self.note(words)

    def deliver(self, raw: bytes) -> int:
        """Put any mail into the brand's INBOX, as it is; its UID."""
        return self.inbox.put(raw, self.clock.now())

    def elsewhere(self, person: str, text: str, *, answers: str = "", subject: str = "Your message") -> str:
        """The brand writes with another mail program: the mail reaches the customer and lies in the Sent folder."""
        message_id, at = self.message_id("laptop.luma.example"), self.clock.now()
        raw = letters.letter(
            ("Luma Help", ADDRESS),
            person,
            f"Re: {subject}" if answers else subject,
            text,
            message_id,
            at,
            answers=answers,
        )
        self.sent_folder.put(raw, at, {"\\Seen"})
        self._deliver(person, raw)
        return message_id

    def message_id(self, domain: str) -> str:
        self._number += 1
        return f"{self.ids.meta()}.{self._number}@{domain}"

    # Letters of the brand

    def _knows(self, address: str) -> bool:
        return self.forgiving or address in self.mailboxes or address in self.full

    def _deliver(self, address: str, raw: bytes) -> None:
        mail = letters.opened(raw)
        at = self.clock.now()
        if self.saves_sent and parseaddr(str(mail["From"] or ""))[1] == ADDRESS:
            self.sent_folder.put(raw, at, {"\\Seen"})
        message_id = str(mail["Message-ID"] or "").strip().strip("<>")
        if action := self.full.get(address):
            status, words = (
                ("5.2.2", "550 5.2.2 Mailbox full") if action == "failed" else ("4.4.7", "451 4.4.7 Still trying")
            )
            told = letters.bounce(
                raw, address, ADDRESS, self.message_id("mx.mail.example"), at, action=action, status=status, words=words
            )
            self.inbox.put(told, at)
            return
        self.mailboxes.setdefault(address, []).append(raw)
        text = letters.text_of(mail)
        subject = str(mail["Subject"] or "").removeprefix("Re: ")
        earlier = str(mail["References"] or "").replace("<", " ").replace(">", " ").split()
        self._talks[address] = (subject, [*earlier, message_id][-12:], text)
        answers = str(mail["In-Reply-To"] or "").strip().strip("<>")
        files = tuple(self.shelf.put(*one) for one in letters.attached(mail))
        self.note(
            Words(
                message_id,
                address,
                self.name_of(address),
                text,
                at,
                private=True,
                by_brand=True,
                answers=answers,
                files=files,
            )
        )
        if address in self.absent:
            self._absence(
                address, subject, message_id, well_behaved=self.absent[address], to_machine=bool(mail["Auto-Submitted"])
            )

    def _absence(self, address: str, subject: str, answers: str, *, well_behaved: bool, to_machine: bool) -> None:
        if well_behaved and not to_machine:
            headers = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All", "Precedence": "auto_reply"}
            self.write(
                address, f"Automatic reply: {subject}", "I am away until Monday.", answers=answers, headers=headers
            )
        elif not well_behaved:
            # A program that knows no manners: it answers machines, too, and nothing tells that it is one.
            self.write(
                address, "We have received your message", "Thank you for writing. We will answer within two days."
            )


def _bound() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.bind(("127.0.0.1", 0))
    return found


STAND_IN = MailStandIn
