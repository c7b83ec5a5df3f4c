"""Many rows at once: inserted with their ids known, or changed each to values of its own.

Django's ``bulk_create`` sends SQLite some thirty rows a statement and its ``bulk_update`` builds one huge CASE; prepared statements
run over lists of values were measured three to ten times faster on the road from an arrival to a case (``make bench``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import orjson
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg.types.json import Jsonb

M = TypeVar("M", bound=models.Model)
Prepare = Callable[[Any], Any] | None


def insert_rows(model: type[M], objects: Iterable[M]) -> list[M]:
    """Insert new objects; all of them have ids afterwards. Inside the caller's transaction. Foreign keys to objects that have got an
    id since they were set are followed."""
    rows = list(objects)
    if not rows:
        return rows
    meta = model._meta
    fields = [f for f in meta.concrete_fields if not isinstance(getattr(rows[0], f.attname), DatabaseDefault)]
    for row, number in zip(rows, _next_ids(model, len(rows)), strict=True):
        row.pk = number
    _follow(rows, fields)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    read = attrgetter(*(field.attname for field in fields))
    values = _prepared(map(read, rows), fields)
    with connection.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({marks})', values)
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias
    return rows


def _follow(rows: Sequence[models.Model], fields: Sequence[Any]) -> None:
    for field in fields:
        if field.is_relation:
            for row in rows:
                if getattr(row, field.attname) is None and field.is_cached(row):
                    related = field.get_cached_value(row)
                    if related is not None:
                        setattr(row, field.attname, related.pk)


def _next_ids(model: type[models.Model], count: int) -> list[int]:
    """Ids that are this transaction's alone: SQLite has one writer at a time, PostgreSQL a sequence."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            row = cursor.fetchone()
            last = row[0] if row else 0
            return list(range(last + 1, last + count + 1))
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


def update_rows(model: type[models.Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set ``fields`` (attribute names) of the rows named by primary key: each row is ``(*values, pk)``. In the caller's transaction."""
    meta = model._meta
    columns: list[Any] = [meta.get_field(name) for name in fields]
    values = _prepared(rows, columns)
    if values:
        sets = ", ".join(f'"{column.column}" = %s' for column in columns)
        with connection.cursor() as cursor:
            cursor.executemany(f'UPDATE "{meta.db_table}" SET {sets} WHERE "id" = %s', values)


def _prepared(rows: Iterable[Sequence[Any]], columns: Sequence[Any]) -> list[list[Any]]:
    """The rows as the driver takes them: their first values belong to ``columns``, in order."""
    prepares = [
        (at, prepare)
        for at, column in enumerate(columns)
        if (prepare := _prepare(column, connection.vendor)) is not None
    ]
    values = [list(row) for row in rows]
    for row in values:
        for at, prepare in prepares:
            row[at] = prepare(row[at])
    return values


@cache
def _prepare(field: Any, vendor: str) -> Prepare:
    """What a value of this field must pass before the driver takes it; None for nothing. ``vendor`` keeps databases apart in the cache."""
    if isinstance(field, models.DateTimeField):
        return _sqlite_time if vendor == "sqlite" else None
    if isinstance(field, models.JSONField):
        return _sqlite_json if vendor == "sqlite" else Jsonb
    return None


def _sqlite_time(value: datetime | None) -> str | None:
    """Text without an offset, in UTC, as Django's own adapter writes it."""
    if value is None:
        return None
    return str(value if value.tzinfo is UTC else value.astimezone(UTC))[: -len("+00:00")]


def _sqlite_json(value: Any) -> str:
    return orjson.dumps(value).decode()
