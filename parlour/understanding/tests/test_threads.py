"""Short words are read below what the desk said last."""

from dataclasses import replace

import pytest

from parlour.understanding import threads
from parlour.understanding.queries import annotate


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Which phone do you use?", True),
        ("Hi! Can you DM us your booking number", True),
        ("Let us know how it goes. /AB", True),
        ("Schick uns bitte deine Nummer", True),
        ("You're welcome! Have a great day", False),
        ("All the details are here: https://example.org/help?page=3", False),
        ("Gern geschehen!", False),
        ("", False),
    ],
)
def test_a_question_is_known_with_or_without_its_mark(said, asked):
    assert threads.asks(said) is asked


def _read(text: str, said: str, chance: float, **changes):
    found = replace(
        annotate([text])[0], actionable=chance >= 0.5, actionable_confidence=max(chance, 1 - chance), **changes
    )
    return threads.after(found, text, said)


def test_after_our_question_a_short_text_is_its_answer():
    assert _read("both", "On one device or on both?", 0.4, intent="other").actionable
    assert not _read("both", "Glad to hear it!", 0.4, intent="other").actionable


def test_thanks_are_no_answer_to_a_question():
    found = _read("thanks, will do", "Could you try that and let us know?", 0.3, intent="praise")
    assert (found.actionable, found.actionable_confidence) == (False, 0.7)


def test_after_our_answer_friendly_words_rather_end_the_conversation():
    said = "It is fixed with the next version."
    assert not _read("nice one", said, 0.6, sentiment="positive").actionable
    # Whoever asks or complains has not come to an end.
    assert _read("nice one, when", said + " Bye.", 0.8, sentiment="positive").actionable
    assert _read("and when is that?", said, 0.6, sentiment="neutral").actionable
    assert _read("useless", said, 0.6, sentiment="negative").actionable


def test_what_a_person_set_right_and_what_is_long_stays():
    corrected = _read("both", "On both?", 0.4, because={"actionable": 7})
    assert not corrected.actionable
    long = "so i went there and " * 10
    assert not _read(long, "What happened?", 0.4).actionable
