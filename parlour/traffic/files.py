"""Files the platforms keep: fetched once their message is there, one at a time in each of a few threads, and tried again for a while."""

from __future__ import annotations

import logging
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import F

from parlour.cases import files as cases
from parlour.cases.models import Attachment, FileState
from parlour.channels import contract, registry
from parlour.channels import queries as channels
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.models import Inbox
from parlour.lib import clock, safe_http
from parlour.lib.faults import where
from parlour.lib.files import Unavailable, name_of
from parlour.lib.text import one_line, storable
from parlour.spine import actions as spine
from parlour.traffic.batch import Batch
from parlour.traffic.credentials import expired

log = logging.getLogger(__name__)

MOST_FILES = 50
"""Of one message."""
CLAIM_SECONDS = 180
"""Longer than a fetch may take; what is still waiting then was left by a crash."""
MOST_TRIES = 7
FEW_TRIES = 3
"""For what a platform answers with a 4xx: a file may be a little late, but not for hours."""
FIRST_WAIT = 5.0
GONE = frozenset({400, 401, 403, 404, 405, 410, 451})


def take_files(batch: Batch) -> None:
    """Store the files that came inside the events. A storage that fails costs the file, which its raw event still has, not the message."""
    for item in batch.items:
        for at, told in enumerate(item.inbound.attachments[:MOST_FILES]):
            if told.content:
                made = batch.files[id(item), at] = described(told)
                try:
                    cases.take_in(made, told.content, told.mime)
                except Unavailable as error:
                    log.error("A file that came with a message was not kept: %s", error)
                    made.state, made.error = FileState.FAILED, str(error)


def described(told: contract.Attachment) -> Attachment:
    """What a platform tells of a file, unsaved."""
    return Attachment(
        kind=told.kind[:16],
        url=storable(told.url, 10_000),
        reference=storable(told.reference, 500),
        name=name_of(told.name, told.mime),
        mime=one_line(told.mime, 100),
        size=told.size if told.size is not None and 0 <= told.size < 2**63 else None,
    )


def is_fetched(attachment: Attachment) -> bool:
    """Whether it is a file that can be asked for; places, posts and links are only told of."""
    somewhere = bool(attachment.reference) or attachment.url.startswith(("https://", "http://"))
    return attachment.kind in cases.FETCHED_KINDS and somewhere


class _Again(Exception):
    """It could not be had this time: in words, with how often it is worth trying and when at the earliest."""

    def __init__(self, words: str, most: int = MOST_TRIES, after: float = 0.0) -> None:
        super().__init__(words)
        self.most = most
        self.after = after


def fetch_next() -> bool:
    """Fetch one file that is due; False when there is none."""
    attachment = _claim()
    if attachment is None:
        return False
    try:
        _fetch(attachment)
    except _Again as error:
        _put_off(attachment, error)
    except safe_http.Refused as error:
        attachment.state, attachment.error = FileState.REFUSED, str(error)
    except ChannelError as error:
        # Permanent: the platform has it no more, or will not give it.
        attachment.state, attachment.error = FileState.FAILED, one_line(error.words, 300)
    except Exception as error:
        log.error("Attachment %s could not be fetched: %s", attachment.pk, where(error))
        _put_off(attachment, _Again(f"A fault of Parlour's ({type(error).__name__}).", FEW_TRIES))
    _keep(attachment)
    return True


def _claim() -> Attachment | None:
    """The file that has been due longest, now this thread's alone for a while. Nothing is asked for inboxes a person has stopped."""
    for _ in range(5):
        now = clock.now()
        due = Attachment.objects.filter(state=FileState.WAITING, due_at__lte=now).order_by("due_at", "id")
        pk = due.values_list("pk", flat=True).first()
        if pk is None:
            return None
        mine = Attachment.objects.filter(pk=pk, state=FileState.WAITING, due_at__lte=now)
        if mine.update(due_at=now + timedelta(seconds=CLAIM_SECONDS), tries=F("tries") + 1):
            return Attachment.objects.select_related("message", "message__inbox").get(pk=pk)
    return None


def _fetch(attachment: Attachment) -> None:
    inbox = attachment.message.inbox if attachment.message is not None else None
    channel = registry.CHANNELS.get(inbox.channel) if inbox is not None else None
    if inbox is None or channel is None or inbox.health == Inbox.Health.GONE:
        raise ChannelError(ErrorKind.PERMISSION, "Its inbox is not connected any more.")
    if inbox.health == Inbox.Health.PAUSED:
        attachment.tries = 0
        raise _Again("The inbox is paused.", after=600.0)
    config = channels.config(inbox)
    told = contract.Attachment(
        kind=attachment.kind,
        url=attachment.url,
        name=attachment.name,
        mime=attachment.mime,
        size=attachment.size,
        reference=attachment.reference,
    )
    try:
        source = channel.source(config, told)
    except ChannelError as error:
        renewed = error.kind is ErrorKind.AUTH_EXPIRED and expired(inbox, one_line(error.words, 300))
        if renewed or not error.permanent:
            raise _Again(one_line(error.words, 300), after=error.retry_after or 0.0) from error
        raise
    content, mime = source.content, source.mime
    if not content:
        own = source.own or names(config, source.url)
        try:
            got = safe_http.fetch(source.url, most=settings.FILE_BYTES, headers=source.headers, own=own)
        except safe_http.Failed as error:
            raise _Again(str(error), FEW_TRIES if error.status in GONE else MOST_TRIES) from error
        content, mime = got.content, source.mime or got.told
    attachment.name = attachment.name or source.name or _last_part(source.url)
    try:
        cases.take_in(attachment, content, mime or attachment.mime)
    except Unavailable as error:
        raise _Again(str(error)) from error


def names(config: InboxConfig, url: str) -> bool:
    """Whether an address is at a place that the inbox's own settings name: an administrator has allowed it, then."""
    bases = [str(value) for value in config.settings.values() if str(value).startswith(("https://", "http://"))]
    return any(safe_http.same_origin(url, base) for base in bases)


def _last_part(url: str) -> str:
    """What an address calls the file, where it looks like a file's name."""
    name = urlsplit(url).path.rpartition("/")[2]
    return name if 0 < len(name.rpartition(".")[2]) <= 5 and "." in name else ""


def _put_off(attachment: Attachment, again: _Again) -> None:
    if attachment.tries >= again.most:
        attachment.state, attachment.error = FileState.FAILED, str(again)[:300]
        return
    wait = max(again.after, FIRST_WAIT * 4.0 ** max(0, attachment.tries - 1))
    attachment.due_at = clock.now() + timedelta(seconds=min(wait, 6 * 3600.0))
    attachment.error = str(again)[:300]


FIELDS = [
    "state",
    "error",
    "due_at",
    "tries",
    "kind",
    "name",
    "mime",
    "size",
    "digest",
    "width",
    "height",
]


def _keep(attachment: Attachment) -> None:
    """Write what became of it, and tell the desks; a case joined with another meanwhile is told under its new number."""
    with transaction.atomic():
        waiting = Attachment.objects.filter(pk=attachment.pk, state=FileState.WAITING)
        if not waiting.update(**{name: getattr(attachment, name) for name in FIELDS}):
            return
        if attachment.state == FileState.WAITING:
            return
        fresh = Attachment.objects.filter(pk=attachment.pk).values_list("message_id", "message__case_id").first()
        if fresh is not None:
            spine.write(f"attachment.{attachment.state}", case_id=fresh[1], message_id=fresh[0])
