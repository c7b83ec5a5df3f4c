"""What customers do in WhatsApp, and the statuses of what they were sent."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from parlour.playground.places.whatsapp import state
from parlour.playground.places.whatsapp.checks import MIMES
from parlour.playground.places.whatsapp.state import DISPLAY, Contact, Media, Sent
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Words

EDIT, REVOKE = timedelta(minutes=15), timedelta(days=2)
READ_SECONDS = 6.0


class Customers(StandIn):
    """Customers are known by their phone number here, whatever the brand sees of it."""

    files_private = True
    how = (
        "Only the brand and the customer read along. The brand can write freely for 24 hours after the customer's last words, then "
        "templates only."
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.address = ""
        self.contacts: dict[str, Contact] = {}
        """By phone number."""
        self.brand_sent: dict[str, Sent] = {}
        self.media: dict[str, Media] = {}
        self.templated: set[str] = set()
        """Ids of the brand's words that are templates: their buttons answer in another form."""

    def person(self, name: str) -> str:
        if name not in self.people:
            number = self.ids.meta()
            phone = f"4915{number[-9:]}"
            self.people[name] = phone
            self.contacts[phone] = Contact(phone, f"DE.{number}", name)
        return self.people[name]

    def say(
        self, person: str, text: str, *, private: bool = True, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        more: dict[str, Any] = {"context": {"from": DISPLAY, "id": answers}} if answers else {}
        sent = ""
        for file in files:
            kind = next((kind for kind, mimes in MIMES.items() if file.mime in mimes), "document")
            caption = "" if kind == "audio" else text
            sent = self._show(person, kind, file, caption, **more)
            text = text if kind == "audio" else ""
        return self.tell(person, "text", {"body": text}, text, **more) if text or not sent else sent

    def tell(
        self, person: str, kind: str, body: Any, shown: str = "", files: tuple[File, ...] = (), **more: Any
    ) -> str:
        """A customer sends a message of any kind; its id."""
        contact, at = self.contacts[person], self.clock.now()
        contact.last_in = at
        ident = state.wamid(self.ids.meta())
        self.postman.put("whatsapp", state.message(contact, ident, at, kind, body, **more))
        if kind == "reaction":
            return ident
        told = shown or ("" if files else f"[{kind}]")
        return self.note(Words(ident, person, contact.name, told, at, private=True, files=files))

    def send_file(self, person: str, kind: str, content: bytes, mime: str, name: str = "", caption: str = "") -> str:
        """A customer sends an image, video, audio, document or sticker."""
        return self._show(person, kind, self.shelf.put(name, mime, content), caption, filename=name)

    def _show(
        self, person: str, kind: str, file: File, caption: str, *, filename: str | None = None, **more: Any
    ) -> str:
        media = self.ids.meta()
        self.media[media] = Media(file.content, file.mime, file.name)
        body: dict[str, Any] = {
            "id": media,
            "mime_type": file.mime,
            "sha256": sha(file.content),
            "url": f"{self.address}/file/{media}",
        }
        name = (file.name if kind == "document" else "") if filename is None else filename
        body |= {**({"caption": caption} if caption else {}), **({"filename": name} if name else {})}
        return self.tell(person, kind, body, caption, files=(file,), **more)

    def choose(self, words: str, choice: str) -> str:
        return self.press(words, choice)

    def press(self, words: str, choice: str) -> str:
        """A customer presses a button, or takes a row of a list, under words of the brand. Raises KeyError when it is not there."""
        said = self.press_of(words, choice)
        place = said.choices.index(choice) + 1
        if words in self.templated:
            told = {"payload": choice, "text": choice}
            return self.tell(said.person, "button", told, choice, context={"from": DISPLAY, "id": words})
        kind = "button_reply" if len(said.choices) <= 3 else "list_reply"
        body = {"type": kind, kind: {"id": f"choice-{place}", "title": choice}}
        return self.tell(said.person, "interactive", body, choice, context={"from": DISPLAY, "id": words})

    def react(self, words: str, sign: str) -> None:
        """A customer reacts to words of the brand; no sign takes the reaction back."""
        body = {"message_id": words, **({"emoji": sign} if sign else {})}
        self.tell(self.words[words].person, "reaction", body)

    def can_edit(self, words: Words) -> bool:
        return super().can_edit(words) and self.clock.now() - words.at <= EDIT and not words.files

    def can_remove(self, words: Words) -> bool:
        return super().can_remove(words) and self.clock.now() - words.at <= REVOKE

    def edit(self, words: str, text: str) -> None:
        said = self._theirs(words, EDIT)
        said.text, said.edited = text, True
        body = {"original_message_id": words, "message": {"type": "text", "text": {"body": text}}}
        self._again(said, "edit", body)

    def remove(self, words: str) -> None:
        said = self._theirs(words, REVOKE)
        said.removed = True
        self._again(said, "revoke", {"original_message_id": words})

    def read(self, words: str) -> None:
        """A customer reads words of the brand."""
        self.report(self.brand_sent[words], "read")

    def change_number(self, person: str) -> str:
        """A customer moves to another number, and gets another business-scoped id with it; the new number."""
        contact = self.contacts.pop(person)
        number = self.ids.meta()
        old, contact.phone, contact.scoped = contact.phone, f"4915{number[-9:]}", f"DE.{number}"
        self.contacts[contact.phone] = contact
        self.people[contact.name] = contact.phone
        said = {
            "from": old,
            "id": state.wamid(number),
            "timestamp": state.stamp(self.clock.now()),
            "type": "system",
            "system": {
                "body": f"User {contact.name} changed from {old} to {contact.phone}",
                "wa_id": contact.phone,
                "user_id": contact.scoped,
                "type": "user_changed_number",
            },
        }
        self.postman.put("whatsapp", state.envelope("messages", {**state.common(), "messages": [said]}))
        return contact.phone

    def app_says(self, person: str, text: str) -> str:
        """Somebody of the brand writes in the WhatsApp Business app."""
        contact, at = self.contacts[person], self.clock.now()
        ident = state.wamid(self.ids.meta())
        self.postman.put("whatsapp", state.echo(contact, ident, at, text))
        return self.note(Words(ident, person, contact.name, text, at, private=True, by_brand=True))

    def _theirs(self, words: str, within: timedelta) -> Words:
        said = self.words[words]
        if said.by_brand or said.removed or self.clock.now() - said.at > within:
            raise KeyError(words)
        return said

    def _again(self, said: Words, kind: str, body: dict[str, Any]) -> None:
        contact = self.contacts[said.person]
        ident = state.wamid(self.ids.meta())
        self.postman.put("whatsapp", state.message(contact, ident, self.clock.now(), kind, body))

    def report(self, sent: Sent, name: str, errors: list[dict[str, Any]] | None = None, delay: float = 0.0) -> None:
        """Tell the desk what became of words of the brand."""
        sent.states.append(name)
        self.postman.put("whatsapp", state.status(sent, name, self.clock.now(), errors), delay)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
