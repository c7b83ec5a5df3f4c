"""A feed against its stand-in: what is published comes in once, what changes is noticed, and nothing goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from parlour.cases import ways
from parlour.cases.access import Invalid
from parlour.cases.models import Case, Message
from parlour.channels.contract import ChannelError, ErrorKind
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.channels.registry import get
from parlour.playground.faults import Fault
from parlour.traffic.models import Arrival
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]
each_kind = pytest.mark.parametrize("kind", ["feed.xml", "atom.xml"])


def listen(town: Town, kind: str = "feed.xml") -> Any:
    place = town.place("feed")
    town.connect("feed", url=f"{town.stand.base}/api/feed/{kind}")
    town.drive()
    return place


def health() -> str:
    return str(Inbox.objects.get().health)


@each_kind
def test_what_is_published_comes_in_once(town: Town, kind: str) -> None:
    place = listen(town, kind)
    place.say(place.person("Ana"), "Luma is slow. Since Monday, in <b>Harbour Street</b> &amp; around.")
    place.say(place.person("Ana"), "Another thing. It is expensive.")
    for _ in range(3):
        town.drive()
    first, second = Message.objects.order_by("id")
    assert first.text == "Luma is slow. Since Monday, in Harbour Street & around."
    assert first.visibility == "public"
    assert first.identity == second.identity
    assert first.identity is not None
    assert first.identity.name == "Ana"
    assert first.thread is not None
    assert first.thread.url.startswith("https://forum.example.com/t/")
    assert Case.objects.count() == 1


@each_kind
def test_a_changed_entry_is_an_edit(town: Town, kind: str) -> None:
    place = listen(town, kind)
    entry = place.say(place.person("Ana"), "Slow. Since Monday.")
    town.drive()
    for text in ("Slow. Since Monday. It works again.", "Slow. Since Monday."):
        place.clock.ahead += timedelta(seconds=5)
        place.edit(entry, text)
        town.drive()
        assert Message.objects.get().text == text
    assert Message.objects.get().versions.count() == 2


def test_nothing_can_be_answered(town: Town) -> None:
    place = listen(town)
    place.say(place.person("Ana"), "Slow. Since Monday.")
    town.drive()
    case = Case.objects.get()
    assert ways.ways(case) == []
    with pytest.raises(Invalid, match="cannot be answered"):
        town.answer(case, "Sorry!", "public")


def test_an_unchanged_feed_is_not_read_again(town: Town) -> None:
    place = listen(town)
    place.say(place.person("Ana"), "Slow. Since Monday.")
    town.drive()
    before = Inbox.objects.get().cursor
    town.drive()
    assert Inbox.objects.get().cursor == before
    assert (Arrival.objects.count(), health()) == (1, Inbox.Health.OK)


def test_the_first_look_brings_what_is_new_only(town: Town) -> None:
    place: Any = town.place("feed")
    for number in range(30):
        entry = place.say(place.person("Ana"), f"Number {number}. Words.")
        if number >= 25:
            place.entries[entry].at = place.entries[entry].changed = place.clock.now() - timedelta(days=30)
    listen(town)
    assert Message.objects.count() == 20
    for _ in range(2):
        place.say(place.person("Ben"), "Something new. Words.")
        town.drive()
    assert Message.objects.count() == 22


def test_an_hour_without_the_feed_is_made_up_for(town: Town) -> None:
    place = listen(town)
    place.say(place.person("Ana"), "Before. Words.")
    town.drive()
    for status in (503, 429, 500):
        place.faults.add(Fault(status=status))
        place.say(place.person("Ana"), f"During {status}. Words.")
        town.drive()
    assert Message.objects.count() == 1
    place.faults.add(Fault(how="drop"))
    town.drive()
    town.drive()
    assert Message.objects.count() == 4
    assert health() == Inbox.Health.OK


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("gone.xml", ErrorKind.INVALID, "404"),
        ("page.html", ErrorKind.INVALID, "This is a web page, not a feed. Its feed is .*feed.xml"),
        ("moved.xml", ErrorKind.INVALID, "not on the open internet|Port .* is not asked"),
    ],
)
def test_what_is_no_feed_is_told(town: Town, path: str, kind: ErrorKind, words: str) -> None:
    place = listen(town, path)
    place.leads_to = f"{town.door}/elsewhere"
    with pytest.raises(ChannelError, match=words) as caught:
        get("feed").check(config(town.inboxes["feed"]))
    assert caught.value.kind is kind
    town.drive()
    assert health() == Inbox.Health.ATTENTION


def test_a_feed_that_has_moved_is_followed(town: Town) -> None:
    place = listen(town, "moved.xml")
    place.leads_to = f"{town.stand.base}/api/feed/atom.xml"
    place.say(place.person("Ana"), "Slow. Since Monday.")
    town.drive()
    assert (Message.objects.count(), health()) == (1, Inbox.Health.OK)
    assert get("feed").check(config(town.inboxes["feed"])) == "Connected to Harbour Town Forum: 1 entries."


BOMB = b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><rss version="2.0"><channel><item><title>&b;</title></item></channel></rss>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        b"",
        b"\x00\xff" * 500,
        b"{}",
        b"<rss" + b"<a>" * 5000,
        b"x" * (2 * 1024 * 1024 + 1),
    ],
    ids=["entities", "entities in UTF-16", "empty", "bytes", "json", "deep", "huge"],
)
def test_hostile_files_do_no_harm(town: Town, body: bytes) -> None:
    place = listen(town)
    place.say(place.person("Ana"), "Before. Words.")
    town.drive()
    place.instead = body
    town.drive()
    assert Message.objects.count() == 1
    assert health() == Inbox.Health.ATTENTION or body.startswith(b"<rss<a>")  # a feed, if an empty one
    place.instead = None
    town.drive()
    assert (Message.objects.count(), health()) == (1, Inbox.Health.OK)


def test_hostile_words_stay_words(town: Town) -> None:
    place = listen(town)
    evil = "<script>alert(1)</script>\u202egnp.exe"
    place.say(
        place.person(evil),
        'Look. <script>alert(1)</script><img src=x onerror="alert(2)">&lt;script&gt;alert(3)&lt;/script&gt;',
    )
    place.instead = None
    town.drive()
    message = Message.objects.get()
    assert "alert(1)" not in message.text
    assert "onerror" not in message.text
    assert message.text.endswith("<script>alert(3)</script>")  # written as text, shown as text
    assert message.identity is not None
    assert "\u202e" not in message.identity.name


def test_broken_entries_are_left_out_or_told_by_their_words(town: Town) -> None:
    place = listen(town)
    items = "".join(
        (
            "<item></item>",
            "<item><title>Only a title</title></item>",
            "<item><guid>a</guid><title>Odd times</title><pubDate>yesterday</pubDate></item>",
            "<item><guid>b</guid><title>Far off</title><pubDate>Mon, 01 Jan 9999 00:00:00 GMT</pubDate></item>",
            '<item><guid>c</guid><title>Files</title><enclosure url="javascript:alert(1)" type="image/png" length="x"/>'
            '<enclosure url="https://x.example.com/a.mp3" type="audio/mpeg" length="5"/></item>',
        )
    )
    place.instead = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'.encode()
    for _ in range(2):
        town.drive()
    assert sorted(Message.objects.values_list("text", flat=True)) == ["Far off", "Files", "Odd times", "Only a title"]
    files = Message.objects.get(text="Files").attachments.values_list("kind", "url")
    assert list(files) == [("audio", "https://x.example.com/a.mp3")]


@each_kind
def test_entries_in_any_order_come_in_once(town: Town, kind: str) -> None:
    """Feeds promise no order: an older entry may be shown late, and above the newer ones."""
    place = listen(town, kind)
    for number in range(4):
        place.say(place.person("Ana"), f"Number {number}. Words.")
        place.clock.ahead += timedelta(seconds=1)
    late = place.entries.pop(next(iter(place.entries)))
    town.drive()
    assert Message.objects.count() == 3
    place.entries = {late.id: late, **dict(reversed(place.entries.items()))}
    town.drive()
    place.entries = dict(reversed(place.entries.items()))
    town.drive()
    told = Message.objects.order_by("sent_at").values_list("text", flat=True)
    assert [text.partition(".")[0] for text in told] == [f"Number {number}" for number in range(4)]
