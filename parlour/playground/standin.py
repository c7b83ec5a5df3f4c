"""What a stand-in of a platform is to the playground: an HTTP face for the desk, and verbs for customers.

A stand-in keeps its state in memory, checks credentials, enforces the platform's limits and errors, signs and delivers webhooks through
the postman, and tells its listeners when the brand spoke. Its module in ``places`` names the class as ``STAND_IN``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from parlour.playground.faults import Faults
from parlour.playground.graph_state import BrandSpoke
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.postman import Postman, Target
from parlour.playground.scenes.script import Scene
from parlour.playground.shelf import File, Shelf
from parlour.playground.web import Reply, Request

Kept = Mapping[str, Mapping[str, str]]
"""Channel -> settings of the inbox that was made for it at an earlier start; a stand-in takes its secrets from there."""


@dataclass(slots=True)
class Words:
    """One utterance, as the stand-in's page shows it."""

    id: str
    person: str
    """Id of the customer concerned, also for what the brand said."""
    name: str
    text: str
    at: datetime
    private: bool = False
    by_brand: bool = False
    answers: str = ""
    edited: bool = False
    hidden: bool = False
    removed: bool = False
    files: tuple[File, ...] = ()
    choices: tuple[str, ...] = ()
    chosen: str = ""
    """Which of the choices the customer has pressed last."""
    head: str = ""
    foot: str = ""
    """What stands above and below the text (WhatsApp's templates)."""
    heard: bool = True
    """Whether the brand is told of it."""


class Unable(Exception):
    """A customer cannot do this here; the sentence says why."""


class StandIn:
    """Base of the stand-ins. ``words`` and ``people`` are what its page shows and its cast uses."""

    name = ""
    """Its address is ``/api/<name>``; scenes name it as their platform."""
    label = ""
    channels: tuple[str, ...] = ()
    """The channels it serves, one inbox each."""
    public = True
    private = True
    """Whether customers can speak so here."""
    files_public = False
    files_private = False
    """Whether customers can attach files there."""
    called = ""
    """What public words must hold so that the brand is told of them; '' where it is told of all."""
    how = ""
    """A sentence for the page: who can read what."""
    scenes: tuple[Scene, ...] = ()
    """What its cast plays: ``post`` or ``comment`` speak in public, ``again`` in the same thread, ``private``, ``edit``, ``delete``."""

    def __init__(
        self, kept: Kept, ids: Ids, clock: PlatformClock, postman: Postman, *, seed: int = 0, forgiving: bool = False
    ) -> None:
        self.kept = kept
        self.ids = ids
        self.clock = clock
        self.postman = postman
        self.seed = seed
        self.forgiving = forgiving
        """Whether ids of an earlier run are taken on trust: for a demonstration that outlives a restart."""
        self.faults = Faults()
        self.requests: deque[tuple[str, str, dict[str, Any]]] = deque(maxlen=5000)
        """The latest (method, path, parameters) that reached it, without secrets."""
        self.listeners: list[Callable[[BrandSpoke], None]] = []
        self.words: dict[str, Words] = {}
        self.people: dict[str, str] = {}
        """Name -> id."""
        self.shelf = Shelf()

    def settings(self, channel: str, address: str) -> dict[str, str]:
        """The settings of an inbox of ``channel`` that talks to this stand-in, whose HTTP face is at ``address``."""
        raise NotImplementedError

    def targets(self) -> dict[str, Target]:
        """Channel -> how its webhooks are written and signed; empty for platforms that are asked."""
        return {}

    def verify_token(self, channel: str) -> str:
        """For Meta's challenge; '' for platforms without one."""
        return ""

    async def start(self) -> None:
        """Before the first request: servers of its own (mail) start here."""

    async def stop(self) -> None:
        """At the end."""

    async def handle(self, request: Request) -> Reply:
        """Answer the desk; the path begins after the stand-in's own address. Raises Drop to cut the connection."""
        raise NotImplementedError

    def person(self, name: str) -> str:
        """The id of the customer of that name, made at the first call."""
        if name not in self.people:
            self.people[name] = self.ids.meta()
        return self.people[name]

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """A customer writes; the id of the words. Raises KeyError when what it answers is gone, Unable where it cannot be done."""
        raise NotImplementedError

    def utter(
        self,
        person: str,
        text: str,
        *,
        private: bool = False,
        answers: str = "",
        files: tuple[File, ...] = (),
        named: bool = True,
    ) -> str:
        """As ``say``, for people: what the brand would not hear names it first, unless ``named`` is False."""
        if named and self.called and not self.heard(text, private=private, answers=answers):
            text = f"{self.called} {text}"
        return self.say(person, text, private=private, answers=answers, files=files)

    def heard(self, text: str, *, private: bool, answers: str = "") -> bool:
        """Whether the brand is told of such words of a customer; ``answers`` names what they stand under."""
        return True

    def choose(self, words: str, choice: str) -> str:
        """A customer presses a choice under words of the brand; the id of what that became. Raises KeyError when it is not there."""
        raise KeyError(choice)

    def press_of(self, words: str, choice: str) -> Words:
        """The brand's words that hold a choice, marked as pressed. Raises KeyError."""
        said = self.words[words]
        if not said.by_brand or said.removed or choice not in said.choices:
            raise KeyError(choice)
        said.chosen = choice
        return said

    def can_edit(self, words: Words) -> bool:
        return self._stands(words) and type(self).edit is not StandIn.edit

    def can_remove(self, words: Words) -> bool:
        return self._stands(words) and type(self).remove is not StandIn.remove

    @staticmethod
    def _stands(words: Words) -> bool:
        return not words.by_brand and not words.removed

    def edit(self, words: str, text: str) -> None:
        """A customer changes their words. Raises KeyError where they are gone, or the platform knows no edits."""
        raise KeyError(words)

    def remove(self, words: str) -> None:
        """A customer deletes their words. Raises KeyError as ``edit`` does."""
        raise KeyError(words)

    def name_of(self, person: str) -> str:
        return next((name for name, known in self.people.items() if known == person), person)

    def note(self, words: Words) -> str:
        """Remember what was said, and tell the listeners when the brand said it; gives its id."""
        self.words[words.id] = words
        if not words.by_brand:
            words.heard = self.heard(words.text, private=words.private, answers=words.answers)
        if words.by_brand:
            spoke = BrandSpoke(self.name, words.private, words.person, words.id, words.text)
            for listen in self.listeners:
                listen(spoke)
        return words.id

    @property
    def sent(self) -> list[Words]:
        """What the brand said, in order."""
        return [words for words in self.words.values() if words.by_brand]
