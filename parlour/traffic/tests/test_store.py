"""The group commit: everybody is answered, and only after the commit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from django.db import IntegrityError, OperationalError

from parlour.lib import clock
from parlour.traffic import store
from parlour.traffic.models import Arrival
from parlour.traffic.store import Committer, Overloaded, Row


def row(key: str) -> Row:
    return Row(1, key, 3, b"{}", clock.now())


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[int]]:
    """A commit that waits until it is let go; and how many rows each had."""
    go, sizes = threading.Event(), list[int]()

    def write(rows: Sequence[Row]) -> None:
        assert go.wait(5)
        sizes.append(len(rows))

    monkeypatch.setattr(store, "_insert_or_reconnect", write)
    return go, sizes


def test_what_comes_during_a_commit_makes_the_next_one(slow: tuple[threading.Event, list[int]]) -> None:
    go, sizes = slow

    async def main() -> None:
        committer = Committer()
        first = asyncio.create_task(committer.commit([row("0")]))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(committer.commit([row(str(n)), row(f"{n}b")])) for n in range(1, 20)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in (first, *others)), "Answered before it was durable."
        go.set()
        await asyncio.wait_for(asyncio.gather(first, *others), 5)
        await committer.close()

    asyncio.run(main())
    assert sizes == [1, 38]


def test_a_client_that_hangs_up_harms_nobody(slow: tuple[threading.Event, list[int]]) -> None:
    go, sizes = slow

    async def main() -> None:
        committer = Committer()
        tasks = [asyncio.create_task(committer.commit([row(str(n))])) for n in range(10)]
        await asyncio.sleep(0.05)
        for task in tasks[::2]:
            task.cancel()
        go.set()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert [one is None for one in done] == [False, True] * 5
        await asyncio.wait_for(committer.commit([row("after")]), 5)
        await committer.close()

    asyncio.run(main())
    assert sum(sizes) == 11


def test_too_many_waiting_are_told_so_at_once(
    slow: tuple[threading.Event, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_PENDING", 3)

    async def main() -> None:
        committer = Committer()
        tasks = [asyncio.create_task(committer.commit([row("0")]))]
        await asyncio.sleep(0.05)
        tasks += [asyncio.create_task(committer.commit([row(str(n))])) for n in range(1, 4)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await committer.commit([row("too many")])
        slow[0].set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        await committer.close()

    asyncio.run(main())


@pytest.mark.parametrize("failure", [OperationalError("gone"), RuntimeError("odd")])
def test_a_failed_commit_is_told_to_everybody_and_the_next_works(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [failure]

    def write(rows: Sequence[Row]) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(store, "_insert_or_reconnect", write)

    async def main() -> None:
        committer = Committer()
        both = await asyncio.gather(*(committer.commit([row(str(n))]) for n in range(2)), return_exceptions=True)
        assert [type(one) for one in both] == [type(failure)] * 2
        await committer.commit([row("2")])
        await committer.close()

    asyncio.run(main())


@pytest.mark.django_db(transaction=True)
def test_a_request_that_cannot_be_stored_is_refused_alone() -> None:
    broken = row("y")._replace(lane=None)  # type: ignore[arg-type]

    async def main() -> list[BaseException | None]:
        committer = Committer()
        batch = [[row("x")], [row("x2"), broken], [row("z")]]
        told = await asyncio.gather(*(committer.commit(rows) for rows in batch), return_exceptions=True)
        await committer.close()
        return told

    first, second, third = asyncio.run(main())
    assert (first, third) == (None, None)
    assert isinstance(second, IntegrityError)
    assert set(Arrival.objects.values_list("key", flat=True)) == {"x", "z"}


@pytest.mark.django_db
def test_a_repetition_is_left_alone_and_a_broken_row_stores_nothing() -> None:
    store.insert([row("a"), row("b"), row("a")])
    store.insert([Row(1, "a", 9, b"other", clock.now()), row("c")])
    store.insert([])
    assert list(Arrival.objects.order_by("key").values_list("key", "lane")) == [("a", 3), ("b", 3), ("c", 3)]
    assert bytes(Arrival.objects.get(key="a").body) == b"{}"
    assert Arrival.objects.get(key="a").received_at <= clock.now()


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_stored_whole_or_not_at_all() -> None:
    broken = row("y")._replace(lane=None)  # type: ignore[arg-type]
    with pytest.raises((IntegrityError, OperationalError)):
        store.insert([row("x"), broken, row("z")])
    assert list(Arrival.objects.values_list("key", flat=True)) == []
