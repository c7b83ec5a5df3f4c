"""Turns the steps of a script into what customers do on the stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from parlour.playground.cast import Actor
from parlour.playground.graph_state import BrandSpoke, FacebookPage, Person
from parlour.playground.scenes import Say
from parlour.playground.standin import StandIn
from parlour.playground.x_events import User
from parlour.playground.x_state import XPlatform

PAGE_POSTS = (
    "Weekend offer: Luma Go M with 40 GB for the price of Luma Go S. Until Sunday, online and in all our shops.",
    "We are building new masts along the coast line this week. Short interruptions are possible between 1 and 5 at night.",
    "Our new shop at Harbour Street is open! The first hundred visitors get a free power bank.",
)
BRAND_TWEETS = ("Good morning! We are here for you from 7 to 23 h. Write to us, in public or by message.",)
REMEMBERED = 3000
"""How many customers can still be reached by an answer; the earliest are forgotten first."""


class PlayStage:
    """Knows which customer of the platforms is which actor."""

    def __init__(self, page: FacebookPage, x: XPlatform, places: Mapping[str, StandIn]) -> None:
        self.places = places
        self.page = page
        self.x = x
        self.on_answer: Callable[[Actor, bool], None] | None = None
        self._actors: dict[str, Actor] = {}
        self._people: dict[int, Person] = {}
        self._users: dict[int, User] = {}
        self._standing: list[str] = []

    def set_scene(self) -> None:
        """The brand's own posts, under which customers comment."""
        self._standing = [self.page.post(None, text).id for text in PAGE_POSTS]
        for text in BRAND_TWEETS:
            self.x.tweet(self.x.brand, text)

    def hear(self, spoke: BrandSpoke) -> None:
        """The brand spoke to somebody; if it is an actor, the play goes on."""
        actor = self._actors.get(spoke.person_id)
        if actor is not None:
            if not spoke.private:
                actor.memory["answer"] = spoke.external_id
            if self.on_answer is not None:
                self.on_answer(actor, spoke.private)

    def perform(self, actor: Actor, say: Say, text: str) -> None:
        try:
            if actor.scene.platform == "facebook":
                self._on_facebook(actor, say, text)
            elif actor.scene.platform == "x":
                self._on_x(actor, say, text)
            else:
                self._at(self.places[actor.scene.platform], actor, say, text)
        except KeyError:
            # What it was about was deleted meanwhile: in life, the customer has nothing to write under either.
            return

    def _on_facebook(self, actor: Actor, say: Say, text: str) -> None:
        person = self._person(actor)
        memory = actor.memory
        match say.do:
            case "post":
                memory["public"] = self.page.post(person, text).id
            case "comment":
                under = self._standing[actor.number % len(self._standing)]
                memory["public"] = self.page.comment(person, text, under).id
            case "again":
                memory["public"] = self.page.comment(person, text, memory.get("answer") or memory["public"]).id
            case "private":
                self.page.message(person, text)
            case "edit":
                self.page.edit(memory["public"], text)
            case "delete":
                self.page.remove(memory["public"])

    def _on_x(self, actor: Actor, say: Say, text: str) -> None:
        user = self._user(actor)
        memory = actor.memory
        match say.do:
            case "again":
                memory["public"] = self.x.tweet(user, text, memory.get("answer") or memory["public"]).id
            case "private":
                self.x.dm(user, text)
            case "edit":
                memory["public"] = self.x.edit(memory["public"], text).id
            case "delete":
                self.x.remove(memory["public"])
            case _:
                memory["public"] = self.x.tweet(user, text).id

    def _at(self, place: StandIn, actor: Actor, say: Say, text: str) -> None:
        person = place.person(actor.name)
        self._remember(person, actor)
        memory = actor.memory
        match say.do:
            case "private":
                place.say(person, text, private=True)
            case "again":
                memory["public"] = place.say(person, text, answers=memory.get("answer") or memory["public"])
            case "edit":
                place.edit(memory["public"], text)
            case "delete":
                place.remove(memory["public"])
            case _:
                memory["public"] = place.say(person, text)

    def _person(self, actor: Actor) -> Person:
        if actor.number not in self._people:
            person = self._people[actor.number] = self.page.person(actor.name)
            self._remember(person.id, actor)
        return self._people[actor.number]

    def _user(self, actor: Actor) -> User:
        if actor.number not in self._users:
            user = self._users[actor.number] = self.x.user(actor.name, actor.followers, actor.followers > 10_000)
            self._remember(user.id, actor)
        return self._users[actor.number]

    def _remember(self, person_id: str, actor: Actor) -> None:
        self._actors[person_id] = actor
        if len(self._actors) > REMEMBERED:
            gone = self._actors.pop(next(iter(self._actors)))
            self._people.pop(gone.number, None)
            self._users.pop(gone.number, None)
