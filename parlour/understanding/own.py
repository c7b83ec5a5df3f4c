"""Reading messages as their brands have taught it: their own heads, their own categories, and what was set right since."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from parlour.understanding import categories, embedding, features, fitting, memory, queries
from parlour.understanding.categories import Tree
from parlour.understanding.memory import Judged, Likeness, Memory
from parlour.understanding.models import Correction, Learned, ModelVersion
from parlour.understanding.queries import Annotation, Explanation

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
HEADS: Final = ("category", "sentiment", "intent", "actionable", "urgency", "offensive", "spam")
"""Fields that are learnt; the language is only remembered."""
FIELDS: Final = (*HEADS, "language")
TRUE, FALSE = "true", "false"
_SLICE = 512
_SCORE = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


def label_of(field: str, value: str) -> str:
    """A correction's value as a label: urgency from 0 to 1 becomes a yes or a no."""
    if field == "urgency" and value not in (TRUE, FALSE):
        return TRUE if float(value) >= 0.5 else FALSE
    return value


@dataclass(frozen=True, slots=True)
class _Answer:
    """Where in the brand's table a field's columns stand, and what they mean."""

    columns: slice
    labels: tuple[str, ...]
    counts: Floats | None = None
    """Columns times live labels, where some columns count for another label or for none."""
    version: str = ""

    def chances(self, logits: Floats) -> Floats:
        found = fitting.softmax(logits[:, self.columns])
        if self.counts is None:
            return found
        found = found @ self.counts
        result: Floats = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9)
        return result


@dataclass(frozen=True, slots=True)
class Own:
    """What one brand has of its own, ready for reading."""

    tree: Tree
    answers: Mapping[str, _Answer] = field(default_factory=dict)
    place: NDArray[np.int32] | None = None
    table: Floats | None = None
    bias: Floats | None = None
    memories: Mapping[str, Memory] = field(default_factory=dict)
    heads: Mapping[str, fitting.Head] = field(default_factory=dict)
    dense: Floats | None = None

    def logits(self, texts: Sequence[str], read: features.Read) -> Floats | None:
        if self.place is None or self.table is None or self.bias is None:
            return None
        result: Floats = fitting.sums(read, self.place, self.table) + self.bias
        return result if self.dense is None else result + fitting.from_embeddings(texts, self.dense)


_known: dict[tuple[str, int], tuple[str, Own]] = {}
_loading = threading.Lock()


def annotate(texts: Sequence[str], brands: Sequence[int | None]) -> list[Annotation]:
    """One annotation per text, in order, as the brand (None: no brand) would have it. One tiny query per call."""
    known = of_brands({brand for brand in brands if brand is not None})
    if not known:
        return queries.annotate(texts)
    found: list[Annotation | None] = [None] * len(texts)
    groups: dict[int | None, list[int]] = {}
    for number, brand in enumerate(brands):
        groups.setdefault(brand if brand in known else None, []).append(number)
    for brand, numbers in groups.items():
        said = [texts[number] for number in numbers]
        answers = queries.annotate(said) if brand is None else _annotate(known[brand], said)
        for number, answer in zip(numbers, answers, strict=True):
            found[number] = answer
    return [one for one in found if one is not None]


def of_brands(brands: set[int]) -> dict[int, Own]:
    """What these brands have of their own; those without are left out."""
    if not brands:
        return {}
    base = str(connection.settings_dict["NAME"])
    stamps = dict(Learned.objects.filter(brand_id__in=brands).values_list("brand_id", "stamp"))
    found: dict[int, Own] = {}
    for brand, stamp in stamps.items():
        known = _known.get((base, brand))
        if known is None or known[0] != stamp:
            with _loading:
                known = _known.get((base, brand))
                if known is None or known[0] != stamp:
                    known = stamp, _load(brand, known[1] if known else None)
                    _known[base, brand] = known
        found[brand] = known[1]
    return found


def _load(brand: int, before: Own | None) -> Own:
    tree = categories.tree(brand)
    heads = _heads(brand, tree, before)
    memories = {
        name: kept if before and (kept := before.memories.get(name)) and kept.judged == judged else Memory(judged)
        for name, judged in _judged(brand, tree).items()
    }
    if not heads:
        return Own(tree, memories=memories)
    buckets = np.unique(np.concatenate([head.buckets for head in heads.values()]))
    width = sum(len(head.labels) for head in heads.values())
    weights, bias = np.zeros((len(buckets), width), np.float32), np.zeros(width, np.float32)
    rows = max((len(head.dense) for head in heads.values() if head.dense is not None), default=0)
    dense = np.zeros((rows, width), np.float32) if rows else None
    answers: dict[str, _Answer] = {}
    at = 0
    for name, head in heads.items():
        columns = slice(at, at + len(head.labels))
        weights[np.searchsorted(buckets, head.buckets), columns] = head.weights
        bias[columns] = head.bias
        if head.dense is not None and dense is not None:
            dense[: len(head.dense), columns] = head.dense
        labels, counts = live(tree, head.labels) if name == "category" else (head.labels, None)
        answers[name] = _Answer(columns, labels, counts, head.name)
        at = columns.stop
    place, table = fitting.lookup(buckets, weights)
    return Own(tree, answers, place, table, bias, memories, heads, dense)


def _heads(brand: int, tree: Tree, before: Own | None) -> dict[str, fitting.Head]:
    found: dict[str, fitting.Head] = {}
    kept = {head.name: head for head in before.heads.values()} if before else {}
    for version in ModelVersion.objects.filter(brand_id=brand, active=True).defer("data", "proof"):
        name = f"brand {brand} {version.field} {version.number}"
        if name in kept:
            found[version.field] = kept[name]
            continue
        try:
            head = fitting.Head.load(bytes(ModelVersion.objects.values_list("data", flat=True).get(pk=version.pk)))
        except ValueError as error:
            # Features have changed with an update; the shipped head answers until the next learning.
            log.warning("Version %s of brand %s cannot be used: %s", version.number, brand, error)
            continue
        if head.dense is not None and not embedding.wanted():
            log.warning("Version %s of brand %s needs the accurate model, which is off.", version.number, brand)
            continue
        found[version.field] = replace(head, name=name, _table=[])
    if "category" not in found and tree.own:
        found["category"] = queries.shipped("category")
    return found


def live(tree: Tree, labels: Sequence[str]) -> tuple[tuple[str, ...], Floats | None]:
    """The live categories among what a head's labels mean, and which label counts for which of them."""
    means = [tree.meaning(label) for label in labels]
    live = tuple(dict.fromkeys(slug for slug in means if slug)) or (categories.FALLBACK,)
    if live == tuple(labels):
        return live, None
    counts = np.zeros((len(labels), len(live)), np.float32)
    for row, slug in enumerate(means):
        if slug:
            counts[row, live.index(slug)] = 1.0
    return live, counts


def _judged(brand: int, tree: Tree) -> dict[str, list[Judged]]:
    """What people said, per field, oldest first; examples of categories stand before all."""
    found: dict[str, list[Judged]] = {}
    for node in tree.nodes:
        if slug := tree.meaning(node.slug):
            found.setdefault("category", []).extend(Judged(0, text, slug) for text in node.examples)
    for name in FIELDS:
        rows = Correction.objects.filter(brand_id=brand, field=name, undone_at=None).exclude(text="").exclude(by="llm")
        latest = rows.order_by("-id").values_list("id", "text", "now", "at", "by")[: memory.REMEMBERED]
        for number, text, now, at, by in reversed(latest):
            label = tree.meaning(now) if name == "category" else label_of(name, now)
            if label is not None and text.strip():
                found.setdefault(name, []).append(Judged(number, text, label, at, by))
    return {name: judged[-memory.REMEMBERED :] for name, judged in found.items()}


def _annotate(own: Own, texts: Sequence[str]) -> list[Annotation]:
    found: list[Annotation] = []
    for start in range(0, len(texts), _SLICE):
        part = texts[start : start + _SLICE]
        read = features.shared().read(part)
        changes: list[dict[str, Any]] = [{} for _ in part]
        logits = own.logits(part, read)
        if logits is not None:
            for name, answer in own.answers.items():
                _answered(name, answer, answer.chances(logits), changes)
        for number, likes in enumerate(_likes(own, part, read)):
            _remembered(likes, changes[number])
        plain = queries.annotate_read(part, read)
        found += [_changed(one, new) if new else one for one, new in zip(plain, changes, strict=True)]
    return found


def _changed(plain: Annotation, new: dict[str, Any]) -> Annotation:
    """The annotation with what the brand's own heads and memory say; what they overrule is the next likeliest."""
    seconds = {**plain.next_best, **new.pop("next_best", {})}
    for name in ("category", "intent"):
        if new.get(name, getattr(plain, name)) == seconds.get(name):
            seconds[name] = getattr(plain, name)
    return replace(plain, **new, next_best={name: one for name, one in seconds.items() if one != new.get(name)})


def _answered(name: str, answer: _Answer, chances: Floats, changes: list[dict[str, Any]]) -> None:
    rows = chances.astype(np.float64).round(4).tolist()
    if name == "sentiment":
        low, high = answer.labels.index("negative"), answer.labels.index("positive")
        for change, row in zip(changes, rows, strict=True):
            change["sentiment_score"] = round(row[high] - row[low], 4)
    if name in ("category", "sentiment", "intent"):
        for change, row, best in zip(changes, rows, chances.argmax(axis=1).tolist(), strict=True):
            change[name], change[f"{name}_confidence"] = answer.labels[best], row[best]
            second = max((at for at in range(len(row)) if at != best), key=row.__getitem__, default=None)
            if name != "sentiment" and second is not None:
                change["next_best"] = {**change.get("next_best", {}), name: answer.labels[second]}
    else:
        yes = answer.labels.index(TRUE)
        for change, row in zip(changes, rows, strict=True):
            change |= _yes_or_no(name, row[yes])
    for change in changes:
        change["model"] = answer.version


def _yes_or_no(name: str, chance: float) -> dict[str, Any]:
    if name == "actionable":
        return {"actionable": chance >= 0.5, "actionable_confidence": max(chance, round(1 - chance, 4))}
    return {name: chance}


def _likes(own: Own, texts: Sequence[str], read: features.Read) -> list[dict[str, Likeness]]:
    found: list[dict[str, Likeness]] = [{} for _ in texts]
    if own.memories:
        those = memory.seen(texts, read)
        for name, kept in own.memories.items():
            for number, like in enumerate(kept.like(those)):
                if like is not None:
                    found[number][name] = like
    return found


def _remembered(likes: Mapping[str, Likeness], change: dict[str, Any]) -> None:
    for name, like in likes.items():
        label = like.judged.label
        if name in ("category", "sentiment", "intent"):
            change[name], change[f"{name}_confidence"] = label, like.share
        elif name == "language":
            change[name] = label
        else:
            change |= _yes_or_no(name, like.share if label == TRUE else round(1 - like.share, 4))
        if name == "sentiment":
            change["sentiment_score"] = _SCORE[label]
        if like.judged.id:
            change["because"] = {**change.get("because", {}), name: like.judged.id}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a field got its answer: the words that carried it, or the judged text it is like."""

    words: tuple[str, ...] = ()
    like: Likeness | None = None
    version: str = ""
    """The brand's own head that answered; empty for the shipped one."""


def explain(text: str, brand: int | None) -> tuple[Annotation, dict[str, Reason]]:
    """What this text is read as now, and why, per field."""
    own = of_brands({brand}).get(brand) if brand is not None else None
    plain: Explanation = queries.explain(text)
    reasons = {name: Reason(tuple(getattr(plain, name))) for name in HEADS}
    if own is None:
        return queries.annotate([text])[0], reasons
    found = _annotate(own, [text])[0]
    for name, head in own.heads.items():
        answered = getattr(found, name)
        label = answered if isinstance(answered, str) else TRUE if _is_yes(answered) else FALSE
        carried = head.explain(text, label if label in head.labels else None)
        reasons[name] = Reason(tuple(word for word, _ in carried), version=own.answers[name].version)
    for name, like in _likes(own, [text], features.shared().read([text]))[0].items():
        reasons[name] = Reason(reasons[name].words if name in reasons else (), like, "")
    return found, reasons


def _is_yes(value: Any) -> bool:
    return bool(value) if isinstance(value, bool) else float(value) >= 0.5
