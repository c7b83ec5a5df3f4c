"""Recorded days on their own clock: what was said, when promises broke, and what a wave was called."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from parlour.commands import simulate_days
from parlour.policy.incidents.models import Incident
from parlour.spine.models import Event

pytestmark = pytest.mark.django_db(transaction=True)

BEGIN = datetime(2015, 2, 20, 20, 0, tzinfo=UTC)
USUAL = (
    "My bag is lost, please help",
    "Can I change my seat?",
    "The food was cold and the crew rude",
    "Is the lounge open?",
)


def recorded(path: Path) -> Path:
    """Nine hours of what is usual, then half an hour of cancelled flights."""
    said = [(BEGIN + timedelta(minutes=4 * n), f"usual{n}", USUAL[n % 4], "") for n in range(130)]
    storm = BEGIN + timedelta(hours=8, minutes=50)
    said += [
        (storm + timedelta(minutes=n), f"storm{n}", "You cancelled my flight, why?", "Cancelled Flight")
        for n in range(15)
    ]
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["created_at", "airline", "author", "text", "negativereason"])
        rows.writerows([f"{at:%Y-%m-%d %H:%M:%S %z}", "Kestrel", who, text, label] for at, who, text, label in said)
    return path


def test_a_day_is_told_as_the_desk_saw_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate_days, "SLICE", timedelta(minutes=30))
    said = simulate_days.read(recorded(tmp_path / "days.csv"))
    assert len(list(simulate_days.replay(said))) == len(said) == 145
    days = simulate_days.seen(UTC)
    assert [(day, one.messages) for day, one in days.items()] == [(date(2015, 2, 20), 60), (date(2015, 2, 21), 85)]
    asked = Event.objects.filter(verb="case.breached").count()
    assert sum(one.broken for one in days.values()) == asked > 40
    incident = Incident.objects.get()
    assert {"Cancelled", "flight"} <= set(
        incident.title.replace("Flight", "flight").replace("cancelled", "Cancelled").split(", ")
    )
    report = simulate_days.report(said, UTC, Counter({date(2015, 2, 21): 7}), 24, 1.0)
    assert "| Fri 20 Feb 2015 | 60 |" in report
    assert f"| Kestrel | {incident.why} | 15 | Cancelled Flight 15 |" in report


def test_a_file_that_is_none_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    for text in ("a,b\n1,2\n", "created_at,text,author,airline\nyesterday,Hi,ana,Kestrel\n", "\x00"):
        path.write_text(text)
        with pytest.raises(simulate_days.BadFile):
            simulate_days.read(path)
