"""Cases: reading, answering, noting, changing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from ninja import Header, Query, Router

from parlour.api import schemas
from parlour.api.asked import CaseChange, CaseQuery, Key, NoteBody, PageQuery, ReplyBody, TemplateBody, only
from parlour.api.bearer import Request
from parlour.api.problems import ProblemError
from parlour.api.service_levels import clock_shapes
from parlour.api.shapes import case_shape, event_shape, message_shape
from parlour.api.wire import answer
from parlour.cases import actions, queries
from parlour.cases.access import Conflict, Invalid, get_case
from parlour.cases.models import Case, Delivery, Message
from parlour.policy.approvals import actions as approvals
from parlour.policy.moderation.covering import cover_messages
from parlour.policy.routing import actions as routing
from parlour.spine.models import Event
from parlour.staff.access import ANSWER

router = Router(tags=["Cases"])


@router.get("/cases", response=schemas.ListOf[schemas.Case], operation_id="listCases", summary="List cases")
def list_cases(request: Request, filters: Query[CaseQuery]) -> HttpResponse:
    """Newest activity first. All filters given must hold."""
    only(request, CaseQuery.model_fields)
    page = queries.list_cases(request.auth, **dict(filters))
    clocks = clock_shapes(case.pk for case in page.items)
    return answer({"items": [case_shape(case, clocks.get(case.pk, ())) for case in page.items], "next": page.next})


@router.get("/cases/{int:case_id}", response=schemas.Case, operation_id="getCase", summary="Read a case")
def read_case(request: Request, case_id: int) -> HttpResponse:
    only(request, ())
    return answer(_whole(get_case(request.auth, case_id)))


def _whole(case: Case) -> dict[str, Any]:
    return case_shape(case, clock_shapes([case.pk]).get(case.pk, ()))


@router.patch("/cases/{int:case_id}", response=schemas.Case, operation_id="changeCase", summary="Change a case")
def change_case(request: Request, case_id: int, body: CaseChange) -> HttpResponse:
    """All of it or nothing: when one change is refused, none is made. Answers with the case as it then is."""
    only(request, ())
    with transaction.atomic():
        get_case(request.auth, case_id, ANSWER)
        for field, change in _changes(case_id, body, request):
            try:
                change()
            except Invalid as error:
                raise ProblemError(422, f"{field}: {error}", [(field, str(error))]) from error
        changed = get_case(request.auth, case_id)
    return answer(_whole(changed))


def _changes(case_id: int, body: CaseChange, request: Request) -> list[tuple[str, Callable[[], Case]]]:
    """The changes asked for: reopening comes first and resolving last, as somebody at the desk would do it."""
    by, given = request.auth, body.model_fields_set
    changes: dict[str, Callable[[], Case]] = {
        "team": lambda: actions.set_team(case_id, body.team, by=by),
        "assignee": lambda: actions.assign(case_id, body.assignee, by=by),
        "category": lambda: actions.set_category(case_id, body.category, by=by),
        "purpose": lambda: actions.set_purpose(case_id, body.purpose, by=by),
        "tags": lambda: actions.set_tags(case_id, body.tags, by=by),
        "level": lambda: actions.set_level(case_id, body.level, by=by),
        "actionable": lambda: actions.set_actionable(case_id, body.actionable, by=by),
    }
    ordered = [(field, change) for field, change in changes.items() if field in given]
    if "status" in given and body.status == "open":
        return [("status", lambda: actions.reopen(case_id, by=by)), *ordered]
    if "status" in given:
        return [*ordered, ("status", lambda: routing.resolve(case_id, by=by))]
    return ordered


@router.get(
    "/cases/{int:case_id}/messages",
    response=schemas.ListOf[schemas.Message],
    operation_id="listMessages",
    summary="List the messages of a case",
)
def list_messages(request: Request, case_id: int, filters: Query[PageQuery]) -> HttpResponse:
    """Messages and notes, newest first by the platform's clock."""
    only(request, PageQuery.model_fields)
    case = get_case(request.auth, case_id)
    page = queries.messages(case, cursor=filters.cursor, limit=filters.limit)
    cover_messages(page.items, case, request.auth)
    return answer({"items": [message_shape(message) for message in page.items], "next": page.next})


@router.post(
    "/cases/{int:case_id}/replies",
    response={200: schemas.Reply, 201: schemas.Reply},
    operation_id="addReply",
    summary="Answer the customer",
)
def add_reply(
    request: Request,
    case_id: int,
    body: ReplyBody,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """The answer is stored and queued; `delivery` tells how the sending goes.

    A private answer that is too long for one message becomes several where the channel allows it, sent strictly in order: the
    first is the answer, and all of them are its `parts`. When one fails for good, those after it are not sent. An answer
    with `attachments` may be without words.

    Send an `Idempotency-Key` of your own making (up to 128 visible ASCII characters). The same key again gives 200 and
    the message that is already there, and nothing is sent twice; the same key with other content is a 409.
    """
    only(request, ())
    get_case(request.auth, case_id, ANSWER)
    if not body.text.strip() and not body.attachments:
        words = "It may be empty only when there are attachments."
        raise ProblemError(422, f"text: {words}", [("text", words)])
    # Keys of different tokens must not meet: each client makes its own.
    key = f"token:{request.auth.pk}:{idempotency_key}" if idempotency_key else None
    before = _given_before(key)
    if before:
        _refuse_other_target(before, body)
    try:
        message = approvals.reply(
            case_id,
            by=request.auth,
            text=body.text,
            visibility=body.visibility,
            answers=body.answers,
            seen=body.seen,
            idempotency_key=key,
            files=body.attachments,
            choices=body.choices,
        )
        pieces = queries.of_answer(message)
    except IntegrityError:
        if key and _given_before(key):
            raise Conflict("This idempotency key was used for another answer at the same moment.") from None
        raise
    shaped = [message_shape(one) for one in pieces]
    return answer({**shaped[0], "parts": shaped}, 200 if before else 201)


def _given_before(key: str | None) -> Delivery | None:
    return Delivery.objects.filter(idempotency_key=key).first() if key else None


def _refuse_other_target(before: Delivery, body: ReplyBody) -> None:
    if body.answers is None:
        return
    target = Message.objects.filter(pk=body.answers).values_list("external_id", flat=True).first()
    if target != before.target:
        raise Conflict("This idempotency key was used for an answer to another message.")


@router.get(
    "/cases/{int:case_id}/templates",
    response=schemas.Templates,
    operation_id="listTemplates",
    summary="List the templates that can be sent",
)
def list_templates(request: Request, case_id: int) -> HttpResponse:
    """Those the platform has approved; empty where the customer's channel knows none."""
    only(request, ())
    thread = queries.template_thread(get_case(request.auth, case_id))
    found = queries.templates(thread.inbox) if thread else ()
    items = [{"name": one.name, "language": one.language, "body": one.body} for one in found]
    return answer({"items": items})


@router.post(
    "/cases/{int:case_id}/template",
    response={200: schemas.Message, 201: schemas.Message},
    operation_id="sendTemplate",
    summary="Send an approved template",
)
def send_template(
    request: Request,
    case_id: int,
    body: TemplateBody,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> HttpResponse:
    """Also when the window for free answers is closed. The key works as for replies."""
    only(request, ())
    get_case(request.auth, case_id, ANSWER)
    key = f"token:{request.auth.pk}:{idempotency_key}" if idempotency_key else None
    before = _given_before(key)
    message = approvals.send_template(
        case_id,
        by=request.auth,
        name=body.name,
        language=body.language,
        values=body.values,
        seen=body.seen,
        idempotency_key=key,
    )
    return answer(message_shape(message), 200 if before else 201)


@router.post(
    "/cases/{int:case_id}/notes",
    response={201: schemas.Message},
    operation_id="addNote",
    summary="Add an internal note",
)
def add_note(request: Request, case_id: int, body: NoteBody) -> HttpResponse:
    """Customers never see it."""
    only(request, ())
    get_case(request.auth, case_id, ANSWER)
    return answer(message_shape(actions.add_note(case_id, by=request.auth, text=body.text)), 201)


@router.get(
    "/cases/{int:case_id}/events",
    response=schemas.ListOf[schemas.Event],
    operation_id="listEvents",
    summary="List what happened to a case",
)
def list_events(request: Request, case_id: int, filters: Query[PageQuery]) -> HttpResponse:
    """Every change with who made it and why, newest first."""
    only(request, PageQuery.model_fields)
    rows = Event.objects.filter(case_id=get_case(request.auth, case_id).pk).order_by("-id")
    if filters.cursor:
        rows = rows.filter(pk__lt=read_mark(filters.cursor))
    found = list(rows[: filters.limit + 1])
    items = found[: filters.limit]
    return answer({"items": [event_shape(event) for event in items], "next": mark_of(found, items)})


def mark_of(found: list[Event], items: list[Event]) -> str | None:
    return base64.urlsafe_b64encode(b"%d" % items[-1].pk).rstrip(b"=").decode() if len(found) > len(items) else None


def read_mark(cursor: str) -> int:
    try:
        text: Any = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    if not text.isdigit() or len(text) > 18:
        raise Invalid("This cursor is not one of ours.")
    return int(text)
