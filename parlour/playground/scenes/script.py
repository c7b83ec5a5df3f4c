"""The form of a script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Do = Literal["post", "comment", "tweet", "again", "private", "edit", "delete"]
"""``post``: on the Page's wall. ``comment``: under one of the brand's posts. ``tweet``: with the brand mentioned.
``again``: more in the same public thread. ``private``: Messenger or a direct message.
``edit``, ``delete``: the customer's latest public words."""


@dataclass(frozen=True, slots=True)
class Say:
    """One step. ``after``: seconds after the step before it (or after what set it off), in a lifelike minute.

    ``text`` may hold ``{order}``, ``{phone}``, ``{code}`` and ``{amount}``, filled with the customer's own numbers.
    """

    do: Do
    text: str
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """One customer's story.

    ``opening`` is said in any case. ``waiting`` follows while nobody has answered; its times count from the opening's end.
    The steps in ``public[n]`` follow the brand's answer number n in public, ``private[n]`` those in private.
    """

    name: str
    language: str
    platform: str
    """``facebook``, ``x`` or the name of a stand-in in ``places``."""
    opening: tuple[Say, ...]
    waiting: tuple[Say, ...] = ()
    public: tuple[tuple[Say, ...], ...] = ()
    private: tuple[tuple[Say, ...], ...] = ()
    weight: int = 3
    """How often it is played, against the others."""
