"""What the customers of the playground say: scripts, as data. Brand, people and numbers are invented."""

from __future__ import annotations

from parlour.playground.scenes import dutch_and_beyond, english, german, romance
from parlour.playground.scenes.script import Say, Scene

SCENES: tuple[Scene, ...] = (*english.SCENES, *german.SCENES, *romance.SCENES, *dutch_and_beyond.SCENES)
"""Every scene. The first twelve of ``OPENING`` fill the desk at the start."""

OPENING: tuple[str, ...] = (
    "no signal since morning",
    "rechnung doppelt",
    "lost parcel",
    "praise for the shop",
    "colis en retard",
    "locked out",
    "cobro doble",
    "spam prize",
    "internet sehr langsam",
    "fatura errada",
    "website crash",
    "pakket kwijt",
)
"""Names of the scenes at the start, in order."""

__all__ = ["OPENING", "SCENES", "Say", "Scene"]
