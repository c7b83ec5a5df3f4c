"""The road from payloads to cases, for tests: real channels, real payloads, a channel that sends to nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from parlour.cases.models import Case, Delivery, Message
from parlour.cases.tests.rows import META, Rows
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import Channel, ChannelError, InboxConfig, Outbound, Poll, Receipt
from parlour.channels.tests.samples import fixtures
from parlour.spine.models import Event
from parlour.traffic import outbox, pipeline
from parlour.traffic.door import rows_of
from parlour.traffic.models import Arrival
from parlour.traffic.store import insert

T0 = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAGE = META["page_id"]
POST = f"{PAGE}_9001"
ANA, BEN = "5550001", "5550002"
US, X_ANA = "1500000000000000001", "1500000000000000042"
Payload = dict[str, Any]


def fixture(channel: str, name: str) -> Payload:
    loaded: Payload = orjson.loads(fixtures(str(folder(channel)))[name])
    return loaded


def folder(channel: str) -> str:
    return registry.__file__.replace("registry.py", f"{channel}/tests/sample.py")


def _page(at: datetime, **event: Any) -> Payload:
    return {"object": "page", "entry": [{"id": PAGE, "time": int(at.timestamp() * 1000), **event}]}


def _talk(at: datetime, sender: str, recipient: str, **content: Any) -> Payload:
    ends = {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": int(at.timestamp() * 1000)}
    return _page(at, messaging=[{**ends, **content}])


def private(mid: str, text: str = "Hello", at: datetime = T0, person: str = ANA) -> Payload:
    """A customer's words in Messenger."""
    return _talk(at, person, PAGE, message={"mid": mid, "text": text})


def private_edit(mid: str, text: str, at: datetime = T0, person: str = ANA) -> Payload:
    number = int((at - T0).total_seconds()) + 1
    return _talk(at, person, PAGE, message_edit={"mid": mid, "text": text, "num_edit": number})


def private_echo(mid: str, text: str, at: datetime = T0, person: str = ANA, reference: str = "") -> Payload:
    """The Page's words in Messenger."""
    message = {"mid": mid, "text": text, "is_echo": True, **({"metadata": reference} if reference else {})}
    return _talk(at, PAGE, person, message=message)


def delivered(*mids: str, at: datetime = T0, person: str = ANA) -> Payload:
    return _talk(at, person, PAGE, delivery={"mids": list(mids), "watermark": int(at.timestamp() * 1000)})


def read(until: datetime, at: datetime = T0, person: str = ANA) -> Payload:
    return _talk(at, person, PAGE, read={"watermark": int(until.timestamp() * 1000)})


def comment(
    number: str, text: str = "Hello", at: datetime = T0, person: str = ANA, parent: str = POST, verb: str = "add"
) -> Payload:
    """What happens to a comment under a post of the Page."""
    value = {
        "item": "comment",
        "verb": verb,
        "post_id": POST,
        "comment_id": number,
        "parent_id": parent,
        "created_time": int(at.timestamp()),
        "from": {"id": person, "name": "Lantern Teas" if person == PAGE else f"Person {person[-1]}"},
        "message": text,
    }
    return _page(at, changes=[{"field": "feed", "value": value}])


def mention(number: str, text: str = "@NorthwindHelp where is it?", at: datetime = T0) -> Payload:
    """A post on X that mentions the brand."""
    payload = fixture("x", "post_mention")
    post = payload["data"]["payload"]
    del post["entities"], post["attachments"]
    post |= {"id": number, "text": text, "created_at": stamp(at), "conversation_id": number}
    post["edit_history_tweet_ids"] = [number]
    return payload


def own_post(number: str, text: str, answers: str, at: datetime = T0) -> Payload:
    """The brand's own post on X, an answer to another one."""
    payload = fixture("x", "post_own_reply")
    post = payload["data"]["payload"]
    post |= {"id": number, "text": text, "created_at": stamp(at), "conversation_id": answers}
    post["edit_history_tweet_ids"] = [number]
    post["referenced_tweets"] = [{"type": "replied_to", "id": answers}]
    return payload


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def said(external_id: str, text: str = "Hello", at: datetime = T0, person: str = "cust-7", thread: str = "") -> Payload:
    """A message through the API channel; as simple as messages get."""
    return {
        "external_id": external_id,
        "author": {"external_id": person, "name": person.title()},
        "thread": {"external_id": thread or f"thread-{person}"},
        "text": text,
        "created_at": stamp(at),
    }


class Fake:
    """A channel as it is, but what it sends goes nowhere: ``answers`` holds what the next sends raise or give."""

    def __init__(self, real: Channel) -> None:
        self.real = real
        self.sent: list[Outbound] = []
        self.acts: list[tuple[str, str]] = []
        self.answers: list[Exception | Receipt | Callable[[Outbound], Receipt]] = []
        self.polls: list[Poll | Exception] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def send(self, inbox: InboxConfig, outbound: Outbound) -> Receipt:  # noqa: ARG002
        self.sent.append(outbound)
        answer = self.answers.pop(0) if self.answers else Receipt(f"ours-{outbound.reference}")
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Receipt) else answer(outbound)

    def act(self, inbox: InboxConfig, act: str, target: str, visibility: str) -> None:  # noqa: ARG002
        self.acts.append((act, target))
        if self.answers and isinstance(answer := self.answers.pop(0), ChannelError):
            raise answer

    def poll(self, inbox: InboxConfig, cursor: dict[str, Any]) -> Poll:  # noqa: ARG002
        self.polled_from = cursor
        answer = self.polls.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Road(Rows):
    """Rows, and the road that makes them."""

    fakes: dict[str, Fake] = field(default_factory=dict)

    def arrive(self, channel: str, *payloads: Payload) -> list[int]:
        """Store payloads as the door would; gives the ids of the new arrivals."""
        inbox = self.inbox(channel)
        config = channels.config(inbox)
        last = Arrival.objects.order_by("-id").values_list("id", flat=True).first() or 0
        for payload in payloads:
            body = orjson.dumps(payload)
            insert(rows_of(inbox.pk, registry.get(channel).split(orjson.loads(body), body, config)))
        return list(Arrival.objects.filter(pk__gt=last).order_by("id").values_list("id", flat=True))

    def drive(self) -> int:
        """Handle everything that is due."""
        total = 0
        while handled := pipeline.run("worker"):
            total += handled
        return total

    def take(self, channel: str, *payloads: Payload) -> list[int]:
        arrivals = self.arrive(channel, *payloads)
        self.drive()
        return arrivals

    def send_due(self) -> list[Delivery]:
        """Claim what is due and send it; gives the deliveries as they are then."""
        claimed = outbox.claim("worker", 8)
        for delivery in claimed:
            outbox.send(delivery)
        return [Delivery.objects.get(pk=delivery.pk) for delivery in claimed]


def message(external_id: str) -> Message:
    return Message.objects.get(external_id=external_id)


def only_case() -> Case:
    return Case.objects.get()


def verbs(**only: Any) -> list[str]:
    return list(Event.objects.filter(**only).order_by("id").values_list("verb", flat=True))


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
