"""Reading Bluesky's JSON with care: people, posts, what is embedded in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from parlour.channels.contract import Attachment, Author, InboxConfig, ThreadKey
from parlour.channels.social import count, hashed, line, link, mapping, needed, sequence

REALM = "bluesky"
PDS = "https://bsky.social"
PICTURES = "https://cdn.bsky.app"
SITE = "https://bsky.app"
DID = re.compile(r"did:[a-z]{1,16}:[A-Za-z0-9._:%-]{1,150}")
URI = re.compile(r"at://(did:[a-z]{1,16}:[A-Za-z0-9._:%-]{1,60})/([a-zA-Z0-9.-]{1,40})/([A-Za-z0-9._:~-]{1,64})")
CID = re.compile(r"[A-Za-z0-9]{1,120}")
CHAT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_FILES = 16


def person(told: object, name: str = "author") -> Author:
    """Who somebody is. Raises ValueError when there is no DID."""
    view = mapping(told)
    handle = line(view.get("handle"), 80)
    return Author(
        realm=REALM,
        external_id=needed(view.get("did"), f"The DID of the {name}", DID),
        name=line(view.get("displayName"), 120) or handle,
        handle=handle,
        avatar_url=link(view.get("avatar"), 500),
        followers=count(view.get("followersCount")),
        verified=mapping(view.get("verification")).get("verifiedStatus") == "valid",
    )


def uri_of(value: object, name: str = "uri") -> str:
    """The address of a record. Raises ValueError."""
    return needed(value, f"The {name}", URI)


def owner(uri: object) -> str:
    """The DID in the address of a record, '' when it is none."""
    found = URI.fullmatch(uri) if isinstance(uri, str) else None
    return found[1] if found else ""


def page_of(uri: str) -> str:
    """Where people look at a post."""
    found = URI.fullmatch(uri)
    return f"{SITE}/profile/{found[1]}/post/{found[3]}" if found and found[2] == "app.bsky.feed.post" else ""


def refs(record: Mapping[str, Any]) -> tuple[str, str]:
    """Addresses of the post a record's conversation begins with and of the one it answers; '' for none."""
    reply = mapping(record.get("reply"))
    root, parent = mapping(reply.get("root")).get("uri"), mapping(reply.get("parent")).get("uri")
    return (root if isinstance(root, str) and owner(root) else ""), (
        parent if isinstance(parent, str) and owner(parent) else ""
    )


def thread_of(record: Mapping[str, Any], uri: str, customer: str) -> ThreadKey:
    """What one person says in one conversation."""
    root = refs(record)[0] or uri
    return ThreadKey(hashed(f"{root}/{customer}"), "public", address=customer, url=page_of(uri)[:500])


def files(record: Mapping[str, Any], author: str, uri: str = "") -> tuple[Attachment, ...]:
    """Pictures, links with and without a card, and what is quoted."""
    found = _embedded(mapping(record.get("embed")), author, uri)
    for facet in sequence(record.get("facets")):
        for feature in sequence(mapping(facet).get("features")):
            if url := link(mapping(feature).get("uri")):
                found.append(Attachment("link", url))
    return tuple(dict.fromkeys(found))[:_MOST_FILES]


def _embedded(embed: Mapping[str, Any], author: str, uri: str) -> list[Attachment]:
    kind = str(embed.get("$type", ""))
    if kind.startswith("app.bsky.embed.recordWithMedia"):
        return _embedded(mapping(embed.get("media")), author, uri) + _quoted(mapping(embed.get("record")))
    if kind.startswith("app.bsky.embed.record"):
        return _quoted(embed)
    if kind.startswith("app.bsky.embed.images"):
        return [one for image in sequence(embed.get("images")) if (one := _picture(mapping(image), author))]
    if kind.startswith("app.bsky.embed.external"):
        card = mapping(embed.get("external"))
        url = link(card.get("uri"))
        return [Attachment("link", url, name=line(card.get("title"), 200))] if url else []
    if kind.startswith("app.bsky.embed.video") and uri:
        # It is told of by an address only a player can follow: the post itself shows it.
        return [Attachment("link", page_of(uri), name=line(embed.get("alt"), 200) or "Video")]
    return []


def _picture(image: Mapping[str, Any], author: str) -> Attachment | None:
    blob = mapping(image.get("image"))
    cid, size = mapping(blob.get("ref")).get("$link"), blob.get("size")
    alt = line(image.get("alt"), 200)
    if isinstance(cid, str) and CID.fullmatch(cid):
        size = size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**40 else None
        return Attachment(
            "image", name=alt, mime=line(blob.get("mimeType"), 100), size=size, reference=f"{author}/{cid}"
        )
    url = link(image.get("fullsize"))
    return Attachment("image", url, name=alt) if url else None


def _quoted(embed: Mapping[str, Any]) -> list[Attachment]:
    record = mapping(embed.get("record"))
    uri = record.get("uri") or mapping(record.get("record")).get("uri")
    url = page_of(uri) if isinstance(uri, str) else ""
    return [Attachment("post", url)] if url else []


def picture_address(inbox: InboxConfig, reference: str) -> str:
    """Where the picture of ``reference`` (DID and CID) is served; '' when it names none."""
    author, _, cid = reference.partition("/")
    if not DID.fullmatch(author) or not CID.fullmatch(cid):
        return ""
    base = (str(inbox.settings.get("pictures_base") or "") or PICTURES).rstrip("/")
    return f"{base}/img/feed_fullsize/plain/{author}/{cid}@jpeg"
