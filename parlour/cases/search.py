"""Full-text search over messages: FTS5 on SQLite, a GIN index on PostgreSQL. Kept in step by the database itself (migration 0002)."""

from __future__ import annotations

import re
import unicodedata

from django.db import connection

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile("[\u0300-\u036f]")
LONGEST = 60
"""Characters of a word that are looked for; PostgreSQL refuses endless ones."""
MOST = 1000
"""How many of the newest matches are looked at: it bounds the cost of a word that everybody uses."""

MOST_NAMES = 200


def cases_matching(text: str) -> list[int]:
    """Ids of the cases whose newest messages match all words of ``text`` (the last one as a beginning). Empty when it has no word."""
    words = _words(text)
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT m.case_id FROM (SELECT rowid FROM message_search WHERE message_search MATCH %s"
                " ORDER BY rowid DESC LIMIT %s) AS found JOIN cases_message m ON m.id = found.rowid",
                [_fts5(words), MOST],
            )
        else:
            cursor.execute(
                "SELECT case_id FROM (SELECT case_id, id FROM cases_message"
                " WHERE message_words(text) @@ to_tsquery('simple', %s) LIMIT %s) AS found ORDER BY id DESC",
                [_tsquery(words), MOST * 10],
            )
        return list(dict.fromkeys(row[0] for row in cursor.fetchall() if row[0] is not None))[:MOST]


def customers_named(text: str) -> list[int]:
    """Ids of the customers, newest first and at most ``MOST_NAMES``, whose name or handle holds all words of ``text``."""
    words = _words(text)
    if not words:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT i.customer_id FROM (SELECT rowid FROM name_search WHERE name_search MATCH %s"
                " ORDER BY rowid DESC LIMIT %s) AS found JOIN customers_identity i ON i.id = found.rowid",
                [_fts5(words), MOST_NAMES],
            )
        else:
            cursor.execute(
                "SELECT customer_id FROM (SELECT customer_id, id FROM customers_identity"
                " WHERE message_words(name || ' ' || handle) @@ to_tsquery('simple', %s) LIMIT %s) AS found ORDER BY id DESC",
                [_tsquery(words), MOST_NAMES],
            )
        return list(dict.fromkeys(row[0] for row in cursor.fetchall()))


SHORTEST_BEGINNING = 3
"""Letters from which the last word may be a beginning: one of them alone would begin a tenth of all words."""


def _is_beginning(words: list[tuple[str, bool]], at: int) -> bool:
    word, cut = words[at]
    return cut or (at == len(words) - 1 and len(word) >= SHORTEST_BEGINNING)


def _fts5(words: list[tuple[str, bool]]) -> str:
    return " ".join(f'"{word}" *' if _is_beginning(words, at) else f'"{word}"' for at, (word, _) in enumerate(words))


def _tsquery(words: list[tuple[str, bool]]) -> str:
    return " & ".join(f"{word}:*" if _is_beginning(words, at) else word for at, (word, _) in enumerate(words))


def _words(text: str) -> list[tuple[str, bool]]:
    """The words to look for, without accents, and whether each is only a beginning. ASCII punctuation parts words, as in the index."""
    plain = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text[:10_000]))).lower()
    return [(word[:LONGEST], len(word) > LONGEST) for word in _WORD.findall(plain)[:8]]
