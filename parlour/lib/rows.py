"""Many rows at once: inserted with their ids known, or changed each to values of its own.

Django's ``bulk_create`` sends SQLite some thirty rows a statement and its ``bulk_update`` builds one huge CASE; prepared statements
run over lists of values were measured three to ten times faster on the road from an arrival to a case (``make bench``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from django.db import connection, models
from django.db.models.expressions import DatabaseDefault
from psycopg.types.json import Jsonb

M = TypeVar("M", bound=models.Model)
Prepare = Callable[[Iterable[Any]], Iterable[Any]] | None


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
    values = _prepared(_read(rows, [field.attname for field in fields]), fields)
    with connection.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({marks})', values)
    alias = connection.alias
    for row in rows:
        row._state.adding, row._state.db = False, alias
    return rows


def _read(rows: Iterable[models.Model], names: Sequence[str]) -> Iterable[Sequence[Any]]:
    """The values of these fields, for each row. They lie in the objects' dicts; asking Django's descriptors for them costs the road."""
    return map(itemgetter(*names), map(vars, rows))


def _follow(rows: Sequence[models.Model], fields: Sequence[Any]) -> None:
    for field in fields:
        if not field.is_relation:
            continue
        column, name = field.attname, field.name
        for row in rows:
            if vars(row)[column] is None and (related := row._state.fields_cache.get(name)) is not None:
                setattr(row, column, related.pk)


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


def save_rows(fields: Sequence[str], rows: Iterable[models.Model]) -> None:
    """Write what these stored objects say in ``fields`` (attribute names, two at least). In the caller's transaction."""
    saved = list(rows)
    if saved:
        update_rows(type(saved[0]), fields, _read(saved, [*fields, "id"]))


def _prepared(rows: Iterable[Sequence[Any]], columns: Sequence[Any]) -> list[Sequence[Any]]:
    """The rows as the driver takes them: their first values belong to ``columns``, in order."""
    # Column by column: one decision for a thousand values.
    values: list[Iterable[Any]] = list(zip(*rows, strict=True))
    vendor = connection.vendor
    for at, column in enumerate(columns if values else ()):
        if (prepare := _prepare(column, vendor)) is not None:
            values[at] = prepare(values[at])
    return list(zip(*values, strict=True))


@cache
def _prepare(field: Any, vendor: str) -> Prepare:
    """What the values of this field must pass before the driver takes them; None for nothing. ``vendor`` keeps databases apart in the
    cache."""
    if isinstance(field, models.DateTimeField):
        return _sqlite_times if vendor == "sqlite" else None
    if isinstance(field, models.JSONField):
        return _sqlite_jsons if vendor == "sqlite" else _jsonbs
    return None


def _sqlite_times(values: Iterable[datetime | None]) -> list[str | None]:
    """Texts without an offset, in UTC, as Django's own adapter writes them."""
    told: list[str | None] = []
    before: datetime | None = None
    text: str | None = None
    for value in values:
        # Writing a time down costs as much as ten other things, and the rows of a batch mostly share theirs.
        if value is not before:
            before = value
            text = None if value is None else _sqlite_time(value)
        told.append(text)
    return told


def _sqlite_time(value: datetime) -> str:
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat(" ")[: -len("+00:00")]


def _sqlite_jsons(values: Iterable[Any]) -> list[str]:
    return [orjson.dumps(value).decode() for value in values]


def _jsonbs(values: Iterable[Any]) -> Iterable[Jsonb]:
    return map(Jsonb, values)
