"""Intents labelled by hand: what the labels are, that nothing is trained on them, and how the shipped model does."""

import csv
import re
from pathlib import Path

import pytest

from parlour.understanding import evaluate_intents, labelling
from parlour.understanding.heads import INTENTS

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "data"


def test_the_labels_are_ids_and_labels_only():
    with labelling.INTENTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["set", "id", "drawn", "label"]
    assert all(len(row) == 4 and re.fullmatch(r"\d+", row[1]) for row in rows[1:])
    assert {row[3] for row in rows[1:]} == set(INTENTS)
    assert len({(row[0], row[1]) for row in rows[1:]}) == len(rows) - 1 >= 250


def test_the_sample_can_be_drawn_again_and_none_of_it_is_trained_on(data):
    drawn = evaluate_intents.draw(data)
    assert [(one.set, one.id) for one in drawn] == list(evaluate_intents.labels())
    assert [one.group or evaluate_intents.EVENLY for one in drawn] == [
        how for how, _ in evaluate_intents.labels().values()
    ]
    # ``corpus.load`` leaves out what is held back; test_labelling compares the texts.
    assert {labelling.likeness(one.text) for one in drawn} <= labelling.held_back(data)


def test_the_shipped_model_keeps_its_floor(data):
    known = evaluate_intents.labelled(data)
    answers = evaluate_intents.shipped([message.text for message, _ in known])
    listed = evaluate_intents.scores([(label, answer) for (_, label), answer in zip(known, answers, strict=True)])
    assert sum(one.support for one in listed) == len(known)
    assert sum(one.f1 for one in listed) / len(listed) > 50


def test_scores_are_what_they_say():
    found = {
        one.intent: one
        for one in evaluate_intents.scores([("praise", "praise"), ("praise", "other"), ("other", "other")])
    }
    assert (found["praise"].support, found["praise"].precision, found["praise"].recall) == (2, 100, 50)
    assert round(found["praise"].f1, 1) == 66.7
    assert found["other"].precision == 50
    assert (found["purchase"].support, found["purchase"].precision, found["purchase"].recall, found["purchase"].f1) == (
        0,
        None,
        None,
        0,
    )
