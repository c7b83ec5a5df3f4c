"""What moderation of thousands of words and looking for personal data cost a message."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence

from benchmarks.arrivals import texts
from parlour.policy.moderation.models import WordList
from parlour.policy.moderation.queries import matcher
from parlour.understanding import personal

WORDS = 5000
MESSAGES = 4000
ROUNDS = 5


def measure(words: int = WORDS, messages: int = MESSAGES) -> dict[str, float]:
    """Microseconds of one core a message takes, and milliseconds to build the automaton; medians of some rounds."""
    rng = random.Random(7)
    letters = "abcdefghijklmnoprstuvw"
    made = ["".join(rng.choices(letters, k=rng.randint(4, 10))) + rng.choice(("", "", "*")) for _ in range(words)]
    row = WordList(name="Many", action="flag", words="\n".join(made))
    say = texts(rng)
    said = [say() for _ in range(messages)]
    ready = matcher([row])
    none = matcher([])
    return {
        "build_ms": _seconds(lambda: matcher([row])) * 1e3,
        "words_us": _each(lambda text: ready.matches(text, None, "en"), said),
        "no_words_us": _each(lambda text: none.matches(text, None, "en"), said),
        "personal_us": _each(lambda text: personal.find(text, "US", ("AA-99999",)), said),
    }


def _each(work: Callable[[str], object], said: Sequence[str]) -> float:
    def all_of_them() -> None:
        for text in said:
            work(text)

    return _seconds(all_of_them) / len(said) * 1e6


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def main() -> None:
    told = measure()
    print(f"{WORDS:,} words: built in {told['build_ms']:.0f} ms; {told['words_us']:.1f} µs a message")
    print(
        f"without words: {told['no_words_us']:.1f} µs a message; personal data: {told['personal_us']:.1f} µs a message"
    )


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parlour.settings")
    django.setup()
    main()
