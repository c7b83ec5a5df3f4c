"""The chats of the Bluesky stand-in: conversations, their log, and what the brand does in them."""

from __future__ import annotations

from typing import Any

from parlour.playground.places.bluesky.state import Chat, Person, iso
from parlour.playground.polled import PolledPlace, Refusal
from parlour.playground.standin import Words
from parlour.playground.web import Request


class Chats(PolledPlace):
    """Half of the stand-in. ``brand`` is made before ``prepare_chats`` is called."""

    brand: Person

    def prepare_chats(self) -> None:
        self.chats: dict[str, Chat] = {}
        self.logs: list[dict[str, Any]] = []
        self.chat_allowed = True
        """Whether the app password reaches direct messages."""
        for method, name, work in (
            ("GET", "chat.bsky.convo.listConvos", self._convos),
            ("GET", "chat.bsky.convo.getConvo", self._convo),
            ("GET", "chat.bsky.convo.getConvoForMembers", self._convo_for),
            ("GET", "chat.bsky.convo.getLog", self._log),
            ("POST", "chat.bsky.convo.sendMessage", self._message),
            ("POST", "chat.bsky.convo.deleteMessageForSelf", self._forget),
            ("POST", "chat.bsky.convo.addReaction", self._react),
            ("POST", "chat.bsky.convo.removeReaction", self._react),
            ("POST", "chat.bsky.convo.updateRead", self._read),
        ):
            self.routes.add(method, f"/xrpc/{name}", work)

    def known(self, did: str) -> Person | None:
        """Who a DID belongs to."""
        raise NotImplementedError

    def tid(self) -> str:
        """A new id, larger than all before."""
        raise NotImplementedError

    def heart(self, person: str, words: str) -> None:
        """A customer reacts to a message in a chat."""
        convo, _, message = words.partition("/")
        reaction = {"value": "💙", "sender": {"did": person}, "createdAt": iso(self.clock.now())}
        chat = self.chats[convo]
        self.tell_chat("AddReaction", chat, message=chat.messages[message], reaction=reaction)

    def say_in_chat(self, author: Person, text: str) -> str:
        chat = self._chat(author)
        chat.unread += 1
        message = self._speak(chat, author, {"text": text})
        key = f"{chat.id}/{message['id']}"
        return self.note(Words(key, author.did, author.name, text, self.clock.now(), private=True))

    def _chat(self, person: Person) -> Chat:
        known = next((chat for chat in self.chats.values() if chat.person is person), None)
        if known is None:
            known = Chat(self.tid(), person, self.brand)
            self.chats[known.id] = known
            self.tell_chat("BeginConvo", known)
        return known

    def _speak(self, chat: Chat, sender: Person, said: dict[str, Any]) -> dict[str, Any]:
        message = {
            "$type": "chat.bsky.convo.defs#messageView",
            "id": self.tid(),
            "rev": "",
            "sender": {"did": sender.did},
            "sentAt": iso(self.clock.now()),
            **said,
        }
        chat.messages[message["id"]] = message
        self.tell_chat("CreateMessage", chat, message=message)
        message["rev"] = chat.rev
        return message

    def tell_chat(self, kind: str, chat: Chat, **more: Any) -> None:
        chat.rev = self.tid()
        self.logs.append({"$type": f"chat.bsky.convo.defs#log{kind}", "rev": chat.rev, "convoId": chat.id, **more})

    def _convos(self, request: Request) -> Any:
        return {"convos": [chat.shown() for chat in sorted(self.chats.values(), key=lambda one: one.rev, reverse=True)]}

    def _convo(self, request: Request) -> Any:
        chat = self.chats.get(request.query.get("convoId", ""))
        if chat is None:
            raise Refusal(400, "InvalidRequest", "Convo not found")
        return {"convo": chat.shown()}

    def _convo_for(self, request: Request) -> Any:
        found = self.known(request.query.get("members", ""))
        if found is None:
            raise Refusal(400, "RecipientNotFound", "Recipient not found")
        if found.incoming == "none":
            raise Refusal(400, "MessagesDisabled", "recipient has disabled incoming messages")
        return {"convo": self._chat(found).shown()}

    def _log(self, request: Request) -> Any:
        after = request.query.get("cursor", "")
        chosen = [one for one in self.logs if one["rev"] > after][:50]
        return {"logs": chosen, "cursor": chosen[-1]["rev"] if chosen else after}

    def _message(self, request: Request) -> Any:
        body = request.json()
        chat, said = self.chats.get(str(body.get("convoId"))), body.get("message") or {}
        if chat is None and self.forgiving:
            somebody = Person("did:plc:somebody", "somebody.bsky.example", "Somebody")
            chat = self.chats.setdefault(str(body.get("convoId")), Chat(str(body.get("convoId")), somebody, self.brand))
        if chat is None:
            raise Refusal(400, "InvalidRequest", "Convo not found")
        if chat.person.incoming == "none":
            raise Refusal(400, "InvalidRequest", "recipient has disabled incoming messages")
        if len(str(said.get("text", ""))) > 1000:
            raise Refusal(400, "InvalidRequest", "message/text must not be longer than 1000 graphemes")
        chat.unread = 0
        message = self._speak(chat, self.brand, {"text": said.get("text", "")})
        key = f"{chat.id}/{message['id']}"
        words = Words(
            key, chat.person.did, self.brand.name, message["text"], self.clock.now(), private=True, by_brand=True
        )
        self.note(words)
        return message

    def _forget(self, request: Request) -> Any:
        body = request.json()
        return self.chats[body["convoId"]].messages.get(body["messageId"], {})

    def _react(self, request: Request) -> Any:
        body = request.json()
        return {"message": self.chats[body["convoId"]].messages[body["messageId"]]}

    def _read(self, request: Request) -> Any:
        chat = self.chats[request.json()["convoId"]]
        chat.unread = 0
        return {"convo": chat.shown()}
