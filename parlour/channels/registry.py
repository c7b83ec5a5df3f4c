"""Which channels there are: every folder of this package that has a ``channel`` module, and what other packages bring.

Another package brings a channel by an entry point of the group ``parlour.channels`` that names its channel object
(docs/ADD_A_CHANNEL.md).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from parlour.channels.contract import Channel
from parlour.lib.faults import where

log = logging.getLogger(__name__)

GROUP = "parlour.channels"


class Channels(MutableMapping[str, Channel]):
    """Channel by name. Each of ours is imported when it is first asked for: a command need not wait for all of them."""

    def __init__(self) -> None:
        # Looked at as files: a folder without a channel (tests) must not be imported for it.
        self._names = dict.fromkeys(sorted(path.parent.name for path in Path(__file__).parent.glob("*/channel.py")))
        self._loaded: dict[str, Channel] = {}
        self._load_others()

    def _load_others(self) -> None:
        """Those of other packages. One that cannot be loaded is left out and said so: the desk must not stand still for it; and none can
        take the place of ours."""
        for point in entry_points(group=GROUP):
            try:
                channel = point.load()
                if channel.name not in self._names:
                    self[channel.name] = channel
            except Exception as error:
                log.error("The channel %s of another package could not be loaded (%s).", point.name, where(error))

    def __getitem__(self, name: str) -> Channel:
        if name not in self._loaded:
            if name not in self._names:
                raise KeyError(name)
            self._loaded[name] = import_module(f"parlour.channels.{name}.channel").channel
        return self._loaded[name]

    def __setitem__(self, name: str, channel: Channel) -> None:
        self._names.setdefault(name)
        self._loaded[name] = channel

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._loaded.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._names))

    def __len__(self) -> int:
        return len(self._names)


CHANNELS = Channels()


def get(name: str) -> Channel:
    """The channel of that name. Raises LookupError with a sentence naming those that exist."""
    try:
        return CHANNELS[name]
    except KeyError:
        raise LookupError(f"There is no channel {name!r}; choose one of {', '.join(sorted(CHANNELS))}.") from None
