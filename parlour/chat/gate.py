"""In front of the door of the chat: what is posted with the token of a guest who has signed in since is refused. The door itself asks no
database."""

from __future__ import annotations

import asyncio
import logging

from django.db import Error, connection

from parlour.channels import queries as channels
from parlour.channels.chat import visitors
from parlour.channels.chat.visitors import NotKnown
from parlour.chat import shown
from parlour.chat.stream import Receive, Scope, Send
from parlour.chat.views import SPENT, bearer
from parlour.traffic.door import Door, problem, respond

log = logging.getLogger(__name__)


class Gate:
    """``/in/chat/<inbox key>``: 403 for a token that is spent, 503 when nobody can tell; all else is for the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = bearer(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
        try:
            spent = scope["method"] == "POST" and await asyncio.to_thread(_spent, scope["path"].split("/")[3], token)
        except Error as error:
            log.warning("Whether a token of the chat is spent cannot be told (%s).", type(error).__name__)
            await respond(send, problem(503, "The message could not be taken now; send it again."))
            return
        if spent:
            await respond(send, problem(403, SPENT))
        else:
            await self._door(scope, receive, send)


def _spent(key: str, token: str) -> bool:
    """Tokens that prove nothing are not spent: the door says what is wrong with them."""
    if not token:
        return False
    try:
        inbox = channels.inbox_by_key("chat", key)
        return inbox is not None and shown.spent(inbox, visitors.opened(channels.config(inbox), token))
    except NotKnown:
        return False
    except Error:
        connection.close()
        raise
