"""Finding a wave: many cases at once that share words which are not usual at this hour. Pure counting, no model, no training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt

FEW_HOURS, FEW_CASES = 6, 50
"""Before so many hours and cases have been heard nobody can say what is usual, and nothing is suggested."""
SURE = 5.0
"""How many standard deviations of a Poisson count above the usual a word must be."""
STANDS_OUT = 1.5
"""A word's share among all cases must have grown this much: on a busy day every word comes more often, and none of them is a cause."""
SAME = 0.5
"""Words half of whose cases are already in a wave belong to it."""
TITLE_WORDS = 3
TELLING = 0.1
"""A word that a greater part of all cases says anyway (an airline's "flight") does not make two waves one."""
KIN = 0.25
"""Two waves that share a telling word and so much of their cases are one, and so are those that share more words or ``SAME`` cases."""
CATEGORY = "#"
"""What a category is counted under begins with it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one case said within the window: its different stems."""

    case: int
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in a window of this length at this hour."""

    stems: Mapping[str, float] = field(default_factory=dict)
    """Stem -> expected number of cases."""
    cases: float = 0.0
    """Expected number of cases in all."""
    hours: int = 0
    """Hours it was learned from."""
    heard: int = 0
    """Cases it was learned from."""
    said: Mapping[str, int] = field(default_factory=dict)
    """Stem -> how many of those said it."""

    def share(self, stem: str) -> float:
        """Which part of all cases says it, cautiously for what was hardly ever heard."""
        return (self.said.get(stem, 0) + 0.5) / (self.heard + 25)


@dataclass(frozen=True, slots=True)
class Wave:
    """Cases of one cause. ``stem`` is what they share; ``others`` what most of them say besides, best first."""

    stem: str
    others: tuple[str, ...]
    cases: frozenset[int]
    usual: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """From when on many are a wave."""

    least: int = 8
    """Cases, at least."""
    times: float = 3.0
    """Times the usual number, at least."""


def find(heard: Sequence[Heard], usual: Usual, bounds: Bounds = Bounds()) -> list[Wave]:  # noqa: B008 - frozen
    """The waves in a window, the clearest first; none while too little was ever heard to know what is usual."""
    if usual.hours < FEW_HOURS or usual.heard < FEW_CASES:
        return []
    of_case: dict[int, set[str]] = {}
    for one in heard:
        of_case.setdefault(one.case, set()).update(one.stems)
    counted = Counter(stem for stems in of_case.values() for stem in stems)
    hot = [stem for stem, count in counted.items() if _is_hot(count, len(of_case), stem, usual, bounds)]
    # A category alone says less of a cause than a word does.
    hot.sort(
        key=lambda stem: (
            stem.startswith(CATEGORY),
            -counted[stem] * log(counted[stem] / max(usual.stems.get(stem, 0.0), 0.5)),
            stem,
        )
    )
    waves: list[Wave] = []
    for stem in hot:
        cases = frozenset(case for case, stems in of_case.items() if stem in stems)
        if all(len(cases & wave.cases) < SAME * len(cases) for wave in waves):
            others = _others(stem, cases, of_case, usual)
            waves.append(Wave(stem, others, cases, usual.stems.get(stem, 0.0)))
    return waves


def kin(wave: Wave, words: Iterable[str], shared: int, usual: Usual, flood: bool) -> bool:
    """Whether a wave has the cause of one that is told by ``words`` already and has ``shared`` of its cases.

    Two telling words in common say so, or one with a quarter of the cases. In a flood, when everything rises at once and people name
    one and the same trouble by all its ends, one of both is enough.
    """
    if shared >= SAME * len(wave.cases):
        return True
    common = sum(usual.share(stem) < TELLING for stem in {wave.stem, *wave.others}.intersection(words))
    near = shared >= KIN * len(wave.cases)
    return common >= 2 or (common > 0 and near) or (flood and (common > 0 or near))


def is_flood(heard: Sequence[Heard], usual: Usual, bounds: Bounds) -> bool:
    """Whether everything rises at once: every word does then, and few of them are a cause of their own."""
    return len({one.case for one in heard}) > bounds.times * max(usual.cases, bounds.least)


def _is_hot(count: int, total: int, stem: str, usual: Usual, bounds: Bounds) -> bool:
    expected = usual.stems.get(stem, 0.0)
    if count < bounds.least or count < bounds.times * expected or count - expected < SURE * sqrt(expected + 1):
        return False
    return count / total >= STANDS_OUT * usual.share(stem)


def _others(stem: str, cases: frozenset[int], of_case: Mapping[int, set[str]], usual: Usual) -> tuple[str, ...]:
    """What these cases say besides: often, and more often than others do."""
    beside = Counter(one for case in cases for one in of_case[case] if one != stem and not one.startswith(CATEGORY))
    lifted = {
        one: count / len(cases) * log(1 + count / len(cases) / usual.share(one))
        for one, count in beside.items()
        if count >= max(3, 0.15 * len(cases))
    }
    return tuple(sorted(lifted, key=lambda one: (-lifted[one], one))[: TITLE_WORDS - 1])
