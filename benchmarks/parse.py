"""(e) What reading one event costs, channel by channel: split at the door and parsed on the road, one core, no database."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from benchmarks import inside
from benchmarks.figures import Figure, middle
from benchmarks.options import Options
from parlour.channels.contract import Channel
from parlour.channels.tests.samples import Sample

PROMISE = 5_000.0
UNPROMISED = {"email"}
"""A mail is a document of many parts in many encodings."""
ROUNDS = 5
RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def run(options: Options) -> list[Figure]:
    """Each channel's own fixtures, every kind of event among them, over and over."""
    told = inside.call("benchmarks.parse", {"seconds": 0.1 if options.quick else 0.4}, inside.environment(Path("/tmp")))
    return [
        Figure(
            "parse",
            f"{name}: events split and parsed",
            one["speed"],
            "/s",
            None if name in UNPROMISED else PROMISE,
            note=f"{one['events']} events in {one['bodies']} bodies of {one['bytes']:,} bytes on average",
        )
        for name, one in told.items()
    ]


def measure(seconds: float) -> dict[str, dict[str, float]]:
    """Channel -> events a second (median of the rounds), and what they were."""
    from parlour.channels import registry
    from parlour.channels.tests.samples import sample

    told = {}
    for name in sorted(registry.CHANNELS):
        channel, given = registry.get(name), sample(name)
        events = _once(channel, given)
        speeds = []
        for _ in range(ROUNDS):
            began, turns = time.perf_counter(), 0
            while (spent := time.perf_counter() - began) < seconds:
                _once(channel, given)
                turns += 1
            speeds.append(turns * events / spent)
        size = sum(map(len, given.BODIES)) / len(given.BODIES)
        told[name] = {"speed": middle(speeds), "events": events, "bodies": len(given.BODIES), "bytes": round(size)}
    return told


def _once(channel: Channel, given: Sample) -> int:
    """Read every body; how many events there were."""
    count = 0
    for body in given.BODIES:
        for event in channel.split(orjson.loads(body), body, given.CONFIG):
            count += len(list(channel.parse(event.body, given.CONFIG, RECEIVED)))
    return count


if __name__ == "__main__":
    inside.answer(measure(inside.begin()["seconds"]))
