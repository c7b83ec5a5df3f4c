"""Events of Discourse as Inbound values.

In public each person has a thread of their own in a topic, ``<topic>/<user>``; a topic of private messages is one thread. Posts of the
account that answers, and of the forum's staff where the inbox says that they speak for the brand, are the brand's own words.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from parlour.channels.contract import Author, Inbound, InboxConfig, Kind, ThreadKey
from parlour.channels.discourse import cooked
from parlour.channels.discourse.events import POSTS, Event, number
from parlour.channels.meta import identifier, members, words
from parlour.lib import clock
from parlour.lib.text import one_line, storable

REGULAR = 1
_TYPES = {2: "A notice of the moderators.", 3: "A small notice of the forum.", 4: "A whisper among staff."}
IGNORED = (
    ("ping", "The forum tries whether the address works."),
    ("topic_", "About a topic as a whole: its posts come by themselves."),
    ("notification_", "A notification of somebody's."),
    ("reviewable_", "Something waits for, or was seen by, the moderators."),
    ("accepted_solution", "A post was marked as the solution."),
    ("unaccepted_solution", "A post is no solution any more."),
    ("assign", "A topic was assigned on the forum."),
    ("unassign", "A topic is not assigned any more on the forum."),
    ("chat_message", "The forum's chat is not read."),
    ("group_", "About a group of the forum."),
    ("user_added", "Somebody came into a group."),
    ("user_removed", "Somebody left a group."),
    ("category_", "About a category."),
    ("tag_", "About a tag."),
    ("badge_", "Somebody got a badge."),
    ("user_badge", "Somebody got a badge."),
)
USERS = re.compile(
    r"user_(created|updated|confirmed_email|approved|logged_in|logged_out|destroyed|suspended|unsuspended|anonymized)"
)


def base(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("api_base") or "").rstrip("/")


def realm(inbox: InboxConfig) -> str:
    try:
        host = urlsplit(base(inbox)).netloc
    except ValueError:
        host = ""
    return f"discourse:{host}"[:80]


def account(inbox: InboxConfig) -> str:
    return str(inbox.settings.get("api_username") or "").removeprefix("@")


def categories(inbox: InboxConfig) -> frozenset[str]:
    """Ids of the categories the inbox listens to; none means all."""
    return frozenset(re.findall(r"\d+", str(inbox.settings.get("categories") or "")))


def read(event: Event, inbox: InboxConfig, received_at: datetime) -> list[Inbound]:
    """Raises ValueError when it is malformed."""
    told = Inbound(Kind.IGNORED, event.key, received_at)
    if event.name in POSTS:
        return _post(event, told, inbox)
    if event.name == "like":
        return [_like(event, told, inbox)]
    if USERS.fullmatch(event.name):
        return [_user(event, told, inbox)]
    reason = next((why for begin, why in IGNORED if event.name.startswith(begin)), "")
    return [replace(told, reason=reason or f"Events of the kind '{event.name}' are not kept.")]


def when(value: Any, what: str, otherwise: datetime) -> datetime:
    """A time as Discourse writes it. Raises ValueError."""
    text = words(value, what)
    if not text:
        return otherwise
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{what} is not a time.") from None
    return clock.plausible(told if told.tzinfo else told.replace(tzinfo=UTC), otherwise).astimezone(UTC)


def person(told: dict[str, Any], inbox: InboxConfig, *, id_field: str = "user_id") -> Author:
    """Who wrote a post, or a user. Copies with parts taken out name the account only. Raises ValueError."""
    handle = words(told.get("username"), "username")
    found = told.get(id_field)
    if found is None and not handle:
        raise ValueError("The event does not say who it is about.")
    name = told.get("name")
    return Author(
        realm(inbox),
        identifier(f"@{handle}"[:100], "username") if found is None else str(number(found, id_field)),
        name=one_line(name, 120) if isinstance(name, str) and name.strip() else one_line(handle, 120),
        handle=one_line(handle, 80),
        avatar_url=picture(told.get("avatar_template"), inbox),
    )


def picture(template: Any, inbox: InboxConfig) -> str:
    url = cooked.address(base(inbox), template.replace("{size}", "120")) if isinstance(template, str) else ""
    return url if len(url) <= 500 else ""


def post_id(post: dict[str, Any]) -> str:
    """Raises ValueError."""
    return f"{number(post.get('topic_id'), 'topic_id')}:{number(post.get('post_number'), 'post_number')}"


def _private(post: dict[str, Any]) -> bool:
    return post.get("topic_archetype") == "private_message" or post.get("archetype") == "private_message"


def thread(post: dict[str, Any], inbox: InboxConfig, who: str) -> ThreadKey:
    topic = number(post.get("topic_id"), "topic_id")
    title, slug = post.get("topic_title"), post.get("topic_slug")
    plain = slug if isinstance(slug, str) and re.fullmatch(r"[\w%-]{1,200}", slug) else "-"
    private = _private(post)
    return ThreadKey(
        str(topic) if private else f"{topic}/{who}",
        "private" if private else "public",
        address=who if private else str(topic),
        subject=one_line(title, 200) if isinstance(title, str) else "",
        url=f"{base(inbox)}/t/{plain}/{topic}"[:500],
    )


def _post(event: Event, told: Inbound, inbox: InboxConfig) -> list[Inbound]:
    post = event.fields
    at = when(post.get("created_at") if event.name == "post_created" else post.get("updated_at"), "The time", told.at)
    external_id = post_id(post)
    told = replace(told, at=at)
    kind = post.get("post_type", REGULAR)
    if kind != REGULAR:
        why = _TYPES.get(kind, "") if isinstance(kind, int) else ""
        return [replace(told, reason=why or "A kind of post that is no person's words.")]
    if event.name in ("post_destroyed", "post_recovered"):
        gone = Kind.DELETE if event.name == "post_destroyed" else Kind.UNHIDE
        return [replace(told, kind=gone, external_id=external_id)]
    author = replace(person(post, inbox), proof=sso(post))
    ours, staff = author.handle.lower() == account(inbox).lower(), _staff(post)
    if author.external_id.startswith("-"):
        return [replace(told, reason="The forum itself wrote it.")]
    told = replace(told, external_id=external_id)
    brand = ours or (staff and inbox.settings.get("staff") != "others")
    heard = _private(post) or not categories(inbox) or str(post.get("category_id")) in categories(inbox)
    heard = heard or _addressed(post, inbox)
    edited = event.name == "post_edited"
    if not heard and not ours and not edited:
        return [replace(told, external_id="", reason="It is in a category the inbox does not listen to.")]
    said = _said(post, told, inbox, author)
    if brand:
        # In public nothing says whom the brand speaks to but the post it answers; a topic of its own is nobody's.
        placed = not edited and (_private(post) or not said.reply_to)
        said = replace(said, kind=Kind.EDIT if edited else Kind.ECHO, thread=said.thread if placed else None)
    elif edited:
        # An edit in a category that is not listened to changes what is known by an earlier mention, and nothing else.
        said = replace(said, kind=Kind.EDIT)
        said = said if heard else replace(said, author=None, thread=None)
    if edited and post.get("hidden") is True:
        hidden = replace(told, kind=Kind.HIDE, key=f"hidden:{event.key}"[:200])
        return [said, hidden]
    return [said]


def _staff(post: dict[str, Any]) -> bool:
    return any(post.get(name) is True for name in ("staff", "admin", "moderator"))


def _said(post: dict[str, Any], told: Inbound, inbox: InboxConfig, author: Author) -> Inbound:
    raw, html = words(post.get("raw"), "raw"), words(post.get("cooked"), "cooked")
    # Copies of a post may lack one of the two. Files are told by the cooked one.
    plain, files = cooked.read(html, base(inbox)) if html and (not raw or cooked.with_files(html)) else ("", ())
    text = cooked.written(raw) if raw else plain
    return replace(
        told,
        kind=Kind.MESSAGE,
        author=author,
        thread=thread(post, inbox, author.external_id),
        text=text,
        reply_to=_reply_to(post),
        attachments=files,
        meta=_about(post),
    )


def _reply_to(post: dict[str, Any]) -> str:
    """What it answers: a post it names, else the one the topic begins with."""
    own = number(post.get("post_number"), "post_number")
    above = post.get("reply_to_post_number")
    above = 1 if above is None else number(above, "reply_to_post_number")
    return f"{post['topic_id']}:{above}" if own > 1 and above != own else ""


def _addressed(post: dict[str, Any], inbox: InboxConfig) -> bool:
    """Whether a post names the account that answers, or answers it."""
    name = account(inbox)
    if not name:
        return False
    answered = post.get("reply_to_user")
    if isinstance(answered, dict) and str(answered.get("username")).lower() == name.lower():
        return True
    said = words(post.get("raw"), "raw") or words(post.get("cooked"), "cooked")
    return bool(re.search(rf"@{re.escape(name)}(?![\w.-]*\w)", said, re.IGNORECASE))


def _about(post: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {}
    for name in ("category_id", "trust_level"):
        value = post.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            about[name] = value
    if proof := sso(post):
        about["sso_external_id"] = proof
    return about


def sso(told: dict[str, Any]) -> str:
    """The brand's own id of a user, proven by single sign-on: in a user's event, in an administrator's view of them; '' for none."""
    record = told.get("single_sign_on_record")
    found = told.get("external_id") or (record.get("external_id") if isinstance(record, dict) else None)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    fine = isinstance(found, str) and 0 < len(found) <= 150 and found.isprintable()
    return storable(found) if fine and isinstance(found, str) else ""


def _like(event: Event, told: Inbound, inbox: InboxConfig) -> Inbound:
    post, who = members(event.fields.get("post"), "like.post"), members(event.fields.get("user"), "like.user")
    author = person(who, inbox, id_field="id")
    return replace(told, kind=Kind.REACTION, external_id=post_id(post), author=author, meta={"reaction": "❤️"})


def _user(event: Event, told: Inbound, inbox: InboxConfig) -> Inbound:
    """Somebody has, or has changed, an account; single sign-on says who that is for the brand."""
    user = members(event.whole.get("user"), "user")
    author = person(user, inbox, id_field="id")
    if proof := sso(user):
        author = replace(author, proof=proof)
        return replace(told, author=author, reason="A user of the forum is known by the brand's own id now.")
    # Who comes and goes has changed nothing, and is not asked about.
    changed = event.name not in ("user_logged_in", "user_logged_out")
    return replace(told, author=author if changed else None, reason="About a user of the forum, without words.")
