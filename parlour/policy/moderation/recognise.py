"""Recognising floods (many authors, nearly the same words) and authors who repeat themselves or abuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from parlour.cases.models import Case, Direction, Message
from parlour.lib.rows import insert_rows
from parlour.policy.judging import Judging
from parlour.policy.moderation import queries
from parlour.policy.moderation.models import Change, Flood, Heard, Measures, Restriction, Standing, Suspect
from parlour.policy.moderation.prints import NEAR, bands, far, print_of
from parlour.policy.moderation.queries import Guard

BAD = 0.8
"""From here on a message counts as spam or abuse."""
MOST_COMPARED = 3000
"""Prints of one brand a batch is compared with, newest first."""
MUTED_FOR = timedelta(days=1)
FLOOD_LASTS = timedelta(hours=24)
"""Nearly the same words after so long a silence are another flood."""


@dataclass(frozen=True, slots=True)
class _Print:
    message_id: int
    identity_id: int | None
    print: int


def recognise(said: Sequence[tuple[Case, Message]], guard: Guard, judging: Judging) -> dict[int, Flood]:
    """Look at the public ones of brands that want it; the floods that messages belong to, by message. Suspects are noted."""
    told: dict[int, Flood] = {}
    by_brand: dict[int, list[tuple[Case, Message]]] = {}
    for case, message in said:
        measures = guard.measures.get(case.brand_id)
        if measures and measures.recognise and message.visibility == "public":
            by_brand.setdefault(case.brand_id, []).append((case, message))
    for brand_id, words in by_brand.items():
        measures = guard.measures[brand_id]
        fresh = _printed(words)
        alike = _alike(measures, fresh, judging.now)
        _remember(brand_id, fresh, judging.now)
        told |= _floods(measures, [message for _, message in words], alike, judging.now)
        _suspects(measures, words, alike, guard, judging)
    return told


def _printed(words: Iterable[tuple[Case, Message]]) -> list[_Print]:
    found = ((message, print_of(message.text)) for _, message in words)
    return [_Print(message.pk, message.identity_id, one) for message, one in found if one is not None]


def _alike(measures: Measures, fresh: Sequence[_Print], now: datetime) -> dict[int, list[_Print]]:
    """For each fresh print those that are near it, itself included."""
    if not fresh:
        return {}
    since = now - timedelta(minutes=measures.window_minutes)
    cut = [bands(one.print) for one in fresh]
    sharing = Q()
    for number, name in enumerate("abcd"):
        sharing |= Q(**{f"band_{name}__in": sorted({one[number] for one in cut})})
    rows = Heard.objects.filter(sharing, brand_id=measures.brand_id, at__gte=since).order_by("-id")
    ids = {one.message_id for one in fresh}
    known = [_Print(*row) for row in rows.values_list("message_id", "identity_id", "print")[:MOST_COMPARED]]
    everyone = [*fresh, *(one for one in known if one.message_id not in ids)]
    return {one.message_id: [other for other in everyone if far(one.print, other.print) <= NEAR] for one in fresh}


def _remember(brand_id: int, fresh: Sequence[_Print], now: datetime) -> None:
    """Keep the prints; forget those beyond any window."""
    if not fresh:
        return
    Heard.objects.filter(message_id__in=[one.message_id for one in fresh]).delete()
    Heard.objects.filter(brand_id=brand_id, at__lt=now - timedelta(days=1)).delete()
    rows = []
    for one in fresh:
        a, b, c, d = bands(one.print)
        rows.append(
            Heard(
                brand_id=brand_id,
                message_id=one.message_id,
                identity_id=one.identity_id,
                print=one.print,
                band_a=a,
                band_b=b,
                band_c=c,
                band_d=d,
                at=now,
            )
        )
    insert_rows(Heard, rows)


def _floods(
    measures: Measures, words: Sequence[Message], alike: dict[int, list[_Print]], now: datetime
) -> dict[int, Flood]:
    found: dict[int, Flood] = {}
    running: list[Flood] | None = None
    for message in words:
        near = alike.get(message.pk, [])
        authors = {one.identity_id for one in near}
        if len(near) < measures.flood_messages or len(authors) < measures.flood_authors:
            continue
        if running is None:
            running = list(Flood.objects.filter(brand_id=measures.brand_id, last_at__gte=now - FLOOD_LASTS))
        own = next(one.print for one in near if one.message_id == message.pk)
        flood = next((one for one in running if far(one.print, own) <= 2 * NEAR), None)
        if flood is None:
            sample = queries.covered(message.text, measures.brand_id, message.language)[:200]
            flood = Flood(brand_id=measures.brand_id, sample=sample, print=own, began_at=now, messages=0, authors=0)
            running.append(flood)
        flood.messages, flood.authors = max(flood.messages, len(near)), max(flood.authors, len(authors))
        flood.last_at = now
        flood.save()
        if flood.state != "none":
            found[message.pk] = flood
    return found


def _suspects(
    measures: Measures,
    words: Sequence[tuple[Case, Message]],
    alike: dict[int, list[_Print]],
    guard: Guard,
    judging: Judging,
) -> None:
    """Note authors of too much that is abuse, spam or the same again; mute them where the brand wants it."""
    authors = {
        m.identity_id: (case, m)
        for case, m in words
        if m.identity_id and not guard.standing(m.identity_id, judging.now)
    }
    if not authors:
        return
    reasons = _reasons(measures, authors, alike, judging.now)
    if not reasons:
        return
    known = set(
        Suspect.objects.filter(
            identity_id__in=list(reasons), brand_id=measures.brand_id, settled_at__isnull=True
        ).values_list("identity_id", flat=True)
    )
    for identity_id, reason in reasons.items():
        if identity_id in known:
            continue
        case, message = authors[identity_id]
        if measures.mute_spammers:
            _mute(identity_id, reason, judging.now)
            judging.tell(
                "author.restricted",
                case,
                message,
                kind=Standing.MUTED,
                until=(judging.now + MUTED_FOR).isoformat(),
                reason=reason,
            )
        else:
            Suspect.objects.create(identity_id=identity_id, brand_id=measures.brand_id, reason=reason, at=judging.now)
            judging.tell("author.suspected", case, message, reason=reason)


def _reasons(
    measures: Measures, authors: Iterable[int], alike: dict[int, list[_Print]], now: datetime
) -> dict[int, str]:
    since = now - timedelta(minutes=measures.window_minutes)
    bad = Q(spam__gte=BAD) | Q(offensive__gte=BAD)
    rows = Message.objects.filter(
        bad, identity_id__in=list(authors), direction=Direction.IN, visibility="public", stored_at__gte=since
    )
    counts = rows.order_by().values_list("identity_id").annotate(Count("id"))
    reasons = {
        pk: f"{count} abusive or spam messages within {measures.window_minutes} minutes."
        for pk, count in counts
        if pk is not None and count >= measures.spam_messages
    }
    for near in alike.values():
        for pk in {one.identity_id for one in near} & set(authors):
            count = sum(one.identity_id == pk for one in near)
            if pk is not None and count >= measures.spam_messages:
                reasons.setdefault(pk, f"The same words {count} times within {measures.window_minutes} minutes.")
    return reasons


def _mute(identity_id: int, reason: str, now: datetime) -> None:
    Restriction.objects.filter(identity_id=identity_id, lifted_at__isnull=True, until__lte=now).update(
        lifted_at=now, lifted_by="desk"
    )
    row = Restriction.objects.create(
        identity_id=identity_id, kind=Standing.MUTED, reason=reason, by="desk", at=now, until=now + MUTED_FOR
    )
    Change.objects.create(what="author", ref=row.pk, words=f"Muted by itself: {reason}"[:300], by="desk")
