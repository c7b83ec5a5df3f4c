"""Turns of SQLite's writers."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction

from parlour.lib.sqlite.base import Turns


def test_turns_come_in_the_order_of_asking() -> None:
    turns, order = Turns(), list[int]()
    assert turns.take(1)

    def wait(number: int) -> None:
        assert turns.take(5)
        order.append(number)
        turns.give()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        while len(turns._line) < number + 1:
            time.sleep(0.001)
    turns.give()
    for thread in threads:
        thread.join(5)
    assert order == list(range(8))
    assert turns.take(0)


def test_who_gives_up_leaves_the_line() -> None:
    turns = Turns()
    assert turns.take(1)
    assert not turns.take(0.01)
    turns.give()
    assert turns.take(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_transaction_has_its_turn_until_its_end_however_it_ends() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL lets many write at a time.")
    turns = connection._turns()  # type: ignore[attr-defined]
    with transaction.atomic():
        assert turns._taken
        with transaction.atomic():
            assert turns._taken
        assert turns._taken
    assert not turns._taken
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise ZeroDivisionError
    assert not turns._taken
    with transaction.atomic():
        connection.connection.execute("ROLLBACK")
        connection.close()
        assert not turns._taken


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_behind_many_writers() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL lets many write at a time.")
    until, waits = time.monotonic() + 1.0, list[float]()

    def work(seconds: float) -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            with transaction.atomic():
                waits.append(time.perf_counter() - began)
                time.sleep(seconds)
        connection.close()

    threads = [threading.Thread(target=work, args=(0.01,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    # Each waits for the four others; without turns some wait for half a second and more.
    assert max(waits) < 0.4
