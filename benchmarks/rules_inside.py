"""The process in which ``rules`` is measured: a new SQLite database, a rule book, the road, then tries on a long past."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.inside import answer, begin
from benchmarks.road_inside import staff, store, travel

WORDS = ["refund", "delay", "broken", "luggage", "invoice", "password", "crash", "voucher"]
WORDS += ["gate", "cancelled", "wifi", "seat", "update", "battery", "parcel", "login"]
FIELDS: tuple[dict[str, Any], ...] = (
    {"what": "message.sentiment", "is": "is", "value": ["negative"]},
    {"what": "message.visibility", "is": "is", "value": ["public"]},
    {"what": "message.intent", "is": "not", "value": ["praise", "other"]},
    {"what": "case.tags", "is": "not", "value": ["done"]},
    {"what": "customer.followers", "is": "least", "value": 1000},
    {"what": "case.waiting", "is": "least", "value": 5},
    {"what": "case.category", "is": "is", "value": ["billing", "delivery"]},
    {"what": "time.hours", "is": "outside", "value": ["09:00", "17:00"]},
)


def rule(number: int) -> dict[str, Any]:
    """One of many: words of its own, and conditions that others have too."""
    words = [f"{WORDS[number % 16]}", f"{WORDS[(number * 7 + 3) % 16]} {number}", f"case{number}"]
    how = ("contains", "word", "pattern")[number % 3]
    text = {"what": "message.text", "is": how, "value": [f"{one}*" if how == "pattern" else one for one in words]}
    some = [FIELDS[number % 8], {"any": [FIELDS[(number + 1) % 8], FIELDS[(number + 3) % 8]]}]
    # Most rules of a desk are about something seldom; every hundredth holds for many messages.
    conditions = [*some, text] if number % 100 else some
    return {
        "name": f"Rule {number}",
        "on": True,
        "when": {"event": "message"},
        "if": {"all": conditions},
        "then": [{"do": "add_tags", "value": [f"tag {number % 7}"]}, {"do": "level", "value": "high"}],
        "zone": "Europe/Berlin",
    }


def measured() -> dict[str, float]:
    """Let the road tell how many seconds of the processor its step of rules takes."""
    from parlour.policy import actions as policy
    from parlour.policy.judging import Judging
    from parlour.policy.rules.step import apply_rules

    spent = {"asking": 0.0}

    def asked(judging: Judging) -> None:
        began = time.process_time()
        apply_rules(judging)
        spent["asking"] += time.process_time() - began

    policy.STEPS = tuple(asked if step is apply_rules else step for step in policy.STEPS)
    return spent


def lengthen(count: int) -> None:
    """Copy the messages until there are ``count``: new rows of the same words. The search index is left out of it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'cases_message'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute("SELECT count(*) FROM cases_message WHERE direction = 'in'")
        here = cursor.fetchone()[0]
        cursor.execute("SELECT name FROM pragma_table_info('cases_message') WHERE name NOT IN ('id', 'external_id')")
        columns = ", ".join(f'"{name}"' for (name,) in cursor.fetchall())
        most = "SELECT id FROM cases_message WHERE direction = 'in' ORDER BY id"
        while here < count:
            some = min(here, count - here)
            copied = f"SELECT {columns} FROM cases_message WHERE id IN ({most} LIMIT {some})"
            cursor.execute(f"INSERT INTO cases_message ({columns}) {copied}")
            here += some


TRIES: dict[str, dict[str, Any]] = {
    "words": {"all": [{"what": "message.text", "is": "contains", "value": ["refund", "money back"]}, FIELDS[0]]},
    "a pattern": {"all": [{"what": "message.text", "is": "pattern", "value": ["flight ###*"]}]},
    "followers": {"all": [{"what": "message.text", "is": "word", "value": ["luggage"]}, FIELDS[4]]},
}


def main() -> None:
    given = begin()
    from django.core.management import call_command

    from parlour.policy.rules import actions, backtest, language
    from parlour.policy.rules.models import Firing
    from parlour.traffic import lanes, pipeline

    call_command("migrate", verbosity=0)
    staff()
    document = {"parlour_rules": 1, "rules": [rule(number) for number in range(given["rules"])]}
    actions.bring(document, by=None)
    handled = store(given["count"])
    lanes.prepare()
    pipeline.run("bench", limit=64)  # the rules are compiled
    spent = measured()
    road = travel()["cpu"]
    told: dict[str, Any] = {
        "handled": handled,
        "road": road,
        "asking": spent["asking"],
        "fired": Firing.objects.count(),
    }
    lengthen(given["past"])
    told["tried"] = {}
    for name, condition in TRIES.items():
        spec = language.read({**rule(0), "if": condition})
        found = backtest.run(spec, given["past"], 60.0)
        told["tried"][name] = {"seconds": found.seconds, "looked": found.looked, "matched": found.matched}
    answer(told)


if __name__ == "__main__":
    main()
