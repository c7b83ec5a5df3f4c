"""Full-text search over messages: FTS5 on SQLite, a GIN index on PostgreSQL. Kept in step by the database itself (migration 0002)."""

from __future__ import annotations

import re

from django.db import connection

_WORD = re.compile(r"\w+", re.UNICODE)
MOST = 1000
"""How many of the newest matches are looked at: it bounds the cost of a word that everybody uses."""


def cases_matching(text: str) -> list[int]:
    """Ids of the cases whose newest messages match all words of ``text`` (the last one as a beginning). Empty when it has no word."""
    words = _WORD.findall(text.lower())[:8]
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            query = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}" *'])
            cursor.execute(
                "SELECT m.case_id FROM (SELECT rowid FROM message_search WHERE message_search MATCH %s"
                " ORDER BY rowid DESC LIMIT %s) AS found JOIN cases_message m ON m.id = found.rowid",
                [query, MOST],
            )
        else:
            query = " & ".join([*words[:-1], f"{words[-1]}:*"])
            cursor.execute(
                "SELECT case_id FROM (SELECT case_id, id FROM cases_message"
                " WHERE to_tsvector('simple', left(text, 10000)) @@ to_tsquery('simple', %s) LIMIT %s) AS found ORDER BY id DESC",
                [query, MOST * 10],
            )
        return list(dict.fromkeys(row[0] for row in cursor.fetchall() if row[0] is not None))[:MOST]
