"""What the forms of the pages make customers do: write, attach files, press choices, change and delete their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parlour.playground import multipart
from parlour.playground.graph_state import FacebookPage, Person
from parlour.playground.shelf import File, Shelf
from parlour.playground.standin import StandIn, Unable
from parlour.playground.web import Request
from parlour.playground.x_events import User
from parlour.playground.x_state import XPlatform

MAX_WORDS, MAX_NAME, MOST_FILES = 4000, 60, 10
MISSED = "What you wanted to answer is not there any more."


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was sent."""

    fields: Mapping[str, str]
    files: tuple[File, ...] = ()

    def __getitem__(self, name: str) -> str:
        """A field, '' when it is missing."""
        return self.fields.get(name, "")

    @property
    def text(self) -> str:
        return self["text"].strip()[:MAX_WORDS]

    @property
    def name(self) -> str:
        return self["name"].strip()[:MAX_NAME] or "You"

    @property
    def named(self) -> bool:
        """Whether the brand is to be named, where the form asked."""
        return not self["asked"] or bool(self["named"])

    @property
    def empty(self) -> bool:
        return not self.text and not self.files


def read(request: Request, shelf: Shelf) -> Form:
    """The fields and files of a form. Bytes that are not UTF-8 become U+FFFD."""
    parts = multipart.every(request)
    if not parts:
        return Form(request.form())
    fields = {name: part.text for name, part in parts if not part.filename}
    sent = [part for name, part in parts if name == "files" and part.filename and part.content][:MOST_FILES]
    return Form(fields, tuple(shelf.put(one.filename, one.mime, one.content) for one in sent))


class Acting:
    """People at the pages, on the older platforms (``older``) and at all others (``at``)."""

    def __init__(self, page: FacebookPage, x: XPlatform) -> None:
        self.page = page
        self.x = x

    def at(self, place: StandIn, form: Form) -> None:
        """Do what a form of ``/at/<place>`` says. Raises KeyError when what it is about is gone, Unable where it cannot be done."""
        on = form["on"]
        match form["do"]:
            case "edit":
                if form.text and place.can_edit(place.words[on]):
                    place.edit(on, form.text)
            case "delete":
                if place.can_remove(place.words[on]):
                    place.remove(on)
            case "choose":
                place.choose(on, form["choice"])
            case _:
                if not form.empty:
                    private, answers = bool(form["private"]), form["answers"]
                    if form.files and not (place.files_private if private else place.files_public):
                        raise Unable(f"{place.label} takes no files here.")
                    place.utter(
                        place.person(form.name),
                        form.text,
                        private=private,
                        answers=answers,
                        files=form.files,
                        named=form.named,
                    )

    def older(self, form: Form) -> None:
        """Do what a form of the Page, Messenger or X says. Raises as ``at`` does."""
        do, on = form["do"], form["on"]
        if form.empty and do not in ("delete", "choose", "untweet"):
            return
        match do:
            case "post":
                self.page.post(self.guest(form.name), form.text, self._photo(form))
            case "comment":
                self.page.comment(self.guest(form.name), form.text, on, self._photo(form))
            case "edit":
                self.page.edit(on, form.text)
            case "delete":
                self.page.remove(on)
            case "message":
                person = self.page.chats[on].person if on else self.guest(form.name)
                self.page.message(person, form.text, files=form.files)
            case "rewrite":
                self.page.edit_message(self.page.chats[form["chat"]].person, on, form.text)
            case "choose":
                self.page.choose(form["chat"], on, form["choice"])
            case "tweet":
                self._tweet(form, on)
            case "retweet":
                self.x.edit(self._own(on), form.text)
            case "untweet":
                self.x.remove(self._own(on))
            case "dm":
                self._dm(form, self.x.users[on] if on else self.account(form.name))
            case _:
                raise KeyError(do)

    def guest(self, name: str) -> Person:
        """The person of that name on Facebook, the latest one; made when there is none."""
        known = (person for person in reversed(self.page.people.values()) if person.name == name)
        return next(known, None) or self.page.person(name)

    def account(self, name: str) -> User:
        """The account of that name on X, the latest one; made when there is none."""
        others = (user for user in reversed(self.x.users.values()) if user is not self.x.brand)
        return next((user for user in others if user.name == name), None) or self.x.user(name)

    def _photo(self, form: Form) -> File | None:
        if len(form.files) > 1 or not all(one.is_picture for one in form.files):
            raise Unable("Facebook takes one picture with a post or a comment here.")
        return form.files[0] if form.files else None

    def _tweet(self, form: Form, on: str) -> None:
        if len(form.files) > 4 or not all(one.kind in ("image", "video") for one in form.files):
            raise Unable("X takes up to four pictures or videos with a post.")
        mention = f"@{self.x.brand.username}"
        text = form.text if not form.named or self.x.hears(form.text, on) else f"{mention} {form.text}"
        self.x.tweet(self.account(form.name), text, on, files=form.files)

    def _dm(self, form: Form, user: User) -> None:
        if len(form.files) > 1 or not all(one.is_picture for one in form.files):
            raise Unable("X takes one picture with a message.")
        self.x.dm(user, form.text, form.files[0].content if form.files else b"")

    def _own(self, tweet_id: str) -> str:
        tweet = self.x.tweets[tweet_id]
        if tweet.author is self.x.brand or tweet.removed:
            raise KeyError(tweet_id)
        return tweet_id
