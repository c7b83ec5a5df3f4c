"""Understanding: each brand's categories, and what people set right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from ninja import Query, Router
from pydantic import Field

from parlour.api.asked import Body, IdAsked, PageQuery, Slug, Words, only
from parlour.api.bearer import Request
from parlour.api.cases import mark_of, read_mark
from parlour.api.problems import ProblemError
from parlour.api.schemas import ListOf, Shape
from parlour.api.wire import answer, encode
from parlour.cases import corrections
from parlour.cases.access import get_message
from parlour.channels.models import Brand
from parlour.staff.access import ANSWER, LEAD, READ, require
from parlour.understanding import actions as understanding
from parlour.understanding import categories as trees
from parlour.understanding.models import Correction

router = Router(tags=["Understanding"])
What = Literal["category", "sentiment", "intent", "actionable", "urgency", "offensive", "spam", "language"]
Line = Annotated[Words, Field(max_length=500)]


class Category(Shape):
    """One category of a brand's tree. ``slug`` is what cases hold and never changes."""

    slug: str
    name: str
    parent: str | None = Field(description="The slug of the category it stands below; null at the top.")
    archived: bool = Field(description="No further message gets it; cases keep it.")
    stands_for: str = Field(description="Its own slug, or that of the category it was merged into.")
    examples: list[str] = Field(description="What customers write who mean it.")


class CorrectionShape(Shape):
    """One annotation of a message that somebody changed, or confirmed (``was`` equals ``now``)."""

    id: int
    brand: int | None
    message_id: int
    field: What
    was: str
    now: str
    by: str = Field(description="`agent:<id>`, `token:<id>`, `llm` or `desk`.")
    at: datetime
    undone_at: datetime | None
    text: str


class CategoryBody(Body):
    name: Annotated[Words, Field(max_length=200)]
    parent: Slug | None = None
    examples: list[Line] = Field([], max_length=trees.MOST_EXAMPLES)


class CategoryChange(Body):
    """What is left out stays as it is."""

    name: Annotated[Words, Field(max_length=200)] = ""
    parent: Slug | None = Field(None, description="Null for the top.")
    before: Slug | None = Field(
        None, description="The category it stands before; null for the end. Only with `parent`."
    )
    examples: list[Line] = Field([], max_length=trees.MOST_EXAMPLES)
    archived: bool = False
    merge_into: Slug | None = Field(None, description="Cases move to this category, and so does what was learnt.")


class CorrectionQuery(PageQuery):
    brand: IdAsked | None = None
    field: What | None = None


class CorrectionBody(Body):
    field: What
    value: Annotated[Words, Field(max_length=64)] = Field(
        description="A category, sentiment or intent; a language code; “true” or “false” for the others."
    )


def _brand(brand_id: int) -> int:
    return int(Brand.objects.values_list("pk", flat=True).get(pk=brand_id))


def _node(node: trees.Node) -> dict[str, Any]:
    return {
        "slug": node.slug,
        "name": node.name,
        "parent": node.parent,
        "archived": node.archived,
        "stands_for": node.stands_for,
        "examples": list(node.examples),
    }


@router.get(
    "/brands/{int:brand_id}/categories",
    response=ListOf[Category],
    operation_id="listCategories",
    summary="List a brand's categories",
)
def list_categories(request: Request, brand_id: int) -> HttpResponse:
    """Parents before their children, archived ones too."""
    only(request, ())
    require(request.auth, READ)
    return answer({"items": [_node(one) for one in trees.tree(_brand(brand_id)).nodes], "next": None})


@router.post(
    "/brands/{int:brand_id}/categories",
    response={201: Category},
    operation_id="addCategory",
    summary="Add a category",
)
def add_category(request: Request, brand_id: int, body: CategoryBody) -> HttpResponse:
    """It learns from its examples at once."""
    only(request, ())
    brand = _brand(brand_id)
    made = corrections.change_categories(
        lambda: understanding.add_category(
            brand, body.name, parent=body.parent, examples="\n".join(body.examples), by=request.auth
        ),
        by=request.auth,
    )
    return answer(_node(trees.tree(brand).by_slug[made.slug]), 201)


@router.patch(
    "/brands/{int:brand_id}/categories/{slug:slug}",
    response=Category,
    operation_id="changeCategory",
    summary="Change a category",
)
def change_category(request: Request, brand_id: int, slug: str, body: CategoryChange) -> HttpResponse:
    """Rename, move, give examples, archive, bring back or merge. One change at a time: several in one call are refused."""
    only(request, ())
    require(request.auth, LEAD)
    brand, by = _brand(brand_id), request.auth
    if slug not in trees.tree(brand).by_slug:
        raise Correction.DoesNotExist
    asked = body.model_fields_set - {"before"}
    if len(asked) != 1:
        raise ProblemError(422, "Send one change at a time.", [(name, "One of several changes.") for name in asked])
    changes = {
        "name": lambda: understanding.rename_category(brand, slug, body.name, by=by),
        "parent": lambda: understanding.move_category(brand, slug, parent=body.parent, before=body.before, by=by),
        "examples": lambda: understanding.set_examples(brand, slug, "\n".join(body.examples), by=by),
        "archived": lambda: (understanding.archive_category if body.archived else understanding.restore_category)(
            brand, slug, by=by
        ),
    }
    if "merge_into" in asked:
        corrections.merge_category(brand, slug, body.merge_into or "", by=by)
    else:
        corrections.change_categories(changes[asked.pop()], by=by)
    return answer(_node(trees.tree(brand).by_slug[slug]))


def _shape(one: Correction) -> dict[str, Any]:
    return {
        "id": one.pk,
        "brand": one.brand_id,
        "message_id": one.message_id,
        "field": one.field,
        "was": one.was,
        "now": one.now,
        "by": one.by,
        "at": one.at,
        "undone_at": one.undone_at,
        "text": one.text,
    }


def _asked(brand: int | None, field: str | None) -> QuerySet[Correction]:
    rows = Correction.objects.order_by("-id")
    rows = rows.filter(brand_id=brand) if brand is not None else rows
    return rows.filter(field=field) if field is not None else rows


@router.get(
    "/corrections", response=ListOf[CorrectionShape], operation_id="listCorrections", summary="List corrections"
)
def list_corrections(request: Request, filters: Query[CorrectionQuery]) -> HttpResponse:
    """Newest first, those taken back too. Only for roles that lead: they hold what customers wrote."""
    only(request, CorrectionQuery.model_fields)
    require(request.auth, LEAD)
    rows = _asked(filters.brand, filters.field)
    if filters.cursor:
        rows = rows.filter(pk__lt=read_mark(filters.cursor))
    found: list[Any] = list(rows[: filters.limit + 1])
    items = found[: filters.limit]
    return answer({"items": [_shape(one) for one in items], "next": mark_of(found, items)})


@router.get("/corrections/export", operation_id="exportCorrections", summary="Export all corrections", response=str)
def export_corrections(
    request: Request, brand: IdAsked | None = None, field: What | None = None
) -> StreamingHttpResponse:
    """One JSON object per line (application/x-ndjson), newest first: enough to train another model on."""
    only(request, ("brand", "field"))
    require(request.auth, LEAD)
    rows = _asked(brand, field)

    def lines() -> Iterator[bytes]:
        for one in rows.iterator(chunk_size=500):
            yield encode(_shape(one)) + b"\n"

    response = StreamingHttpResponse(lines(), content_type="application/x-ndjson")
    response["Content-Disposition"] = 'attachment; filename="corrections.ndjson"'
    return response


@router.post(
    "/messages/{int:message_id}/corrections",
    response={201: CorrectionShape},
    operation_id="addCorrection",
    summary="Correct what a message was taken for",
)
def add_correction(request: Request, message_id: int, body: CorrectionBody) -> HttpResponse:
    """The next similar message of the brand is read like this. The value it has already is kept as a confirmation."""
    only(request, ())
    message = get_message(request.auth, message_id, ANSWER)
    if corrections.value_of(message, body.field) == body.value:
        corrections.confirm(message_id, body.field, by=request.auth)
    else:
        corrections.correct(message_id, body.field, body.value, by=request.auth)
    kept = Correction.objects.filter(message_id=message_id, field=body.field).latest("id")
    return answer(_shape(kept), 201)


@router.delete(
    "/corrections/{int:correction_id}",
    response=CorrectionShape,
    operation_id="undoCorrection",
    summary="Take a correction back",
)
def undo_correction(request: Request, correction_id: int) -> HttpResponse:
    """Nothing is learnt from it any more; the message is what it was, unless it was set again since."""
    only(request, ())
    return answer(_shape(corrections.undo(correction_id, by=request.auth)))
