"""Google Play, the App Store and Google Business as far as reviews go: three faces, one crowd of reviewers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from parlour.playground.faults import FixedWindow
from parlour.playground.places.reviews.keys import Keys
from parlour.playground.places.reviews.shapes import (
    APPS,
    Answer,
    Entry,
    Refusal,
    apple_review,
    google_review,
    page,
    play_review,
    rated,
    said,
    seconds,
    zulu,
)
from parlour.playground.scenes.script import Say, Scene
from parlour.playground.shelf import File
from parlour.playground.standin import StandIn, Unable, Words
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

_TAG = re.compile(r"<[^<>]*>")


class ReviewStores(StandIn):
    name = "reviews"
    label = "Reviews"
    channels = ("reviews",)
    private = False
    how = "Everybody can read a review. A customer has one and may change it; the brand has one answer under it. Begin with stars: ★★☆☆☆."
    scenes = (
        Scene(
            "An app that eats the battery",
            "en",
            "reviews",
            opening=(
                Say(
                    "post",
                    "★★☆☆☆ Since the last update the Luma app drains my battery within hours. Order {order} cannot be paid.",
                ),
            ),
            public=((Say("edit", "★★★★☆ They answered quickly and 4.1.3 really helps. Thank you!", after=40),),),
        ),
        Scene(
            "Eine Rechnung, die nicht lädt",
            "de",
            "reviews",
            opening=(
                Say("post", "★☆☆☆☆ Rechnung {order} lässt sich seit Tagen nicht öffnen. Immer nur „Fehler {code}“."),
            ),
            waiting=(Say("edit", "★☆☆☆☆ Immer noch nichts. Keine Antwort, keine Rechnung. Ich kündige.", after=300),),
        ),
        Scene(
            "Une bonne surprise",
            "fr",
            "reviews",
            opening=(Say("post", "★★★★★ Enfin une appli simple, bravo à l'équipe. Il manque juste le mode sombre !"),),
            weight=1,
        ),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.store = "play"
        """Where ``say`` writes."""
        self.entries: dict[str, dict[str, Entry]] = {store: {} for store in APPS}
        self.lag = timedelta()
        """How much later than the answer's own time the App Store dates it once it is published."""
        self._keys: Keys | None = None
        self._limits = {
            "play GET": FixedWindow(200, 3600),
            "play POST": FixedWindow(2000, 86_400),
            "appstore": FixedWindow(3600, 3600),
            "business": FixedWindow(300, 60),
        }
        self.routes = Router()
        for store, method, pattern, work in (
            ("play", "GET", "/applications/{app}/reviews", self._play_list),
            ("play", "GET", "/applications/{app}/reviews/{review}", self._play_one),
            ("play", "POST", "/applications/{app}/reviews/{review}:reply", self._play_reply),
            ("appstore", "GET", "/apps/{app}", self._apple_app),
            ("appstore", "GET", "/apps/{app}/customerReviews", self._apple_list),
            ("appstore", "GET", "/customerReviews/{review}", self._apple_one),
            ("appstore", "GET", "/customerReviews/{review}/response", self._apple_response),
            ("appstore", "POST", "/customerReviewResponses", self._apple_reply),
            ("appstore", "DELETE", "/customerReviewResponses/{review}", self._apple_withdraw),
            ("business", "GET", "/accounts/{account}/locations/{place}/reviews", self._google_list),
            ("business", "GET", "/accounts/{account}/locations/{place}/reviews/{review}", self._google_one),
            ("business", "PUT", "/accounts/{account}/locations/{place}/reviews/{review}/reply", self._google_reply),
            (
                "business",
                "DELETE",
                "/accounts/{account}/locations/{place}/reviews/{review}/reply",
                self._google_withdraw,
            ),
        ):
            prefix = {"play": "/play/androidpublisher/v3", "appstore": "/appstore/v1", "business": "/business/v4"}[
                store
            ]
            self.routes.add(method, prefix + pattern, work)

    # What an inbox needs to be told

    @property
    def keys(self) -> Keys:
        """Made at the first use: a key of a service account takes a while."""
        if self._keys is None:
            self._keys = Keys.made(self.kept.get("reviews", {}))
        return self._keys

    def settings(self, channel: str, address: str) -> dict[str, str]:
        return self.settings_of("play", address)

    def settings_of(self, store: str, address: str) -> dict[str, str]:
        """The settings of an inbox for one of the three stores."""
        keys = self.keys
        return {
            "store": store,
            "app": APPS[store],
            "service_account": keys.file(),
            "key_id": keys.key_id,
            "issuer_id": keys.issuer,
            "private_key": keys.team.strip(),
            "client_id": keys.client_id,
            "client_secret": keys.client_secret,
            "refresh_token": keys.refresh_token,
            "api_base": f"{address}/{store}",
            "token_url": f"{address}/token",
        }

    # What customers do

    def say(
        self, person: str, text: str, *, private: bool = False, answers: str = "", files: tuple[File, ...] = ()
    ) -> str:
        """Writes a review, or writes the person's review anew: a reviewer has one."""
        if private:
            raise KeyError("Reviews are public.")
        if files:
            raise Unable("Reviews hold words only.")
        now, entries = self.clock.now(), self.entries[self.store]
        mine = next((one.id for one in reversed(entries.values()) if one.person == person and not one.removed), "")
        if mine or answers:
            self.edit(mine, text)
            return mine
        number = self.ids.meta()
        ids = {
            "play": f"gp:AOqpTO{number}",
            "appstore": f"00000033-1f2e-4b5c-9d6a-{number[-12:]}",
            "business": f"AbFvOq{number}",
        }
        rating, words = rated(text)
        entry = Entry(ids[self.store], person, self.name_of(person), rating, words, now, now)
        entries[entry.id] = entry
        return self.note(Words(entry.id, person, entry.name, text, now))

    def edit(self, words: str, text: str) -> None:
        entry = self._entry(words)
        entry.rating, entry.text = rated(text)
        entry.changed = self.clock.now()
        self.words[words].text, self.words[words].edited = text, True

    def remove(self, words: str) -> None:
        self._entry(words).removed = self.words[words].removed = True

    def _entry(self, review: str) -> Entry:
        found = next((entries[review] for entries in self.entries.values() if review in entries), None)
        if found is None or found.removed:
            raise KeyError(review)
        return found

    # What the stores say

    async def handle(self, request: Request) -> Reply:
        store = request.path.strip("/").partition("/")[0]
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.how in ("drop", "timeout"):
            await asyncio.sleep(fault.seconds if fault.how == "timeout" else 0)
            raise Drop
        try:
            if fault is not None and fault.how == "error":
                raise Refusal(fault.status, fault.words, "INTERNAL")
            reply = self._token(request) if store == "token" else self._work(store, request)
        except Refusal as refusal:
            reply = said(store, refusal)
        if fault is not None and fault.how == "drop_after":
            raise Drop
        return reply

    def _work(self, store: str, request: Request) -> Reply:
        try:
            body = request.json() if request.method in ("POST", "PUT") else dict(request.query)
        except ValueError as error:
            raise Refusal(400, "Request body is not JSON.") from error
        self.requests.append((request.method, request.path, body))
        if store not in APPS or not self.keys.allow(store, request.bearer()):
            raise Refusal(401, "Request had invalid authentication credentials.", "UNAUTHENTICATED")
        limit = self._limits.get(store) or self._limits[f"{store} {request.method}"]
        if not (allowance := limit.take()).allowed:
            raise Refusal(429, f"Quota exceeded; {allowance.limit} are allowed.", "RESOURCE_EXHAUSTED")
        found = self.routes.find(request.method, request.path)
        if found is None:
            raise Refusal(404, "There is no such method.", "NOT_FOUND")
        work, names = found
        if names.get("app", APPS[store]) != APPS[store]:
            raise Refusal(404, "Package not found.", "NOT_FOUND")
        reply: Reply = work(body, **{name: value for name, value in names.items() if name == "review"})
        return reply

    def _token(self, request: Request) -> Reply:
        form = request.form()
        self.requests.append((request.method, request.path, {"grant_type": form.get("grant_type")}))
        if not (token := self.keys.exchange(form)):
            return json_reply(
                {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400
            )
        return json_reply({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def forget_tokens(self) -> None:
        """Every access token given so far is refused from now on."""
        self.keys.given.clear()

    def _listed(self, store: str, by: Callable[[Entry], datetime]) -> list[Entry]:
        return sorted((one for one in self.entries[store].values() if not one.removed), key=by, reverse=True)

    def _at(self, store: str, review: str) -> Entry:
        entry = self.entries[store].get(review)
        if entry is None and self.forgiving:
            now = self.clock.now()
            entry = Entry(review, self.ids.meta(), "Earlier reviewer", 3, "(a review of an earlier run)", now, now)
            self.entries[store][review] = entry
        if entry is None or entry.removed:
            raise Refusal(404, "Review not found.", "NOT_FOUND")
        return entry

    def _answered(self, entry: Entry, text: str, state: str = "PUBLISHED") -> Answer:
        """The answer takes the place of the one before."""
        if entry.answer is not None:
            self.words[entry.answer.words].removed = True
        at = self.clock.now()
        entry.answer = Answer(self.ids.meta(), text, at, state)
        self.note(Words(entry.answer.words, entry.person, "Luma", text, at, by_brand=True, answers=entry.id))
        return entry.answer

    def _withdrawn(self, entry: Entry) -> Reply:
        if entry.answer is None:
            raise Refusal(404, "There is no reply.", "NOT_FOUND")
        self.words[entry.answer.words].removed = True
        entry.answer = None
        return json_reply({})

    # Google Play

    def _play_list(self, query: dict[str, Any]) -> Reply:
        since = self.clock.now() - timedelta(days=7)
        found = [one for one in self._listed("play", lambda one: one.changed) if one.changed >= since]
        chosen, following = page(found, query.get("token", ""), query.get("maxResults", "10"), 100)
        told: dict[str, Any] = {"reviews": [play_review(one) for one in chosen]} if chosen else {}
        return json_reply({**told, **({"tokenPagination": {"nextPageToken": following}} if following else {})})

    def _play_one(self, _query: dict[str, Any], review: str) -> Reply:
        return json_reply(play_review(self._at("play", review)))

    def _play_reply(self, body: dict[str, Any], review: str) -> Reply:
        text = body.get("replyText")
        if not isinstance(text, str) or not text.strip():
            raise Refusal(400, "The reply text is required.")
        if len(text) > 350:
            raise Refusal(400, "The reply text is too long.")
        answer = self._answered(self._at("play", review), _TAG.sub("", text))
        return json_reply({"result": {"replyText": answer.text, "lastEdited": seconds(answer.at)}})

    # App Store

    def _apple_app(self, _query: dict[str, Any]) -> Reply:
        about = {"name": "Luma", "bundleId": APPS["play"]}
        return json_reply({"data": {"type": "apps", "id": APPS["appstore"], "attributes": about}})

    def _apple_list(self, query: dict[str, Any]) -> Reply:
        found = self._listed("appstore", lambda one: one.at)
        chosen, following = page(found, query.get("cursor", ""), query.get("limit", "50"), 200)
        links = {"self": "https://api.example.com/v1/apps"}
        if following:
            links["next"] = (
                f"https://api.example.com/v1/apps/{APPS['appstore']}/customerReviews?cursor={following}&limit=200"
            )
        included = [self._apple_resource(one) for one in chosen if one.answer]
        data = [apple_review(one) for one in chosen]
        return json_reply({"data": data, "links": links, **({"included": included} if query.get("include") else {})})

    def _apple_one(self, _query: dict[str, Any], review: str) -> Reply:
        return json_reply({"data": apple_review(self._at("appstore", review))})

    def _apple_response(self, _query: dict[str, Any], review: str) -> Reply:
        entry = self._at("appstore", review)
        return json_reply({"data": self._apple_resource(entry) if entry.answer else None})

    def _apple_resource(self, entry: Entry) -> dict[str, Any]:
        answer = entry.answer
        assert answer is not None
        at = answer.at + (self.lag if answer.state == "PUBLISHED" else timedelta())
        about = {"responseBody": answer.text, "lastModifiedDate": at.isoformat(), "state": answer.state}
        return {"type": "customerReviewResponses", "id": f"r-{entry.id}", "attributes": about}

    def _apple_reply(self, body: dict[str, Any]) -> Reply:
        try:
            text = body["data"]["attributes"]["responseBody"]
            review = body["data"]["relationships"]["review"]["data"]["id"]
        except (KeyError, TypeError) as error:
            raise Refusal(422, "The provided entity is missing a required field", "ENTITY_ERROR") from error
        if not isinstance(text, str) or not 0 < len(text) <= 5970:
            raise Refusal(422, "The provided entity includes an attribute with an invalid value", "ENTITY_ERROR")
        entry = self._at("appstore", str(review))
        self._answered(entry, text, "PENDING_PUBLISH")
        return json_reply({"data": self._apple_resource(entry)}, 201)

    def _apple_withdraw(self, _query: dict[str, Any], review: str) -> Reply:
        self._withdrawn(self._at("appstore", review.removeprefix("r-")))
        return Reply(204)

    def publish(self) -> None:
        """The App Store shows what was answered, up to a day later."""
        for entry in self.entries["appstore"].values():
            if entry.answer:
                entry.answer.state = "PUBLISHED"

    # Google Business

    def _google_list(self, query: dict[str, Any]) -> Reply:
        found = self._listed("business", lambda one: one.changed)
        chosen, following = page(found, query.get("pageToken", ""), query.get("pageSize", "50"), 50)
        average = sum(one.rating for one in found) / len(found) if found else 0.0
        told: dict[str, Any] = {"averageRating": average, "totalReviewCount": len(found)} if found else {}
        if chosen:
            told["reviews"] = [google_review(one) for one in chosen]
        return json_reply({**told, **({"nextPageToken": following} if following else {})})

    def _google_one(self, _query: dict[str, Any], review: str) -> Reply:
        return json_reply(google_review(self._at("business", review)))

    def _google_reply(self, body: dict[str, Any], review: str) -> Reply:
        text = body.get("comment")
        if not isinstance(text, str) or not 0 < len(text.encode()) <= 4096:
            raise Refusal(400, "Request contains an invalid argument.")
        state = "REJECTED" if "buy now" in text.lower() else "APPROVED"
        answer = self._answered(self._at("business", review), text, state)
        return json_reply({"comment": text, "updateTime": zulu(answer.at)})

    def _google_withdraw(self, _query: dict[str, Any], review: str) -> Reply:
        return self._withdrawn(self._at("business", review))


STAND_IN = ReviewStores
