"""Polling against a real HTTP server that pages as X does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig, Kind, Poll
from parlour.channels.tests.contract import at
from parlour.channels.x.channel import channel
from parlour.channels.x.polling import query_of
from parlour.channels.x.tests.sample import ANA, CONFIG, US
from parlour.lib import clock

PAGE = 10
PATHS = {"/2/dm_events": "dms", "/2/tweets/search/recent": "search"}
FIRST = 2_080_000_000_000_000_000


@dataclass
class FakeX:
    """Mentions and messages by number; ``faults`` are answered instead, once per request, by endpoint."""

    base: str = ""
    mentions: list[int] = field(default_factory=list)
    dms: list[int] = field(default_factory=list)
    search: list[int] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, list[tuple[int, dict[str, Any]] | None]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        name = "mentions" if path == f"/2/users/{US}/mentions" else PATHS.get(path, "")
        self.asked.append((name, query))
        faults = self.faults.get(name, [])
        if faults and (fault := faults.pop(0)) is not None:
            return fault
        items = sorted(getattr(self, name), reverse=True)
        if "since_id" in query:
            items = [number for number in items if FIRST + number > int(query["since_id"])]
        start = int(query.get("pagination_token", "page-0").removeprefix("page-"))
        page, rest = items[start : start + PAGE], items[start + PAGE :]
        meta: dict[str, Any] = {"result_count": len(page)}
        if rest:
            meta["next_token"] = f"page-{start + PAGE}"
        answer: dict[str, Any] = {"meta": meta}
        if page:
            answer["data"] = [self.item(name, number) for number in page]
            answer["includes"] = {"users": [{"id": ANA, "name": "Ana Prado", "username": "ana_writes"}]}
        return 200, answer

    def item(self, name: str, number: int) -> dict[str, Any]:
        key = str(FIRST + number)
        if name != "dms":
            return {"id": key, "text": f"mention {number}", "author_id": ANA, "conversation_id": key}
        said = {"id": key, "event_type": "MessageCreate", "text": f"message {number}", "sender_id": ANA}
        return {**said, "dm_conversation_id": f"{US}-{ANA}"}


@pytest.fixture
def x() -> Iterator[FakeX]:
    fake = FakeX()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, answer = fake.answer(parts.path, dict(parse_qsl(parts.query)))
            body = orjson.dumps(answer)
            self.send_response(status)
            for name, value in (fake.headers if status == 429 else {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.base = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


@pytest.fixture
def inbox(x: FakeX) -> InboxConfig:
    return at(CONFIG, x.base)


def numbers(poll: Poll, kind: str = "post") -> list[int]:
    keys = [event.key for event in poll.events if event.key.startswith(kind)]
    return [int(key.partition(":")[2]) - FIRST for key in keys]


def drained(inbox: InboxConfig, cursor: dict[str, Any]) -> tuple[list[Poll], dict[str, Any]]:
    polls = []
    while True:
        poll = channel.poll(inbox, orjson.loads(orjson.dumps(cursor)))
        polls.append(poll)
        cursor = poll.cursor
        if not poll.more:
            return polls, cursor
        assert len(polls) < 50


def test_the_first_poll_takes_the_newest_page_only(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions, x.dms = list(range(35)), list(range(100, 125))
    poll = channel.poll(inbox, {})
    assert numbers(poll) == list(range(25, 35))
    assert numbers(poll, "dm") == list(range(115, 125))
    assert not poll.more
    (again, _) = drained(inbox, poll.cursor)
    assert [one.events for one in again] == [[]]


def test_only_what_is_new_comes_in_order(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions, x.dms = [1], [2]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions += [3, 4]
    x.dms += [5]
    poll = channel.poll(inbox, cursor)
    assert (numbers(poll), numbers(poll, "dm")) == ([3, 4], [5])
    assert x.asked[-2][1]["since_id"] == str(FIRST + 1)
    (said,) = channel.parse(poll.events[0].body, CONFIG, clock.now())
    assert said.author is not None
    assert (said.author.name, said.key) == ("Ana Prado", poll.events[0].key)


def test_a_quiet_first_poll_still_leaves_no_gap(x: FakeX, inbox: InboxConfig) -> None:
    cursor = channel.poll(inbox, {}).cursor
    x.mentions = list(range(25))
    polls, _ = drained(inbox, cursor)
    assert sorted(number for poll in polls for number in numbers(poll)) == list(range(25))


def test_gaps_are_filled_over_several_calls(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions, x.dms = [0], [1]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions += range(2, 150)
    x.dms += range(200, 255)
    polls, cursor = drained(inbox, cursor)
    assert len(polls) > 1
    assert all(len(x_poll.events) <= 7 * PAGE for x_poll in polls)
    found = [number for poll in polls for number in numbers(poll)]
    assert sorted(found) == list(range(2, 150))
    assert sorted({number for poll in polls for number in numbers(poll, "dm")}) == list(range(200, 255))
    x.mentions.append(151)
    polls, _ = drained(inbox, cursor)
    assert [numbers(poll) for poll in polls] == [[151]]


def test_what_comes_while_a_gap_is_filled_comes_next(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions = [0]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions += range(1, 100)
    first = channel.poll(inbox, cursor)
    assert first.more
    x.mentions += [200, 201]
    polls, cursor = drained(inbox, first.cursor)
    late, _ = drained(inbox, cursor)
    found = {number for poll in (first, *polls, *late) for number in numbers(poll)}
    assert found == {*range(1, 100), 200, 201}


def test_an_expired_page_mark_starts_the_gap_over(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions = [0]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions += range(1, 100)
    first = channel.poll(inbox, cursor)
    x.faults["mentions"] = [(400, {"detail": "bad pagination_token", "type": "https://x/problems/invalid-request"})]
    polls, _ = drained(inbox, first.cursor)
    assert {number for poll in (first, *polls) for number in numbers(poll)} == set(range(1, 100))


def test_a_limit_of_one_does_not_hold_up_the_other(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions, x.dms = [1], [2]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions.append(3)
    x.headers = {"x-rate-limit-reset": str(int(clock.now().timestamp()) + 600)}
    x.faults["dms"] = [(429, {})]
    poll = channel.poll(inbox, cursor)
    assert numbers(poll) == [3]
    x.asked.clear()
    x.dms.append(4)
    quiet = channel.poll(inbox, poll.cursor)
    assert quiet.events == []
    assert [name for name, _ in x.asked] == ["mentions"]
    quiet.cursor["dms"]["wait"] = 0
    assert numbers(channel.poll(inbox, quiet.cursor), "dm") == [4]


def test_both_limited_is_an_error_with_a_wait(x: FakeX, inbox: InboxConfig) -> None:
    x.faults = {"mentions": [(429, {})], "dms": [(429, {})]}
    with pytest.raises(ChannelError) as caught:
        channel.poll(inbox, {})
    assert (caught.value.kind, caught.value.retry_after) == (ErrorKind.RATE_LIMITED, 60)


def test_an_error_is_told_only_when_nothing_is_lost_by_it(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions = [1]
    x.faults["dms"] = [(403, {"detail": "no dm.read"}), (403, {"detail": "no dm.read"})]
    poll = channel.poll(inbox, {})
    assert numbers(poll) == [1]
    with pytest.raises(ChannelError, match="no dm") as caught:
        channel.poll(inbox, poll.cursor)
    assert caught.value.kind is ErrorKind.PERMISSION
    x.faults["mentions"] = [(401, {"title": "Unauthorized"})]
    with pytest.raises(ChannelError) as caught:
        channel.poll(inbox, poll.cursor)
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED


def test_an_error_on_a_later_page_keeps_the_earlier_ones(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions = [0]
    cursor = channel.poll(inbox, {}).cursor
    x.mentions += range(1, 40)
    x.faults["mentions"] = [None, (503, {})]
    poll = channel.poll(inbox, cursor)
    assert (numbers(poll), poll.more) == (list(range(30, 40)), True)
    polls, _ = drained(inbox, poll.cursor)
    assert {number for one in (poll, *polls) for number in numbers(one)} == set(range(1, 40))


def test_a_broken_cursor_is_a_first_poll(x: FakeX, inbox: InboxConfig) -> None:
    x.mentions = [1]
    for cursor in ({"mentions": 5}, {"mentions": {"since": [], "token": {}, "top": "x", "wait": "y"}}, {"odd": 1}):
        assert numbers(channel.poll(inbox, cursor)) == [1]


def listening(inbox: InboxConfig, words: str = "Luma OR router") -> InboxConfig:
    return replace(inbox, settings={**inbox.settings, "search": words})


def test_an_inbox_may_listen_to_a_search_only(x: FakeX, inbox: InboxConfig) -> None:
    ear = listening(inbox)
    x.mentions, x.dms, x.search = [1], [2], [3]
    cursor = channel.poll(ear, {}).cursor
    x.search += range(4, 100)
    polls, cursor = drained(ear, cursor)
    assert len(polls) > 1
    assert sorted(number for poll in polls for number in numbers(poll)) == list(range(4, 100))
    assert {name for name, _ in x.asked} == {"search"}
    assert x.asked[0][1]["query"] == f"(Luma OR router) -is:retweet -from:{US}"
    assert int(x.asked[0][1]["max_results"]) >= 10
    (said,) = channel.parse(polls[0].events[0].body, CONFIG, clock.now())
    assert said.kind is Kind.MESSAGE


def test_a_search_after_more_than_a_week_begins_anew(x: FakeX, inbox: InboxConfig) -> None:
    ear = listening(inbox)
    x.search = [1]
    cursor = channel.poll(ear, {}).cursor
    x.search += [2, 3]
    words = "Invalid 'since_id':'2080'. 'since_id' must be a tweet id created after 2026-11-15T08:00Z."
    x.faults["search"] = [(400, {"detail": words, "title": "Invalid Request"})]
    assert numbers(channel.poll(ear, cursor)) == [2, 3]


@pytest.mark.parametrize(
    ("words", "query"),
    [
        ("Luma lang:en", f"Luma lang:en -is:retweet -from:{US}"),
        ("from:someone Luma", "from:someone Luma -is:retweet"),
        ("Luma is:retweet", f"Luma is:retweet -from:{US}"),
    ],
)
def test_the_query_leaves_out_reposts_and_the_brand(words: str, query: str) -> None:
    assert query_of(listening(CONFIG, words)) == query
