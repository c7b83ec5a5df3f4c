"""Load: customers' events, signed as the platforms sign them, posted to the real doors at a given rate.

The client is a bare one over asyncio streams, so that what is measured is the door and not the driver.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from parlour.lib import clock
from parlour.playground import graph_events, x_events
from parlour.playground.ids import Ids
from parlour.playground.postman import Payload, meta_bytes, meta_headers, x_bytes, x_headers
from parlour.playground.wires import X_USERNAME
from parlour.playground.x_events import Tweet, User

WORDS = (
    "My parcel has not arrived and nobody answers, this is ridiculous",
    "How do I change my password? The page only shows an error",
    "Internet is down again since this morning, please help",
    "You charged me twice this month, I want my money back",
    "Thank you for the quick help, great service",
    "Wann kommt meine Bestellung? Ich warte seit zwei Wochen",
    "Bonjour, ma facture est fausse ce mois-ci",
    "¿Cuánto cuesta la tarifa con llamadas al extranjero?",
)


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """One door: the channel, the inbox's webhook address, its secret, and the account id (Page id, or user id on X)."""

    channel: str
    url: str
    secret: str
    account_id: str


@dataclass(slots=True)
class LoadReport:
    """What came of it. Latencies are in milliseconds, from the first byte sent to the last byte of the answer."""

    posted: int = 0
    accepted: list[str] = field(default_factory=list)
    """External ids of the messages that were answered 2xx at least once, in the order of their first acceptance."""
    refused: list[str] = field(default_factory=list)
    """External ids of deliveries that got another answer or none."""
    statuses: Counter[str] = field(default_factory=Counter)
    """Answers by HTTP status; ``none`` counts connections that broke."""
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def accepts_per_second(self) -> float:
        good = sum(number for status, number in self.statuses.items() if status.startswith("2"))
        return good / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency below which ``share`` (0..1) of the answers stayed; 0 without answers."""
        ranked = sorted(self.latencies)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] if ranked else 0.0

    def words(self) -> str:
        """One line for people."""
        statuses = ", ".join(f"{status}: {number}" for status, number in sorted(self.statuses.items()))
        return (
            f"{self.posted} deliveries in {self.seconds:.1f} s ({statuses}), {self.accepts_per_second:.0f} accepts/s, "
            f"median {self.percentile(0.5):.1f} ms, p99 {self.percentile(0.99):.1f} ms"
        )


@dataclass(frozen=True, slots=True)
class _Delivery:
    target: LoadTarget
    external_id: str
    request: bytes


async def drive(
    targets: Sequence[LoadTarget],
    rate: float,
    concurrency: int,
    seconds: float | None = None,
    count: int | None = None,
    *,
    duplicates: float = 0.0,
    reorder: float = 0.0,
    burst: int = 0,
    seed: int = 0,
) -> LoadReport:
    """Post ``count`` messages, or as many as ``seconds`` allow, to ``targets`` in turn over ``concurrency`` connections.

    ``rate`` is in messages a second (0: as fast as the doors take them). The share ``duplicates`` is delivered twice, the share
    ``reorder`` only after later ones; with ``burst`` messages come in groups of that size with pauses between, at the same mean rate.
    Nothing is retried. Raises ValueError when no end is given or an address is not plain http.
    """
    if count is None and seconds is None:
        raise ValueError("Say how long: a count, or seconds.")
    if not targets or concurrency < 1:
        raise ValueError("At least one target and one connection are needed.")
    for target in targets:
        _address(target.url)
    report, begun = LoadReport(), time.perf_counter()
    queue: asyncio.Queue[_Delivery | None] = asyncio.Queue(maxsize=max(concurrency * 2, 64))
    workers = [asyncio.create_task(_work(queue, report)) for _ in range(concurrency)]
    deliveries = _shuffled(_deliveries(targets, count, random.Random(f"load:{seed}")), duplicates, reorder, seed)
    for number, delivery in enumerate(deliveries):
        if seconds is not None and time.perf_counter() - begun >= seconds:
            break
        if rate > 0:
            turn = number - number % burst if burst > 1 else number
            await asyncio.sleep(max(0.0, begun + turn / rate - time.perf_counter()))
        await queue.put(delivery)
    for _ in workers:
        await queue.put(None)
    await asyncio.gather(*workers)
    report.seconds = time.perf_counter() - begun
    report.accepted = list(dict.fromkeys(report.accepted))
    return report


def _address(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"A door's address begins with http://, not {url!r}.")
    return parts.hostname, parts.port or 80, parts.path or "/"


def _deliveries(targets: Sequence[LoadTarget], count: int | None, rng: random.Random) -> Iterator[_Delivery]:
    ids = Ids(clock.now())
    people = [(ids.meta(), ids.meta(), ids.x(clock.now())) for _ in range(200)]
    posts = {target.url: f"{target.account_id}_{ids.meta()}" for target in targets}
    number = 0
    while count is None or number < count:
        target = targets[number % len(targets)]
        text = f"{rng.choice(WORDS)} ({number})"
        external_id, payload = _event(target, ids, rng.choice(people), posts[target.url], text, clock.now())
        x = target.channel == "x"
        body = (x_bytes if x else meta_bytes)(payload)
        headers = (x_headers if x else meta_headers)(target.secret, body)
        yield _Delivery(target, external_id, _request(target.url, headers, body))
        number += 1


def _event(
    target: LoadTarget, ids: Ids, person: tuple[str, str, str], post_id: str, text: str, at: datetime
) -> tuple[str, Payload]:
    """A new message of ``person`` (public id, PSID, X id): its external id and the webhook's body."""
    account = target.account_id
    if target.channel == "facebook":
        comment_id = f"{post_id.partition('_')[2]}_{ids.meta()}"
        value = graph_events.comment_value(
            verb="add",
            author=(person[0], f"Customer {person[0][-4:]}"),
            post_id=post_id,
            comment_id=comment_id,
            parent_id=post_id,
            at=at,
            text=text,
        )
        return comment_id, graph_events.feed(account, at, value)
    if target.channel == "messenger":
        mid = f"m_{ids.meta()}"
        return mid, graph_events.messaging(account, at, graph_events.text_message(person[1], account, at, mid, text))
    if target.channel == "x":
        brand = User(account, "Brand", X_USERNAME)
        author = User(person[2], f"Customer {person[2][-4:]}", f"c{person[2][-10:]}")
        tweet_id = ids.x(at)
        tweet = Tweet(tweet_id, author, f"@{X_USERNAME} {text}", at, tweet_id)
        names = {user.username.lower(): user for user in (brand, author)}
        payload, includes = x_events.post_payload(tweet, names, {})
        return tweet_id, x_events.activity("post.mention.create", tweet_id, account, payload, includes)
    raise ValueError(f"There is no load for the channel {target.channel!r}.")


def _request(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    host, port, path = _address(url)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nhost: {host}:{port}\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _shuffled(deliveries: Iterator[_Delivery], duplicates: float, reorder: float, seed: int) -> Iterator[_Delivery]:
    """Some twice, some later than others."""
    rng = random.Random(f"shuffle:{seed}")
    held: list[_Delivery] = []
    for delivery in deliveries:
        if rng.random() < duplicates:
            held.append(delivery)
        if rng.random() < reorder:
            held.append(delivery)
        else:
            yield delivery
        if len(held) > 20 or (held and rng.random() < 0.1):
            yield held.pop(rng.randrange(len(held)))
    rng.shuffle(held)
    yield from held


async def _work(queue: asyncio.Queue[_Delivery | None], report: LoadReport) -> None:
    """One connection, or rather one for each host it meets, kept open."""
    open_to: dict[tuple[str, int], tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
    while (delivery := await queue.get()) is not None:
        host, port, _ = _address(delivery.target.url)
        begun = time.perf_counter()
        try:
            if (host, port) not in open_to:
                open_to[host, port] = await asyncio.open_connection(host, port)
            status, kept = await asyncio.wait_for(_exchange(*open_to[host, port], delivery.request), 30)
            if not kept:
                open_to.pop((host, port))[1].close()
        except (OSError, EOFError, TimeoutError, ValueError):
            status = "none"
            if (broken := open_to.pop((host, port), None)) is not None:
                broken[1].close()
        else:
            report.latencies.append((time.perf_counter() - begun) * 1000)
        report.posted += 1
        report.statuses[status] += 1
        (report.accepted if status.startswith("2") else report.refused).append(delivery.external_id)
    for _, writer in open_to.values():
        writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[str, bool]:
    """Send a request and read the whole answer: its status, and whether the connection stays open."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = dict(line.lower().split(":", 1) for line in head[1:] if ":" in line)
    if "chunked" in fields.get("transfer-encoding", ""):
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readuntil(b"\r\n")
    else:
        await reader.readexactly(int(fields.get("content-length", "0")))
    return head[0].split(" ")[1], fields.get("connection", "").strip() != "close"
