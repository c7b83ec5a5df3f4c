"""Rules to start from. They hold in every desk: they name no team and nobody."""

from __future__ import annotations

from typing import Any

EXAMPLES: tuple[dict[str, Any], ...] = (
    {
        "name": "Unhappy about money",
        "on": True,
        "when": {"event": "message"},
        "if": {
            "all": [
                {"what": "message.sentiment", "is": "is", "value": ["negative"]},
                {"what": "message.text", "is": "contains", "value": ["refund", "money back", "charged twice"]},
            ]
        },
        "then": [
            {"do": "category", "value": "billing"},
            {"do": "level", "value": "high"},
            {"do": "add_tags", "value": ["refund"]},
        ],
    },
    {
        "name": "Nobody answered a VIP",
        "on": True,
        "when": {"event": "unanswered", "minutes": 30},
        "if": {
            "any": [
                {"what": "customer.vip", "is": "is", "value": True},
                {"what": "customer.followers", "is": "least", "value": 50000},
            ]
        },
        "then": [{"do": "escalate", "value": "{name} has waited for half an hour."}],
    },
    {
        "name": "Insults in public",
        "on": True,
        "when": {"event": "message"},
        "if": {
            "all": [
                {"what": "message.visibility", "is": "is", "value": ["public"]},
                {"what": "message.offensive", "is": "is", "value": True},
            ]
        },
        "then": [{"do": "hide"}, {"do": "add_tags", "value": ["insult"]}],
    },
)
