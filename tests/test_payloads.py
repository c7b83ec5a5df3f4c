"""Every recorded payload goes in the way it really comes, through the real door or fetched by the real poll, and becomes in the database
what ``recorded/expected.py`` says, or is ignored with its reason.

``PARLOUR_TABLES=1`` writes the table of the document anew, from what stood in the database. A file that is added to the folders fails the
test until somebody has said what should become of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest

from parlour.channels import actions as channels
from parlour.channels import registry
from parlour.customers.models import Customer
from parlour.playground.places.email import MailStandIn
from tests import tables
from tests.recorded import polled, webhooks
from tests.recorded.expected import EXPECTED
from tests.recorded.files import NOT_INBOUND, explained
from tests.recorded.mails import mails
from tests.recorded.platform import platform
from tests.recorded.road import Recording, Road, counted
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]

WALKED = sorted({*webhooks.OF_CHANNEL, *polled.OF_CHANNEL, "email"})


def _recordings(channel: str, payloads: Path, place: MailStandIn) -> list[Recording]:
    found = list(webhooks.webhooks(channel, payloads)) if channel in webhooks.OF_CHANNEL else []
    found += polled.polled(channel, payloads) if channel in polled.OF_CHANNEL else []
    return found + (list(mails(payloads, place)) if channel == "email" else [])


@pytest.fixture
def road(town: Town) -> Iterator[Road]:
    with platform() as there, httpx.Client() as client, ThreadPoolExecutor(8) as postmen:
        yield Road(town, there, client, postmen)


def _mailbox(town: Town) -> MailStandIn:
    place = town.place("email")
    assert isinstance(place, MailStandIn)
    return place


@pytest.mark.parametrize("channel", WALKED)
def test_each_recording_becomes_what_the_table_says(channel: str, road: Road, shared: Path) -> None:
    recordings = _recordings(channel, shared / "payloads", _mailbox(road.town))
    if not recordings:
        pytest.skip(f"There are no recorded payloads of {registry.get(channel).label}.")
    saw = road.walk(recordings)
    told = {one.name: counted([each.line(one) for each in saw[one.name]]) or one.quiet for one in recordings}
    assert told == EXPECTED[channel]
    for one in recordings:
        said = [each.said for each in saw[one.name] if each.said is not None]
        if one.said is not None:
            assert sorted(said) == sorted(one.said), one.name
        elif one.authors is not None:
            assert [author for author, _ in said] == one.authors, one.name
    rows = [(one.name, counted([each.short for each in saw[one.name]]) or one.quiet) for one in recordings]
    tables.kept(tables.ROOT / "docs/PAYLOADS.md", f"payloads {channel}", tables.payloads(rows))


def test_every_file_is_walked_or_is_none_that_comes_in(town: Town, shared: Path) -> None:
    payloads = shared / "payloads"
    walked = {one.file for channel in WALKED for one in _recordings(channel, payloads, _mailbox(town))}
    files = {str(path.relative_to(payloads)) for path in payloads.rglob("*") if path.is_file()}
    empty = {file for file in files if not (payloads / file).read_bytes().strip()}
    unknown = sorted(file for file in files - walked - empty if not explained(file))
    assert not unknown, f"What should become of these? {unknown}"
    assert {explained(file) for file in files - walked} >= set(NOT_INBOUND), "Some patterns fit no file."


def test_whoever_changes_their_number_stays_the_same_customer(road: Road, shared: Path) -> None:
    found = webhooks.webhooks("whatsapp", shared / "payloads")
    (changed,) = (one for one in found if one.name == "docs_webhooks/system-example")
    road.walk([changed])
    customer = Customer.objects.get()
    assert {one.external_id for one in customer.identities.all()} == {"16505551234", "12195555358"}


def test_the_recorded_signatures_hold_at_the_door(road: Road, shared: Path) -> None:
    vectors = orjson.loads((shared / "payloads/generic_webhook/signature_vectors_computed.json").read_bytes())
    meta, crc = vectors["meta_x_hub_signature_256"], vectors["x_crc"]
    token = {"access_token": "t"}
    page = channels.connect_inbox(
        "messenger",
        "Vectors",
        "Page",
        webhooks.META | token | {"page_id": "1", "app_secret": meta["app_secret"], "api_base": road.platform.base},
    )
    answer = road.client.post(
        road.town.door + page.webhook_path, content=meta["body"], headers={"x-hub-signature-256": meta["header"]}
    )
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0})
    x = channels.connect_inbox(
        "x",
        "Vectors",
        "X",
        token | {"user_id": "1", "consumer_secret": crc["consumer_secret"], "api_base": road.platform.base},
    )
    answer = road.client.get(road.town.door + x.webhook_path, params={"crc_token": crc["crc_token"]})
    assert (answer.status_code, answer.json()) == (200, {"response_token": crc["response_token"]})


def test_a_recorded_signature_of_2021_is_too_old(road: Road, shared: Path) -> None:
    vector = orjson.loads((shared / "payloads/generic_webhook/standard_webhooks_vector.json").read_bytes())
    inbox = channels.connect_inbox("api", "Vectors", "Old", {"secret": vector["secret"]})
    headers = {name: vector[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    answer = road.client.post(road.town.door + inbox.webhook_path, content=vector["body"], headers=headers)
    assert answer.status_code == 403
    assert "five minutes" in answer.json()["detail"]
