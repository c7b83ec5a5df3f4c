"""Learning from what people set right: a brand's own heads start from the shipped ones and answer once they are better."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from parlour.spine import actions as spine
from parlour.staff.access import Actor, actor_name
from parlour.understanding import categories, fitting, own, queries
from parlour.understanding.categories import Tree
from parlour.understanding.memory import plain
from parlour.understanding.models import Correction, Learned, ModelVersion

LEAST: Final = 10
"""Corrections of one field from which on a head is fitted."""
MOST: Final = 5_000
"""Corrections a head is fitted on, the latest."""
FOLDS: Final = 5
"""One in so many is held back, to be compared on."""
BALANCE: Final = 0.75
"""How far rare labels count as much as frequent ones (0..1): a desk wants to hear the few who are happy, too."""
CONFIRMED_WEIGHT: Final = 0.5
"""What a message counts that was answered and not corrected: nobody may have looked at that field."""
CONFIRMED_PER_CORRECTION: Final = 3
CHANCE: Final = 0.15
"""A version does not take over when being so much worse on what is held back would happen by chance this seldom."""
KEPT_VERSIONS: Final = 10
MOST_SHOWN: Final = 500


@dataclass(frozen=True, slots=True)
class Example:
    """A text with the label it should get. ``message_id`` is 0 for an example typed on the page."""

    message_id: int
    text: str
    label: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """How one label fares on held-back messages: shares from 0 to 1, None where there is nothing to divide by."""

    label: str
    precision: float | None
    recall: float | None
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Report:
    """How a head fares: ``confusion[truth][answer]`` counts, ``mistakes`` are (message id, truth, answer)."""

    scores: tuple[Score, ...]
    confusion: dict[str, dict[str, int]]
    mistakes: tuple[tuple[int, str, str], ...]
    right: float
    macro_f1: float
    rows: int


def corrections_of(brand_id: int, field: str) -> Any:
    """What counts for learning: not taken back, by people."""
    rows = Correction.objects.filter(brand_id=brand_id, field=field, undone_at=None)
    return rows.exclude(by="llm").exclude(text="")


def examples_of(brand_id: int, field: str, tree: Tree) -> list[Example]:
    """The latest word on each message, and the sentences typed for categories, as they count in the tree of today."""
    rows = corrections_of(brand_id, field).order_by("-id").values_list("message_id", "text", "now")[:MOST]
    found: dict[str, Example] = {}
    for message_id, text, now in rows:
        label = tree.meaning(now) if field == "category" else own.label_of(field, now)
        if label is not None and text.strip():
            found.setdefault(plain(text), Example(message_id, text, label))
    if field == "category":
        for node in tree.nodes:
            if slug := tree.meaning(node.slug):
                for text in node.examples:
                    found.setdefault(plain(text), Example(0, text, slug))
    return list(found.values())


def held_back(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """What is learnt from, and what is compared on: one in five of every label, by a hash, so that the same stay back for ever."""
    learnt: list[Example] = []
    back: list[Example] = []
    by_label: dict[str, list[tuple[int, Example]]] = {}
    for one in examples:
        by_label.setdefault(one.label, []).append((zlib.crc32(plain(one.text).encode("utf-8", "replace")), one))
    for found in by_label.values():
        found.sort(key=lambda pair: pair[0])
        chosen = [one for number, one in found if number % FOLDS == 0]
        if not chosen and len(found) >= FOLDS:
            chosen = [found[0][1]]
        if len(chosen) == len(found):
            # The only ones of their label are needed for learning.
            chosen = []
        out = {id(one) for one in chosen}
        back += chosen
        learnt += [one for _, one in found if id(one) not in out]
    return learnt, back


def learn(
    brand_id: int, field: str, *, confirmed: Iterable[Example] = (), by: Actor | None = None
) -> ModelVersion | None:
    """Fit a new version and compare it on what is held back with the one that answers now; the better one answers.

    ``confirmed``: messages that were answered without being corrected. None when there is too little to learn from. Fitting happens
    outside any transaction; thousands of texts take some seconds.
    """
    if field not in own.HEADS:
        raise ValueError(f"Nothing is fitted for {field!r}; there are {', '.join(own.HEADS)}.")
    tree = categories.tree(brand_id)
    upto = corrections_of(brand_id, field).order_by("-id").values_list("id", flat=True).first() or 0
    given = examples_of(brand_id, field, tree)
    if len(given) < LEAST and not any(one.message_id == 0 for one in given):
        return None
    before = ModelVersion.objects.filter(brand_id=brand_id, field=field, active=True).first()
    known = {plain(one.text) for one in given}
    room = CONFIRMED_PER_CORRECTION * len(given)
    mild = [one for one in confirmed if plain(one.text) not in known][:room]
    every = [*given, *mild]
    learnt, back = held_back(every)
    prior = queries.shipped(field)
    proof = _fit(learnt, prior)
    head = _fit(every, prior)
    rows = _rows(proof, tree, field, back)
    then = _rows(_proof_of(before) or prior, tree, field, back)
    new, old = report(rows), report(then)
    return _settle(
        ModelVersion(
            brand_id=brand_id,
            field=field,
            made_by=actor_name(by),
            data=head.save(),
            proof=proof.save(),
            corrections=len(given),
            confirmed=len(mild),
            upto=upto,
            scores={
                "rows": [list(row) for row in rows],
                "now": {"macro_f1": new.macro_f1, "right": new.right},
                "before": {"macro_f1": old.macro_f1, "right": old.right},
            },
        ),
        new,
        old,
        _worse(new, old, rows, then),
        before,
        by,
    )


def _fit(examples: Sequence[Example], prior: fitting.Head) -> fitting.Head:
    return fitting.fit(
        [one.text for one in examples],
        [one.label for one in examples],
        prior=prior,
        weights=[one.weight for one in examples],
        balance=BALANCE,
    )


def _proof_of(version: ModelVersion | None) -> fitting.Head | None:
    try:
        return fitting.Head.load(bytes(version.proof)) if version else None
    except ValueError:
        return None


def answers(head: fitting.Head, tree: Tree, field: str, texts: Sequence[str]) -> list[str]:
    """What a head says to each text, in the categories of today."""
    labels, chances = head.scores(texts)
    if field == "category":
        labels, counts = own.live(tree, labels)
        chances = chances @ counts if counts is not None else chances
    return [labels[best] for best in chances.argmax(axis=1).tolist()] if len(texts) else []


def _rows(head: fitting.Head, tree: Tree, field: str, examples: Sequence[Example]) -> list[tuple[int, str, str]]:
    found = answers(head, tree, field, [one.text for one in examples])
    return [(one.message_id, one.label, answer) for one, answer in zip(examples, found, strict=True)]


def report(rows: Sequence[Sequence[Any]]) -> Report:
    """Precision, recall, confusion and mistakes of rows (message id, truth, answer)."""
    pairs = Counter((str(truth), str(answer)) for _, truth, answer in rows)
    labels = sorted({label for pair in pairs for label in pair})
    scores = []
    for label in labels:
        hits = pairs[label, label]
        truths = sum(count for (truth, _), count in pairs.items() if truth == label)
        said = sum(count for (_, answer), count in pairs.items() if answer == label)
        scores.append(
            Score(
                label,
                hits / said if said else None,
                hits / truths if truths else None,
                2 * hits / (truths + said) if truths + said else 0.0,
                truths,
            )
        )
    confusion = {truth: {answer: pairs[truth, answer] for answer in labels} for truth in labels}
    asked = [score for score in scores if score.support]
    return Report(
        tuple(scores),
        confusion,
        tuple((int(number), str(truth), str(answer)) for number, truth, answer in rows if truth != answer),
        round(sum(pairs[label, label] for label in labels) / len(rows), 4) if rows else 0.0,
        round(sum(score.f1 for score in asked) / len(asked), 4) if asked else 0.0,
        len(rows),
    )


def by_chance(won: int, lost: int) -> float:
    """How likely it is to lose at least so often, of all messages on which two heads differ, when both are equally good."""
    count = won + lost
    return float(sum(math.comb(count, one) for one in range(lost, count + 1)) / 2**count)


def _worse(new: Report, old: Report, rows: Sequence[Sequence[Any]], before: Sequence[Sequence[Any]]) -> bool:
    """Whether the new head is worse than chance explains. What has seen more corrections is trusted in a tie: one in five held back of
    a few dozen says little."""
    pairs = list(zip(rows, before, strict=True))
    won = sum(now[2] == now[1] != was[2] for now, was in pairs)
    lost = sum(was[2] == was[1] != now[2] for now, was in pairs)
    return lost > won and new.macro_f1 < old.macro_f1 and by_chance(won, lost) < CHANCE


def standing(brand_id: int, field: str) -> Report:
    """How what answers now fares on what is held back; while nothing was learnt, the shipped head on all corrections (``MOST_SHOWN``
    of them, the latest)."""
    rows = ModelVersion.objects.filter(brand_id=brand_id, field=field, active=True).values_list("scores", flat=True)
    scores = rows.first()
    if scores:
        return report(scores.get("rows", []))
    tree = categories.tree(brand_id)
    given = [one for one in examples_of(brand_id, field, tree) if one.message_id][:MOST_SHOWN]
    return report(_rows(queries.shipped(field), tree, field, given)) if given else report([])


def _settle(
    version: ModelVersion, new: Report, old: Report, worse: bool, before: ModelVersion | None, by: Actor | None
) -> ModelVersion:
    """``before``: what answered when fitting began, and what was compared with."""
    with transaction.atomic():
        versions = ModelVersion.objects.select_for_update().filter(brand_id=version.brand_id, field=version.field)
        now = versions.filter(active=True).values_list("pk", flat=True).first()
        chosen = now != (before.pk if before is not None else None)
        better = not worse and not chosen
        version.number = (versions.values_list("number", flat=True).order_by("-number").first() or 0) + 1
        if not new.rows:
            version.words = "Too few answers to hold any back: it answers until there are."
        else:
            told = f"On {new.rows} held-back messages it is right on {new.right:.0%}, what answered before on {old.right:.0%}"
            end = "; it answers now." if better else ". That is worse than chance explains, so nothing changes."
            version.words = told + end
        if chosen:
            version.words = (
                "What answers was changed while this was learnt, and stays. This version can be chosen, too."
            )
        version.active = better
        if better:
            versions.filter(active=True).update(active=False)
        version.save()
        stale = versions.filter(active=False).order_by("-number").values_list("pk", flat=True)[KEPT_VERSIONS:]
        ModelVersion.objects.filter(pk__in=list(stale)).delete()
        Learned.changed(version.brand_id)
        spine.write(
            "model.learned",
            actor=actor_name(by),
            brand=version.brand_id,
            field=version.field,
            version=version.number,
            used=better,
            reason=version.words,
        )
    return version
