"""A brand whose agents correct the sentiment of recorded messages through the desk's own verbs, and how later messages fare."""

from __future__ import annotations

import csv
import gzip
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click
from django.db import transaction

from parlour.cases import actions, corrections, learning
from parlour.cases.models import Case, Direction, Message
from parlour.channels.models import Brand
from parlour.customers.models import Customer
from parlour.lib import clock
from parlour.lib.rows import insert_rows
from parlour.staff.actions import add_agent
from parlour.staff.models import Agent, Role
from parlour.understanding import own, queries
from parlour.understanding.heads import SENTIMENTS
from parlour.understanding.learning import report

AT_ONCE: Final = 32
"""Messages that come before an agent looks at them."""


@dataclass(frozen=True, slots=True)
class Tweet:
    """A recorded message with the sentiment people gave it."""

    text: str
    sentiment: str


@dataclass(frozen=True, slots=True)
class Measured:
    """How later messages were read after some corrections; macro-F1 and the share of right answers in per cent."""

    how: str
    corrections: int
    messages: int
    macro_f1: float
    right: float


def read(file: Path) -> list[Tweet]:
    """The rows by time. Raises ValueError or KeyError when they are others than expected."""
    packed = file.read_bytes()
    text = (gzip.decompress(packed) if file.suffix == ".gz" else packed).decode()
    rows = sorted(csv.DictReader(io.StringIO(text, newline="")), key=lambda row: row["created_at"])
    if wrong := {row["sentiment"] for row in rows} - set(SENTIMENTS):
        raise ValueError(f"no sentiment: {sorted(wrong)[0]!r}")
    return [Tweet(row["text"], row["sentiment"]) for row in rows if row["text"].strip()]


class School:
    """One brand with one agent, and what they have been told so far."""

    def __init__(self, how: str, tweets: Sequence[Tweet], later: Sequence[Tweet], begin: datetime) -> None:
        self.how = how
        self.brand = Brand.objects.create(name=f"Simulated: {how}"[:80])
        self.agent: Agent = add_agent(f"{self.brand.pk}@simulated.example", "Simulated", Role.AGENT)
        self.tweets, self.later, self.begin = tweets, later, begin
        self.corrected = self.read = 0
        self.truth: dict[int, str] = {}

    def measured(self) -> Measured:
        """How the later messages, which nobody corrects, are read now."""
        found = own.annotate([one.text for one in self.later], [self.brand.pk] * len(self.later))
        told = report([(0, one.sentiment, answer.sentiment) for one, answer in zip(self.later, found, strict=True)])
        return Measured(self.how, self.corrected, self.read, round(100 * told.macro_f1, 1), round(100 * told.right, 1))

    def arrive(self, count: int) -> list[Message]:
        """The next messages, read by the desk as the road would."""
        part = self.tweets[self.read : self.read + count]
        said = own.annotate([one.text for one in part], [self.brand.pk] * len(part))
        at = [self.begin + timedelta(seconds=self.read + number) for number in range(len(part))]
        with transaction.atomic():
            people = insert_rows(Customer, [Customer(name=f"Customer {self.read + n}") for n in range(len(part))])
            cases = insert_rows(
                Case,
                [
                    Case(brand=self.brand, customer=one, channel="x", sentiment=s.sentiment)
                    for one, s in zip(people, said, strict=True)
                ],
            )
            messages = [
                Message(
                    case=case,
                    channel="x",
                    direction=Direction.IN,
                    visibility="public",
                    text=tweet.text,
                    sent_at=moment,
                    sentiment=one.sentiment,
                    sentiment_score=one.sentiment_score,
                    category=one.category,
                    intent=one.intent,
                    actionable=one.actionable,
                )
                for case, tweet, moment, one in zip(cases, part, at, said, strict=True)
            ]
            insert_rows(Message, messages)
        self.read += len(part)
        self.truth |= {message.pk: tweet.sentiment for message, tweet in zip(messages, part, strict=True)}
        return messages

    def as_they_come(self, until: int) -> None:
        """The agent reads every message, corrects what is wrong, and resolves the case; the desk learns whenever it is due."""
        while self.corrected < until and self.read < len(self.tweets):
            for message in self.arrive(AT_ONCE):
                if message.sentiment != self.truth[message.pk] and self.corrected < until:
                    actions.set_sentiment(message.pk, self.truth[message.pk], by=self.agent)
                    self.corrected += 1
                actions.resolve(message.case_id or 0, by=self.agent)
                if self.corrected >= until:
                    break
            learning.learn_due()

    def from_the_list(self, until: int, share: float) -> None:
        """The agent labels only what the desk asks about: ``share`` of what has come since the last time."""
        while self.corrected < until and self.read < len(self.tweets):
            come = self.arrive(learning.LOOKED_AT)
            wanted = min(until - self.corrected, math.ceil(share * len(come)))
            for asked in learning.to_label(self.brand.pk, "sentiment", wanted):
                right = self.truth[asked.message.pk]
                if asked.value == right:
                    corrections.confirm(asked.message.pk, "sentiment", by=self.agent)
                else:
                    actions.set_sentiment(asked.message.pk, right, by=self.agent)
                self.corrected += 1
            learning.learn_due()

    def finish(self) -> None:
        """Learn from the last corrections, too."""
        learning.learn(self.brand.pk, "sentiment")


def simulate(
    tweets: Sequence[Tweet], steps: Sequence[int], later: float, ways: Sequence[str] = ()
) -> Iterator[Measured]:
    """For each way of correcting, how the last ``later`` (a share) of the messages are read before, and after each of ``steps``."""
    cut = round(len(tweets) * (1 - later))
    earlier, held = tweets[:cut], tweets[cut:]
    plain = queries.annotate([one.text for one in held])
    told = report([(0, one.sentiment, answer.sentiment) for one, answer in zip(held, plain, strict=True)])
    yield Measured("as it ships", 0, 0, round(100 * told.macro_f1, 1), round(100 * told.right, 1))
    for way, teach in WAYS.items():
        if ways and way not in ways:
            continue
        for count in steps:
            # Each number of corrections begins anew: the list asks for a few of many, or for many of them.
            school = School(f"{way}, {count}", earlier, held, clock.now() - timedelta(days=7))
            teach(school, count)
            school.finish()
            yield school.measured()


def _by_list(school: School, count: int) -> None:
    school.from_the_list(count, count / len(school.tweets))


WAYS: Final[dict[str, Callable[[School, int], None]]] = {
    "wrong ones corrected as they come": School.as_they_come,
    "labels the desk asks for": _by_list,
}


def show(tweets: Sequence[Tweet], steps: Sequence[int], later: float) -> None:
    """The table, row by row."""
    from parlour.commands.migrate import migrate

    migrate()
    click.echo(f"{len(tweets):,} messages, the last {later:.0%} held back; weights {queries.model_name()}")
    click.echo(f"{'':<40}{'corrections':>12}{'read':>8}{'macro-F1':>10}{'gain':>7}{'right %':>9}{'seconds':>9}")
    began, first = time.monotonic(), 0.0
    for one in simulate(tweets, steps, later):
        first = first or one.macro_f1
        seconds = time.monotonic() - began
        click.echo(
            f"{one.how:<40}{one.corrections:>12,}{one.messages:>8,}{one.macro_f1:>10.1f}{one.macro_f1 - first:>+7.1f}"
            f"{one.right:>9.1f}{seconds:>9.0f}"
        )
        began = time.monotonic()
