"""What a rule may say, and how it is told. No database."""

from __future__ import annotations

from typing import Any

import pytest

from parlour.cases.access import Invalid
from parlour.policy.rules.language import read, write
from parlour.policy.rules.sentences import sentence

RULE: dict[str, Any] = {
    "name": "R",
    "on": True,
    "when": {"event": "message"},
    "if": {"all": [{"what": "message.text", "is": "contains", "value": ["refund"]}]},
    "then": [{"do": "level", "value": "high"}],
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 81}, "at most 80"),
        ({"mood": 1}, "has no part 'mood'"),
        ({"when": {"event": "moon"}}, "There is no event 'moon'"),
        ({"when": {"event": "message", "minutes": 3}}, "has no minutes"),
        ({"when": {"event": "unanswered"}}, "needs minutes, from 1"),
        ({"when": {"event": "unanswered", "minutes": True}}, "needs minutes"),
        ({"when": {"event": "silent", "hours": 10**9}}, "needs hours"),
        ({"zone": "Mars/Olympus"}, "There is no time zone"),
        ({"if": {"what": "case.priority", "is": "least", "value": 10**400}}, "with a number of at most"),
        ({"if": {"what": "case.priority", "is": "least", "value": float("nan")}}, "with a number"),
        ({"then": [{"do": "reply", "value": "Hi", "visibility": []}]}, "Only an answer has a visibility"),
        ({"if": {"all": [], "any": []}}, "is one of all, any, not"),
        ({"if": {"any": []}}, "needs at least one"),
        ({"if": {"all": [{"all": []}]}}, "needs at least one"),
        ({"if": {"all": [{"what": "message.text", "is": "like", "value": ["x"]}]}}, "is asked about with contains"),
        ({"if": {"all": [{"what": "message.text", "is": "contains", "value": []}]}}, "say what to compare with"),
        ({"if": {"all": [{"what": "message.text", "is": "pattern", "value": ["***"]}]}}, "would match everything"),
        ({"if": {"all": [{"what": "message.sentiment", "is": "is", "value": ["angry"]}]}}, "knows no 'angry'"),
        ({"if": {"all": [{"what": "customer.vip", "is": "is", "value": "yes"}]}}, "is true or false"),
        ({"if": {"all": [{"what": "case.priority", "is": "least", "value": float("nan")}]}}, "with a number"),
        ({"if": {"all": [{"what": "time.hours", "is": "between", "value": ["9", "25:00"]}]}}, "takes times such as"),
        ({"then": []}, "needs something to do"),
        ({"then": [{"do": "dance"}]}, "There is no action 'dance'"),
        ({"then": [{"do": "hide", "value": "x"}]}, "takes no value"),
        ({"then": [{"do": "noise"}, {"do": "needs_answer"}]}, "cannot be noise"),
        ({"then": [{"do": "level", "value": "high"}] * 2}, "each thing once"),
        ({"then": [{"do": "reply", "value": "Dear {nmae}"}]}, "There is no variable {nmae}"),
        ({"then": [{"do": "reply", "value": "Hi", "visibility": "loud"}]}, "Only an answer has a visibility"),
        ({"then": "x"}, "needs something to do"),
    ],
)
def test_what_is_not_right_is_refused_with_a_sentence(change: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid) as error:
        read({**RULE, **change})
    assert words in str(error.value)


def test_conditions_are_nested_so_deep_and_no_deeper() -> None:
    deep: dict[str, Any] = RULE["if"]
    for _ in range(3):
        deep = {"any": [deep]}
    read({**RULE, "if": deep})
    for _ in range(200):
        deep = {"not": [deep]}
    with pytest.raises(Invalid, match="nested at most 5 deep"):
        read({**RULE, "if": deep})
    with pytest.raises(Invalid, match="at most 60 conditions"):
        read({**RULE, "if": {"all": [{"any": RULE["if"]["all"] * 31}, {"any": RULE["if"]["all"] * 31}]}})


def test_rules_read_as_sentences() -> None:
    rule = {
        **RULE,
        "when": {"event": "unanswered", "minutes": 1},
        "zone": "Europe/Berlin",
        "if": {
            "all": [
                {"what": "message.channel", "is": "is", "value": ["facebook", "x"]},
                {
                    "not": [
                        {"what": "customer.vip", "is": "is", "value": True},
                        {"what": "message.files", "is": "is", "value": False},
                    ]
                },
                {"what": "time.weekday", "is": "not", "value": ["sat", "sun"]},
                {"what": "time.hours", "is": "outside", "value": ["9:00", "17:30"]},
                {"what": "customer.followers", "is": "least", "value": 1000},
            ]
        },
        "then": [{"do": "team", "value": "Billing"}, {"do": "reply", "value": "Soon, {name}"}, {"do": "stop"}],
    }
    names = {"channels": {"facebook": "Facebook", "x": "X"}}
    assert sentence(read(rule), names) == (
        "When nobody answered for 1 minute and the channel is Facebook or X, not (the customer is a VIP or it has no files), the "
        "day is not Saturday or Sunday, the time is not between 09:00 and 17:30 (Europe/Berlin) and the number of followers is at "
        "least 1,000, hand it to Billing, answer where the customer wrote “Soon, {name}” and ask no further rules."
    )
    assert read(write(read(rule), on=True)) == read(rule)
