"""Arrivals of a realistic mix for ``road``: what customers write in several languages, in the platforms' own shapes."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.actions import connect_inbox
from parlour.channels.models import Inbox
from parlour.playground import graph_events, x_events
from parlour.playground.postman import Payload, meta_bytes, x_bytes
from parlour.playground.scenes import SCENES
from parlour.playground.x_events import Tweet, User
from parlour.traffic.door import decode, rows_of
from parlour.traffic.store import Row

PAGE, BRAND = "448242228374517", User("2244994945", "Luma", "LumaHelp", 12_000, True)
META = {"page_id": PAGE, "app_secret": "s" * 32, "verify_token": "v", "access_token": "a"}
X = {"user_id": BRAND.id, "consumer_secret": "c" * 32, "access_token": "a"}
SHARES = {"messenger": 70, "facebook": 20, "x": 10}
PEOPLE = {"messenger": 3, "facebook": 2, "x": 2}
"""Messages a customer writes, on average."""


def texts(rng: random.Random) -> Callable[[], str]:
    """Words of the playground's customers: one line, or now and then several in a row."""
    lines = [
        say.text for scene in SCENES for say in (*scene.opening, *scene.waiting, *sum(scene.private, ())) if say.text
    ]

    def one() -> str:
        said = " ".join(rng.sample(lines, rng.choices((1, 2, 4, 8), (70, 20, 8, 2))[0]))
        return said.format(
            order=rng.randrange(10**6, 10**7), phone=rng.randrange(10**9, 10**10), code=rng.randrange(10**5), amount=39
        )

    return one


def _messenger(rng: random.Random, person: int, text: str, at: datetime) -> bytes:
    mid = "m_" + base64.urlsafe_b64encode(rng.randbytes(64)).decode().rstrip("=")
    event = graph_events.text_message(str(10**16 + person), PAGE, at, mid, text[:2000])
    return meta_bytes(graph_events.messaging(PAGE, at, event))


def _facebook(rng: random.Random, person: int, text: str, at: datetime) -> bytes:
    post = f"{PAGE}_{10**14 + person % 40}"
    value = graph_events.comment_value(
        verb="add",
        author=(str(2 * 10**16 + person), f"Customer {person}"),
        post_id=post,
        comment_id=f"{10**14 + person % 40}_{rng.randrange(10**14, 10**15)}",
        parent_id=post,
        at=at,
        text=text,
    )
    return meta_bytes(graph_events.feed(PAGE, at, value))


def _x(rng: random.Random, person: int, text: str, at: datetime) -> bytes:
    author = User(str(3 * 10**9 + person), f"Customer {person}", f"customer{person}", (person * 7919) % 40_000)
    told = text if text.startswith("@") else f"@{BRAND.username} {text}"
    number = str(rng.randrange(10**18, 2 * 10**18))
    tweet = Tweet(number, author, told[:280], at, number)
    payload, includes = x_events.post_payload(tweet, {BRAND.username.lower(): BRAND, author.username: author}, {})
    whole: Payload = x_events.activity("post.mention.create", number, BRAND.id, payload, includes)
    return x_bytes(whole)


MAKERS = {"messenger": _messenger, "facebook": _facebook, "x": _x}


def connect() -> dict[str, Inbox]:
    """One brand with three inboxes."""
    return {name: connect_inbox(name, "Luma", f"Luma on {name}", X if name == "x" else META) for name in SHARES}


def rows(inboxes: dict[str, Inbox], count: int, seed: int = 1) -> Iterator[Row]:
    """``count`` arrivals as the door would store them, spread over the last two hours of the platforms' clocks."""
    rng = random.Random(seed)
    say, began = texts(rng), datetime.now(UTC) - timedelta(hours=2)
    configs = {name: channels.config(inbox) for name, inbox in inboxes.items()}
    for number, name in enumerate(rng.choices(list(SHARES), list(SHARES.values()), k=count)):
        person = rng.randrange(max(1, count * SHARES[name] // 100 // PEOPLE[name]))
        at = began + timedelta(seconds=7000 * number / count)
        payload, body = decode(MAKERS[name](rng, person, say(), at))
        yield from rows_of(inboxes[name].pk, registry.get(name).split(payload, body, configs[name]))
