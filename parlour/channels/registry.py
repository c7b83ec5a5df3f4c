"""Which channels there are. Adding one is a folder and a line here."""

from __future__ import annotations

from parlour.channels.api.channel import channel as api
from parlour.channels.contract import Channel
from parlour.channels.facebook.channel import channel as facebook
from parlour.channels.messenger.channel import channel as messenger
from parlour.channels.x.channel import channel as x

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (facebook, messenger, x, api)}


def get(name: str) -> Channel:
    """The channel of that name. Raises LookupError with a sentence naming those that exist."""
    try:
        return CHANNELS[name]
    except KeyError:
        raise LookupError(f"There is no channel {name!r}; choose one of {', '.join(sorted(CHANNELS))}.") from None
