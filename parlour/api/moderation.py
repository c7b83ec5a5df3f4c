"""Moderation: lists of words, trying a text, the report, and uncovering personal data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Router
from pydantic import Field

from parlour.api import schemas
from parlour.api.asked import Body, Id, only
from parlour.api.bearer import Request
from parlour.api.schemas import Shape
from parlour.api.shapes import message_shape
from parlour.api.wire import answer
from parlour.cases.access import get_message
from parlour.policy.moderation import actions, queries
from parlour.policy.moderation.models import WordList
from parlour.policy.moderation.words import folded
from parlour.staff.access import ANSWER, LEAD, require
from parlour.understanding import personal

router = Router(tags=["Policy"])
Action = Literal["flag", "hold", "hide", "delete"]
Pattern = Annotated[str, Field(max_length=100)]


class ListBody(Body):
    """A list of words as it is to be."""

    name: str = Field(max_length=80)
    brand: Id | None = Field(None, description="A brand's id; null for every brand.")
    language: str = Field("", max_length=3, description="ISO 639-1; empty for all.")
    action: Action
    words: list[Pattern] = Field(
        max_length=20_000, description="Words, phrases, or with `*` for any letters of a word."
    )
    exceptions: list[Pattern] = Field([], max_length=20_000)
    active: bool = True


class ListShape(Shape):
    id: int
    name: str
    brand: int | None
    language: str
    action: Action
    words: list[str]
    exceptions: list[str]
    active: bool
    preset: str = Field(description="The language of the shipped list it began as; empty for none.")


class Lists(Shape):
    items: list[ListShape]


class TryBody(Body):
    text: str = Field(max_length=5000)
    brand: Id | None = None
    language: str = Field("", max_length=3)


class TriedMatch(Shape):
    list: str
    word: str
    action: Action


class Tried(Shape):
    folded: str = Field(description="The text as it is matched.")
    matches: list[TriedMatch]
    personal: list[str] = Field(description="Kinds of personal data in it: card, iban, phone, email, address, number.")
    covered: str = Field(description="The text with its personal data covered.")


class ReportWord(Shape):
    kind: str
    word: str
    list: str | None
    action: str
    messages: int
    complaints: int


class Report(Shape):
    days: int
    moderated: int
    hidden: int = Field(description="Hidden, held or deleted messages.")
    complaints: int = Field(description="Of these, real complaints: as people said, else as the models see it.")
    words: list[ReportWord]


def _shape(row: WordList) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "brand": row.brand_id,
        "language": row.language,
        "action": row.action,
        "words": row.words.splitlines(),
        "exceptions": row.exceptions.splitlines(),
        "active": row.active,
        "preset": row.preset,
    }


def _given(body: ListBody) -> dict[str, Any]:
    return body.model_dump() | {"words": "\n".join(body.words), "exceptions": "\n".join(body.exceptions)}


@router.get("/moderation/lists", response=Lists, operation_id="listWordLists", summary="List the lists of words")
def list_lists(request: Request) -> HttpResponse:
    """For tokens whose role may lead."""
    only(request, ())
    require(request.auth, LEAD)
    return answer({"items": [_shape(row) for row in WordList.objects.all()]})


@router.post("/moderation/lists", response={201: ListShape}, operation_id="addWordList", summary="Make a list of words")
def add_list(request: Request, body: ListBody) -> HttpResponse:
    """It acts on what comes from now on."""
    only(request, ())
    row, _ = actions.save_list(None, _given(body), by=request.auth)
    return answer(_shape(row), 201)


@router.put(
    "/moderation/lists/{int:list_id}", response=ListShape, operation_id="putWordList", summary="Replace a list of words"
)
def put_list(request: Request, list_id: int, body: ListBody) -> HttpResponse:
    """All of it; the desk's page offers to undo it."""
    only(request, ())
    require(request.auth, LEAD)
    row, _ = actions.save_list(list_id, _given(body), by=request.auth)
    return answer(_shape(row))


@router.post("/moderation/try", response=Tried, operation_id="tryModeration", summary="Try a text")
def try_text(request: Request, body: TryBody) -> HttpResponse:
    """What lists and personal data make of a text. It is kept nowhere."""
    only(request, ())
    require(request.auth, LEAD)
    guard = queries.guard()
    spans = queries.spans(body.text, body.brand, body.language, guard)
    matches = guard.matcher.matches(body.text, body.brand, body.language)
    return answer(
        {
            "folded": folded(body.text).strip(),
            "matches": [{"list": one.list.name, "word": one.word, "action": one.list.action} for one in matches],
            "personal": list(dict.fromkeys(kind for _, _, kind in spans)),
            "covered": personal.masked(body.text, spans),
        }
    )


@router.get("/moderation/report", response=Report, operation_id="readModerationReport", summary="Read what was hidden")
def read_report(request: Request) -> HttpResponse:
    """Of the last thirty days, by word, with how many were real complaints."""
    only(request, ())
    require(request.auth, LEAD)
    told = queries.report()
    words = [
        {
            "kind": one["kind"],
            "word": one["word"],
            "list": one["list__name"],
            "action": one["action"],
            "messages": one["count"],
            "complaints": one["complaints"],
        }
        for one in told.words
    ]
    counts = {"days": told.days, "moderated": told.total, "hidden": told.hidden, "complaints": told.complaints}
    return answer({**counts, "words": words})


@router.post(
    "/messages/{int:message_id}/uncover",
    response=schemas.Message,
    operation_id="uncoverMessage",
    summary="Read a message with its personal data",
)
def uncover(request: Request, message_id: int) -> HttpResponse:
    """For roles that answer. It is noted on the case that you looked."""
    only(request, ())
    message = get_message(request.auth, message_id, ANSWER)
    actions.uncover(message.pk, by=request.auth)
    return answer(message_shape(message))
