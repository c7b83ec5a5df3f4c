"""What callers may send: query values and bodies, checked before anything is done."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, WithJsonSchema

from parlour.api.problems import ProblemError
from parlour.api.schemas import Level, Presence, Purpose, Status, Strategy, Visibility

LARGEST_ID = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# An offset's plus sign that was not written as %2B arrives as a space.
_LOST_PLUS = re.compile(r"(T\d\d:?\d\d.*) (\d\d(?::?\d\d)?)$")


def _whole(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise ValueError("It holds a NUL character or half a surrogate pair, which cannot be stored.")
    return value


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("It may not be empty.")
    return value


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_LOST_PLUS.sub(r"\1+\2", str(value)))
    except ValueError:
        raise ValueError("It must be an ISO 8601 time such as 2026-03-01T09:30:00Z.") from None
    if moment.tzinfo is None:
        raise ValueError("It needs an offset, such as Z or +02:00.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("It is outside the calendar.") from None


def _id_or_none(value: Any) -> int | str:
    text = str(value)
    if text == "none":
        return text
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_ID):
        raise ValueError("It must be an id, or “none”.")
    return int(text)


Id = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
Text = Annotated[str, AfterValidator(_whole), AfterValidator(_said), Field(max_length=20_000)]
Words = Annotated[str, AfterValidator(_whole)]
IdAsked = Annotated[int, Field(ge=1, le=LARGEST_ID)]
"""An id in a query, where everything is text."""
Slug = Annotated[str, AfterValidator(_whole), Field(min_length=1, max_length=40)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
IdOrNone = Annotated[
    int | str,
    BeforeValidator(_id_or_none),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "const": "none"}]}),
]
Cursor = Annotated[str, AfterValidator(_whole), Field(max_length=500)]
Key = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


class PageQuery(Schema):
    cursor: Cursor | None = Field(None, description="“next” of the page before.")
    limit: int = Field(50, ge=1, le=200, description="How many items at most.")


class CaseQuery(PageQuery):
    status: Status | None = None
    team: IdOrNone | None = Field(None, description="A team's id, or “none” for cases without a team.")
    assignee: IdOrNone | None = Field(None, description="An agent's id, or “none” for cases nobody has.")
    category: Slug | None = Field(None, description="A category's slug, as `listCategories` gives them for each brand.")
    channel: Slug | None = Field(None, description="Of the customer's latest words.")
    updated_since: Moment | None = Field(None, description="ISO 8601 with an offset; this moment or later.")
    q: Annotated[str, AfterValidator(_whole)] = Field(
        "", max_length=500, description="Words of the messages, or a case's number."
    )


def only(request: HttpRequest, names: Iterable[str]) -> None:
    """Refuse query values that would be overlooked: a misspelt filter must not answer with everything."""
    known = set(names)
    errors = [(name, "There is no such parameter here.") for name in request.GET if name not in known]
    errors += [
        (name, "It is given twice.") for name, values in request.GET.lists() if name in known and len(values) > 1
    ]
    if errors:
        raise ProblemError(422, "; ".join(f"{name[:40]}: {words}" for name, words in errors[:5]), errors)


class Body(Schema):
    model_config = ConfigDict(extra="forbid")


class ReplyBody(Body):
    text: Annotated[str, AfterValidator(_whole), Field(max_length=100_000)] = Field(
        "", description="May be left out or empty when there are attachments."
    )
    visibility: Visibility
    answers: Id | None = Field(
        None, description="Id of the message that is answered; by default the customer's latest."
    )
    seen: Id | None = Field(
        None, description="Id of the newest message you know: refused with 409 when somebody answered since."
    )
    attachments: list[Id] = Field(
        [], max_length=20, description="Ids of files to go along, as `POST /files` gave them."
    )
    choices: list[str] = Field(
        [],
        max_length=10,
        description="Answers to choose from: buttons where the channel has them, else numbered lines below the text.",
    )


class TemplateBody(Body):
    name: str = Field(max_length=512)
    language: str = Field(max_length=20)
    values: list[str] = Field([], max_length=50, description="What goes into the gaps of its body, in order.")
    seen: Id | None = Field(
        None, description="Id of the newest message you know: refused with 409 when somebody answered since."
    )


class NoteBody(Body):
    text: Text


class CaseChange(Body):
    """What is left out stays as it is."""

    status: Status = Field("open")
    assignee: Id | None = Field(None, description="An agent's id; null takes the case from whoever has it.")
    team: Id | None = Field(None, description="A team's id, or null for none.")
    category: Slug = Field("other", description="One of the tree of the case's brand (`listCategories`).")
    purpose: Purpose = Field("service")
    tags: list[str] = Field([], max_length=20, description="All tags of the case, in order.")
    level: Level | None = Field(None, description="A priority set by hand; null lets the score decide.")
    actionable: StrictBool = Field(True, description="False for noise that needs no answer.")


class AgentChange(Body):
    """What is left out stays as it is."""

    presence: Presence = Field("online", description="Wrapping up ends by itself after the time routing is set to.")
    capacity: int = Field(
        20, ge=0, le=10_000, description="How many places they have; a case takes one unless its channel weighs more."
    )
    skills: dict[str, int] = Field({}, description="All of them: skill and level, 1 to 5.")
    languages: list[str] = Field([], max_length=50, description="ISO 639-1; empty for any.")
    teams: list[Id] = Field([], max_length=200, description="Ids of all teams they are in.")


class TeamChange(Body):
    """What is left out stays as it is."""

    name: str = Field("", max_length=80)
    active: StrictBool = Field(True, description="False closes the team: it takes nothing.")
    categories: list[Slug] = Field(
        [], max_length=50, description="Slugs of any brand's tree; what stands below one is taken, too."
    )
    purposes: list[Purpose] = Field(["service"], min_length=1)
    languages: list[str] = Field([], max_length=50)
    channels: list[Slug] = Field([], max_length=50)
    brands: list[Id] = Field([], max_length=200)
    skills: dict[str, int] = Field({}, description="What it asks of its agents: skill and least level.")
    strategy: Strategy = Field("least", description="`least`: whoever has the most room; `robin`: one after the other.")
    pushes: StrictBool = Field(True, description="False: agents take the next case themselves.")
    overflow_id: Id | None = Field(None, description="The team that helps out when nobody here has room.")
    overflow_minutes: int = Field(15, ge=1, le=10_080)
    hours: str = Field("", max_length=40, description="Key of a calendar of the service levels; empty for always open.")
    wrap_up_seconds: int = Field(0, ge=0, le=3600)
