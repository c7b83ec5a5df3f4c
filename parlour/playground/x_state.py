"""What X holds: accounts, posts, direct messages, and what customers do with them.

As with ``graph_state.py``: customers act through the verbs, the brand through the API (``xapi.py``), and every verb mails
its webhooks.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from parlour.playground import x_events as events
from parlour.playground.graph_state import BrandSpoke, Mail
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.shelf import File, Shelf
from parlour.playground.x_events import Dm, Tweet, User


@dataclass(slots=True)
class XPlatform:
    """The part of X that the brand's account sees."""

    brand: User
    ids: Ids
    clock: PlatformClock
    mail: Mail
    seed: int = 0
    read_after: float = 4.0
    users: dict[str, User] = field(default_factory=dict)
    """By id."""
    tweets: dict[str, Tweet] = field(default_factory=dict)
    """By id, oldest first."""
    dms: list[Dm] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    """Ids of users who take no direct messages from the brand."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """What customers sent with their messages, by media id."""
    sent_tweets: list[Tweet] = field(default_factory=list)
    sent_dms: list[Dm] = field(default_factory=list)
    listeners: list[Callable[[BrandSpoke], None]] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)
    also_old: bool = False
    """Whether direct messages come by the old Account Activity API as well, as they do for accounts subscribed to both."""
    _names: dict[str, User] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._random.seed(f"x:{self.seed}:{self.ids.x(self.clock.now())}")
        self._know(self.brand)

    def user(self, name: str, followers: int = 0, verified: bool = False) -> User:
        """A new account of that name; its user name is made from it."""
        plain = re.sub(r"[^A-Za-z0-9]", "", unicodedata.normalize("NFKD", name))[:11] or "user"
        username, number = plain, 1
        while username.lower() in self._names:
            number += 1
            username = f"{plain}{number}"
        user = User(self.ids.x(self.clock.now()), name, username, followers, verified)
        self._know(user)
        return user

    def named(self, username: str) -> User | None:
        return self._names.get(username.lower())

    def tweet(
        self, author: User, text: str, reply_to: str = "", quoted: str = "", files: tuple[File, ...] = ()
    ) -> Tweet:
        """A post by anybody; its ``files`` are told with addresses here. Raises KeyError when what it answers or quotes is not there."""
        now = self.clock.now()
        for other in (reply_to, quoted):
            if other and self.tweets[other].removed:
                raise KeyError(other)
        tweet_id = self.ids.x(now)
        conversation = self.tweets[reply_to].conversation_id if reply_to else tweet_id
        tweet = Tweet(tweet_id, author, text, now, conversation, reply_to, quoted, shown=list(files))
        tweet.media = [self._media(one) for one in files]
        self.tweets[tweet.id] = tweet
        for event_type in self._occasions(tweet):
            self._tell_post(event_type, tweet)
        return tweet

    def _media(self, file: File) -> dict[str, Any]:
        told = {"media_key": f"3_{self.ids.x(self.clock.now())}", "type": "photo" if file.is_picture else "video"}
        address = self.shelf.url(file)
        if file.is_picture:
            return {**told, "url": address}
        return {**told, "variants": [{"content_type": "video/mp4", "bit_rate": 832_000, "url": address}]}

    def edit(self, tweet_id: str, text: str) -> Tweet:
        """An edited post is a new post that names the ids it had before."""
        old = self.tweets[tweet_id]
        new = Tweet(
            self.ids.x(self.clock.now()), old.author, text, old.at, old.conversation_id, old.reply_to, old.quoted
        )
        new.history, new.shown, new.media = [*old.history, old.id], old.shown, old.media
        old.removed = True
        self.tweets[new.id] = new
        for event_type in self._occasions(new):
            self._tell_post(event_type, new)
        return new

    def remove(self, tweet_id: str) -> Tweet:
        tweet = self.tweets[tweet_id]
        tweet.removed = True
        payload = {"id": tweet.id, "author_id": tweet.author.id}
        self._tell("post.delete", payload)
        return tweet

    def dm(self, sender: User, text: str, picture: bytes = b"") -> Dm:
        """A customer writes to the brand in private, maybe with a picture (JPEG, or what its bytes say)."""
        dm = Dm(self.ids.x(self.clock.now()), sender, self.brand, text, self.clock.now())
        if picture:
            dm.files = [self.ids.x(self.clock.now())]
            self.pictures[dm.files[0]] = picture
            dm.shown = [
                self.shelf.put("picture", "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg", picture)
            ]
        self.dms.append(dm)
        self._tell("dm.received", events.dm_payload(dm))
        if self.also_old:
            self.mail("x", events.old_activity(self.brand.id, dm), 0.0)
        return dm

    # What the brand does.

    def brand_tweet(self, text: str, reply_to: str = "") -> Tweet:
        tweet = self.tweet(self.brand, text, reply_to)
        self.sent_tweets.append(tweet)
        if reply_to and (target := self.tweets[reply_to].author) is not self.brand:
            self._spoke(BrandSpoke("x", False, target.id, tweet.id, text))
        return tweet

    def brand_dm(self, recipient: User, text: str) -> Dm:
        now = self.clock.now()
        dm = Dm(self.ids.x(now), self.brand, recipient, text, now)
        self.dms.append(dm)
        self.sent_dms.append(dm)
        self._tell("dm.sent", events.dm_payload(dm))
        at = now + timedelta(seconds=self.read_after)
        self._tell("dm.read", events.dm_read_payload(recipient, self.brand, at, dm.id), self.read_after)
        self._spoke(BrandSpoke("x", True, recipient.id, dm.id, text))
        return dm

    def summoned(self, tweet: Tweet) -> bool:
        """Whether the author of a post mentioned, quoted or answered the brand: only then may it reply by API."""
        quoted = self.tweets.get(tweet.quoted)
        answered = self.tweets.get(tweet.reply_to)
        return (
            tweet.author is self.brand
            or self.brand.username.lower() in events.mentions(tweet.text)
            or (quoted is not None and quoted.author is self.brand)
            or (answered is not None and answered.author is self.brand)
        )

    def adopt(self, tweet_id: str) -> Tweet | None:
        """A post of an earlier run, made known again so that it can be answered."""
        if not (tweet_id.isdigit() and 10 <= len(tweet_id) <= 20):
            return None
        words = f"@{self.brand.username} (an earlier post, from before the restart)"
        lost = self.user("Earlier customer")
        self.tweets[tweet_id] = Tweet(tweet_id, lost, words, self.clock.now(), tweet_id)
        return self.tweets[tweet_id]

    def adopt_user(self, user_id: str) -> User | None:
        if not (user_id.isdigit() and 5 <= len(user_id) <= 20):
            return None
        user = self.user("Earlier customer")
        del self.users[user.id]
        user.id = user_id
        self._know(user)
        return user

    def conversation(self, user: User) -> list[Dm]:
        """The direct messages with one user, oldest first."""
        return [dm for dm in self.dms if user in (dm.sender, dm.recipient)]

    def hears(self, text: str, reply_to: str = "") -> bool:
        """Whether the brand is told of such a post of a customer."""
        answered = self.tweets.get(reply_to)
        named = self.brand.username.lower() in events.mentions(text)
        return named or (answered is not None and answered.author is self.brand)

    def by_name(self) -> dict[str, User]:
        """All accounts by lower-case user name."""
        return self._names

    def _know(self, user: User) -> None:
        self.users[user.id] = user
        self._names[user.username.lower()] = user

    def _occasions(self, tweet: Tweet) -> list[str]:
        """Why the brand is told of a post: one delivery for each reason, as X does."""
        if tweet.author is self.brand:
            return ["post.create"]
        answered, quoted = self.tweets.get(tweet.reply_to), self.tweets.get(tweet.quoted)
        reasons = []
        if answered is not None and answered.author is self.brand:
            reasons.append("post.reply.create")
        if quoted is not None and quoted.author is self.brand:
            reasons.append("post.quote.create")
        if self.brand.username.lower() in events.mentions(tweet.text):
            reasons.append("post.mention.create")
        return reasons

    def _tell_post(self, event_type: str, tweet: Tweet) -> None:
        payload, includes = events.post_payload(tweet, self._names, self.tweets)
        self._tell(event_type, payload, includes=includes)

    def _tell(
        self, event_type: str, payload: dict[str, Any], delay: float = 0.0, includes: dict[str, Any] | None = None
    ) -> None:
        uuid = str(self._random.randrange(-(2**63), 2**63))
        self.mail("x", events.activity(event_type, uuid, self.brand.id, payload, includes), delay)

    def _spoke(self, spoke: BrandSpoke) -> None:
        for listener in self.listeners:
            listener(spoke)
