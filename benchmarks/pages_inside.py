"""The process that serves pages of one seeded database: reads requests as JSON lines, answers each with a JSON line.

- ``{"page": name, "times": k}`` -> ``{"ms": [...], "cpu": [...], "bytes": n, "rows": n}``
- ``{"explain": name}`` -> ``{"queries", "ms", "slowest": {"ms", "sql", "plan"}}``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.inside import begin
from benchmarks.seed import COMMON, PER_CASE, UNCOMMON, long_case


class Pages:
    """The addresses, for a database of ``cases`` cases; pages are asked for as agent 1, the API with a token."""

    def __init__(self, cases: int, token: str) -> None:
        from django.test import Client

        from parlour.staff.models import Agent

        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.force_login(Agent.objects.get(email="agent0@example.com"))
        self.api = Client(headers={"host": "127.0.0.1", "authorization": f"Bearer {token}"})
        self.paths = self._paths(cases)

    def _paths(self, cases: int) -> dict[str, str]:
        from parlour.cases.queries import BY_ACTIVITY, BY_PRIORITY

        middle = self._case_in_the_middle(cases)
        deep = BY_PRIORITY.cursor_of(middle)
        late = BY_ACTIVITY.cursor_of(middle)
        usual, api = cases // 60 * 60 - 120, "/api/v1/cases"
        rare = f"order{cases * PER_CASE // 20 * 10}"
        return {
            **{f"queue: {tab}": f"/queue/{tab}" for tab in ("mine", "unassigned", "breaching", "open", "resolved")},
            "queue: open, half-way down": f"/queue/open?cursor={deep}",
            "search: a common word": f"/queue/open?q={COMMON}",
            "search: an uncommon word": f"/queue/open?q={UNCOMMON}",
            "search: the first letters": f"/queue/open?q={COMMON[:3]}",
            "search: an order number": f"/queue/open?q={rare}",
            "case page": f"/case/{usual}",
            "case page, 205 messages": f"/case/{long_case(cases)}",
            "case, live fragment": f"/case/{usual}/live",
            "API: cases": api,
            "API: cases, half-way down": f"{api}?cursor={late}",
            "API: cases, of a team": f"{api}?team=2",
            "API: cases, open": f"{api}?status=open",
            "API: cases, open of an agent": f"{api}?status=open&assignee=1",
            "API: cases, category and channel": f"{api}?category=billing&channel=facebook",
            "API: cases, filters that never meet": f"{api}?category=product&channel=x",
            "API: cases, since an hour": f"{api}?updated_since={self._hour_ago()}",
            "API: cases, a common word": f"{api}?q={COMMON}",
            "API: messages of a case": f"{api}/{long_case(cases)}/messages",
        }

    @staticmethod
    def _hour_ago() -> str:
        from datetime import timedelta

        from parlour.cases.models import Case

        newest = Case.objects.order_by("-id").values_list("updated_at", flat=True)[0]
        return (newest - timedelta(hours=1)).isoformat().replace("+00:00", "Z")

    @staticmethod
    def _case_in_the_middle(cases: int) -> Any:
        from parlour.cases.models import Case

        return Case.objects.filter(priority=51, status="open", actionable=True, pk__gte=cases // 2).order_by("pk")[0]

    def get(self, name: str) -> bytes:
        client = self.api if name.startswith("API") else self.client
        response = client.get(self.paths[name])
        if response.status_code != 200:
            raise SystemExit(f"{name} answered {response.status_code}: {response.content[:500]!r}")
        return response.content

    def measure(self, name: str, times: int) -> dict[str, Any]:
        spent, worked = [], []
        body = b""
        for _ in range(times):
            began, before = time.perf_counter(), time.thread_time()
            body = self.get(name)
            spent.append((time.perf_counter() - began) * 1000)
            worked.append((time.thread_time() - before) * 1000)
        shown = body.count(b'class="row"') or body.count(b'"opened_at"') or body.count(b'"sent_at"')
        return {"ms": spent, "cpu": worked, "bytes": len(body), "rows": shown}

    def explain(self, name: str) -> dict[str, Any]:
        """The slowest statement of a page, with all its rows fetched, and what the database makes of it."""
        from django.db import connection

        statements: list[tuple[str, Any]] = []

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            statements.append((sql, params))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            self.get(name)
        with connection.cursor() as cursor:
            reads = [
                (*_spent(cursor, sql, params), sql, params) for sql, params in statements if sql.startswith("SELECT")
            ]
            ms, _, sql, params = max(reads, key=lambda one: one[0])
            prefix = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (ANALYZE, BUFFERS)"
            cursor.execute(f"{prefix} {sql}", params)
            plan = [str(row[-1]) for row in cursor.fetchall()]
        spent = sum(one[0] for one in reads)
        return {"queries": len(statements), "ms": spent, "slowest": {"ms": ms, "sql": sql[:3000], "plan": plan}}


def _spent(cursor: Any, sql: str, params: Any) -> tuple[float, int]:
    """The shortest of three tries, in milliseconds, and how many rows came."""
    tries, rows = [], 0
    for _ in range(3):
        began = time.perf_counter()
        cursor.execute(sql, params)
        rows = len(cursor.fetchall())
        tries.append((time.perf_counter() - began) * 1000)
    return min(tries), rows


def main() -> None:
    given = begin()
    pages = Pages(given["cases"], given["token"])
    print(orjson.dumps(list(pages.paths)).decode(), flush=True)
    for line in sys.stdin:
        asked = orjson.loads(line)
        told = pages.explain(asked["explain"]) if "explain" in asked else pages.measure(asked["page"], asked["times"])
        print(orjson.dumps(told).decode(), flush=True)


if __name__ == "__main__":
    main()
