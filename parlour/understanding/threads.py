"""Short words in a running conversation are read below what the desk said last: "both" after our question, "thanks" after our answer."""

from __future__ import annotations

import re
from dataclasses import replace
from math import exp, log
from typing import Final

from parlour.understanding.queries import Annotation

LONGEST: Final = 140
"""Characters. Longer texts say themselves what they want."""
ASKED: Final = 1.5
"""How far our question moves the decision towards needing an answer, in log odds (1.5: from evens to 82 %)."""
ANSWERED: Final = -1.0
"""How far our answer without a question moves friendly words that ask nothing towards needing none."""

# Our questions without a question mark, as desks put them.
_ASKS: Final = re.compile(
    r"\b(?:let (?:us|me) know|dm us|dm me|message us"
    r"|(?:send|tell|give|drop) (?:us|me)|(?:please|kindly) (?:provide|share|confirm|send|try|follow)"
    r"|schick\w* uns|teil\w* uns|sag\w* uns|sende\w* uns|nenn\w* uns|gib uns|dites-nous|envoyez-nous|indiquez-nous|contactez-nous"
    r"|env[ií]anos|cu[ée]ntanos|ind[ií]canos|d[ií]nos|envie-nos|nos envie|informe-nos|conte pra gente|nos conte|scrivici|inviaci|facci sapere"
    r"|stuur ons|laat (?:het )?ons|geef ons)\b",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"(?:https?://|www\.)\S*")


def asks(said: str) -> bool:
    """Whether these words of the desk ask the customer for something."""
    plain = _LINK.sub(" ", said)
    return "?" in plain or "？" in plain or "؟" in plain or _ASKS.search(plain) is not None


def after(found: Annotation, text: str, said: str) -> Annotation:
    """What ``text`` is read as when the desk's last words before it were ``said``; only whether it needs an answer can change.

    What a correction settled stays. After our question a short text rather is its answer; after our answer, one that asks nothing
    and is not unhappy rather ends the conversation.
    """
    if len(text) > LONGEST or "actionable" in found.because or not said.strip():
        return found
    asked = asks(said)
    # Thanks and praise are no answer to a question.
    if found.intent == "praise" if asked else "?" in text or found.sentiment == "negative":
        return found
    way = ASKED if asked else ANSWERED
    chance = found.actionable_confidence if found.actionable else 1 - found.actionable_confidence
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    moved = 1 / (1 + exp(-(log(chance / (1 - chance)) + way)))
    return replace(found, actionable=moved >= 0.5, actionable_confidence=round(max(moved, 1 - moved), 4))
