"""The X API v2 as far as a brand's connector uses it: posts, hiding, direct messages, mentions, users."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
import unicodedata
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from parlour.playground import x_events as events
from parlour.playground.faults import Fault, Faults, FixedWindow
from parlour.playground.shelf import File
from parlour.playground.web import Drop, Reply, Request, Router, json_reply
from parlour.playground.x_events import Dm, Tweet
from parlour.playground.x_more import Access, Uploads, matches, too_old
from parlour.playground.x_state import XPlatform

_VERSION = re.compile(r"^(/2)+(?=/)")
_LEADING_MENTIONS = re.compile(r"^(?:@\w{1,15}\s+)+")
_URL = re.compile(r"https?://\S+|(?<![\w@.])(?:[\w-]+\.)+(?:com|org|net|io|de|fr|es|it|nl|uk|eu)(?:/\S*)?(?!\w)", re.I)
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2})"
    "|(?:[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff])[\ufe0f\U0001f3fb-\U0001f3ff]*"
    "(?:\u200d[\U0001f300-\U0001faff\u2600-\u27bf\u2b00-\u2bff][\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
_LIGHT = ((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
T = TypeVar("T")

MAX_WEIGHT = 280
MAX_LONG = 25_000
MAX_DM = 10_000
PROBLEMS = "https://api.x.com/2/problems/"
NOT_SUMMONED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author "
    "of the post you are replying to."
)


class Problem(Exception):
    """A refusal as problem JSON. ``slug`` is the last part of its type, empty for ``about:blank``."""

    def __init__(self, status: int, title: str, detail: str, slug: str = "") -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.slug = status, title, detail, slug

    def reply(self, headers: dict[str, str] | None = None) -> Reply:
        kind = PROBLEMS + self.slug if self.slug else "about:blank"
        told = {"title": self.title, "detail": self.detail, "type": kind, "status": self.status}
        return json_reply(told, self.status, headers)


def weight(text: str, *, reply: bool = False) -> int:
    """The length of a post as X counts it: links 23, emoji 2, most scripts 1, the rest 2; leading mentions of a reply 0."""
    text = unicodedata.normalize("NFC", text)
    if reply:
        text = _LEADING_MENTIONS.sub("", text)
    text, links = _URL.subn("", text)
    text, emoji = _EMOJI.subn("", text)
    light = sum(any(low <= ord(sign) <= high for low, high in _LIGHT) for sign in text)
    return 23 * links + 2 * emoji + light + 2 * (len(text) - light)


class XApi:
    """The HTTP face of X for one account. ``requests`` keeps the latest (method, path, body or query) of what reached it."""

    def __init__(self, platform: XPlatform, access_token: str, *, forgiving: bool = False) -> None:
        self.platform = platform
        self.access = Access(access_token)
        self.forgiving = forgiving
        """Whether ids of an earlier run are taken on trust: for a demonstration that outlives a restart."""
        self.summoned_only = True
        """The rule of self-serve tiers; an enterprise account is free of it."""
        self.premium = False
        """Whether the account may write long posts."""
        self.spent = False
        """Whether the plan's money is used up: everything is refused, then."""
        self.uploads = Uploads(platform.ids, platform.clock)
        self.faults = Faults()
        self.before_answer: Callable[[], Awaitable[object]] | None = None
        self.requests: deque[tuple[str, str, dict[str, Any]]] = deque(maxlen=5000)
        self.limits = {
            "tweet": FixedWindow(100, 900),
            "delete": FixedWindow(50, 900),
            "hide": FixedWindow(50, 900),
            "dm": FixedWindow(200, 900),
            "events": FixedWindow(300, 900),
            "mentions": FixedWindow(300, 900),
            "search": FixedWindow(300, 900),
            "user": FixedWindow(900, 900),
        }
        self.routes = Router()
        for method, pattern, limit, work in (
            ("POST", "/tweets", "tweet", self._post),
            ("GET", "/tweets/search/recent", "search", self._search),
            ("GET", "/tweets/{tweet_id}", "user", self._tweet),
            ("DELETE", "/tweets/{tweet_id}", "delete", self._delete),
            ("PUT", "/tweets/{tweet_id}/hidden", "hide", self._hide),
            ("POST", "/dm_conversations/with/{user_id}/messages", "dm", self._send),
            ("GET", "/dm_conversations/with/{user_id}/dm_events", "events", self._events_with),
            ("POST", "/dm_conversations/{conversation_id}/messages", "dm", self._send_to),
            ("GET", "/dm_conversations/media/{dm_id}/{media_id}/{resource}", "events", self._picture),
            ("GET", "/dm_events", "events", self._events),
            ("DELETE", "/dm_events/{dm_id}", "delete", self._forget),
            ("GET", "/users/{user_id}/mentions", "mentions", self._mentions),
            ("GET", "/users/{user_id}", "user", self._user),
        ):
            self.routes.add(method, pattern, self._limited(limit, work))

    async def handle(self, request: Request) -> Reply:
        """Answer one request whose path begins after the mount point. Raises Drop when the connection is to be cut."""
        path = _VERSION.sub("", request.path)
        fault = self.faults.take(request.method, path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        try:
            reply = await self._work(request, path)
        except Problem as problem:
            return problem.reply()
        if self.before_answer is not None and request.method == "POST":
            await self.before_answer()
        if fault is not None:
            raise Drop
        return reply

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "drop":
            raise Drop
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
            raise Drop
        if fault.status == 429:
            reset = str(int(time.time() + fault.seconds))
            headers = {"x-rate-limit-limit": "100", "x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
            return Problem(429, "Too Many Requests", "Too Many Requests").reply(headers)
        return Problem(fault.status, "Internal Error" if fault.status >= 500 else "Refused", fault.words).reply()

    async def _work(self, request: Request, path: str) -> Reply:
        if path == "/oauth2/token":
            self.requests.append((request.method, path, {}))
            return self.access.exchange(request)
        uploading = path.startswith("/media/upload")
        try:
            body = request.json() if request.method in ("POST", "PUT") and not uploading else dict(request.query)
        except ValueError as error:
            raise Problem(400, "Invalid Request", "The request body is not valid JSON.", "invalid-request") from error
        self.requests.append((request.method, path, body))
        if not hmac.compare_digest(request.bearer().encode(), self.access.token.encode()):
            raise Problem(401, "Unauthorized", "Unauthorized")
        if self.spent:
            raise Problem(429, "UsageCapExceeded", "Usage cap exceeded: Monthly product cap", "usage-capped")
        if uploading:
            answer = self.uploads.handle(request, path)
            if isinstance(answer, str):
                raise Problem(400, "Invalid Request", answer, "invalid-request")
            return answer
        found = self.routes.find(request.method, path)
        if found is None:
            raise Problem(404, "Not Found", "There is no such endpoint.", "resource-not-found")
        handler, names = found
        reply: Reply = await handler(body, **names)
        return reply

    def _limited(self, name: str, work: Callable[..., Reply]) -> Callable[..., Awaitable[Reply]]:
        async def handler(body: dict[str, Any], **names: str) -> Reply:
            allowance = self.limits[name].take()
            headers = {
                "x-rate-limit-limit": str(allowance.limit),
                "x-rate-limit-remaining": str(allowance.remaining),
                "x-rate-limit-reset": str(int(time.time() + allowance.reset) + 1),
            }
            if not allowance.allowed:
                return Problem(429, "Too Many Requests", "Too Many Requests").reply(headers)
            reply = work(body, **names)
            reply.headers.update(headers)
            return reply

        return handler

    def _post(self, body: dict[str, Any]) -> Reply:
        media = body.get("media")
        files = media.get("media_ids") if isinstance(media, dict) else None
        if media is not None and not self.uploads.known(files, "tweet"):
            raise Problem(400, "Invalid Request", "Your media IDs are invalid.", "invalid-request")
        text = body.get("text", "" if files else None)
        if not isinstance(text, str) or not (text.strip() or files):
            raise Problem(400, "Invalid Request", "The `text` of a post is required.", "invalid-request")
        reply = body.get("reply", {})
        target_id = reply.get("in_reply_to_tweet_id", "") if isinstance(reply, dict) else None
        if not isinstance(target_id, str):
            raise Problem(400, "Invalid Request", "`reply.in_reply_to_tweet_id` must be a string.", "invalid-request")
        if weight(text, reply=bool(target_id)) > (MAX_LONG if self.premium else MAX_WEIGHT):
            raise Problem(400, "Invalid Request", "Your Tweet text is too long.", "invalid-request")
        if target_id:
            self._may_answer(target_id)
        recent = self.platform.sent_tweets[-100:]
        if any(old.text == text and old.reply_to == target_id and not old.removed for old in recent):
            raise Problem(403, "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
        tweet = self.platform.brand_tweet(text, target_id)
        tweet.files = list(files or ())
        tweet.shown = self._shown(tweet.files)
        return json_reply({"data": {"id": tweet.id, "text": tweet.text, "edit_history_tweet_ids": [tweet.id]}}, 201)

    def _may_answer(self, tweet_id: str) -> None:
        target = self.platform.tweets.get(tweet_id)
        if target is None and self.forgiving:
            target = self.platform.adopt(tweet_id)
        if target is None or target.removed:
            detail = "You attempted to reply to a Tweet that is deleted or not visible to you."
            raise Problem(403, "Forbidden", detail)
        if self.summoned_only and not self.platform.summoned(target):
            raise Problem(403, "Forbidden", NOT_SUMMONED)

    def _found(self, tweet_id: str) -> Tweet:
        tweet = self.platform.tweets.get(tweet_id)
        if tweet is None or tweet.removed:
            raise Problem(404, "Not Found Error", f"Could not find tweet with id: [{tweet_id}].", "resource-not-found")
        return tweet

    def _tweet(self, _query: dict[str, Any], tweet_id: str) -> Reply:
        tweet = self.platform.tweets.get(tweet_id)
        if tweet is None or tweet.removed:
            # A look-up answers 200 with the failure beside the (missing) data.
            missing = {
                "resource_id": tweet_id,
                "resource_type": "tweet",
                "title": "Not Found Error",
                "detail": f"Could not find tweet with id: [{tweet_id}].",
                "type": PROBLEMS + "resource-not-found",
            }
            return json_reply({"errors": [missing]})
        payload, includes = events.post_payload(tweet, self.platform.by_name(), self.platform.tweets)
        return json_reply({"data": payload, "includes": includes})

    def _delete(self, _query: dict[str, Any], tweet_id: str) -> Reply:
        tweet = self._found(tweet_id)
        if tweet.author is not self.platform.brand:
            raise Problem(403, "Forbidden", "You are not authorized to delete this Tweet.")
        self.platform.remove(tweet_id)
        return json_reply({"data": {"deleted": True}})

    def _hide(self, body: dict[str, Any], tweet_id: str) -> Reply:
        tweet, hidden = self._found(tweet_id), body.get("hidden")
        if not isinstance(hidden, bool):
            raise Problem(400, "Invalid Request", "`hidden` must be true or false.", "invalid-request")
        root = self.platform.tweets.get(tweet.conversation_id)
        if not tweet.reply_to or root is None or root.author is not self.platform.brand:
            raise Problem(403, "Forbidden", "You can only hide replies in conversations you started.")
        tweet.hidden = hidden
        return json_reply({"data": {"hidden": hidden}})

    def _send(self, body: dict[str, Any], user_id: str) -> Reply:
        told = body.get("attachments")
        files = [one.get("media_id") for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        if told is not None and not (len(files) == 1 and self.uploads.known(files, "dm")):
            raise Problem(400, "Invalid Request", "`attachments` must name one uploaded media.", "invalid-request")
        text = body.get("text", "" if files else None)
        if not isinstance(text, str) or not (text.strip() or files) or len(text) > MAX_DM:
            raise Problem(400, "Invalid Request", f"`text` must have 1 to {MAX_DM} characters.", "invalid-request")
        user = self.platform.users.get(user_id)
        if user is None and self.forgiving:
            user = self.platform.adopt_user(user_id)
        if user is None:
            raise Problem(404, "Not Found Error", f"Could not find user with id: [{user_id}].", "resource-not-found")
        if user.id in self.platform.closed:
            raise Problem(403, "Forbidden", "You cannot send messages to this user.")
        dm = self.platform.brand_dm(user, text)
        dm.files = [str(one) for one in files]
        dm.shown = self._shown(dm.files)
        return json_reply({"data": {"dm_conversation_id": dm.conversation_id, "dm_event_id": dm.id}}, 201)

    def _shown(self, files: list[str]) -> list[File]:
        kept = [self.uploads.kept[one] for one in files]
        return [self.platform.shelf.put(one.name, one.mime, bytes(one.content)) for one in kept]

    def _send_to(self, body: dict[str, Any], conversation_id: str) -> Reply:
        others = [user for user in conversation_id.split("-") if user != self.platform.brand.id]
        if len(others) != 1:
            raise Problem(403, "Forbidden", "You do not have permission to DM one or more participants.")
        return self._send(body, others[0])

    def _picture(self, _query: dict[str, Any], dm_id: str, media_id: str, resource: str) -> Reply:
        known = any(dm.id == dm_id and media_id in dm.files for dm in self.platform.dms)
        if not known or media_id not in self.platform.pictures or resource != "picture.jpg":
            raise Problem(404, "Not Found Error", "There is no such media.", "resource-not-found")
        return Reply(200, self.platform.pictures[media_id], {"content-type": "application/octet-stream"})

    def _forget(self, _query: dict[str, Any], dm_id: str) -> Reply:
        """Deletes the brand's own side only: the customer keeps theirs."""
        if all(dm.id != dm_id for dm in self.platform.dms):
            raise Problem(404, "Not Found Error", f"Could not find dm event with id: [{dm_id}].", "resource-not-found")
        return json_reply({"data": {"deleted": True}})

    def _events_with(self, query: dict[str, Any], user_id: str) -> Reply:
        wanted = events.conversation_id(user_id, self.platform.brand.id) if user_id.isdigit() else ""
        return self._page_of_dms(query, [dm for dm in self.platform.dms if dm.conversation_id == wanted])

    def _events(self, query: dict[str, Any]) -> Reply:
        return self._page_of_dms(query, self.platform.dms)

    def _page_of_dms(self, query: dict[str, Any], dms: list[Dm]) -> Reply:
        chosen, following = _page(query, list(reversed(dms)), lowest=1)
        meta: dict[str, Any] = {"result_count": len(chosen)}
        if following:
            meta["next_token"] = following
        if not chosen:
            return json_reply({"meta": meta})
        data = [
            {
                "id": dm.id,
                "event_type": "MessageCreate",
                "text": dm.text,
                "sender_id": dm.sender.id,
                "dm_conversation_id": dm.conversation_id,
                "created_at": events.iso(dm.at),
                "participant_ids": [dm.sender.id, dm.recipient.id],
            }
            for dm in chosen
        ]
        people = {dm.sender.id: dm.sender for dm in chosen}
        includes = {"users": [events.user_object(user) for user in people.values()]}
        return json_reply({"data": data, "includes": includes, "meta": meta})

    def _search(self, query: dict[str, Any]) -> Reply:
        words, since = query.get("query", ""), query.get("since_id", "0")
        if not words or len(words) > 4096 or not since.isdigit():
            raise Problem(400, "Invalid Request", "`query` or `since_id` is wrong.", "invalid-request")
        if since != "0" and too_old(since, self.platform.clock):
            detail = f"'since_id' must be a tweet id created within the last 7 days; {since} is older."
            raise Problem(400, "Invalid Request", detail, "invalid-request")
        tweets = reversed(self.platform.tweets.values())
        found = [one for one in tweets if not one.removed and int(one.id) > int(since) and matches(words, one)]
        return self._page_of_posts(query, found, lowest=10)

    def _mentions(self, query: dict[str, Any], user_id: str) -> Reply:
        self._own(user_id)
        name = self.platform.brand.username.lower()
        since = query.get("since_id", "0")
        if not since.isdigit():
            raise Problem(400, "Invalid Request", "`since_id` must be a number.", "invalid-request")
        found = [
            tweet
            for tweet in reversed(self.platform.tweets.values())
            if not tweet.removed and int(tweet.id) > int(since) and name in events.mentions(tweet.text)
        ]
        return self._page_of_posts(query, found[:800], lowest=5)

    def _page_of_posts(self, query: dict[str, Any], found: list[Tweet], *, lowest: int) -> Reply:
        chosen, following = _page(query, found, lowest=lowest)
        if not chosen:
            return json_reply({"meta": {"result_count": 0}})
        names, tweets = self.platform.by_name(), self.platform.tweets
        people = {tweet.author.id: tweet.author for tweet in chosen}
        meta = {"newest_id": chosen[0].id, "oldest_id": chosen[-1].id, "result_count": len(chosen)}
        if following:
            meta["next_token"] = following
        data = [events.tweet_object(tweet, names, tweets) for tweet in chosen]
        includes = {"users": [events.user_object(user) for user in people.values()]}
        return json_reply({"data": data, "includes": includes, "meta": meta})

    def _user(self, _query: dict[str, Any], user_id: str) -> Reply:
        user = self.platform.users.get(self.platform.brand.id if user_id == "me" else user_id)
        if user is None:
            missing = {
                "title": "Not Found Error",
                "detail": f"Could not find user with id: [{user_id}].",
                "resource_type": "user",
            }
            return json_reply(
                {"errors": [{**missing, "resource_id": user_id, "type": PROBLEMS + "resource-not-found"}]}
            )
        return json_reply({"data": events.user_object(user)})

    def _own(self, user_id: str) -> None:
        if user_id != self.platform.brand.id:
            raise Problem(403, "Forbidden", "You are not allowed to see this.", "not-authorized-for-resource")


def _page(query: dict[str, Any], items: list[T], *, lowest: int) -> tuple[list[T], str]:
    """One page of ``items`` and the token of the next ('' at the end); tokens are opaque to callers."""
    try:
        size = int(query.get("max_results", "100"))
        token = query.get("pagination_token", "")
        start = int(token.removeprefix("page")) if token else 0
    except ValueError as error:
        raise Problem(
            400, "Invalid Request", "`max_results` or `pagination_token` is wrong.", "invalid-request"
        ) from error
    if not lowest <= size <= 100:
        raise Problem(400, "Invalid Request", f"`max_results` must be between {lowest} and 100.", "invalid-request")
    following = f"page{start + size}" if start + size < len(items) else ""
    return items[start : start + size], following
