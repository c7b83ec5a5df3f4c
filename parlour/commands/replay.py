"""``parlour replay FILE``"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from parlour.cases.models import Case, Message
from parlour.channels.models import Inbox
from parlour.commands.migrate import migrate
from parlour.playground import replay
from parlour.traffic import lanes, pipeline
from parlour.traffic.models import Arrival, ArrivalState


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Feed recorded traffic through the pipeline as X arrivals, keeping the recorded times.

    FILE is a CSV or CSV.gz with the columns tweet_id, author_id, inbound, created_at, text, response_tweet_id and
    in_response_to_tweet_id; parents may be missing. Running it again adds nothing. The desk may run meanwhile.
    """
    migrate()
    console = Console()
    began = time.monotonic()
    try:
        tweets, refused = replay.read(file)
    except replay.BadFile as error:
        raise click.ClickException(str(error)) from error
    before = _counts()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Replaying", total=len(tweets))
        _feed(tweets, lambda count: progress.advance(bar, count))
    _tell(console, len(tweets), refused, before, time.monotonic() - began)


def _feed(tweets: list[replay.Tweet], told: Callable[[int], None]) -> None:
    """Store a chunk, then walk it down the road; a worker of a running desk may help."""
    owner = "replay-" + secrets.token_hex(4)
    lanes.prepare()
    lanes.alive(owner)
    for _ in replay.feed(tweets, told):
        lanes.alive(owner)
        while pipeline.run(owner):
            pass
    for _ in range(600):
        while pipeline.run(owner):
            lanes.alive(owner)
        if not _waiting():
            break
        time.sleep(0.1)
    pipeline.catch_up()


def _waiting() -> bool:
    return Arrival.objects.filter(state=ArrivalState.NEW, inbox_id__in=_inboxes()).exists()


def _inboxes() -> list[int]:
    return list(Inbox.objects.filter(name=replay.INBOX_NAME, channel="x").values_list("id", flat=True))


def _counts() -> dict[str, int]:
    inboxes = _inboxes()
    messages = Message.objects.filter(inbox_id__in=inboxes)
    arrivals = Arrival.objects.filter(inbox_id__in=inboxes)
    return {
        "customers' messages": messages.filter(direction="in").count(),
        "brands' messages": messages.filter(direction="out").count(),
        "cases": Case.objects.filter(threads__inbox_id__in=inboxes).distinct().count(),
        "parked": arrivals.filter(state=ArrivalState.PARKED).count(),
        "ignored": arrivals.filter(state=ArrivalState.IGNORED).count(),
        "still waiting": arrivals.filter(state=ArrivalState.NEW).count(),
    }


def _tell(console: Console, read: int, refused: dict[str, int], before: dict[str, int], seconds: float) -> None:
    after = _counts()
    console.print(f"{read:,} tweets read in {seconds:.1f} s ({read / max(seconds, 0.001):,.0f} a second).")
    for reason, count in refused.items():
        console.print(f"  {count:,} rows refused: {reason}.")
    for name, count in after.items():
        console.print(f"  {name}: {count:,} ({count - before[name]:+,})")
