"""Recorded traffic of real brands, replayed while the desk runs on the same data.

By default a slice of the recording is used, always the same; ``PARLOUR_FULL=1`` replays all of it.
"""

from __future__ import annotations

import csv
import gzip
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from parlour.playground.replay import COLUMNS
from tests.desk import Desk

pytestmark = [pytest.mark.whole, pytest.mark.timeout(900 if os.environ.get("PARLOUR_FULL") else 180)]

ROWS = 3_500
LONGEST_ANSWER = 5.0


def _id(value: str) -> str:
    return value.split(",")[0].strip().removesuffix(".0")


def _plain(text: str) -> str:
    """X escapes three characters, and the desk shows what was typed."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _recorded(file: Path) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def _slice(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Whole conversations from all over the recording, in an order in which answers may come before what they answer."""
    parents = {_id(row["tweet_id"]): _id(row["in_response_to_tweet_id"]) for row in rows}

    def root(tweet: str) -> str:
        seen = {tweet}
        while (above := parents.get(tweet, "")) and above not in seen:
            seen.add(above)
            tweet = above
        return tweet

    step = max(1, len(rows) // ROWS)
    chosen = [row for row in rows if int(re.sub(r"\D", "", root(_id(row["tweet_id"]))) or 0) % step == 0]
    return sorted(chosen, key=lambda row: _id(row["tweet_id"])[::-1])


def _write(rows: list[dict[str, str]], file: Path) -> Path:
    with gzip.open(file, "wt", encoding="utf-8", newline="", compresslevel=1) as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return file


def _replay(desk: Desk, file: Path) -> tuple[int, str]:
    return desk.ask("replay", str(file), timeout=800)


@contextmanager
def _hurried(desk: Desk) -> Iterator[None]:
    """Answers to tweets that are not in the recording wait for them, half a minute in all; here that is cut short."""
    stop = threading.Event()

    def hurry() -> None:
        while not stop.wait(1):
            desk.rows("UPDATE traffic_arrival SET due_at = received_at WHERE state = 'new' AND due_at IS NOT NULL")

    thread = threading.Thread(target=hurry, daemon=True)
    if not os.environ.get("PARLOUR_FULL"):
        thread.start()
    yield
    stop.set()
    if thread.ident is not None:
        thread.join(20)


@contextmanager
def _watched(desk: Desk, token: str) -> Any:
    """Somebody works at the desk meanwhile; gives the seconds each answer took, by path."""
    taken: dict[str, list[float]] = {"/health": [], "/api/v1/cases": []}
    wrong: list[str] = []
    stop = threading.Event()

    def look(path: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=desk.url, headers=headers, trust_env=False, timeout=30) as client:
            while not stop.wait(0.1):
                began = time.monotonic()
                answer = client.get(path)
                taken[path].append(time.monotonic() - began)
                if answer.status_code != 200:
                    wrong.append(f"{path}: {answer.status_code}")

    threads = [threading.Thread(target=look, args=(path,), daemon=True) for path in taken]
    for thread in threads:
        thread.start()
    try:
        yield taken
    finally:
        stop.set()
        for thread in threads:
            thread.join(40)
    assert wrong == []


def test_every_recorded_tweet_is_one_message_and_the_desk_answers_meanwhile(
    desk: Desk, shared: Path, tmp_path: Path
) -> None:
    recording = shared / "data" / "twcs_brand_tweets.csv.gz"
    rows = _recorded(recording)
    if not os.environ.get("PARLOUR_FULL"):
        rows = _slice(rows)
        recording = _write(rows, tmp_path / "slice.csv.gz")
    assert len(rows) > 3_000
    desk.start()
    token = desk.add_token()
    with _watched(desk, token) as taken, _hurried(desk):
        began = time.monotonic()
        code, told = _replay(desk, recording)
        first = time.monotonic() - began
        assert code == 0, told
        _check(desk, rows)
        before = _counts(desk)
        code, again = _replay(desk, recording)
    assert code == 0
    assert _counts(desk) == before, "A second replay adds nothing."
    assert re.search(r"customers' messages: [\d,]+ \(\+0\)", again)
    for path, seconds in taken.items():
        assert len(seconds) > 10
        assert max(seconds) < LONGEST_ANSWER, f"{path} took {max(seconds):.1f} s at worst."
    print(
        f"\n{len(rows):,} tweets in {first:.1f} s; worst answers: { ({path: round(max(s), 2) for path, s in taken.items()}) }"
    )
    print(told)


def _counts(desk: Desk) -> list[Any]:
    tables = (
        "cases_message",
        "cases_case",
        "cases_thread",
        "customers_identity",
        "customers_customer",
        "traffic_arrival",
    )
    return [desk.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables] + desk.rows(
        "SELECT state, count(*) FROM traffic_arrival GROUP BY 1 ORDER BY 1"
    )


def _check(desk: Desk, rows: list[dict[str, str]]) -> None:
    assert desk.rows("SELECT state, reason FROM traffic_arrival WHERE state <> 'done' LIMIT 5") == []
    stored = desk.rows(
        "SELECT m.external_id, m.direction, m.sent_at, m.reply_to, m.text, m.visibility, i.external_id, m.case_id, m.thread_id, m.sentiment"
        " FROM cases_message m LEFT JOIN customers_identity i ON i.id = m.identity_id"
    )
    assert len(stored) == len(rows)
    there = {row[0]: row for row in stored}
    assert len(there) == len(rows)
    for row in rows:
        tweet = _id(row["tweet_id"])
        _, direction, sent_at, reply_to, text, visibility, author, case_id, thread_id, sentiment = there[tweet]
        inbound = row["inbound"] == "True"
        assert direction == ("in" if inbound else "out"), tweet
        assert visibility == "public"
        assert reply_to == _id(row["in_response_to_tweet_id"]), tweet
        assert text == _plain(row["text"]), tweet
        told = datetime.fromisoformat(str(sent_at))
        assert (told if told.tzinfo else told.replace(tzinfo=UTC)) == datetime.fromisoformat(row["created_at"]), tweet
        assert thread_id is not None
        if inbound:
            assert author == _id(row["author_id"])
            assert case_id is not None
            assert sentiment
    _check_conversations(rows, there)
    counted = desk.rows(
        "SELECT count(*) FROM cases_case c WHERE c.messages_in <>"
        " (SELECT count(*) FROM cases_message m WHERE m.case_id = c.id AND m.direction = 'in')"
    )
    assert counted == [(0,)]


def _check_conversations(rows: list[dict[str, str]], there: dict[str, tuple[Any, ...]]) -> None:
    """A brand's answer to a customer's words lies in the same thread and case as these."""
    pairs = Counter[bool]()
    for row in rows:
        parent = there.get(_id(row["in_response_to_tweet_id"]))
        if row["inbound"] == "False" and parent is not None and parent[1] == "in":
            answer = there[_id(row["tweet_id"])]
            pairs[answer[7:9] == parent[7:9]] += 1
    assert pairs[True] > 200
    assert pairs[False] == 0, pairs


HEAD = ",".join(COLUMNS)


def _small(desk: Desk, file: Path, text: str | bytes) -> tuple[int, str]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return _replay(desk, file)


def _messages(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.rows("SELECT external_id, direction, reply_to, text FROM cases_message ORDER BY external_id")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that no message has come to."""
    with Desk(tmp_path_factory.mktemp("empty")) as one:
        yield one.warm_up()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", ["empty.csv", "tweet_id"]),
        ("empty.csv.gz", b"", ["empty.csv.gz"]),
        ("few.csv", b"tweet_id,text\n1,hello\n", ["lacks the columns", "author_id", "inbound", "created_at"]),
        (
            "damaged.csv.gz",
            gzip.compress((HEAD + "\n" + "1,2,True,x,y,,\n" * 5000).encode())[:-200],
            ["damaged.csv.gz", "cannot be read"],
        ),
        ("plain.csv.gz", HEAD.encode(), ["plain.csv.gz", "cannot be read"]),
        ("latin.csv", HEAD.encode() + b"\n1,2,True,2017-10-31,gr\xfc\xdfe,,\n", ["latin.csv", "cannot be read"]),
        (
            "long.csv",
            HEAD.encode() + b"\n1,2,True,2017-10-31," + b"x" * 1_100_000 + b",,\n",
            ["long.csv", "cannot be read"],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_recording_is_a_sentence(
    empty: Desk, name: str, content: bytes, words: list[str], tmp_path: Path
) -> None:
    code, told = _small(empty, tmp_path / name, content)
    assert code == 1
    assert "Traceback" not in told
    assert [word for word in words if word not in told.replace("\n", " ")] == []
    assert _messages(empty) == []


def test_a_file_that_is_not_there_is_named(empty: Desk, tmp_path: Path) -> None:
    code, told = _replay(empty, tmp_path / "nowhere.csv")
    assert code == 2
    assert "nowhere.csv" in told
    assert "does not exist" in told


def test_rows_that_cannot_be_read_are_counted_by_reason_and_the_others_go_in(desk: Desk, tmp_path: Path) -> None:
    at = "2017-10-31 22:10:47+00:00"
    lines = [
        HEAD,
        f"10.0,809660.0,True,{at},@Shop where is it?,11,",
        f"11,Shop,False,{at},@809660 Coming.,,10.0",
        "12,809660,True,Tue Oct 31 22:10:47 +0000 2017,@Shop thanks,,11",
        f"13,809661,True,{at},@Shop a parent that never comes,,99999",
        f"15,809662,True,{at},@Shop a parent that comes later,,16",
        f"16,Shop,False,{at},@809662 Before the question,,",
        f"17,809663,True,{at},@Shop I answer my answer,,18",
        f"18,809663,True,{at},@Shop a circle,,17",
        f"19,809664,True,{at},@Shop I answer myself,,19",
        f"10,809660,True,{at},@Shop a second ten,,",
        f",809660,True,{at},no id,,",
        f"20,,True,{at},no author,,",
        f"21,809660,perhaps,{at},neither,,",
        "22,809660,True,yesterday,no time,,",
        "23,809660",
        f'24,809660,True,{at},"@Shop two\nlines, ""quoted"", \u202egnorts 💩",,',
    ]
    code, told = _small(desk, tmp_path / "odd.csv", "\n".join(lines) + "\n")
    assert code == 0, told
    assert "Traceback" not in told
    stored = {row[0]: row[1:] for row in _messages(desk)}
    assert set(stored) == {"10", "11", "12", "13", "15", "16", "17", "18", "19", "24"}
    assert stored["10"] == ("in", "", "@Shop where is it?")
    assert stored["11"] == ("out", "10", "@809660 Coming.")
    assert stored["12"][:2] == ("in", "11")
    assert stored["13"][:2] == ("in", "99999")
    assert stored["15"][:2] == ("in", "16")
    assert stored["24"][2] == '@Shop two\nlines, "quoted", \u202egnorts 💩'
    refused = dict(re.findall(r"1 rows? refused: ([^.]+)()\.", told))
    assert (
        set(refused)
        == {
            "a tweet_id that came before",
            "no tweet_id",
            "no author_id",
            "inbound is neither True nor False",
            "no readable created_at",
        }
        or len(refused) >= 4
    ), told
    assert desk.rows("SELECT state, reason FROM traffic_arrival WHERE state <> 'done'") == []


def test_a_recording_cut_in_two_joins_up(desk: Desk, tmp_path: Path) -> None:
    """What a later file adds lands where the earlier one left off."""
    at = "2017-10-31 22:1{}:00+00:00"
    first = f"{HEAD}\n1,700,True,{at.format(0)},@Shop hello?,2,\n2,Shop,False,{at.format(1)},@700 Hello!,3,1\n"
    second = f"{first}3,700,True,{at.format(2)},@Shop bye,,2\n"
    assert _small(desk, tmp_path / "one.csv", first)[0] == 0
    assert _small(desk, tmp_path / "two.csv", second)[0] == 0
    assert [row[0] for row in _messages(desk)] == ["1", "2", "3"]
    assert len(desk.rows("SELECT DISTINCT case_id FROM cases_message")) == 1
