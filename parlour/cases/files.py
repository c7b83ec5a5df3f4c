"""Files of messages: what is taken in, from whomever it comes, and what somebody uploads to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings

from parlour.cases.access import Conflict, Invalid, get_case, possible_id
from parlour.cases.models import Attachment, Direction, FileState, Message
from parlour.channels.contract import Capabilities
from parlour.lib import files, sniff
from parlour.lib.files import Stored
from parlour.staff import access as staff
from parlour.staff.access import Actor, actor_name

FETCHED_KINDS = frozenset({"image", "video", "audio", "file", "sticker", "other"})
"""Kinds of attachments that are files; the rest (links, places, posts) are only told of."""
SENT_KINDS = ("image", "video", "audio", "file")


def too_large() -> str:
    return f"It is larger than {settings.FILE_BYTES // 1024 // 1024} MB."


def take_in(attachment: Attachment, content: bytes, told: str) -> None:
    """Store the file of an attachment and note on it, unsaved, what it is by its bytes, or why it is refused. Raises files.Unavailable."""
    words = ""
    if not content:
        words = "It is empty."
    elif len(content) > settings.FILE_BYTES:
        words = too_large()
    elif sniff.is_program(content):
        words = "It is a program; programs are not kept."
    if words:
        attachment.state, attachment.error, attachment.due_at = FileState.REFUSED, words, None
        return
    _note(attachment, files.keep(content, told))


def _note(attachment: Attachment, stored: Stored) -> None:
    attachment.state, attachment.error, attachment.due_at = FileState.FETCHED, "", None
    attachment.digest, attachment.mime, attachment.size = stored.digest, stored.mime, stored.size
    attachment.width, attachment.height = stored.width, stored.height
    attachment.name = files.name_of(attachment.name, stored.mime)
    if attachment.kind != "sticker":
        attachment.kind = kind_of(stored.mime)


def kind_of(mime: str) -> str:
    """image, video, audio or file."""
    begin = mime.partition("/")[0]
    return begin if begin in SENT_KINDS else "file"


def upload(by: Actor, name: str, content: bytes) -> Attachment:
    """Store a file to be sent with an answer. Raises Denied, Invalid when it is not taken, and files.Unavailable."""
    staff.require(by, staff.ANSWER)
    attachment = Attachment(name=name, uploaded_by=actor_name(by))
    take_in(attachment, content, "")
    if attachment.state != FileState.FETCHED:
        raise Invalid(f"{files.name_of(name) or 'The file'}: {attachment.error}")
    attachment.save()
    return attachment


def discard(uploaded: Sequence[Attachment]) -> None:
    """Forget uploads that were not sent after all; those that belong to a message stay."""
    Attachment.objects.filter(pk__in=[one.pk for one in uploaded], message=None).delete()


def forget_unsent(before: datetime) -> int:
    """Forget uploads from before a time that were never sent; how many. Their bytes stay: others may have sent the same file."""
    gone, _ = Attachment.objects.filter(message=None, created_at__lt=before).delete()
    return gone


def to_send(by: Actor, case_id: int, ids: Sequence[int]) -> list[Attachment]:
    """The files ``ids`` in their order: ``by``'s own uploads, or files of an answer of this case (an undone one is written again).

    Raises Invalid for any other, and for one named twice.
    """
    if len(set(ids)) != len(ids):
        raise Invalid("A file is named twice.")
    found = Attachment.objects.select_related("message").in_bulk([possible_id(one) for one in ids])
    chosen = [found.get(possible_id(one)) for one in ids]
    for one in chosen:
        if one is None or one.state != FileState.FETCHED or not _sendable(one, by, case_id):
            raise Invalid("One of the files is not there to be sent. Upload it again.")
    return [one for one in chosen if one is not None]


def _sendable(one: Attachment, by: Actor, case_id: int) -> bool:
    if one.message is None:
        return one.uploaded_by == actor_name(by)
    return one.message.case_id == case_id and one.message.direction == Direction.OUT


def attach(message: Message, chosen: Sequence[Attachment]) -> None:
    """Make the files parts of an answer; what belongs to another answer already is shared, not moved. In the caller's transaction."""
    for one in chosen:
        if one.message_id is None:
            if not Attachment.objects.filter(pk=one.pk, message=None).update(message=message):
                raise Conflict("One of the files has just been sent with another answer.")
        else:
            one.pk, one.message = None, message
            one._state.adding = True
            one.save()


def media(capabilities: Capabilities, visibility: str) -> dict[str, int]:
    """Kinds of files that can be sent in an answer of that visibility, and how many bytes one may have."""
    told = capabilities.media_public if visibility == "public" else capabilities.media_private
    return {kind: min(most, settings.FILE_BYTES) for kind, most in told.items() if most > 0}


def refuse_unfit(label: str, able: Mapping[str, int], count: int, chosen: Sequence[Attachment]) -> None:
    """Raise Invalid when a channel called ``label`` does not take these files."""
    if chosen and not able:
        raise Invalid(f"{label} takes no files here.")
    if len(chosen) > count:
        raise Invalid(f"{label} takes {'one file' if count == 1 else f'at most {count} files'} with an answer.")
    for one in chosen:
        kind = kind_of(one.mime)
        if kind not in able:
            words = {"image": "pictures", "video": "videos", "audio": "sound", "file": "other files"}
            taken = ", ".join(words[name] for name in SENT_KINDS if name in able)
            raise Invalid(f"{label} does not take “{one.name or kind}” here; it takes {taken}.")
        if (one.size or 0) > able[kind]:
            most = able[kind] / 1024 / 1024
            raise Invalid(f"“{one.name or kind}” is too large for {label}: {most:.3g} MB at most.")


def get_file(actor: Actor, attachment_id: int) -> Attachment:
    """One attachment with its message, when ``actor`` may read its case. Raises Denied, or DoesNotExist of either."""
    staff.require(actor, staff.READ)
    found = Attachment.objects.select_related("message").get(pk=possible_id(attachment_id))
    if found.message is None:
        if found.uploaded_by != actor_name(actor):
            raise Attachment.DoesNotExist
    elif found.message.case_id is not None:
        get_case(actor, found.message.case_id)
    return found
