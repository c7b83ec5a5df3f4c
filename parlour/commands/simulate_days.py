"""``parlour simulate days``: recorded days go down the whole road with their own clock, and one report tells what the desk saw."""

from __future__ import annotations

import csv
import gzip
import io
import secrets
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson
from rich.console import Console
from rich.markdown import Markdown

from parlour.cases.models import Case, Direction, Message
from parlour.channels import actions as channels
from parlour.channels import registry
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.commands import simulate_routing, simulated_days
from parlour.commands.migrate import migrate
from parlour.lib import clock
from parlour.playground.replay import account
from parlour.policy import actions as policy
from parlour.policy.incidents.models import Incident, Member
from parlour.spine.models import Event
from parlour.traffic import lanes, pipeline
from parlour.traffic.door import rows_of
from parlour.traffic.store import insert

SLICE = timedelta(minutes=10)
"""How far the clock goes at a time: what comes meanwhile is read, clocks ring, waves are looked for."""
SEED = 1
AFTER = timedelta(hours=3)
"""How long the clock goes on after the last message, so that its promises can break."""


class BadFile(ValueError):
    """The file is not what it should be; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Said:
    """One row of the file. ``label`` is what people said it is about; the desk never sees it."""

    number: int
    at: datetime
    brand: str
    author: str
    text: str
    label: str = ""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "begin", type=click.DateTime(["%Y-%m-%d"]), help="The first day; the file's own without it.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="The last day, inclusive.")
@click.option("--zone", default="UTC", show_default=True, help="Whose days they are, such as America/New_York.")
@click.option("--agents", default=24, show_default=True, help="How many agents the made-up roster has.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file (Markdown)."
)
def days(file: Path, begin: datetime | None, end: datetime | None, zone: str, agents: int, out: Path | None) -> None:
    """Replay recorded days with their own clock, and report what the desk saw of each.

    FILE is a CSV or CSV.gz with the columns created_at, text, author and airline (or brand); negativereason, where there is one, is only
    compared with what was found. Nobody answers in the replay; what a roster would have kept is told by the routing simulation.
    """
    from parlour.commands.simulate import apart  # it knows this command

    try:
        where = ZoneInfo(zone)
        said = [one for one in read(file) if _within(one.at.astimezone(where).date(), begin, end)]
        if not said or agents < 1:
            raise BadFile("There is no message in these days, or nobody on the roster.")
    except (BadFile, LookupError, ValueError, OSError) as error:
        raise click.ClickException(f"This cannot be replayed: {error}") from error
    if not apart():
        return
    migrate()
    began = time.monotonic()
    console = Console()
    with click.progressbar(replay(said), length=len(said), label="Replaying") as bar:
        for _ in bar:
            pass
    with_roster = broken_with(file, agents, where)
    told = report(said, where, with_roster, agents, time.monotonic() - began)
    if out:
        out.write_text(told, encoding="utf-8")
    console.print(Markdown(told))


def _within(day: date, begin: datetime | None, end: datetime | None) -> bool:
    return (begin is None or begin.date() <= day) and (end is None or day <= end.date())


def read(path: Path) -> list[Said]:
    """The rows of a file, oldest first. Raises BadFile."""
    csv.field_size_limit(1_000_000)
    raw = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115 - closed by the wrapper
    try:
        with io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            names = set(rows.fieldnames or ())
            brand = next((name for name in ("airline", "brand") if name in names), "")
            if missing := {"created_at", "text", "author"} - names or ({"airline"} if not brand else set()):
                raise BadFile(f"{path.name} lacks the columns {', '.join(sorted(missing))}.")
            found = [_said(number, row, brand) for number, row in enumerate(rows, 1)]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(f"{path.name} cannot be read: {error}.") from error
    return sorted(found, key=lambda one: (one.at, one.number))


def _said(number: int, row: Mapping[str, str | None], brand: str) -> Said:
    try:
        at = datetime.strptime((row["created_at"] or "").strip(), "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError as error:
        raise BadFile(f"Line {number + 1}: created_at must be a time such as 2015-02-16 23:36:05 -0800.") from error
    label = row.get("negativereason") or ""
    return Said(number, at, row[brand] or "", row["author"] or f"author {number}", row["text"] or "", label)


def replay(said: Sequence[Said]) -> Iterator[None]:
    """Take them down the road as posts that mention the brand, ten minutes at a time; yields once for each of them."""
    owner = f"days-{secrets.token_hex(4)}"
    inboxes = {brand: _inbox(brand) for brand in sorted({one.brand for one in said})}
    at, place = said[0].at, 0
    with clock.frozen(at):
        # Leases are made in the time they are taken in.
        lanes.prepare()
    while at < said[-1].at + AFTER:
        at += SLICE
        with clock.frozen(at):
            lanes.alive(owner)
            upto = place
            while upto < len(said) and said[upto].at <= at:
                upto += 1
            if upto > place:
                _store(said[place:upto], inboxes)
            while pipeline.run(owner):
                pass
            while policy.look() >= policy.AT_ONCE:
                pass
            policy.watch()
        yield from (None for _ in said[place:upto])
        place = upto


def _store(said: Sequence[Said], inboxes: Mapping[str, Inbox]) -> None:
    channel = registry.get("x")
    for one in said:
        inbox = inboxes[one.brand]
        split = channel.split(_post(one), orjson.dumps(_post(one)), config(inbox))
        insert(rows_of(inbox.pk, split))


def _post(one: Said) -> dict[str, object]:
    """The message as X's v2 API would show it."""
    author = str(10**17 + zlib.crc32(one.author.encode()))
    post = {
        "id": str(10**15 + one.number),
        "author_id": author,
        "text": one.text,
        "created_at": one.at.isoformat().replace("+00:00", "Z"),
        "conversation_id": str(10**15 + one.number),
        "edit_history_tweet_ids": [str(10**15 + one.number)],
    }
    return {"data": [post], "includes": {"users": [{"id": author, "username": one.author, "name": one.author}]}}


def _inbox(brand: str) -> Inbox:
    settings = {"user_id": str(account(brand)), "consumer_secret": secrets.token_hex(16), "access_token": "replay"}
    return channels.connect_inbox("x", brand, "Replay", settings)


def broken_with(file: Path, agents: int, where: tzinfo) -> Counter[date]:
    """How many cases of each day a made-up roster would not have answered within the hour promised."""
    coming = sorted(simulate_routing.read(file, SEED), key=lambda one: one.at)
    desks, workers = simulated_days.made_up(agents, SEED, ["en"])
    run = simulated_days.Days(desks, workers, simulated_days.parlour, {})
    run.run(coming)
    late = Counter[date]()
    for work in run.works:
        if work.done_at is None or work.done_at - work.arrival.at > simulated_days.PROMISE:
            late[work.arrival.at.astimezone(where).date()] += 1
    return late


@dataclass(slots=True)
class Day:
    """What the desk saw of one day."""

    messages: int = 0
    negative: int = 0
    categories: Counter[str] = field(default_factory=Counter)
    cases: int = 0
    broken: int = 0
    incidents: int = 0


def seen(where: tzinfo) -> dict[date, Day]:
    """Each day as the desk has it, from its own tables."""
    found: dict[date, Day] = defaultdict(Day)
    inbound = Message.objects.filter(direction=Direction.IN)
    for at, sentiment, category in inbound.values_list("sent_at", "sentiment", "category").iterator():
        day = found[at.astimezone(where).date()]
        day.messages += 1
        day.negative += sentiment == "negative"
        day.categories[category] += 1
    for (at,) in Case.objects.values_list("opened_at").iterator():
        found[at.astimezone(where).date()].cases += 1
    for (at,) in Event.objects.filter(verb="case.breached").values_list("at").iterator():
        found[at.astimezone(where).date()].broken += 1
    for (at,) in Incident.objects.values_list("found_at"):
        found[at.astimezone(where).date()].incidents += 1
    return dict(sorted(found.items()))


def report(said: Sequence[Said], where: tzinfo, late: Counter[date], agents: int, seconds: float) -> str:
    """The report as Markdown; every number in it was counted in this run."""
    told = seen(where)
    kinds = [slug for slug, _ in sum((day.categories for day in told.values()), Counter[str]()).most_common()]
    head = [
        "day",
        "messages",
        "negative",
        *kinds,
        "cases",
        "broken, nobody answers",
        f"broken, {agents} agents",
        "incidents",
    ]
    rows = [
        [
            f"{day:%a %d %b %Y}",
            f"{one.messages:,}",
            f"{100 * one.negative / max(1, one.messages):.0f} %",
            *(f"{one.categories[kind]:,}" for kind in kinds),
            f"{one.cases:,}",
            f"{one.broken:,}",
            f"{late[day]:,}",
            str(one.incidents),
        ]
        for day, one in told.items()
    ]
    labels = {str(10**15 + one.number): one.label for one in said}
    lines = [
        f"{len(said):,} messages of {len({one.brand for one in said})} brands, replayed in {seconds:,.0f} s; days in {where}.",
        "",
        *_table(head, rows),
        "",
        "Suggested incidents, in the order in which they were seen:",
        "",
        *_table(
            ["seen", "brand", "suggested as", "cases in the end", "what people had labelled them"],
            _incidents(where, labels),
        ),
        "",
    ]
    return "\n".join(lines)


def _incidents(where: tzinfo, labels: Mapping[str, str]) -> list[list[str]]:
    rows = []
    for one in Incident.objects.select_related("brand").order_by("found_at", "id"):
        cases = list(Member.objects.filter(incident=one).values_list("case_id", flat=True))
        posts = Message.objects.filter(case_id__in=cases, direction=Direction.IN).values_list("case_id", "external_id")
        of_case: dict[int, set[str]] = defaultdict(set)
        for case, external in posts:
            of_case[case or 0].add(labels.get(external or "", ""))
        counted = Counter(label for found in of_case.values() for label in found if label)
        most = ", ".join(f"{label} {count}" for label, count in counted.most_common(2))
        rows.append(
            [f"{one.found_at.astimezone(where):%d %b %H:%M}", one.brand.name, one.why, str(len(cases)), most or "—"]
        )
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    clean = [[cell.replace("|", "/") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [list(head), ["---"] * len(head), *clean]]
