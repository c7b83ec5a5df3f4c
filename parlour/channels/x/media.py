"""Files for posts and direct messages: uploaded first, then named by their ids."""

from __future__ import annotations

import time

from parlour.channels.contract import ChannelError, ErrorKind, File, InboxConfig, Visibility
from parlour.channels.x.calls import ask, call
from parlour.channels.x.fields import ident, mapping

IMAGES = frozenset({"image/jpeg", "image/png", "image/webp"})
ANIMATED = "image/gif"
VIDEOS = frozenset({"video/mp4", "video/quicktime", "video/webm"})
MOST = {"image": 5 * 1024 * 1024, "video": 64 * 1024 * 1024}
"""Bytes of one file. X takes larger videos; ours must be uploaded within the time of one delivery."""
CHUNK = 4 * 1024 * 1024
PATIENCE = 40.0
"""Seconds X may take to prepare a video; then the delivery is tried again later."""


def upload(inbox: InboxConfig, file: File, visibility: Visibility) -> str:
    """Give X one file; its media id, which holds for a day. Raises ChannelError: nobody sees what is only uploaded, so nothing is in doubt."""
    what = _category(file)
    refuse_odd(file)
    content = file.read()
    category = f"{'tweet' if visibility == 'public' else 'dm'}_{what}"
    if what == "image":
        sent = {"media": (file.name or "image", content, file.mime)}
        answer, _ = ask(
            inbox, "POST", "/2/media/upload", about="account", fields={"media_category": category}, files=sent
        )
        return _id(answer)
    told = {"media_type": file.mime, "total_bytes": len(content), "media_category": category}
    media = _id(call(inbox, "POST", "/2/media/upload/initialize", about="account", body=told))
    for number, start in enumerate(range(0, len(content), CHUNK)):
        piece = {"media": (file.name or "video", content[start : start + CHUNK], "application/octet-stream")}
        path = f"/2/media/upload/{media}/append"
        ask(inbox, "POST", path, about="account", fields={"segment_index": str(number)}, files=piece)
    _ready(inbox, media, call(inbox, "POST", f"/2/media/upload/{media}/finalize", about="account"))
    return media


def refuse_odd(file: File) -> None:
    """Raise ChannelError when X does not take such a file."""
    most = MOST.get("video" if file.mime in VIDEOS else "image", 0)
    _category(file)
    if file.size > most:
        raise ChannelError(
            ErrorKind.TOO_LONG,
            f"{file.name or 'The file'} is larger than {most // 1024 // 1024} MB, the most that goes to X.",
        )


def _category(file: File) -> str:
    if file.mime in IMAGES:
        return "image"
    if file.mime == ANIMATED:
        return "gif"
    if file.mime in VIDEOS:
        return "video"
    raise ChannelError(ErrorKind.INVALID, "X takes pictures (JPEG, PNG, WebP, GIF) and videos (MP4, MOV, WebM) only.")


def _ready(inbox: InboxConfig, media: str, answer: dict[str, object]) -> None:
    """Wait until X has prepared a video or an animated picture."""
    until = time.monotonic() + PATIENCE
    while True:
        work = mapping(mapping(answer.get("data")).get("processing_info"))
        state = work.get("state", "succeeded")
        if state == "succeeded":
            return
        if state == "failed":
            raise ChannelError(ErrorKind.INVALID, "X could not make a video of this file.")
        wait = work.get("check_after_secs")
        seconds = min(max(float(wait), 0.05), 10.0) if isinstance(wait, int | float) else 1.0
        if time.monotonic() + seconds > until:
            raise ChannelError(ErrorKind.TRANSIENT, "X is still preparing the video.")
        time.sleep(seconds)
        query = {"command": "STATUS", "media_id": media}
        answer = call(inbox, "GET", "/2/media/upload", about="account", query=query)


def _id(answer: dict[str, object]) -> str:
    found = ident(mapping(answer.get("data")).get("id"))
    if not found.isdecimal():
        raise ChannelError(ErrorKind.TRANSIENT, "X took the file but did not name it.")
    return found
