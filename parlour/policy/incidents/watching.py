"""Looking for waves: what was heard is counted by the hour, and each brand that was heard is looked at."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max

from parlour.cases.models import Direction, Message
from parlour.lib.text import one_line
from parlour.policy.incidents import joining, waves
from parlour.policy.incidents.models import RUNNING, Heard, Hour, Incident, Member, State, Watch
from parlour.policy.incidents.words import spoken
from parlour.spine import actions as spine

AT_ONCE = 5_000
MOST_IN_WINDOW = 20_000
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAYS_BACK, NEAR_DAYS = 14, 3
"""What is usual at this hour comes from so many days; what is usual at any hour from the nearest ones."""
STEMS_OF_AN_HOUR = 600
KEPT = timedelta(days=2)
REMEMBERED = timedelta(days=14)
"""How long a dismissed wave stays dismissed unless it grows."""
GROWN = 2.0
ONE_IN_A_FLOOD = timedelta(minutes=30)
KIN_FOR = timedelta(hours=6)
"""How long a suggestion takes in waves of its cause that are told by other words."""
MOST_OTHERS = 12
READ_FOR_TITLE = 200


def watch() -> int:
    """Count what was newly heard and suggest incidents for the waves in it; returns how many rows were new."""
    if not Heard.objects.filter(counted=False).exists():
        return 0
    with transaction.atomic():
        fresh = list(Heard.objects.filter(counted=False).order_by("id").select_for_update(skip_locked=True)[:AT_ONCE])
        if not fresh:
            return 0
        _count(fresh)
        Heard.objects.filter(pk__in=[row.pk for row in fresh]).update(counted=True)
        latest: dict[int, datetime] = {}
        for row in fresh:
            latest[row.brand_id] = max(row.at, latest.get(row.brand_id, row.at))
        for brand_id, at in sorted(latest.items()):
            look_at(brand_id, at)
            Heard.objects.filter(brand_id=brand_id, at__lt=at - KEPT, counted=True).delete()
            Hour.objects.filter(brand_id=brand_id, start__lt=at - (DAYS_BACK + 1) * DAY).delete()
    return len(fresh)


def _count(rows: Iterable[Heard]) -> None:
    by_hour: dict[tuple[int, datetime], list[Heard]] = defaultdict(list)
    for row in rows:
        by_hour[row.brand_id, row.at.replace(minute=0, second=0, microsecond=0)].append(row)
    for (brand_id, start), heard in sorted(by_hour.items()):
        Hour.objects.get_or_create(brand_id=brand_id, start=start)
        hour = Hour.objects.select_for_update().get(brand_id=brand_id, start=start)
        counted = Counter(hour.stems)
        for row in heard:
            counted.update(set(row.stems.split()))
        hour.stems, hour.cases = dict(counted.most_common(STEMS_OF_AN_HOUR)), hour.cases + len(heard)
        hour.save(update_fields=["stems", "cases"])


def watch_of(brand_id: int) -> Watch:
    """What counts as a wave for a brand."""
    return Watch.objects.filter(brand_id=brand_id).first() or Watch(brand_id=brand_id)


def look_at(brand_id: int, at: datetime) -> list[Incident]:
    """Look for waves in the window that ends at ``at``; the incidents that were suggested. In the caller's transaction."""
    wanted = watch_of(brand_id)
    if not wanted.on:
        return []
    bounds = waves.Bounds(wanted.least, wanted.times)
    heard, usually = window(brand_id, at, wanted)
    flood = waves.is_flood(heard, usually, bounds)
    made: list[Incident] = []
    for wave in waves.find(heard, usually, bounds):
        # In a flood one suggestion at a time: what still stands out a while later is a cause of its own.
        may = not (flood and Incident.objects.filter(brand_id=brand_id, found_at__gt=at - ONE_IN_A_FLOOD).exists())
        if _joins(brand_id, at, wave, usually, flood):
            continue
        if (one := _suggest(brand_id, at, wanted, wave, may)) is not None:
            made.append(one)
    return made


def _joins(brand_id: int, at: datetime, wave: waves.Wave, usual: waves.Usual, flood: bool) -> bool:
    """Whether a suggestion of the last hours has this wave's cause under another word; then it takes the wave in."""
    recent = Incident.objects.filter(brand_id=brand_id, state=State.SUGGESTED, last_at__gt=at - KIN_FOR, into=None)
    for one in recent.order_by("-id")[:20]:
        if wave.stem in one.words:
            return False
        if waves.kin(wave, (*one.words, *one.others), _shared(one, wave), usual, flood):
            one.others = list(dict.fromkeys([*one.others, wave.stem]))[:MOST_OTHERS]
            one.last_at, one.peak = max(one.last_at, at), max(one.peak, len(wave.cases))
            one.save(update_fields=["others", "last_at", "peak"])
            _take_in(one, wave)
            return True
    return False


def window(brand_id: int, at: datetime, wanted: Watch) -> tuple[list[waves.Heard], waves.Usual]:
    """What was heard in the window that ends at ``at``, and what is usual then."""
    start = at - timedelta(minutes=wanted.window_minutes)
    rows = Heard.objects.filter(brand_id=brand_id, at__gt=start, at__lte=at).order_by("-at")
    heard = [
        waves.Heard(case, frozenset(said.split()))
        for case, said in rows.values_list("case_id", "stems")[:MOST_IN_WINDOW]
    ]
    return heard, usual(brand_id, start, at)


def usual(brand_id: int, start: datetime, end: datetime) -> waves.Usual:
    """What is usual between two moments: the same hours of earlier days, blended with all hours of the days before."""
    whole = start.replace(minute=0, second=0, microsecond=0)
    width = (end - start) / HOUR
    spans = [(start - day * DAY - HOUR / 2, end - day * DAY - HOUR / 2) for day in range(1, DAYS_BACK + 1)]
    before = Hour.objects.filter(brand_id=brand_id, start__lt=whole)
    first = before.order_by("start").values_list("start", flat=True).first()
    if first is None:
        return waves.Usual()
    near = max(first, whole - NEAR_DAYS * DAY)
    same, overall = Counter[str](), Counter[str]()
    same_cases = overall_cases = hours = 0
    for hour in before.filter(start__gte=whole - (DAYS_BACK * DAY + 2 * HOUR + (end - start))).iterator():
        if hour.start >= near:
            overall.update(hour.stems)
            overall_cases += hour.cases
            hours += 1
        if any(begin < hour.start <= until for begin, until in spans):
            same.update(hour.stems)
            same_cases += hour.cases
    days = sum(1 for begin, _ in spans if begin >= first)
    part = width / max((whole - near) / HOUR, 1.0)
    stems = {stem: (same[stem] + overall[stem] * part) / (days + 1) for stem in same.keys() | overall.keys()}
    return waves.Usual(stems, (same_cases + overall_cases * part) / (days + 1), hours, overall_cases, dict(overall))


def _suggest(brand_id: int, at: datetime, wanted: Watch, wave: waves.Wave, may: bool) -> Incident | None:
    """A new suggestion, if there ``may`` be one, or None: the wave belongs to an incident that is there, or was dismissed and has not
    grown."""
    same = _same_as(brand_id, at, wave)
    if same is not None and same.state == State.DISMISSED and len(wave.cases) >= GROWN * same.peak:
        same = None
    if same is not None:
        _grow(same, at, wave)
        return None
    if not may:
        return None
    forms = spoken(_texts(wave.cases))
    title = _title(brand_id, forms, wave)
    usually = "hardly ever" if wave.usual < 0.5 else f"usually {wave.usual:.0f}"
    why = f"{title}: {len(wave.cases)} cases in {_span(wanted.window_minutes)}, {usually}"
    incident = Incident.objects.create(
        brand_id=brand_id,
        title=one_line(title, 160),
        why=one_line(why, 300),
        words=[wave.stem],
        others=list(wave.others),
        peak=len(wave.cases),
        usual=wave.usual,
        found_at=at,
        last_at=at,
    )
    _take_in(incident, wave)
    spine.write("incident.suggested", incident=incident.pk, title=incident.title, reason=incident.why)
    return incident


def _same_as(brand_id: int, at: datetime, wave: waves.Wave) -> Incident | None:
    """The incident this wave is part of, be it running, suggested, just over, or dismissed not long ago."""
    recent = Incident.objects.filter(brand_id=brand_id, last_at__gt=at - REMEMBERED, into=None).order_by("-id")
    for one in recent[:100]:
        alive = one.state == State.SUGGESTED or one.state in RUNNING
        if one.state == State.RESOLVED and one.last_at < at - DAY:
            continue
        if alive and one.last_at < at - 2 * DAY:
            continue
        if any(entry == wave.stem for entry in one.words):
            return one
        if wave.stem in one.others and one.last_at > at - DAY:
            return one
        if alive and _shared(one, wave) * 2 >= len(wave.cases):
            return one
    return None


def _shared(incident: Incident, wave: waves.Wave) -> int:
    return Member.objects.filter(incident=incident, case_id__in=wave.cases).count()


def _grow(incident: Incident, at: datetime, wave: waves.Wave) -> None:
    """A suggestion takes in what more of its wave has come; what a person has opened is fed by its own words."""
    changes: dict[str, Any] = {"peak": max(incident.peak, len(wave.cases))} if incident.state != State.DISMISSED else {}
    if incident.state == State.SUGGESTED:
        if wave.stem in incident.words:
            _take_in(incident, wave)
        changes["last_at"] = max(incident.last_at, at)
    if changes:
        Incident.objects.filter(pk=incident.pk).update(**changes)


def _take_in(incident: Incident, wave: waves.Wave) -> None:
    known = set(Member.objects.filter(incident=incident).values_list("case_id", flat=True))
    said = Heard.objects.filter(case_id__in=wave.cases - known, brand_id=incident.brand_id)
    latest = said.values_list("case_id").annotate(Max("at"))
    reason = joining.why(incident.brand_id, wave.stem)
    Member.objects.bulk_create(
        [Member(incident=incident, case_id=case, at=at, reason=reason) for case, at in latest], ignore_conflicts=True
    )


def _texts(cases: Iterable[int]) -> list[str]:
    found = Message.objects.filter(case_id__in=sorted(cases)[-READ_FOR_TITLE:], direction=Direction.IN)
    return list(found.order_by("-id").values_list("text", flat=True)[: 2 * READ_FOR_TITLE])


def _title(brand_id: int, forms: dict[str, str], wave: waves.Wave) -> str:
    def said(stem: str) -> str:
        return joining.category_of(brand_id, stem) or forms.get(stem, stem)

    title = ", ".join(said(stem) for stem in (wave.stem, *wave.others))
    return title[:1].upper() + title[1:]


def _span(minutes: int) -> str:
    if minutes % 60 == 0:
        return "an hour" if minutes == 60 else f"{minutes // 60} hours"
    return f"{minutes} minutes"
