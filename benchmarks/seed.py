"""``python -m benchmarks.seed '{"cases": N}'`` (inside a Parlour's settings): fills a new database with N cases and 5 N messages by plain SQL.

Every tenth case is open, one in five of those is noise; half of the others have an agent. The shares are the same at every size, and
every tab has more than a page. Indexes, triggers and the full-text index are taken down before and put up after, whole.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from benchmarks.inside import answer, begin

PER_CASE = 5
LONG = 200
"""Further messages of one case, the long one."""
PHRASES = 5_000
LONG_AGO, FAR_AHEAD = 600, 2_000_000_000
TABLES = (
    "customers_customer",
    "customers_identity",
    "cases_case",
    "cases_thread",
    "cases_message",
    "cases_delivery",
    "spine_event",
)
COMMON, UNCOMMON = "parcel", "warranty"
_VOWELS, _CONSONANTS = "aeiou", "bdfghklmnprstvz"


def long_case(cases: int) -> int:
    """A case of agent 1 with a long timeline."""
    return cases - 40


def phrases(rng: random.Random) -> list[str]:
    """Bits of eight words out of 20,000, some far more frequent than others. ``COMMON`` is in a fifth, ``UNCOMMON`` in one of 250."""
    words = [
        "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, 4))) for _ in range(20_000)
    ]
    weights = [1 / (rank + 3) for rank in range(len(words))]
    made = []
    for number in range(PHRASES):
        said = rng.choices(words, weights, k=8)
        if number % 10 == 0:
            said[3] = COMMON
        if number % 500 == 7:
            said[5] = UNCOMMON
        made.append(" ".join(said))
    return made


class Sql:
    """What differs between the two databases."""

    def __init__(self) -> None:
        from django.db import connection

        self.connection = connection
        self.sqlite = connection.vendor == "sqlite"
        self._down: list[str] = []

    def run(self, statement: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def at(self, seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%S', {seconds}, 'unixepoch')" if self.sqlite else f"to_timestamp({seconds})"

    def numbered(self, count: int, first: int = 1) -> str:
        """A source of rows ``one(n)``."""
        if self.sqlite:
            step = f"SELECT {first} AS n UNION ALL SELECT n + 1 FROM one WHERE n < {first + count - 1}"
            return f"(WITH RECURSIVE one(n) AS ({step}) SELECT n FROM one) AS one"
        return f"generate_series({first}::bigint, {first + count - 1}) AS one(n)"

    def padded(self, number: str) -> str:
        return f"printf('%012d', {number})" if self.sqlite else f"lpad(({number})::text, 12, '0')"

    def text(self, number: str) -> str:
        return f"CAST({number} AS text)"

    def take_down(self) -> None:
        """Drop what would be kept up to date row by row, and remember how to put it up again."""
        names = ", ".join(f"'{table}'" for table in TABLES)
        if self.sqlite:
            for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000"):
                self.run(f"PRAGMA {pragma}")
            found = self.run(
                f"SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name IN ({names})"
            )
        else:
            self.run("SET session_replication_role = replica")  # foreign keys are not looked up row by row
            self.run("SET maintenance_work_mem = '1GB'")
            found = self.run(
                f"SELECT 'index', indexname, indexdef FROM pg_indexes WHERE tablename IN ({names})"
                " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            )
        for kind, name, made in found:
            self.run(f'DROP {kind} "{name}"')
            self._down.append(made)

    def put_up(self) -> None:
        if self.sqlite:
            for (name,) in self.run("SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'"):
                self.run(f"INSERT INTO {name}({name}) VALUES ('rebuild')")
        for made in self._down:
            self.run(made)
        if self.sqlite:
            self.run("PRAGMA journal_mode=WAL")
            return
        for table in TABLES:
            self.run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            self.run(f"VACUUM ANALYZE {table}")


def literal(sql: Sql, value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        return sql.at(str(int(value.timestamp())))
    told = value if isinstance(value, str) else orjson.dumps(value).decode()
    return "'" + told.replace("'", "''") + "'"


def fill(sql: Sql, model: Any, source: str, columns: Mapping[str, str]) -> None:
    """INSERT ... SELECT; columns that are not given get their field's default."""
    from django.db.models.expressions import DatabaseDefault

    given = dict(columns)
    for field in model._meta.concrete_fields:
        if field.column not in given:
            default = field.get_default()
            if not isinstance(default, DatabaseDefault):
                given[field.column] = literal(sql, default)
    unknown = given.keys() - {field.column for field in model._meta.concrete_fields}
    assert not unknown, f"{model.__name__} has no {', '.join(unknown)}"
    names, values = ", ".join(f'"{name}"' for name in given), ", ".join(given.values())
    sql.run(f"INSERT INTO {model._meta.db_table} ({names}) SELECT {values} FROM {source}")


def people(sql: Sql, cases: int) -> str:
    """Teams, agents, inboxes, customers; gives the secret of an API token."""
    from benchmarks import arrivals
    from parlour.customers.models import Customer, Identity
    from parlour.staff import actions

    teams = ("Care", "Technical", "Billing", "Orders")
    for name in teams:
        actions.set_up_team(name, [])
    for number in range(12):
        actions.add_agent(f"agent{number}@example.com", f"Agent {number}", "lead", [teams[number % 4]])
    arrivals.connect()
    customers = sql.numbered(cases // 2 + 1)
    fill(sql, Customer, customers, {"id": "n", "name": f"'Customer ' || {sql.text('n')}"})
    identity = {
        "id": "n",
        "customer_id": "n",
        "realm": "'meta:448242228374517'",
        "external_id": f"'p' || {sql.text('n')}",
    }
    fill(sql, Identity, customers, identity | {"name": f"'Customer ' || {sql.text('n')}"})
    return actions.add_token("bench", "admin")


def inbox_of(case: str) -> str:
    return f"CASE WHEN {case} % 10 < 7 THEN 1 WHEN {case} % 10 < 9 THEN 2 ELSE 3 END"


def channel_of(case: str) -> str:
    return f"CASE WHEN {case} % 10 < 7 THEN 'messenger' WHEN {case} % 10 < 9 THEN 'facebook' ELSE 'x' END"


def visibility_of(case: str) -> str:
    return f"CASE WHEN {case} % 10 < 7 THEN 'private' ELSE 'public' END"


CATEGORIES = ("product", "website", "technical", "billing", "delivery", "account", "other", "other")
CATEGORY = "CASE n % 8 " + " ".join(f"WHEN {at} THEN '{name}'" for at, name in enumerate(CATEGORIES)) + " END"


def record(sql: Sql, cases: int) -> None:
    """Cases, threads, messages, deliveries, events."""
    from parlour.cases.models import Case, Delivery, Message, Thread
    from parlour.spine.models import Event

    now = int(time.time())
    opened = f"({now} - ({cases} - n) * 60)"
    open_, waits = "(n % 10 = 0)", "(n % 10 = 0 AND n % 20 <> 0)"
    due = f"CASE WHEN n % 30 = 0 THEN {sql.at(str(now - LONG_AGO))} ELSE {sql.at(str(FAR_AHEAD))} END"
    case = {
        "id": "n",
        "brand_id": "1",
        "customer_id": "(n + 1) / 2",
        "status": f"CASE WHEN {open_} THEN 'open' ELSE 'resolved' END",
        "team_id": "1 + n % 4",
        "assignee_id": f"CASE WHEN n % 60 = 0 THEN 1 WHEN {waits} THEN NULL ELSE 2 + n % 11 END",
        "routing_reason": "'Care takes what no other team does; Agent 3 was least loaded (4 of 20).'",
        "category": CATEGORY,
        "actionable": "(n % 50 <> 0)",
        "channel": channel_of("n"),
        "visibility": visibility_of("n"),
        "language": "'en'",
        "snippet": "phrase.text",
        "priority": "(n / 10 * 37) % 100",
        "priority_reasons": """'[[10, "a customer waits for an answer"], [12, "the customer is unhappy"]]'""",
        "opened_at": sql.at(opened),
        "updated_at": sql.at(f"({opened} + 480)"),
        "waiting_since": f"CASE WHEN {open_} THEN {sql.at(opened)} END",
        "last_in_at": sql.at(f"({opened} + 480)"),
        "last_out_at": sql.at(f"({opened} + 360)"),
        "first_response_at": f"CASE WHEN {open_} THEN NULL ELSE {sql.at(f'({opened} + 360)')} END",
        "response_due_at": f"CASE WHEN {open_} THEN {due} END",
        "resolved_at": f"CASE WHEN {open_} THEN NULL ELSE {sql.at(f'({opened} + 480)')} END",
        "messages_in": "4",
        "messages_out": "1",
    }
    phrase = f"JOIN phrase ON phrase.id = (n * 7919) % {PHRASES}"
    fill(sql, Case, f"{sql.numbered(cases)} {phrase}", case)
    thread = {"id": "n", "case_id": "n", "inbox_id": inbox_of("n"), "external_id": f"'t' || {sql.text('n')}"}
    thread |= {"visibility": visibility_of("n"), "identity_id": "(n + 1) / 2", "customer_id": "(n + 1) / 2"}
    thread |= {"address": f"'p' || {sql.text('n')}", "last_inbound_at": sql.at(f"({opened} + 480)")}
    fill(sql, Thread, sql.numbered(cases), thread)
    _messages(sql, Message, cases, now)
    delivery = {
        "id": "n",
        "message_id": f"n * {PER_CASE} - 1",
        "reference": f"'r' || {sql.text('n')}",
        "state": "'read'",
    }
    delivery |= {"due_at": sql.at(opened), "settled_at": sql.at(opened)}
    fill(sql, Delivery, sql.numbered(cases), delivery)
    event = {"id": "n", "case_id": "(n + 2) / 3", "at": sql.at(f"({now} - ({cases} * 3 - n) * 20)")}
    event |= {"verb": "CASE n % 3 WHEN 1 THEN 'case.opened' WHEN 2 THEN 'message.received' ELSE 'case.routed' END"}
    event |= {"data": """'{"team": 1, "assignee": 3, "reason": "Care takes what no other team does."}'""", "tx": "0"}
    fill(sql, Event, sql.numbered(cases * 3), event)


def _messages(sql: Sql, model: Any, cases: int, now: int) -> None:
    case, at = f"((n + {PER_CASE - 1}) / {PER_CASE})", f"((n - 1) % {PER_CASE})"
    ours = f"{at} = 3"
    sent = f"({now} - ({cases} - {case}) * 60 + {at} * 120)"
    message = {
        "id": "n",
        "case_id": case,
        "thread_id": case,
        "inbox_id": inbox_of(case),
        "channel": channel_of(case),
        "external_id": f"'m_' || {sql.padded('n')}",
        "direction": f"CASE WHEN {ours} THEN 'out' ELSE 'in' END",
        "visibility": visibility_of(case),
        "identity_id": f"CASE WHEN {ours} THEN NULL ELSE ({case} + 1) / 2 END",
        "agent_id": f"CASE WHEN {ours} THEN 2 + {case} % 11 END",
        "text": f"phrase.text || ' ' || other.text || CASE WHEN n % 10 = 0 THEN ' order' || {sql.text('n')} ELSE '' END",
        "sent_at": sql.at(sent),
        "stored_at": sql.at(sent),
        "language": "'en'",
        "sentiment": "'negative'",
        "sentiment_score": "(n % 200 - 100) / 100.0",
        "category": CATEGORY,
        "urgency": "0.2",
        "actionable": "TRUE",
    }
    phrase = (
        f"JOIN phrase ON phrase.id = (n * 7919) % {PHRASES} JOIN phrase AS other ON other.id = (n * 104729) % {PHRASES}"
    )
    fill(sql, model, f"{sql.numbered(cases * PER_CASE)} {phrase}", message)
    more = {
        "case_id": str(long_case(cases)),
        "thread_id": str(long_case(cases)),
        "identity_id": "1",
        "agent_id": "NULL",
    }
    more |= {"direction": "'in'", "sent_at": sql.at(f"({now} - 86400 * 3 + n % 1000 * 60)")}
    fill(sql, model, f"{sql.numbered(LONG, cases * PER_CASE + 1)} {phrase}", message | more)


def main() -> None:
    given = begin()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    sql, cases = Sql(), int(given["cases"])
    sql.take_down()
    token = people(sql, cases)
    sql.run("CREATE TEMPORARY TABLE phrase (id integer PRIMARY KEY, text text NOT NULL)")
    with sql.connection.cursor() as cursor:
        cursor.executemany("INSERT INTO phrase VALUES (%s, %s)", list(enumerate(phrases(random.Random(7)))))
    record(sql, cases)
    sql.put_up()
    answer({"cases": cases, "token": token})


if __name__ == "__main__":
    main()
