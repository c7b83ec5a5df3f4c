"""Lets customers appear, speak, grow impatient and react to the brand. The same seed and the same answers give the same play.

The director knows no platform and no clock: it is told the time in seconds and hands each step to a ``Stage``.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from parlour.playground.cast import Actor, cast
from parlour.playground.scenes import OPENING, SCENES, Say, Scene

FIRST_SECONDS = 5.0
"""Between the first customers of the platforms that the opening leaves out."""


class Stage(Protocol):
    """Where the play is performed."""

    def perform(self, actor: Actor, say: Say, text: str) -> None:
        """Do what the script says. What cannot be done (the post is gone) is left out."""


@dataclass(order=True, slots=True)
class _Cue:
    at: float
    turn: int
    actor: Actor = field(compare=False)
    say: Say = field(compare=False)
    only_unanswered: bool = field(compare=False, default=False)


class Director:
    """``speed`` 1 is lifelike: a customer waits minutes before asking again, and a new one comes about every 45 seconds."""

    def __init__(
        self,
        stage: Stage,
        seed: int = 0,
        speed: float = 1.0,
        *,
        opening_seconds: float = 13.0,
        scenes: Sequence[Scene] = SCENES,
    ) -> None:
        if speed <= 0:
            raise ValueError("The speed of the playground must be more than 0.")
        self.stage = stage
        self.speed = speed
        self.paused = False
        self.entrances = 0
        self._random = random.Random(f"director:{seed}")
        self._opening_seconds = opening_seconds
        self._cues: list[_Cue] = []
        self._turn = 0
        self._next_entrance = 0.0
        self._by_name = {scene.name: scene for scene in scenes}
        self._recent: list[str] = list(OPENING)
        self._now = 0.0

    def start(self, now: float) -> None:
        """Schedule the opening, whatever the speed: a dozen customers, so that nobody sits before an empty desk, then one on each
        platform that has been silent so far."""
        step = self._opening_seconds / len(OPENING)
        for place, name in enumerate(OPENING):
            self._enter(self._by_name[name], now + place * step)
        at = now + self._opening_seconds
        for scene in self._firsts():
            at += FIRST_SECONDS
            self._enter(scene, at)
        self._next_entrance = at + self._pause()

    def _firsts(self) -> list[Scene]:
        """A scene for each platform without one in the opening."""
        found = {self._by_name[name].platform: self._by_name[name] for name in OPENING}
        silent = {scene.platform: scene for scene in reversed(self._by_name.values()) if scene.platform not in found}
        return list(reversed(silent.values()))

    def advance(self, now: float) -> None:
        """Perform everything that is due at ``now``, in order."""
        self._now = now
        while True:
            cue_at = self._cues[0].at if self._cues else float("inf")
            if min(cue_at, self._next_entrance) > now:
                return
            if self._next_entrance < cue_at:
                at = self._next_entrance
                self._next_entrance = at + self._pause()
                self._enter(self._choose(), at)
                continue
            cue = heapq.heappop(self._cues)
            if not (cue.only_unanswered and cue.actor.answered):
                self.stage.perform(cue.actor, cue.say, cue.actor.words(cue.say.text))

    def heard(self, actor: Actor, *, private: bool, now: float) -> None:
        """The brand answered ``actor``: the impatience ends, and the script's next reaction follows."""
        actor.answered = True
        if private:
            reactions, number = actor.scene.private, actor.heard_private
            actor.heard_private += 1
        else:
            reactions, number = actor.scene.public, actor.heard_public
            actor.heard_public += 1
        if number < len(reactions):
            self._schedule(actor, reactions[number], now)

    def hurry(self, speed: float) -> None:
        """Go on at another speed; what is already to come moves nearer or further. Raises ValueError unless it is positive."""
        if not speed > 0:
            raise ValueError("The speed of the playground must be more than 0.")
        share = self.speed / speed
        self.speed = speed
        # Every time moves by one rising function, so the heap stays a heap.
        for cue in self._cues:
            cue.at = self._now + (cue.at - self._now) * share
        self._next_entrance = self._now + (self._next_entrance - self._now) * share

    def _pause(self) -> float:
        return self._random.uniform(25, 65) / self.speed

    def _enter(self, scene: Scene, at: float) -> None:
        self.entrances += 1
        actor = cast(scene, self.entrances, self._random)
        end = self._schedule(actor, scene.opening, at)
        for say in scene.waiting:
            self._cue(end + say.after * self._random.uniform(0.85, 1.2) / self.speed, actor, say, only_unanswered=True)

    def _schedule(self, actor: Actor, steps: tuple[Say, ...], at: float) -> float:
        for say in steps:
            at += say.after * self._random.uniform(0.8, 1.3) / self.speed
            self._cue(at, actor, say)
        return at

    def _cue(self, at: float, actor: Actor, say: Say, *, only_unanswered: bool = False) -> None:
        self._turn += 1
        heapq.heappush(self._cues, _Cue(at, self._turn, actor, say, only_unanswered))

    def _choose(self) -> Scene:
        """A scene that was not among the last few."""
        fresh = [scene for scene in self._by_name.values() if scene.name not in self._recent]
        scene = self._random.choices(fresh, [scene.weight for scene in fresh])[0]
        self._recent = [*self._recent[1:], scene.name]
        return scene
