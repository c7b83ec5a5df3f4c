"""Calls of the Cloud API, and what its errors mean."""

from __future__ import annotations

from typing import Any

from parlour.channels import graph
from parlour.channels.contract import ChannelError, ErrorKind, InboxConfig

PAIR_SECONDS = 6.0
"""One customer may be sent about one message in this many seconds, after a burst of 45."""
_PAIR = 131056

ERRORS: graph.Table = {
    1: ErrorKind.TRANSIENT,
    2: ErrorKind.TRANSIENT,
    3: ErrorKind.PERMISSION,
    4: ErrorKind.RATE_LIMITED,
    10: ErrorKind.PERMISSION,
    33: ErrorKind.PERMISSION,
    **dict.fromkeys(range(200, 300), ErrorKind.PERMISSION),
    100: ErrorKind.INVALID,
    (100, 33): ErrorKind.TARGET_DELETED,
    102: ErrorKind.AUTH_EXPIRED,
    190: ErrorKind.AUTH_EXPIRED,
    368: ErrorKind.POLICY_BLOCK,
    1026: ErrorKind.RECIPIENT_UNAVAILABLE,
    80007: ErrorKind.RATE_LIMITED,
    130429: ErrorKind.RATE_LIMITED,
    130472: ErrorKind.POLICY_BLOCK,
    130497: ErrorKind.POLICY_BLOCK,
    131000: ErrorKind.TRANSIENT,
    131005: ErrorKind.PERMISSION,
    131008: ErrorKind.INVALID,
    131009: ErrorKind.INVALID,
    131016: ErrorKind.TRANSIENT,
    131021: ErrorKind.INVALID,
    131026: ErrorKind.RECIPIENT_UNAVAILABLE,
    131030: ErrorKind.RECIPIENT_UNAVAILABLE,
    131031: ErrorKind.POLICY_BLOCK,
    131042: ErrorKind.POLICY_BLOCK,
    131045: ErrorKind.PERMISSION,
    131047: ErrorKind.WINDOW_CLOSED,
    131048: ErrorKind.POLICY_BLOCK,
    131049: ErrorKind.POLICY_BLOCK,
    131050: ErrorKind.RECIPIENT_UNAVAILABLE,
    131051: ErrorKind.INVALID,
    131052: ErrorKind.TRANSIENT,
    131053: ErrorKind.INVALID,
    _PAIR: ErrorKind.TRANSIENT,
    131057: ErrorKind.TRANSIENT,
    131062: ErrorKind.RECIPIENT_UNAVAILABLE,
    131063: ErrorKind.POLICY_BLOCK,
    132000: ErrorKind.INVALID,
    132001: ErrorKind.INVALID,
    132005: ErrorKind.TOO_LONG,
    132007: ErrorKind.POLICY_BLOCK,
    132012: ErrorKind.INVALID,
    132015: ErrorKind.POLICY_BLOCK,
    132016: ErrorKind.POLICY_BLOCK,
    133004: ErrorKind.TRANSIENT,
    133010: ErrorKind.PERMISSION,
    137000: ErrorKind.RECIPIENT_UNAVAILABLE,
}
"""Codes of the Cloud API. The pair limit (131056) concerns one customer: the message is tried again, and the inbox goes on."""


def call(inbox: InboxConfig, method: str, *path: str, **content: Any) -> dict[str, Any]:
    """One request; ``content`` is httpx's ``json``, ``data``, ``files`` or ``params``. Returns the answer, raises ChannelError."""
    try:
        return graph.call(inbox, method, *path, table=ERRORS, **content)
    except ChannelError as error:
        if error.code.partition("/")[0] == str(_PAIR) and error.retry_after is None:
            raise ChannelError(error.kind, error.words, retry_after=PAIR_SECONDS, code=error.code) from error
        raise
