"""Corrections made through the desk's own verbs make it read later messages better. ``parlour simulate learning`` shows it whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from parlour.cases import learning
from parlour.commands import simulate_learning
from parlour.commands.simulate_learning import read, simulate
from parlour.understanding.models import Correction, ModelVersion

pytestmark = [pytest.mark.django_db, pytest.mark.whole]


def test_a_hundred_corrections_of_a_brand_lift_the_answers_to_its_later_messages(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The worker would learn every few corrections; one fit in the end says the same and takes a tenth of the time.
    monkeypatch.setattr(learning, "learn_due", lambda: False)
    tweets = read(shared / "data" / "airline_tweets.csv.gz")[::5]
    plain, taught = simulate(tweets, [100], 0.4, ["wrong ones corrected as they come"])
    assert taught.corrections == 100 == Correction.objects.exclude(was="").count()
    assert ModelVersion.objects.get().active
    assert taught.macro_f1 >= plain.macro_f1 + 3
    assert taught.right > plain.right


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("text,created_at,sentiment\nHello,2026-01-01,meh\n")
    with pytest.raises(ValueError, match="no sentiment: 'meh'"):
        simulate_learning.read(file)
    file.write_text("a,b\n1,2\n")
    with pytest.raises(KeyError):
        simulate_learning.read(file)
