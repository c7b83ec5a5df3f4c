"""Posts and other records in the brand's repository: finding, making and deleting them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from parlour.channels.bluesky.calls import call, session
from parlour.channels.bluesky.reading import CID, URI, owner, refs
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig
from parlour.channels.social import mapping, sequence
from parlour.lib import clock

POST = "app.bsky.feed.post"
LIKE = "app.bsky.feed.like"
GATE = "app.bsky.feed.threadgate"
_SIGNS = "234567abcdefghijklmnopqrstuvwxyz"
_SPREAD = 60_000_000
"""Microseconds after the post it answers in which an answer's own key lies."""


def now() -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def strong(post: Mapping[str, Any]) -> dict[str, str]:
    """What a record points to another one with. Raises ChannelError."""
    uri, cid = post.get("uri"), post.get("cid")
    if owner(uri) and isinstance(cid, str) and CID.fullmatch(cid):
        return {"uri": str(uri), "cid": cid}
    raise ChannelError(ErrorKind.TRANSIENT, "Bluesky did not name the post.")


def post_of(inbox: InboxConfig, uri: str) -> Mapping[str, Any]:
    """A post as the brand sees it. Raises ChannelError: TARGET_DELETED when it is not there."""
    if not owner(uri):
        raise ChannelError(ErrorKind.INVALID, f"Bluesky needs a post, and {uri[:64]!r} is none.")
    told = sequence(call(inbox, "GET", "app.bsky.feed.getPosts", params={"uris": [uri]}).get("posts"))
    for post in told:
        if mapping(post).get("uri") == uri:
            return mapping(post)
    raise ChannelError(ErrorKind.TARGET_DELETED, "The post is not there any more, or its author has blocked the brand.")


def root_of(post: Mapping[str, Any]) -> dict[str, str]:
    """The post its conversation begins with, itself when it answers nothing."""
    record = mapping(post.get("record"))
    if refs(record)[0]:
        return strong(mapping(mapping(record.get("reply")).get("root")))
    return strong(post)


def key_after(target: str, reference: str) -> str:
    """A record key (TID) for the answer ``reference`` to the post ``target``: always the same one, so that nothing is made twice."""
    found = URI.fullmatch(target)
    rkey = found[3] if found else ""
    digest = int.from_bytes(hashlib.sha256(f"{target}\n{reference}".encode()).digest()[:8], "big")
    value = 0
    if len(rkey) == 13 and all(sign in _SIGNS for sign in rkey):
        for sign in rkey:
            value = value * 32 + _SIGNS.index(sign)
    micros = (value >> 10) or 1_700_000_000_000_000
    tid = ((micros + 1 + digest % _SPREAD) << 10 | digest >> 54) & (2**63 - 1)
    return "".join(_SIGNS[(tid >> 5 * place) & 31] for place in range(12, -1, -1))


def create(inbox: InboxConfig, collection: str, record: Mapping[str, Any], rkey: str = "") -> str:
    """The address of a new record; with ``rkey`` asking again makes no second one. Raises ChannelError."""
    me = session(inbox).did
    body: dict[str, Any] = {"repo": me, "collection": collection, "record": {"$type": collection, **record}}
    if rkey:
        body["rkey"] = rkey
    try:
        uri = call(inbox, "POST", "com.atproto.repo.createRecord", json=body).get("uri")
    except ChannelError as error:
        # Bluesky refuses a key that is taken: then the first try had come through.
        if not rkey or error.kind is not ErrorKind.INVALID or not _is_there(inbox, me, collection, rkey):
            raise
        return f"at://{me}/{collection}/{rkey}"
    if not owner(uri):
        raise ChannelError(ErrorKind.TRANSIENT, "Bluesky took the record but did not name it; it is safe to ask again.")
    return str(uri)


def record(inbox: InboxConfig, repo: str, collection: str, rkey: str) -> Mapping[str, Any] | None:
    """A record's value, None when there is none. Raises ChannelError."""
    query = {"repo": repo, "collection": collection, "rkey": rkey}
    try:
        return mapping(call(inbox, "GET", "com.atproto.repo.getRecord", params=query).get("value"))
    except ChannelError as error:
        if error.kind in (ErrorKind.TARGET_DELETED, ErrorKind.INVALID):
            return None
        raise


def _is_there(inbox: InboxConfig, repo: str, collection: str, rkey: str) -> bool:
    return record(inbox, repo, collection, rkey) is not None


def delete(inbox: InboxConfig, uri: str) -> None:
    """Delete a record of the brand's own. Raises ChannelError."""
    found = URI.fullmatch(uri)
    if found is None or found[1] != session(inbox).did:
        raise ChannelError(ErrorKind.PERMISSION, "Only the brand's own posts can be deleted.")
    call(
        inbox,
        "POST",
        "com.atproto.repo.deleteRecord",
        json={"repo": found[1], "collection": found[2], "rkey": found[3]},
    )


def hide(inbox: InboxConfig, uri: str, *, hidden: bool) -> None:
    """Hide or show an answer under a post of the brand's own. Raises ChannelError."""
    me, root = session(inbox).did, root_of(post_of(inbox, uri))["uri"]
    found = URI.fullmatch(root)
    if found is None or found[1] != me or root == uri:
        raise ChannelError(ErrorKind.PERMISSION, "Only answers in a conversation the brand began can be hidden.")
    gate = dict(record(inbox, me, GATE, found[3]) or {"$type": GATE, "post": root, "createdAt": now()})
    listed = [one for one in sequence(gate.get("hiddenReplies")) if one != uri]
    gate["hiddenReplies"] = [*listed, uri][-300:] if hidden else listed
    body = {"repo": me, "collection": GATE, "rkey": found[3], "record": gate}
    call(inbox, "POST", "com.atproto.repo.putRecord", json=body)
