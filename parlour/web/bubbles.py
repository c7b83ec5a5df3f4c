"""Messages of a case that are words and nothing else, as nearly all are: each is drawn once for what it says. A long case is drawn
again at every change of it, for everybody who has it open."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.template.loader import get_template
from markupsafe import Markup

from parlour.cases.models import Case, DeliveryState, Message
from parlour.understanding import categories
from parlour.web import words
from parlour.web.timeline import ACTS, Lane, Line, Said

KEPT = 4096
"""Drawn messages kept in a process, of about 3 kB each."""
HERE = Markup("<own>")
"""Where forms have what is each desk's own. Nobody's words can hold it: they are escaped."""
_ARRIVED = (DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ)


@dataclass(frozen=True, slots=True)
class Named:
    name: str


@dataclass(frozen=True, slots=True)
class Words:
    """What such a message says."""

    pk: int
    direction: str
    visibility: str
    channel: str
    agent_id: int | None
    agent: Named | None
    identity: str
    text: str
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    hidden: bool
    sentiment: str
    language: str
    actionable: bool | None
    category: str
    intent: str
    offensive: float | None
    spam: float | None
    likeliest: tuple[tuple[str, str], ...]
    """Of category and intent, the next likeliest answer of the model."""
    meta: None = None

    @property
    def confidence(self) -> dict[str, dict[str, str]]:
        return {"next": dict(self.likeliest)}


@dataclass(frozen=True, slots=True)
class Sending:
    state: str


@dataclass(frozen=True, slots=True)
class Speaks:
    language: str


@dataclass(frozen=True, slots=True)
class Around:
    """What its drawing depends on besides: the case; how the moment and the categories that can be named are put into words."""

    category: str
    brand_id: int
    customer: Speaks
    stamp: str
    called: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bubble:
    """As ``timeline.Said`` for the template."""

    key: str
    message: Words
    delivery: Sending | None
    acts: tuple[str, ...]
    cancelled: bool = False
    place: None = None
    files: tuple[()] = ()
    versions: tuple[()] = ()
    pending: tuple[()] = ()


def draw(
    items: Iterable[Lane | Said | Line], case: Case, special: Collection[int], *, may_answer: bool
) -> dict[str, Markup]:
    """The messages among ``items`` that are words and nothing else, by their keys. ``special``: ids of those that carry more, such as
    what moderation did. Forms hold ``HERE`` for the desk's own."""
    plain = [
        _bubble(item) for item in items if isinstance(item, Said) and _is_plain(item) and item.message.pk not in special
    ]
    return {one.key: _drawn(one, _around(one.message, case), may_answer) for one in plain}


def with_token(drawn: Markup, token: object) -> Markup:
    """The drawing with the desk's own hidden field in its forms."""
    return Markup(str(drawn).replace(HERE, str(token))) if HERE in drawn else drawn  # noqa: S704 - Django's own field


def _is_plain(item: Said) -> bool:
    if item.message.meta or item.files or item.versions or item.pending:
        return False
    return item.delivery is None or item.delivery.state in _ARRIVED


def _bubble(item: Said) -> Bubble:
    said = item.message
    words_ = Words(
        pk=said.pk,
        direction=said.direction,
        visibility=said.visibility,
        channel=said.channel,
        agent_id=said.agent_id,
        agent=Named(said.agent.name) if said.agent else None,
        identity=str(said.identity) if said.identity else "",
        text=said.text,
        sent_at=said.sent_at,
        edited_at=said.edited_at,
        deleted_at=said.deleted_at,
        hidden=said.hidden,
        sentiment=said.sentiment,
        language=said.language,
        actionable=said.actionable,
        category=said.category,
        intent=said.intent,
        offensive=said.offensive,
        spam=said.spam,
        likeliest=_likeliest(said),
    )
    return Bubble(item.key, words_, Sending(item.delivery.state) if item.delivery else None, item.acts)


def _likeliest(said: Message) -> tuple[tuple[str, str], ...]:
    told = said.confidence.get("next") if isinstance(said.confidence, dict) else None
    return tuple((str(name), str(value)) for name, value in told.items()) if isinstance(told, dict) else ()


def _around(said: Words, case: Case) -> Around:
    named = (said.category, case.category, dict(said.likeliest).get("category", ""))
    called = tuple(categories.name(slug, case.brand_id) for slug in named)
    return Around(case.category, case.brand_id, Speaks(case.customer.language), words.stamp(said.sent_at), called)


@lru_cache(maxsize=KEPT)
def _drawn(bubble: Bubble, around: Around, may_answer: bool) -> Markup:
    nothing: dict[int, object] = {}
    shown = {"item": bubble, "case": around, "may_answer": may_answer, "acts": ACTS, "csrf_input": HERE}
    shown |= {"handled": nothing, "kinds": nothing}
    return Markup(get_template("parts/message_alone.html").render(shown))  # noqa: S704 - our own template
