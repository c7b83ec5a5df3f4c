"""Rules: reading, writing, trying and carrying them. For team leads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from parlour.api.asked import Body, Id, only
from parlour.api.bearer import Request
from parlour.api.schemas import ListOf, Shape
from parlour.api.wire import answer
from parlour.policy.rules import actions, backtest, choices, language, queries
from parlour.staff.access import LEAD, require

router = Router(tags=["Rules"])
TRY_SECONDS = 15.0


class RuleShape(Shape):
    """A rule, with how it reads and how it fares."""

    id: int
    name: str
    on: bool
    revision: int = Field(description="Grows with every change.")
    sentence: str
    trouble: str | None = Field(description="Why it cannot work, in words; null when it can.")
    fired: int = Field(description="Times in the last 30 days.")
    fired_at: datetime | None
    rule: dict[str, Any] = Field(description="What it says: when, if, then. docs/RULES.md describes every part.")


class RuleBody(Body):
    """A rule to be kept. ``rule`` is the shape of docs/RULES.md; rules are made with ``on`` true or false in it."""

    rule: dict[str, Any]
    revision: Id | None = Field(None, description="The one you know: refused with 409 when somebody changed it since.")
    move: int | None = Field(None, ge=-500, le=500, description="So many places earlier (negative) or later.")


class RuleBook(Body):
    parlour_rules: int = Field(description="1, the version of the shape.")
    rules: list[dict[str, Any]] = Field(max_length=500)


class ImportBody(Body):
    document: RuleBook
    replace: bool = Field(False, description="Instead of the rules that are there; otherwise after them.")


class TryBody(Body):
    rule: dict[str, Any]
    last: int = Field(100_000, ge=1, le=5_000_000, description="So many messages of customers back.")


class TriedExample(Shape):
    case_id: int
    message_id: int | None


class TriedChange(Shape):
    what: str
    cases: int | None = Field(
        description="Cases on which it would change something now; null for what happens each time."
    )


class Tried(Shape):
    """What a rule would have done. Nothing was changed."""

    looked: int
    matched: int
    cases: int = Field(description="At most 5,000 are counted.")
    whole: bool = Field(description="False when the time was over before all was looked at.")
    examples: list[TriedExample]
    changes: list[TriedChange]


class Undone(Shape):
    undone: str


def _shape(one: queries.Shown) -> dict[str, Any]:
    rule = one.rule
    return {
        "id": rule.pk,
        "name": rule.name,
        "on": rule.on,
        "revision": rule.revision,
        "sentence": one.words,
        "trouble": one.trouble or None,
        "fired": one.fired,
        "fired_at": one.fired_at,
        "rule": rule.data,
    }


@router.get("/rules", response=ListOf[RuleShape], operation_id="listRules", summary="List rules")
def list_rules(request: Request) -> HttpResponse:
    """All of them, in the order in which they are asked."""
    only(request, ())
    require(request.auth, LEAD)
    return answer({"items": [_shape(one) for one in queries.rules()], "next": None})


@router.post("/rules", response={201: RuleShape}, operation_id="addRule", summary="Make a rule")
def add_rule(request: Request, body: RuleBody) -> HttpResponse:
    """It is asked last, unless moved."""
    only(request, ())
    with transaction.atomic():
        made = actions.save(body.rule, by=request.auth)
        if body.move:
            actions.move(made.pk, body.move, by=request.auth)
    return answer(_shape(queries.shown(made.pk)), 201)


@router.get("/rules/export", response=RuleBook, operation_id="exportRules", summary="Export all rules")
def export_rules(request: Request) -> HttpResponse:
    """One document, which `POST /rules/import` takes."""
    only(request, ())
    require(request.auth, LEAD)
    return answer(queries.export())


@router.post("/rules/import", response=ListOf[RuleShape], operation_id="importRules", summary="Import rules")
def import_rules(request: Request, body: ImportBody) -> HttpResponse:
    """All of them or none. Answers with all rules that are there then."""
    only(request, ())
    actions.bring(body.document.model_dump(), by=request.auth, replace=body.replace)
    return answer({"items": [_shape(one) for one in queries.rules()], "next": None})


@router.post("/rules/undo", response=Undone, operation_id="undoRules", summary="Take back the last change of rules")
def undo_rules(request: Request) -> HttpResponse:
    """Asked twice, it brings the change back."""
    only(request, ())
    return answer({"undone": actions.undo(by=request.auth).removeprefix("Undone: ")})


@router.post("/rules/try", response=Tried, operation_id="tryRule", summary="Try a rule on past traffic")
def try_rule(request: Request, body: TryBody) -> HttpResponse:
    """How often it would have fired, on which cases, and what would change. Takes at most 15 seconds."""
    only(request, ())
    require(request.auth, LEAD)
    spec = language.read(body.rule)
    choices.check(spec)
    found = backtest.run(spec, body.last, TRY_SECONDS)
    return answer(
        {
            "looked": found.looked,
            "matched": found.matched,
            "cases": len(found.cases),
            "whole": found.whole or found.looked >= body.last,
            "examples": [{"case_id": case, "message_id": message or None} for case, message in found.examples],
            "changes": [{"what": act.do, "cases": count} for act, count in backtest.changes(spec, found)],
        }
    )


@router.get("/rules/{int:rule_id}", response=RuleShape, operation_id="getRule", summary="Read a rule")
def read_rule(request: Request, rule_id: int) -> HttpResponse:
    only(request, ())
    require(request.auth, LEAD)
    return answer(_shape(queries.shown(rule_id)))


@router.put("/rules/{int:rule_id}", response=RuleShape, operation_id="changeRule", summary="Change a rule")
def change_rule(request: Request, rule_id: int, body: RuleBody) -> HttpResponse:
    """The whole rule anew."""
    only(request, ())
    with transaction.atomic():
        actions.save(body.rule, by=request.auth, rule_id=rule_id, revision=body.revision)
        if body.move:
            actions.move(rule_id, body.move, by=request.auth)
    return answer(_shape(queries.shown(rule_id)))


@router.delete("/rules/{int:rule_id}", response={204: None}, operation_id="removeRule", summary="Remove a rule")
def remove_rule(request: Request, rule_id: int) -> HttpResponse:
    """`POST /rules/undo` brings it back."""
    only(request, ())
    actions.remove(rule_id, by=request.auth)
    return HttpResponse(status=204)
