"""(f) What understanding, moderation by thousands of words and looking for personal data cost a message, one core, no database."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import inside
from benchmarks.figures import Figure, middle
from benchmarks.options import Options

WORDS, FEW = 5000, 50
ROUNDS = 5
TOGETHER, UNDERSTOOD = 64, 8_000.0
"""Messages to a batch, and how many a second are understood and moderated at least."""
PROMISE = 1.5
"""A hundred times the words cost at most so many times as much: one automaton finds them all."""


def run(options: Options) -> list[Figure]:
    """Words of the playground's customers, by lists of made-up words."""
    asked = {"messages": 1000 if options.quick else 4000}
    told = inside.call("benchmarks.moderation", asked, inside.environment(Path("/tmp")))
    return [
        Figure(
            "moderation",
            f"understood, and moderated by {WORDS:,} words, in batches of {TOGETHER}",
            1 / (told["understood"] + told["many"]),
            "/s",
            UNDERSTOOD,
        ),
        Figure("moderation", "understanding: a message", told["understood"] * 1e6, "µs"),
        Figure("moderation", f"{WORDS:,} words: a message", told["many"] * 1e6, "µs"),
        Figure(
            "moderation",
            f"{WORDS:,} words against {FEW}",
            told["many"] / told["few"],
            "ratio",
            PROMISE,
            "at most",
            f"{FEW} words: {told['few'] * 1e6:.1f} µs a message",
        ),
        Figure("moderation", f"{WORDS:,} words: making them ready after a change", told["build"] * 1e3, "ms"),
        Figure("moderation", "personal data: a message", told["personal"] * 1e6, "µs"),
    ]


def measure(messages: int) -> dict[str, float]:
    """Seconds of processor time, medians of the rounds: a message understood, with many words, with few, its personal
    data; building."""
    from benchmarks.arrivals import texts
    from parlour.policy.moderation.models import WordList
    from parlour.policy.moderation.queries import matcher
    from parlour.understanding import personal
    from parlour.understanding.queries import annotate

    rng = random.Random(7)
    made = [
        "".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(4, 10))) + rng.choice(("", "", "*"))
        for _ in range(WORDS)
    ]
    row, short = (WordList(name="Made up", action="flag", words="\n".join(words)) for words in (made, made[:FEW]))
    say = texts(rng)
    said = [say() for _ in range(messages)]
    many, few = matcher([row]), matcher([short])
    return {
        "understood": _seconds(lambda: [annotate(some) for some in _batched(said, TOGETHER)]) / len(said),
        "build": _seconds(lambda: matcher([row])),
        "many": _each(lambda text: many.matches(text, None, "en"), said),
        "few": _each(lambda text: few.matches(text, None, "en"), said),
        "personal": _each(lambda text: personal.find(text, "US", ("AA-99999",)), said),
    }


def _batched(said: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (said[start : start + size] for start in range(0, len(said), size))


def _each(work: Callable[[str], object], said: Sequence[str]) -> float:
    def all_of_them() -> None:
        for text in said:
            work(text)

    return _seconds(all_of_them) / len(said)


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return middle(taken)


if __name__ == "__main__":
    inside.answer(measure(inside.begin()["messages"]))
