"""The event log, its order, leases and wake-ups."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction

from parlour.lib import clock
from parlour.spine import actions, bus, queries
from parlour.spine.models import Event, Lease
from parlour.spine.queries import Position
from parlour.spine.tests.patience import lines_after

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: ids are in the order of commits.")


def other_connection() -> psycopg.Connection:
    """A second client of the test database, its transactions begun and ended by hand."""
    params = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: params[name] for name in names if params.get(name)})


def write_by(other: psycopg.Connection, verb: str) -> int:
    row = other.execute(
        "INSERT INTO spine_event (at, verb, actor, data) VALUES (now(), %s, 'desk', '{}') RETURNING id", [verb]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_lines_come_in_the_order_they_were_written() -> None:
    for number in range(5):
        actions.write("case.opened", case_id=number, actor="customer:1", reason="Because.")
    read = lines_after(Position(0, 0), 5)
    assert [event.case_id for event in read] == [0, 1, 2, 3, 4]
    assert read[0].data == {"reason": "Because."}
    assert queries.end() == Position(read[-1].tx, read[-1].pk)
    assert queries.after(queries.end()) == []
    assert [event.case_id for event in queries.after(Position(read[1].tx, read[1].pk), limit=2)] == [2, 3]


def test_a_line_lives_and_dies_with_its_transaction() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.write("case.opened", case_id=1)
        raise ZeroDivisionError
    assert not Event.objects.exists()
    assert queries.end() == Position(0, 0)


def test_history_is_of_one_case_newest_first() -> None:
    for verb in ("a", "b", "c"):
        actions.write(verb, case_id=1)
    actions.write("other", case_id=2)
    actions.write("none")
    assert [event.verb for event in queries.history(1, limit=2)] == ["c", "b"]


def test_what_the_stream_tells_holds_no_reasons() -> None:
    actions.write("case.routed", case_id=1, reason="Words of somebody")
    assert queries.data_of(Event.objects.get()) == {
        "case": 1,
        "message": None,
        "verb": "case.routed",
        "actor": "desk",
    }


def test_a_foreign_position_is_none() -> None:
    foreign = ["", "1", "1.", ".1", "a.b", "-1.2", "1.2.3", "²", "1.²", "9" * 50 + ".1", f"{2**63}.1", f"1.{2**63}"]
    assert [text for text in foreign if Position.read(text) is not None] == []


def test_a_position_is_read_as_it_was_written() -> None:
    assert Position.read(str(Position(12, 34))) == Position(12, 34)
    assert queries.after(Position(2**63 - 1, 2**63 - 1)) == []


def test_the_tail_waits_for_a_slower_transaction_and_skips_none(only_postgresql) -> None:
    start = queries.end()
    with other_connection() as slow, other_connection() as fast:
        first = write_by(slow, "slow")
        second = write_by(fast, "fast")
        assert first < second
        fast.commit()
        assert queries.after(start) == []
        assert queries.unsettled(start)
        assert queries.end() == start
        slow.commit()
    assert [(event.verb, event.pk) for event in lines_after(start, 2)] == [("slow", first), ("fast", second)]
    assert not queries.unsettled(queries.end())


def test_the_tail_does_not_wait_for_readers_nor_for_what_was_undone(only_postgresql) -> None:
    start = queries.end()
    with other_connection() as reader, other_connection() as undone:
        reader.execute("SELECT count(*) FROM spine_event")
        write_by(undone, "undone")
        actions.write("kept")
        assert queries.after(start) == []
        undone.rollback()
        assert [event.verb for event in lines_after(start, 1)] == ["kept"]


def test_a_transaction_with_a_later_id_but_an_earlier_number_keeps_the_order_of_numbers(only_postgresql) -> None:
    start = queries.end()
    with other_connection() as early, other_connection() as late:
        early.execute("SELECT pg_current_xact_id()")
        write_by(late, "late")
        late.commit()
        assert queries.after(start) == []
        write_by(early, "early")
        early.commit()
    assert [event.verb for event in lines_after(start, 2)] == ["early", "late"]


def test_one_of_many_gets_a_lease() -> None:
    got: list[str] = []
    start = threading.Barrier(6)

    def take(owner: str) -> None:
        start.wait()
        if actions.take_lease("poll:1", owner, 60):
            got.append(owner)
        connection.close()

    threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(got) == 1
    assert Lease.objects.get().owner == got[0]


def test_a_lease_is_renewed_by_its_owner_runs_out_and_is_given_back() -> None:
    now = clock.now()
    with clock.frozen(now):
        assert actions.take_lease("poll:1", "a", 60)
        assert actions.take_lease("poll:1", "a", 60)
        assert not actions.take_lease("poll:1", "b", 60)
        assert actions.take_lease("poll:2", "b", 60)
    with clock.frozen(now + timedelta(seconds=60)):
        assert actions.take_lease("poll:1", "b", 60)
        actions.drop_lease("poll:1", "a")
        assert not actions.take_lease("poll:1", "a", 60)
        actions.drop_lease("poll:1", "b")
        assert actions.take_lease("poll:1", "a", 60)


def test_a_bell_rings_on_commit_and_not_before() -> None:
    bell = bus.Bell("events")
    try:
        with transaction.atomic():
            actions.write("case.opened")
            assert not bell.wait(0)
        assert bell.wait(0)
        assert not bell.wait(0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            actions.write("case.opened")
            raise ZeroDivisionError
        assert not bell.wait(0)
    finally:
        bell.close()


def test_a_bell_keeps_a_ring_and_hears_only_its_topics() -> None:
    bell = bus.Bell("arrivals", "policy")
    bus.wake("policy")
    bus.wake("arrivals")
    bus.wake("deliveries")
    assert bell.wait(0)
    assert not bell.wait(0)
    bell.close()
    bus.wake("policy")
    assert not bell.wait(0)


def test_a_bell_wakes_a_waiting_thread_at_once() -> None:
    bell = bus.Bell("policy")
    timer = threading.Timer(0.05, bus.wake_here, ["policy"])
    began = time.monotonic()
    timer.start()
    assert bell.wait(10)
    assert time.monotonic() - began < 5
    bell.close()


def test_a_listener_whose_loop_has_ended_undoes_nothing() -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    bell = bus.Bell()
    ends = [bus.listen("events", gone), bus.listen("events", bell.ring)]
    try:
        actions.write("case.opened")
        assert bell.wait(0)
    finally:
        for end in ends:
            end()


def test_wake_ups_pass_between_processes(only_postgresql) -> None:
    hearer = bus.connect()
    assert hearer is not None
    bell = bus.Bell("deliveries")
    try:
        assert bell.wait(30), "it wakes every topic once when it has connected"
        with other_connection() as other:
            other.execute("SELECT pg_notify('parlour', 'deliveries')")
            assert not bell.wait(0.1)
            other.commit()
            assert bell.wait(30)
    finally:
        bell.close()
        hearer.stop()


def test_a_lost_wake_up_connection_comes_back(only_postgresql) -> None:
    hearer = bus.connect()
    assert hearer is not None
    bell = bus.Bell("deliveries")
    try:
        assert bell.wait(30)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'LISTEN %' AND datname = current_database()"
            )
        assert bell.wait(10), "after a gap every topic is woken once"
    finally:
        bell.close()
        hearer.stop()


def test_sqlite_needs_nobody_to_hear() -> None:
    if connection.vendor == "sqlite":
        assert bus.connect() is None
