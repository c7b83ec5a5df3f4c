"""Recorded mails: put into a real mailbox, fetched by the channel's own IMAP client."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path

from parlour.channels.email.tests.payloads import letters
from parlour.channels.models import Inbox
from parlour.playground.places.email import MailStandIn
from tests.recorded.road import Recording, Road


def mails(payloads: Path, place: MailStandIn) -> Iterator[Recording]:
    """Every recorded mail."""
    for path, raw in letters(payloads):

        def arrive(road: Road, inbox: Inbox, raw: bytes = raw) -> None:
            place.inbox.mails.clear()
            road.town.call(lambda: place.deliver(raw))
            road.poll(inbox)

        mail = message_from_bytes(raw)
        authors = [] if mail["List-Unsubscribe"] else [parseaddr(str(mail["From"]))[1]]
        file = str(path.relative_to(payloads))
        yield Recording(
            "email",
            path.name.removeprefix("tests__fixtures__"),
            file,
            place.settings("email", ""),
            arrive,
            authors=authors,
        )
