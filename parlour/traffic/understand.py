"""The steps after a message exists: think about its words outside any transaction, then judge its case (T2 of the walk)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Min, Q

from parlour.cases.models import Attachment, Case, Direction, Message, Status
from parlour.channels.models import Inbox
from parlour.channels.queries import with_brands
from parlour.lib import clock
from parlour.lib.clock import EARLIEST
from parlour.lib.faults import where
from parlour.lib.rows import save_rows
from parlour.lib.text import one_line
from parlour.policy import actions as policy
from parlour.policy.moderation import queries as moderation
from parlour.spine import actions as spine
from parlour.understanding import threads
from parlour.understanding.own import annotate
from parlour.understanding.personal import COVER, masked
from parlour.understanding.queries import SENTIMENTS, Annotation

log = logging.getLogger(__name__)

MESSAGE_FIELDS = [
    "language",
    "sentiment",
    "sentiment_score",
    "category",
    "intent",
    "urgency",
    "actionable",
    "offensive",
    "spam",
    "confidence",
    "personal",
]
CASE_FIELDS = [
    "status",
    "resolved_at",
    "reopened",
    "response_due_at",
    "response_warn_at",
    "language",
    "sentiment",
    "sentiment_first",
    "sentiment_lowest",
    "urgency",
    "category",
    "intent",
    "actionable",
    "waiting_since",
    "snippet",
]
SAY_NOTHING = ("sticker", "other")
Thought = tuple[Message, Annotation | None]


def think(messages: Sequence[Message]) -> list[Thought]:
    """What the models say of each message. A text that a model fails on has no thoughts, and holds up nobody."""
    brands = _brands(messages)
    try:
        said = annotate([message.text for message in messages], [brands.get(one.inbox_id or 0) for one in messages])
        thoughts: list[Thought] = list(zip(messages, said, strict=True))
    except Exception as error:
        log.error("Understanding failed on a batch (%s); going one by one.", where(error))
        thoughts = [(message, _one(message, brands.get(message.inbox_id or 0))) for message in messages]
    return _with_files(_below(thoughts))


def _below(thoughts: list[Thought]) -> list[Thought]:
    """Short words are read below what the desk said last in their case: one query for those that may be."""
    short = {m.case_id for m, thought in thoughts if thought and m.case_id and len(m.text) <= threads.LONGEST}
    if not short:
        return thoughts
    said = Message.objects.filter(case_id__in=short, direction=Direction.OUT, sent_at=F("case__last_out_at"))
    last = {case: (at, text) for case, at, text in said.values_list("case_id", "sent_at", "text")}
    return [
        (message, threads.after(thought, message.text, last[message.case_id or 0][1]))
        if thought and message.case_id in last and last[message.case_id or 0][0] < message.sent_at
        else (message, thought)
        for message, thought in thoughts
    ]


def _brands(messages: Sequence[Message]) -> dict[int, int]:
    """Whose inbox is whose: a brand's messages are read as it has taught."""
    ids = {message.inbox_id for message in messages if message.inbox_id is not None}
    return dict(Inbox.objects.filter(pk__in=ids).values_list("pk", "brand_id")) if ids else {}


def _with_files(thoughts: list[Thought]) -> list[Thought]:
    """A photo or a voice message without a word says something that no model has heard: somebody has to look."""
    wordless = [message.pk for message, _ in thoughts if not message.text.strip()]
    if not wordless:
        return thoughts
    shown = Attachment.objects.filter(message_id__in=wordless).exclude(kind__in=SAY_NOTHING)
    speaking = set(shown.values_list("message_id", flat=True))
    return [
        (message, replace(thought, actionable=True) if thought is not None and message.pk in speaking else thought)
        for message, thought in thoughts
    ]


def _one(message: Message, brand_id: int | None) -> Annotation | None:
    try:
        return annotate([message.text], [brand_id])[0]
    except Exception as error:
        log.error("Understanding failed on message %s (%s).", message.pk, where(error))
        return None


def judge(thoughts: Sequence[Thought]) -> None:
    """Write the thoughts, and let policy score, route and time the cases. One transaction."""
    if not thoughts:
        return
    with transaction.atomic():
        ids = {message.case_id for message, _ in thoughts if message.case_id}
        rows = Case.objects.filter(pk__in=ids).select_for_update().order_by("pk")
        cases = {case.pk: case for case in with_brands(rows)}
        guard = moderation.guard()
        for message, thought in thoughts:
            case = cases.get(message.case_id or 0)
            _note(message, thought, case.language if case else "")
            message.personal = _personal(message, case, guard)
        save_rows(MESSAGE_FIELDS, [message for message, _ in thoughts])
        by_case: dict[int, list[Thought]] = {}
        for message, thought in thoughts:
            if message.case_id in cases:
                by_case.setdefault(message.case_id or 0, []).append((message, thought))
        for said in by_case.values():
            said.sort(key=lambda one: (one[0].sent_at, one[0].pk))
        asked = _asked_before([cases[pk] for pk, said in by_case.items() if _may_have_asked(cases[pk], said)])
        for pk, said in by_case.items():
            _learn(cases[pk], said, asked.get(pk))
            _cover_snippet(cases[pk], said[-1][0])
        words = {pk: [message for message, _ in said] for pk, said in by_case.items()}
        policy.judge(cases.values(), clock.now(), words, CASE_FIELDS)


def _note(message: Message, thought: Annotation | None, language: str) -> None:
    """Write on a message what was thought of it; what no model could read is somebody's to look at. Texts too short to tell have the
    language of their case."""
    if thought is None:
        message.language, message.sentiment_score, message.intent = "", None, ""
        message.sentiment, message.category, message.urgency, message.actionable = "neutral", "other", 0.0, True
        message.offensive = message.spam = None
        message.confidence = {}
        return
    message.language = thought.language[:8] or language
    message.sentiment, message.sentiment_score = thought.sentiment, thought.sentiment_score
    message.category, message.urgency, message.actionable = thought.category, thought.urgency, thought.actionable
    message.intent, message.offensive, message.spam = thought.intent, thought.offensive, thought.spam
    message.confidence = {
        "sentiment": thought.sentiment_confidence,
        "category": thought.category_confidence,
        "intent": thought.intent_confidence,
        "actionable": thought.actionable_confidence,
    }
    if thought.next_best:
        message.confidence["next"] = dict(thought.next_best)
    if thought.because:
        message.confidence["because"] = dict(thought.because)


def _personal(message: Message, case: Case | None, guard: moderation.Guard) -> list[list[int | str]]:
    """Where personal data stands in a message, as it is stored. A text it fails on holds up nobody."""
    try:
        brand_id = case.brand_id if case else None
        return [list(span) for span in moderation.spans(message.text, brand_id, message.language, guard)]
    except ValueError as error:
        log.error("Personal data could not be looked for in message %s (%s).", message.pk, where(error))
        return []


def _cover_snippet(case: Case, message: Message) -> None:
    """Lists show the beginning of the latest words to everybody: without personal data."""
    latest = case.snippet_direction == Direction.IN and message.sent_at >= (case.last_in_at or message.sent_at)
    if latest and message.text and (message.personal or COVER in case.snippet):
        case.snippet = one_line(masked(message.text, message.personal), 200)


def _learn(case: Case, said: list[Thought], asked_before: datetime | None) -> None:
    """What a case takes over from its new messages, oldest first."""
    thoughts = [thought for _, thought in said if thought is not None]
    latest = [
        thought for message, thought in said if thought and (case.last_in_at or message.sent_at) <= message.sent_at
    ]
    asks = [message for message, thought in said if thought is None or thought.actionable]
    if thoughts:
        case.language = thoughts[-1].language[:8] or case.language
        case.intent = next((t.intent for t in reversed(thoughts) if t.actionable), case.intent or thoughts[-1].intent)
        case.sentiment = latest[-1].sentiment if latest else case.sentiment
        case.sentiment_first = case.sentiment_first or thoughts[0].sentiment
        felt = [one for one in (case.sentiment_lowest, *(thought.sentiment for thought in thoughts)) if one]
        case.sentiment_lowest = min(felt, key=SENTIMENTS.index)
        if case.waiting_since is not None:
            case.urgency = max(case.urgency, *(thought.urgency for thought in thoughts))
    if case.category_by == "model" and case.category == "other":
        case.category = next((t.category for t in thoughts if t.actionable and t.category != "other"), case.category)
    if case.messages_in <= len(said):
        case.actionable = bool(asks)
    elif asks:
        case.actionable = True
    answered_at = case.last_out_at or EARLIEST
    late = [message for message in asks if message.edited_at and message.edited_at > answered_at]
    if late and case.waiting_since is None and _stays_or_comes_open(case, late[0].edited_at or answered_at):
        # Words that needed no answer, or had one, were edited into some that do.
        since = late[0].sent_at if late[0].sent_at > answered_at else late[0].edited_at
        case.waiting_since = since
        policy.begin_wait(case)
    if not asks and case.waiting_since is not None and case.waiting_since >= said[0][0].sent_at:
        # Thanks and small talk: the desk may answer, but nobody waits, unless something else was asked.
        case.waiting_since = asked_before
    if case.status == Status.OPEN and case.resolved_at is not None:
        _settle_reopening(case, stays_open=bool(asks))


def _may_have_asked(case: Case, said: list[Thought]) -> bool:
    """Whether somebody waits, though these words ask for nothing, and others came before them."""
    asks = any(thought is None or thought.actionable for _, thought in said)
    return not asks and case.waiting_since is not None and case.messages_in > len(said)


def _asked_before(cases: Sequence[Case]) -> dict[int, datetime]:
    """Case -> when its customer first asked something that still stands without an answer."""
    if not cases:
        return {}
    open_yet = Q(case__last_out_at=None) | Q(sent_at__gt=F("case__last_out_at"))
    asked = Message.objects.filter(open_yet, case__in=[case.pk for case in cases], direction=Direction.IN)
    return dict(asked.exclude(actionable=False).order_by().values_list("case_id").annotate(Min("sent_at")))


def _stays_or_comes_open(case: Case, at: datetime) -> bool:
    """Whether a case takes a question edited in at ``at``: it is open, or was resolved lately and opens again."""
    if case.status == Status.OPEN:
        return True
    lately = case.resolved_at is not None and at <= case.resolved_at + timedelta(hours=case.brand.reopen_hours)
    rival = Case.objects.filter(brand_id=case.brand_id, customer_id=case.customer_id, status=Status.OPEN)
    if not lately or rival.exists():
        return False
    case.status, case.resolved_at = Status.OPEN, None
    case.reopened += 1
    spine.write("case.reopened", case_id=case.pk, reason="The customer edited a question in.")
    return True


def _settle_reopening(case: Case, *, stays_open: bool) -> None:
    """A case that its customer's words have just opened again stays open when they need an answer; thanks alone leave it resolved."""
    if stays_open:
        case.resolved_at = None
        return
    case.status = Status.RESOLVED
    case.reopened -= 1
    spine.write("case.resolved", case_id=case.pk, reason="The customer's words need no answer.")


def left_over(before: datetime, limit: int = 500) -> list[Message]:
    """Messages stored before ``before`` that nobody has thought about: a crash came between."""
    rows = Message.objects.filter(direction=Direction.IN, sentiment="", stored_at__lt=before)
    return list(rows.order_by("id")[:limit])
