"""No loss and no doubles, while the server is killed again and again.

Platforms deliver events shuffled, twice, several in a body and over many connections, and come again when they are not answered; a client of
the API answers customers, and repeats what it got no answer to. The stand-in of the platforms lives in the test's own process and so
survives every kill. Afterwards every event that was answered 200 is there once, and no answer has reached a customer twice.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest

from parlour.lib import clock
from parlour.playground import graph_events, x_events
from parlour.playground.faults import FixedWindow
from parlour.playground.ids import Ids
from parlour.playground.main import Stand
from parlour.playground.postman import Habits, meta_bytes, meta_headers, x_bytes, x_headers
from parlour.playground.x_events import Tweet, User
from tests.desk import Desk, eventually, every

KILLS = 20
CONNECTIONS = 8
PEOPLE = 30
"""Customers on each channel."""
CHANNELS = ("messenger", "facebook", "x")

pytestmark = [pytest.mark.whole, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Said:
    """What a customer said, and what the desk must make of it."""

    channel: str
    external_id: str
    author: str
    text: str
    entry: dict[str, Any]


@dataclass(frozen=True)
class Parcel:
    """One request of a platform."""

    path: str
    body: bytes
    headers: dict[str, str]
    said: list[Said]


@dataclass
class Platforms:
    """Makes events up without end, and remembers which of them were answered 200."""

    paths: dict[str, str]
    accounts: dict[str, tuple[str, str]]
    """Channel to account id and secret."""
    rng: random.Random
    ids: Ids = field(default_factory=lambda: Ids(clock.now()))
    accepted: dict[str, Said] = field(default_factory=dict)
    taken: dict[str, list[datetime]] = field(default_factory=dict)
    """When each of them was answered 200."""
    told: dict[str, Said] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    stop: bool = False
    waiting: list[Parcel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = [(self.ids.meta(), self.ids.x(clock.now())) for _ in range(PEOPLE)]
        self.post = f"{self.accounts['facebook'][0]}_{self.ids.meta()}"

    def _say(self, channel: str) -> Said:
        (meta, x), at = self.rng.choice(self.people), clock.now()
        text, account = f"Words number {len(self.told)}", self.accounts[channel][0]
        if channel == "messenger":
            author, external_id = meta, f"m_{self.ids.meta()}"
            event = graph_events.text_message(author, account, at, external_id, text)
            entry = graph_events.messaging(account, at, event)["entry"][0]
        elif channel == "facebook":
            author, external_id = f"9{meta}", f"{self.post.partition('_')[2]}_{self.ids.meta()}"
            value = graph_events.comment_value(
                verb="add",
                author=(author, "Ada"),
                post_id=self.post,
                comment_id=external_id,
                parent_id=self.post,
                at=at,
                text=text,
            )
            entry = graph_events.feed(account, at, value)["entry"][0]
        else:
            author, external_id, text = x, self.ids.x(at), f"@LumaHelp {text}"
            brand, writer = User(account, "Luma", "LumaHelp"), User(author, "Ben", f"ben{author[-8:]}")
            tweet = Tweet(external_id, writer, text, at, external_id)
            payload, includes = x_events.post_payload(tweet, {u.username.lower(): u for u in (brand, writer)}, {})
            entry = x_events.activity("post.mention.create", external_id, account, payload, includes)
        said = self.told[external_id] = Said(channel, external_id, author, text, entry)
        return said

    def _parcel(self) -> Parcel:
        channel = self.rng.choice(CHANNELS)
        secret = self.accounts[channel][1]
        if channel == "x":
            said = [self._say(channel)]
            body = x_bytes(said[0].entry)
            return Parcel(self.paths[channel], body, x_headers(secret, body), said)
        said = [self._say(channel) for _ in range(self.rng.choice((1, 1, 1, 2, 5)))]
        body = meta_bytes({"object": "page", "entry": [one.entry for one in said]})
        return Parcel(self.paths[channel], body, meta_headers(secret, body), said)

    def _next(self) -> Parcel:
        while len(self.waiting) < 30:
            parcel = self._parcel()
            self.waiting += [parcel] * (2 if self.rng.random() < 0.3 else 1)
        return self.waiting.pop(self.rng.randrange(len(self.waiting)))

    async def deliver(self, port: int) -> None:
        await asyncio.gather(*(self._connection(port) for _ in range(CONNECTIONS)))

    async def _connection(self, port: int) -> None:
        wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self.stop:
            parcel = self._next()
            try:
                wire = wire or await asyncio.open_connection("127.0.0.1", port)
                status = await asyncio.wait_for(_post(*wire, parcel), 10)
            except (OSError, EOFError, TimeoutError) as error:
                self.answers[type(error).__name__] += 1
                if wire is not None:
                    wire[1].close()
                wire = None
                # A platform comes again, later; one in ten times it gives up.
                if self.rng.random() < 0.9:
                    self.waiting.append(parcel)
                await asyncio.sleep(0.05)
                continue
            self.answers[status] += 1
            if status == "200":
                self.accepted |= {one.external_id: one for one in parcel.said}
                for one in parcel.said:
                    self.taken.setdefault(one.external_id, []).append(clock.now())
            await asyncio.sleep(self.rng.uniform(0, 0.05))


async def _post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parcel: Parcel) -> str:
    """Send a request over an open connection; the status of the answer once it was read to its end."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in parcel.headers.items())
    head = f"POST {parcel.path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{lines}content-length: {len(parcel.body)}\r\n\r\n"
    writer.write(head.encode() + parcel.body)
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next(int(line.partition(":")[2]) for line in answer if line.startswith("content-length:"))
    await reader.readexactly(length)
    return answer[0].split(" ")[1]


@dataclass
class Client:
    """Answers customers through the API, each answer with a key of its own, repeated until the desk has said something."""

    desk: Desk
    token: str
    number: int
    stop: bool = False
    given: dict[str, int] = field(default_factory=dict)
    """Words of an answer -> id of the message the desk made of it."""
    repeated: int = 0
    strange: list[str] = field(default_factory=list)

    def run(self) -> None:
        rng = random.Random(f"client:{self.number}")
        with self.desk.api(self.token) as api:
            while not self.stop:
                try:
                    cases = api.get("cases", params={"limit": 40}).json()["items"]
                    for case in rng.sample(cases, min(10, len(cases))):
                        self._answer(api, case, f"Answer {self.number}.{len(self.given)}")
                except (httpx.HTTPError, KeyError, ValueError):
                    time.sleep(0.05)

    def _answer(self, api: httpx.Client, case: dict[str, Any], text: str) -> None:
        body = {"text": text, "visibility": case["visibility"]}
        tries = 0
        while not self.stop:
            tries += 1
            try:
                answer = api.post(
                    f"cases/{case['id']}/replies", json=body, headers={"Idempotency-Key": text.replace(" ", "-")}
                )
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code in (200, 201):
                self.given[text] = answer.json()["id"]
                self.repeated += tries > 1
            elif answer.status_code < 500:
                self.strange.append(f"{answer.status_code} {answer.text[:200]}")
            else:
                continue
            time.sleep(0.06)
            return


@contextmanager
def running(*works: Any) -> Iterator[None]:
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def _time_passes(desk: Desk) -> None:
    """With no process alive, half a minute or two go by: what killed workers had claimed runs out."""
    if desk.database is not None:
        long_ago = "2020-01-01T00:00:00Z"
        desk.rows("UPDATE spine_lease SET until = %s", long_ago)
        desk.rows("UPDATE cases_delivery SET claimed_until = %s WHERE state = 'sending'", long_ago)


def _received(stand: Stand) -> Counter[str]:
    """What reached the customers, by its words."""
    lines = [line.text for line in stand.graph.sent] + [post.text for post in stand.graph.answers]
    return Counter(lines + [tweet.text for tweet in stand.x.sent_tweets] + [dm.text for dm in stand.x.sent_dms])


def test_nothing_is_lost_and_nothing_is_doubled_while_the_server_is_killed(desk_on_each: Desk) -> None:
    desk = desk_on_each
    rng = random.Random(20)
    with Stand(habits=Habits(backoff=(0.2,) * 200, duplicates=0.2, reorder=0.2)) as stand:
        _prepare(stand)
        settings = {channel: stand.settings(channel) for channel in CHANNELS}
        paths = {channel: desk.add_inbox(channel, **settings[channel])["webhook_path"] for channel in CHANNELS}
        token = desk.add_token()
        for channel, path in paths.items():
            stand.point(channel, desk.url + path)
        accounts = {channel: (wire.account_id, wire.secret) for channel, wire in stand.world.wires.items()}
        platforms = Platforms(paths, accounts, rng)
        clients = [Client(desk, token, number) for number in (1, 2)]
        with running(lambda: asyncio.run(platforms.deliver(desk.port)), *(client.run for client in clients)):
            for number in range(KILLS):
                _live(desk, platforms, clients, rng)
                desk.kill()
                if number % 4 == 3:
                    _time_passes(desk)
            _time_passes(desk)
            desk.start()
            time.sleep(0.5)
            platforms.stop = True
            for client in clients:
                client.stop = True
        stand.settle(30)
        eventually(lambda: not _unfinished(desk), 60, 0.2)
        _check_events(desk, token, platforms)
        _check_answers(desk, stand, clients)


def _live(desk: Desk, platforms: Platforms, clients: list[Client], rng: random.Random) -> None:
    """A life of the desk: it has taken some deliveries and given an answer, however slow the machine, and ends anywhere after that."""
    taken, given = platforms.answers["200"], sum(len(client.given) for client in clients)
    wanted = taken + rng.randint(4, 16)
    desk.start()
    until = time.monotonic() + 3
    while time.monotonic() < until and (
        platforms.answers["200"] < wanted or sum(len(client.given) for client in clients) == given
    ):
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.2))


def _prepare(stand: Stand) -> None:
    stand.graph_api.forgiving = stand.x_api.forgiving = True
    stand.x_api.limits = {name: FixedWindow(100_000, 900) for name in stand.x_api.limits}
    stand.graph.delivered_after = stand.graph.read_after = stand.x.read_after = 0.1

    async def slowly() -> None:
        """So that many a kill falls between the doing and the answer."""
        await asyncio.sleep(0.06)

    stand.graph_api.before_answer = stand.x_api.before_answer = slowly


def _unfinished(desk: Desk) -> bool:
    events = desk.rows("SELECT count(*) FROM traffic_arrival WHERE state = 'new'")[0][0]
    sends = desk.rows("SELECT count(*) FROM cases_delivery WHERE state IN ('queued', 'sending')")[0][0]
    return bool(events or sends)


def _everything(desk: Desk, token: str) -> list[dict[str, Any]]:
    """Every message of every case. A case that changes meanwhile moves to the front of the list: it is walked until it stays the same."""
    with desk.api(token) as api:

        def walk() -> list[dict[str, Any]]:
            return [message for case in every(api, "cases") for message in every(api, f"cases/{case['id']}/messages")]

        found = walk()
        for _ in range(5):
            again = walk()
            if {one["id"] for one in again} == {one["id"] for one in found}:
                break
            found = again
    return found


def _check_events(desk: Desk, token: str, platforms: Platforms) -> None:
    assert {answer for answer in platforms.answers if answer.isdigit()} == {"200"}, platforms.answers
    assert len(platforms.accepted) > 200, platforms.answers
    assert platforms.answers.total() - platforms.answers["200"] > KILLS, "No kill hit a delivery."
    assert desk.rows("SELECT reason FROM traffic_arrival WHERE state = 'parked'") == []
    found = _everything(desk, token)
    there = [message for message in found if message["direction"] == "in"]
    times = Counter(message["external_id"] for message in there)
    wrong = [one for one in platforms.accepted if times[one] != 1] + [one for one in times if times[one] > 1]
    assert not wrong, _traces(desk, platforms, found, wrong)
    assert set(times) <= set(platforms.told), "The desk holds what nobody said."
    for message in there:
        said = platforms.told[message["external_id"]]
        assert (message["channel"], message["author"]["external_id"], message["text"]) == (
            said.channel,
            said.author,
            said.text,
        )
    threads = desk.rows(
        "SELECT thread_id, count(DISTINCT identity_id) FROM cases_message WHERE direction = 'in' GROUP BY 1"
    )
    assert {people for _, people in threads} == {1}, "A thread holds the words of two customers."
    open_cases = desk.rows("SELECT brand_id, customer_id FROM cases_case WHERE status = 'open'")
    assert len(open_cases) == len(set(open_cases)), "A customer has two open cases."
    counted = desk.rows(
        "SELECT c.id FROM cases_case c WHERE c.messages_in <>"
        " (SELECT count(*) FROM cases_message m WHERE m.case_id = c.id AND m.direction = 'in')"
    )
    assert counted == [], "A case has miscounted its messages."


def _traces(desk: Desk, platforms: Platforms, found: list[dict[str, Any]], wrong: list[str]) -> str:
    """Where events that are not in the desk exactly once have gone: what the API shows, the messages, the arrivals."""
    arrivals = desk.rows(
        "SELECT id, inbox_id, lane, state, attempts, reason, received_at, due_at, done_at, key, body FROM traffic_arrival"
    )
    lines = [f"{len(wrong)} of {len(platforms.accepted)} events that were answered 200 are not there exactly once."]
    for event in wrong[:5]:
        shown = [(one["id"], one["direction"]) for one in found if one["external_id"] == event]
        stored = desk.rows(
            "SELECT id, direction, case_id, thread_id, inbox_id, stored_at, deleted_at FROM cases_message"
            " WHERE external_id = %s OR text = %s",
            event,
            platforms.told[event].text,
        )
        came = [row[:10] for row in arrivals if event in row[9] or event.encode() in bytes(row[10])]
        lines += [
            f"{platforms.told[event].channel} {event}, answered 200 at {[f'{at:%T.%f}' for at in platforms.taken.get(event, [])]}:",
            f"  the API shows {shown or 'nothing'}",
            f"  messages (id, direction, case, thread, inbox, stored, deleted): {stored or 'none, under any direction'}",
            "  arrivals (id, inbox, lane, state, attempts, reason, received, due, done, key): "
            + str(came or "none: it was answered and never stored"),
        ]
    return "\n".join(lines)


def _check_answers(desk: Desk, stand: Stand, clients: list[Client]) -> None:
    received = _received(stand)
    stored = desk.rows(
        "SELECT m.text, m.id, d.state, d.error_words FROM cases_message m LEFT JOIN cases_delivery d ON d.message_id = m.id"
        " WHERE m.direction = 'out'"
    )
    times = Counter(text for text, *_ in stored)
    assert [text for text, number in times.items() if number != 1] == [], "An answer stands in the desk twice."
    assert [text for text, number in received.items() if number != 1] == [], "A customer got an answer twice."
    assert set(received) <= set(times), "The stand-in got what nobody wrote."
    states = {text: (message_id, state, words) for text, message_id, state, words in stored}
    for client in clients:
        assert client.strange == []
        assert {text: states[text][0] for text in client.given} == client.given
    for text, (_, state, words) in states.items():
        assert state in {"sent", "delivered", "read", "uncertain"}, (text, state, words)
        assert state == "uncertain" or received[text] == 1, f"{text} is {state} and reached nobody."
    assert len(received) >= 5
    assert sum(client.repeated for client in clients) > 0, "No kill hit a client of the API."
