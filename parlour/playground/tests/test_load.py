"""The load driver: what it reports is what the door saw."""

from __future__ import annotations

import asyncio
from collections import Counter

import orjson
import pytest

from parlour.lib import signing
from parlour.playground.load import LoadTarget, drive


def targets(door) -> list[LoadTarget]:
    return [
        LoadTarget("facebook", f"{door.base}/in/facebook/k", "s1", "100"),
        LoadTarget("messenger", f"{door.base}/in/messenger/k", "s1", "100"),
        LoadTarget("x", f"{door.base}/in/x/k", "s2", "200"),
    ]


def external_id(path, body):
    told = orjson.loads(body)
    if path == "/in/x/k":
        return told["data"]["payload"]["id"]
    if path == "/in/messenger/k":
        return told["entry"][0]["messaging"][0]["message"]["mid"]
    return told["entry"][0]["changes"][0]["value"]["comment_id"]


def test_every_message_arrives_signed_and_is_accounted_for(door) -> None:
    report = asyncio.run(drive(targets(door), 0, 4, count=60, duplicates=0.3, reorder=0.3, seed=4))
    seen = Counter(external_id(path, body) for path, _, body in door.got)
    assert set(report.accepted) == set(seen)
    assert len(seen) == 60
    assert report.posted == len(door.got) == sum(seen.values()) > 60
    assert report.statuses == Counter({"200": report.posted})
    assert len(report.latencies) == report.posted
    assert 0 < report.percentile(0.5) <= report.percentile(0.99)
    for path, headers, body in door.got:
        if path == "/in/x/k":
            assert headers["x-twitter-webhooks-signature"] == signing.base64_signature("s2", body)
        else:
            assert headers["x-hub-signature-256"] == signing.hex_signature("s1", body)
    assert "accepts/s" in report.words()


def test_order_is_kept_unless_asked_otherwise(door) -> None:
    report = asyncio.run(drive(targets(door)[1:2], 0, 1, count=20))
    assert [external_id(path, body) for path, _, body in door.got] == report.accepted


def test_refusals_and_broken_connections_are_not_accepted(door) -> None:
    door.statuses = [503, 403]
    report = asyncio.run(drive(targets(door)[:1], 0, 1, count=3))
    assert (len(report.accepted), len(report.refused)) == (1, 2)
    nobody = [LoadTarget("x", "http://127.0.0.1:9/in/x/k", "s", "1")]
    report = asyncio.run(drive(nobody, 0, 2, count=5))
    assert report.statuses == Counter({"none": 5})
    assert report.accepted == []


def test_it_ends_by_the_clock_and_keeps_the_rate(door) -> None:
    report = asyncio.run(drive(targets(door), 100, 2, seconds=0.3, burst=5))
    assert 5 <= report.posted <= 40


def test_wrong_orders_are_refused(door) -> None:
    for wrong in (
        lambda: drive(targets(door), 1, 1),
        lambda: drive([], 1, 1, count=1),
        lambda: drive([LoadTarget("x", "https://desk/in", "s", "1")], 1, 1, count=1),
        lambda: drive([LoadTarget("fax", f"{door.base}/", "s", "1")], 1, 1, count=1),
    ):
        with pytest.raises(ValueError):
            asyncio.run(wrong())
