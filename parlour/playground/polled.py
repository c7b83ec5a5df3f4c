"""A stand-in of a platform that is asked for what is new: routes, sign-in, limits and failures in one place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.postman import Postman
from parlour.playground.standin import Kept, StandIn
from parlour.playground.web import Drop, Reply, Request, Router, json_reply

SECRET = frozenset({"password", "refresh_token", "refreshJwt", "accessJwt", "client_secret"})


class Refusal(Exception):
    """The platform says no: status, its short code and its words."""

    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.status, self.code, self.words = status, code, words


class PolledPlace(StandIn):
    """Subclasses fill ``routes``; a handler gets the request and the named segments of its path, and may be a coroutine."""

    limit = FixedWindow(100_000, 300)
    """Requests the account may make; a test puts a smaller one in its place."""

    def __init__(
        self, kept: Kept, ids: Ids, clock: PlatformClock, postman: Postman, *, seed: int = 0, forgiving: bool = False
    ) -> None:
        super().__init__(kept, ids, clock, postman, seed=seed, forgiving=forgiving)
        self.limit = FixedWindow(100_000, 300)
        self.routes = Router()
        self.prepare()

    def prepare(self) -> None:
        """Fill ``routes`` and make the brand's account."""
        raise NotImplementedError

    def refused(self, refusal: Refusal) -> Reply:
        """A refusal as this platform writes it."""
        raise NotImplementedError

    def admit(self, request: Request) -> None:
        """Check who asks. Raises Refusal."""
        raise NotImplementedError

    def limit_headers(self, remaining: int, reset: float) -> dict[str, str]:
        """The headers that tell of the limit; ``reset`` in seconds."""
        raise NotImplementedError

    async def handle(self, request: Request) -> Reply:
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.how != "drop_after":
            return await self._fail(fault)
        self.requests.append((request.method, request.path, self._told(request)))
        try:
            self.admit(request)
            allowance = self.limit.take()
            headers = self.limit_headers(allowance.remaining, allowance.reset)
            if not allowance.allowed:
                reply = self.refused(Refusal(429, "RateLimitExceeded", "Too many requests"))
            else:
                reply = await self._work(request)
        except Refusal as refusal:
            return self.refused(refusal)
        if fault is not None:
            raise Drop
        reply.headers.update(headers)
        return reply

    async def _work(self, request: Request) -> Reply:
        found = self.routes.find(request.method, request.path)
        if found is None:
            raise Refusal(404, "NotFound", "Record not found")
        try:
            reply = found[0](request, **found[1])
            if asyncio.iscoroutine(reply):
                reply = await reply
        except KeyError as error:
            raise Refusal(404, "NotFound", "Record not found") from error
        except ValueError as error:
            raise Refusal(400, "InvalidRequest", "The request cannot be read.") from error
        return reply if isinstance(reply, Reply) else json_reply(reply)

    async def _fail(self, fault: Fault) -> Reply:
        if fault.how == "drop":
            raise Drop
        if fault.how == "timeout":
            await asyncio.sleep(fault.seconds)
            raise Drop
        reply = self.refused(Refusal(fault.status, "Fault", fault.words))
        if fault.status == 429:
            reply.headers.update(self.limit_headers(0, fault.seconds))
        return reply

    @staticmethod
    def _told(request: Request) -> dict[str, Any]:
        kind = request.headers.get("content-type", "")
        body: Mapping[str, Any] = {}
        try:
            if kind.startswith("application/json"):
                body = request.json()
            elif kind.startswith("application/x-www-form-urlencoded"):
                body = request.form()
        except ValueError:
            body = {"unreadable": True}
        return {name: value for name, value in {**request.query, **body}.items() if name not in SECRET}
