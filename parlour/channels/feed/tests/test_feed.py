"""Reading feeds: what an entry says, and what of a feed is new."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from parlour.channels.contract import Attachment, ChannelError, ErrorKind, Kind
from parlour.channels.feed import polling
from parlour.channels.feed.channel import channel
from parlour.channels.feed.tests.sample import CONFIG, FIXTURES
from parlour.channels.tests.contract import RECEIVED
from parlour.lib import safe_http

RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>T &amp; U</title>
{}</channel></rss>"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the next fetches bring, in order; then the headers each was asked with are in its place."""
    answers: list[Any] = []

    def fetch(url: str, *, headers: dict[str, str], **_: Any) -> safe_http.Fetched:
        answer = answers.pop(0)
        answers.append(headers)
        if isinstance(answer, Exception):
            raise answer
        return safe_http.Fetched(answer.encode(), "application/rss+xml", '"e1"', "Sun, 22 Nov 2026 08:00:00 GMT")

    monkeypatch.setattr(safe_http, "fetch", fetch)
    return answers


def item(number: int, more: str = "") -> str:
    return f"<item><guid>g{number}</guid><title>Title {number}</title>{more}</item>"


def test_an_entry_is_a_message_and_a_later_version_an_edit() -> None:
    said, edit = channel.parse(FIXTURES["entries"], CONFIG, RECEIVED)
    assert (said.kind, edit.kind) == (Kind.MESSAGE, Kind.EDIT)
    assert said.text == "Luma's new masts\n\nThe coast line has signal again & it is fast."
    assert said.at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert said.author is not None
    assert (said.author.name, said.author.realm) == ("Ana Prado", channel.realm(CONFIG))
    assert said.thread is not None
    assert (said.thread.subject, said.thread.url) == ("Luma's new masts", "https://blog.example.com/masts")
    assert said.attachments == (
        Attachment("image", "https://blog.example.com/masts.jpg", mime="image/jpeg", size=12345),
    )
    assert said.meta == {"feed": "Harbour Town Blog"}
    assert edit.at == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert edit.author is not None
    assert edit.author.external_id == f"entry:{edit.external_id}"  # nobody is named
    assert edit.author.name == "Harbour Town Blog"


def test_the_same_name_is_the_same_person_within_one_feed() -> None:
    entry = {"id": "1", "author": "Ana", "title": "x"}
    body = orjson.dumps(
        {
            "feed": {},
            "entries": [entry, {**entry, "id": "2"}, {**entry, "id": "3", "author_id": "https://a.example.com"}],
        }
    )
    one, two, other = (inbound.author for inbound in channel.parse(body, CONFIG, RECEIVED))
    assert one is not None
    assert one == two != other


def test_only_what_is_new_comes_oldest_first(served: list[Any]) -> None:
    served += [
        RSS.format(item(2) + item(1)),
        RSS.format(item(3) + item(2) + item(1)),
        safe_http.Failed("Not modified.", 304),
    ]
    first = channel.poll(CONFIG, {})
    assert len(first.events) == 2
    second = channel.poll(CONFIG, first.cursor)
    (event,) = second.events
    (said,) = channel.parse(event.body, CONFIG, RECEIVED)
    assert (said.text, said.meta, said.key) == ("Title 3", {"feed": "T & U"}, event.key)
    third = channel.poll(CONFIG, second.cursor)
    assert (list(third.events), third.cursor) == ([], second.cursor)
    assert served[-1]["if-none-match"] == '"e1"'
    assert served[-1]["if-modified-since"].endswith("GMT")


def test_an_entry_is_changed_when_the_feed_says_so(served: list[Any]) -> None:
    published, later = (
        "<pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate>",
        "<atom:updated>2026-11-21T12:00:00Z</atom:updated>",
    )
    served += [
        RSS.format(item(1, published)),
        RSS.format(item(1, published + later)),
        RSS.format(item(1, published + later)),
    ]
    cursor = channel.poll(CONFIG, {"seen": {}}).cursor
    changed = channel.poll(CONFIG, cursor)
    (edit,) = (inbound for event in changed.events for inbound in channel.parse(event.body, CONFIG, RECEIVED))
    assert (edit.kind, edit.at) == (Kind.EDIT, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert list(channel.poll(CONFIG, changed.cursor).events) == []


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (safe_http.Refused("Its address is not on the open internet."), ErrorKind.INVALID),
        (safe_http.Failed("It took too long."), ErrorKind.TRANSIENT),
        (safe_http.Failed("The platform answered 401.", 401), ErrorKind.PERMISSION),
        (safe_http.Failed("The platform answered 404.", 404), ErrorKind.INVALID),
        (safe_http.Failed("The platform answered 410.", 410), ErrorKind.INVALID),
        (safe_http.Failed("The platform answered 429.", 429), ErrorKind.RATE_LIMITED),
        (safe_http.Failed("The platform answered 503.", 503), ErrorKind.TRANSIENT),
    ],
)
def test_what_goes_wrong_is_told(served: list[Any], trouble: Exception, kind: ErrorKind) -> None:
    served.append(trouble)
    with pytest.raises(ChannelError, match=str(trouble)) as caught:
        channel.poll(CONFIG, {"seen": {}})
    assert caught.value.kind is kind


def test_a_name_of_a_file_is_never_opened() -> None:
    with pytest.raises(ChannelError, match="no feed"):
        polling.parse(b"/etc/hostname", "", "https://x.example.com")


def test_the_memory_is_bounded(served: list[Any]) -> None:
    served += [RSS.format("".join(item(number) for number in range(150)))]
    cursor = channel.poll(CONFIG, {"seen": {f"old{number}": "" for number in range(1000)}}).cursor
    assert len(cursor["seen"]) == polling.REMEMBERED
    assert "old0" not in cursor["seen"]


def test_a_large_feed_is_read_in_time(served: list[Any]) -> None:
    began = time.monotonic()
    served.append(
        RSS.format("".join(item(number, f"<description>{'&lt;p>word ' * 60}</description>") for number in range(400)))
    )
    assert len(channel.poll(CONFIG, {"seen": {}}).events) == polling.MOST_ENTRIES
    assert time.monotonic() - began < 20


def test_settings_explain_what_is_wrong() -> None:
    (url,) = channel.settings
    assert url.check("https://www.example.com/feed.xml?tag=luma") is None
    for wrong in (
        "www.example.com",
        "ftp://example.com",
        "https://",
        "http://x:99999",
        "https://ana:secret@example.com/",
    ):
        assert url.check(wrong)
