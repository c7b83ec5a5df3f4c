"""Which channels there are: every folder of this package that has a ``channel`` module, and what other packages bring.

Another package brings a channel by an entry point of the group ``parlour.channels`` that names its channel object
(docs/ADD_A_CHANNEL.md).
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pkgutil import iter_modules

from parlour import channels
from parlour.channels.contract import Channel
from parlour.lib.faults import where

log = logging.getLogger(__name__)

GROUP = "parlour.channels"


def _own() -> list[Channel]:
    folders = [f"{channels.__name__}.{found.name}" for found in iter_modules(channels.__path__) if found.ispkg]
    return [import_module(f"{name}.channel").channel for name in folders if find_spec(f"{name}.channel")]


def _others() -> list[Channel]:
    """Those of other packages. One that cannot be loaded is left out and said so: the desk must not stand still for it."""
    found: list[Channel] = []
    for point in entry_points(group=GROUP):
        try:
            found.append(point.load())
        except Exception as error:
            log.error("The channel %s of another package could not be loaded (%s).", point.name, where(error))
    return found


CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (*_others(), *_own())}
"""By name; a channel of ours cannot be replaced by somebody else's."""


def get(name: str) -> Channel:
    """The channel of that name. Raises LookupError with a sentence naming those that exist."""
    try:
        return CHANNELS[name]
    except KeyError:
        raise LookupError(f"There is no channel {name!r}; choose one of {', '.join(sorted(CHANNELS))}.") from None
