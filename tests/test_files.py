"""Customers' files from the event to the page: fetched through the safe client, stored, shown or refused; hostile ones harmless.

And ours, from the form and the API to the channel.
"""

from __future__ import annotations

import gzip
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from parlour.cases import actions
from parlour.cases import files as case_files
from parlour.cases.models import Attachment, Case, Delivery, FileState, Message
from parlour.channels import registry
from parlour.channels.contract import Attachment as Told
from parlour.channels.contract import Author, ChannelError, ErrorKind, Inbound, Kind, Source, ThreadKey
from parlour.channels.models import Inbox
from parlour.customers.models import Customer, Identity
from parlour.lib import clock, files
from parlour.spine.models import Event
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Role
from parlour.traffic import files as fetching
from parlour.traffic import lanes, profiles
from parlour.traffic.tests.road import Fake, Road, private, said
from parlour.web.views.drawn import drawings

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 320, 200) + b"\x08\x06\0\0\0"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
ALL = {"image": 5_000_000, "file": 10_000_000}


@dataclass
class Host:
    """A place that has files: path -> status, headers, body. ``asked`` are the paths it was asked for."""

    origin: str
    has: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        self.has[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
        return self.origin + path


@pytest.fixture
def host() -> Iterator[Host]:
    made: Host

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            status, headers, body = made.has.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in ({"content-length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Host(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def road(host: Host, db: None, monkeypatch: pytest.MonkeyPatch) -> Road:
    """Inboxes whose channels send to nowhere; files of the API inbox come from ``host``, which its settings name."""
    made = Road()
    for name in ("messenger", "api"):
        made.fakes[name] = Fake(registry.get(name))
        monkeypatch.setitem(registry.CHANNELS, name, made.fakes[name])
    made.inbox("api", callback_url=f"{host.origin}/callback")
    made.inbox("messenger")
    lanes.prepare()
    return made


@pytest.fixture
def noor() -> Agent:
    return staff.add_agent("noor@example.com", "Noor", Role.AGENT)


@pytest.fixture
def desk(noor: Agent) -> Client:
    client = Client()
    client.force_login(noor)
    return client


def come(road: Road, *attachments: dict[str, str], number: str = "1") -> list[Attachment]:
    """A message with files; its attachments as they are at once."""
    road.take("api", {**said(f"s{number}", "Look at this."), "attachments": list(attachments)})
    return list(Attachment.objects.filter(message__external_id=f"s{number}").order_by("id"))


def fetch_all() -> None:
    while fetching.fetch_next():
        pass


def fetched(road: Road, url: str, **told: str) -> Attachment:
    """What became of the only file of a message after one round of fetching."""
    (one,) = come(road, {"url": url, "kind": "image", **told}, number=f"of {url[-20:]}")
    fetch_all()
    one.refresh_from_db()
    return one


def page(desk: Client) -> str:
    # What other desks were shown a moment ago may be shown again; a test wants to see what is.
    drawings.clear()
    return desk.get(f"/case/{Case.objects.get().pk}").content.decode()


# In


def test_a_message_does_not_wait_for_its_file(road: Road, host: Host, desk: Client) -> None:
    url = host.put("/cat.png", PNG, content_type="text/html")
    (one,) = come(road, {"url": url, "kind": "image", "name": "cat.png"})
    assert (one.state, host.asked) == (FileState.WAITING, [])
    assert "being fetched" in page(desk)
    fetch_all()
    one.refresh_from_db()
    assert (one.state, one.mime, one.size, one.width, one.height) == ("fetched", "image/png", len(PNG), 320, 200)
    shown = page(desk)
    address = f"/files/{one.pk}/cat.png"
    assert f'<img src="{address}" alt="cat.png" width="320" height="200" loading="lazy"' in shown
    given = desk.get(address)
    assert (given.content, given["Content-Type"]) == (PNG, "image/png")
    assert given["X-Content-Type-Options"] == "nosniff"
    assert given["Content-Security-Policy"].startswith("sandbox")
    assert given["Content-Disposition"] == 'inline; filename="cat.png"'
    assert desk.get(address, headers={"If-None-Match": given["ETag"]}).status_code == 304
    assert Event.objects.filter(verb="attachment.fetched", case_id=Case.objects.get().pk).count() == 1
    assert len(host.asked) == 1


def test_files_are_for_those_who_may_read(road: Road, host: Host, desk: Client, noor: Agent) -> None:
    one = fetched(road, host.put("/a.png", PNG))
    address = f"/files/{one.pk}/a.png"
    assert Client().get(address).status_code == 302
    assert desk.get(f"/files/{10**30}/a.png").status_code == 404
    assert desk.post(address).status_code == 405
    mine = case_files.upload(noor, "draft.png", PNG)
    other = staff.add_agent("ben@example.com", "Ben", Role.AGENT)
    assert desk.get(f"/files/{mine.pk}/draft.png").status_code == 200
    desk.force_login(other)
    assert desk.get(f"/files/{mine.pk}/draft.png").status_code == 404
    assert desk.get(address).status_code == 200


@pytest.mark.parametrize("body", [HTML, SVG, b"\xef\xbb\xbf<html>", b"<?xml version='1.0'?><html xmlns='x'/>"])
def test_a_page_named_png_is_a_download(road: Road, host: Host, desk: Client, body: bytes) -> None:
    one = fetched(road, host.put("/photo.png", body, content_type="image/png"), name="photo.png", mime="image/png")
    assert one.state == FileState.FETCHED
    assert "<img" not in page(desk)
    assert "PNG file" not in page(desk)
    given = desk.get(f"/files/{one.pk}/photo.png")
    assert given["Content-Type"] == "application/octet-stream"
    assert given["Content-Disposition"] == 'attachment; filename="photo.png"'
    assert given["X-Content-Type-Options"] == "nosniff"


def test_a_zip_is_stored_as_it_is(road: Road, host: Host, desk: Client) -> None:
    bomb = b"PK\x03\x04" + gzip.compress(bytes(10_000_000))
    one = fetched(road, host.put("/bomb.zip", bomb), name="bomb.zip", kind="file")
    assert (one.state, one.mime, one.size) == ("fetched", "application/zip", len(bomb))
    assert "download><svg" in page(desk).replace("\n", "")
    assert desk.get(f"/files/{one.pk}/bomb.zip")["Content-Disposition"].startswith("attachment")


def test_a_bomb_in_the_packing_is_refused(road: Road, host: Host, settings: Any) -> None:
    settings.FILE_BYTES = 1_000_000
    one = fetched(road, host.put("/b.png", gzip.compress(bytes(50_000_000)), content_encoding="gzip"))
    assert (one.state, one.digest) == (FileState.REFUSED, "")


def test_a_picture_that_unfolds_to_billions_is_not_shown(road: Road, host: Host, desk: Client) -> None:
    giant = PNG[:16] + struct.pack(">II", 60_000, 60_000) + PNG[24:]
    fetched(road, host.put("/giant.png", giant), name="giant.png")
    assert "<img" not in page(desk)


def test_giants_are_refused_and_said_so(road: Road, host: Host, desk: Client, settings: Any) -> None:
    settings.FILE_BYTES = 1024 * 1024
    big = bytes(1024 * 1024 + 1)
    for url in (host.put("/big", big), host.put("/lie", big, content_length="10000000000")):
        one = fetched(road, url, name="holiday.mp4")
        assert (one.state, one.error, one.digest) == (FileState.REFUSED, "It is larger than 1 MB.", "")
    assert "not taken. It is larger than 1 MB." in page(desk)
    short = fetched(road, host.put("/short", b"x" * 10, content_length="500"))
    assert (short.state, short.tries) == (FileState.WAITING, 1)


def test_a_redirect_to_our_own_walls_is_refused(road: Road, host: Host, desk: Client) -> None:
    for number, target in enumerate(
        [
            "http://169.254.169.254/latest/meta-data/",
            "http://localhost:8000/",
            "http://[::ffff:10.0.0.1]/",
            "file:///etc/passwd",
        ]
    ):
        one = fetched(road, host.put(f"/r{number}", status=302, location=target))
        assert one.state == FileState.REFUSED
    assert "not taken." in page(desk)


def test_addresses_nobody_has_set_must_be_public(road: Road, host: Host) -> None:
    """The inbox's own platform may be local; a customer's address may not."""
    own = fetched(road, host.put("/a.png", PNG))
    assert own.state == FileState.FETCHED
    Inbox.objects.filter(channel="api").update(sealed=Inbox.objects.get(channel="messenger").sealed)
    other = fetched(road, host.origin + "/b.png")
    assert other.state == FileState.REFUSED
    assert host.asked == ["/a.png"]


def test_programs_are_refused(road: Road, host: Host) -> None:
    one = fetched(road, host.put("/cv.pdf", b"MZ\x90\0" + bytes(100), content_type="application/pdf"))
    assert (one.state, one.error) == (FileState.REFUSED, "It is a program; programs are not kept.")
    assert fetched(road, host.put("/empty", b"")).state == FileState.REFUSED


def test_names_cannot_mislead(road: Road, host: Host, desk: Client) -> None:
    one = fetched(road, host.put("/a", PNG), name="\u202e\u2066\u200f")
    two = fetched(road, host.put("/b", PNG), name="<b>\u202egnp.<script>")
    assert (one.name, two.name) == ("", "_b_gnp._script_")
    shown = page(desk)
    assert f'src="/files/{one.pk}/Picture" alt="Picture"' in shown
    assert "\u202e" not in shown
    assert "<b>" not in shown.partition('id="flow"')[2].partition('id="composer"')[0].replace("<b>Noor", "")


def test_what_fails_is_tried_again_and_then_said(road: Road, host: Host, desk: Client) -> None:
    (one,) = come(road, {"url": host.origin + "/late.png", "kind": "image", "name": "late.png"})
    at = clock.now()
    for tries in (1, 2):
        with clock.frozen(at + timedelta(hours=tries)):
            assert fetching.fetch_next()
            assert not fetching.fetch_next()
        one.refresh_from_db()
        assert (one.state, one.tries) == (FileState.WAITING, tries)
    host.put("/late.png", PNG)
    with clock.frozen(at + timedelta(hours=3)):
        assert fetching.fetch_next()
    one.refresh_from_db()
    assert one.state == FileState.FETCHED
    lost = fetched(road, host.origin + "/gone.png", name="gone.png")
    for hours in (1, 2, 3):
        with clock.frozen(clock.now() + timedelta(hours=hours)):
            fetching.fetch_next()
    lost.refresh_from_db()
    assert (lost.state, lost.error) == (FileState.FAILED, "The platform answered 404.")
    assert "could not be fetched. The platform answered 404." in page(desk)


def test_a_channel_says_where_a_file_is(road: Road, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    answers: list[Source | Exception] = [
        ChannelError(ErrorKind.TRANSIENT, "Later."),
        Source(content=PNG, name="from the platform"),
        ChannelError(ErrorKind.TARGET_DELETED, "The media is gone."),
        RuntimeError("a fault"),
    ]

    def source(_: Any, told: Told) -> Source:
        asked.append((told.reference, told.url))
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(road.fakes["api"], "source", source, raising=False)
    one = fetched(road, "https://cdn.example/1")
    assert (one.state, one.error) == (FileState.WAITING, "Later.")
    with clock.frozen(clock.now() + timedelta(hours=1)):
        fetch_all()
        one.refresh_from_db()
        assert (one.state, one.name) == (FileState.FETCHED, "from the platform.png")
        two = fetched(road, "https://cdn.example/2")
        assert (two.state, two.error) == (FileState.FAILED, "The media is gone.")
        three = fetched(road, "https://cdn.example/3")
        assert (three.state, "RuntimeError" in three.error) == (FileState.WAITING, True)
    assert asked[0] == ("", "https://cdn.example/1")


def test_two_workers_fetch_a_file_once(road: Road, host: Host) -> None:
    (one,) = come(road, {"url": host.put("/a.png", PNG), "kind": "image"})
    claimed = fetching._claim()
    assert claimed is not None
    assert fetching._claim() is None
    # The first one died: after a while another takes its place, and what comes late from the first changes nothing.
    with clock.frozen(clock.now() + timedelta(minutes=10)):
        fetch_all()
    claimed.state = FileState.FAILED
    fetching._keep(claimed)
    one.refresh_from_db()
    assert one.state == FileState.FETCHED


def test_a_stopped_inbox_is_not_asked(road: Road, host: Host) -> None:
    (one,) = come(road, {"url": host.put("/a.png", PNG), "kind": "image"})
    Inbox.objects.filter(channel="api").update(health=Inbox.Health.PAUSED)
    fetch_all()
    one.refresh_from_db()
    assert (one.state, host.asked) == (FileState.WAITING, [])
    Inbox.objects.filter(channel="api").update(health=Inbox.Health.GONE)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        fetch_all()
    one.refresh_from_db()
    assert one.state == FileState.FAILED


def test_what_came_with_the_event_is_there_with_the_message(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(body: bytes, *_: Any) -> list[Inbound]:
        number = orjson.loads(body)["external_id"]
        thread = ThreadKey("t1", "private")
        given = (
            Told("file", name="invoice.pdf", mime="application/pdf", content=b"%PDF-1.7 ..."),
            Told("file", name="run.exe", content=b"MZ"),
            Told("location", name="Here", url="https://maps.example/"),
            Told("image", reference="media-7"),
        )
        return [
            Inbound(Kind.MESSAGE, number, clock.now(), number, Author("r", "1", "Ana"), thread, "Hi", attachments=given)
        ]

    monkeypatch.setattr(road.fakes["api"], "parse", parse, raising=False)
    road.take("api", said("s1"))
    pdf, program, place, picture = Attachment.objects.order_by("id")
    assert (pdf.state, pdf.mime, files.read(pdf.digest)) == (FileState.FETCHED, "application/pdf", b"%PDF-1.7 ...")
    assert (program.state, place.state) == (FileState.REFUSED, FileState.LINK)
    assert (picture.state, picture.reference) == (FileState.WAITING, "media-7")

    def fail(*_: Any) -> None:
        raise files.Unavailable("The storage could not be written to (OSError).")

    monkeypatch.setattr(files, "keep", fail)
    road.take("api", said("s2"))
    lost = Attachment.objects.filter(message__external_id="s2").order_by("id").first()
    assert lost is not None
    assert (lost.state, lost.error) == (FileState.FAILED, "The storage could not be written to (OSError).")
    assert Message.objects.filter(external_id="s2").exists()


def test_every_state_is_said_in_words(road: Road, desk: Client) -> None:
    road.take("api", said("s1"))
    message = Message.objects.get()
    digest = files.keep(b"%PDF-1.7").digest
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    for name, mime in {"a.pdf": "application/pdf", "b.docx": word, "c.mp3": "audio/mpeg", "d.mp4": "video/mp4"}.items():
        Attachment.objects.create(
            message=message, kind="file", name=name, mime=mime, digest=digest, size=123_456, state=FileState.FETCHED
        )
    Attachment.objects.create(message=message, kind="location", url="https://maps.example/1")
    shown = page(desk)
    assert "PDF, 123 kB" in shown
    assert "Word document, 123 kB" in shown
    assert '<audio src="/files/' in shown
    assert '<video src="/files/' in shown
    assert 'href="https://maps.example/1" target="_blank" rel="noreferrer noopener"' in shown
    assert "media-src 'self'" in desk.get("/queue/open")["Content-Security-Policy"]


def test_files_cost_the_page_no_questions(road: Road, desk: Client) -> None:
    road.take("api", said("s1"))
    case, message = Case.objects.get(), Message.objects.get()
    page(desk)
    with CaptureQueriesContext(connection) as before:
        desk.get(f"/case/{case.pk}")
    digest = files.keep(PNG).digest
    for _ in range(20):
        Attachment.objects.create(
            message=message, kind="image", mime="image/png", digest=digest, width=3, height=2, state=FileState.FETCHED
        )
    Customer.objects.update(picture=digest)
    with CaptureQueriesContext(connection) as after:
        shown = desk.get(f"/case/{case.pk}").content.decode()
    assert (shown.count('class="pic"'), "/faces/" in shown) == (20, True)
    assert len(after) == len(before)


# Out


def able(road: Road, channel: str, monkeypatch: pytest.MonkeyPatch, count: int = 2, **kinds: int) -> None:
    real = road.fakes[channel].real.capabilities
    media = kinds or ALL
    monkeypatch.setattr(
        road.fakes[channel], "capabilities", replace(real, media_private=media, media_count=count), raising=False
    )


@pytest.fixture
def case(road: Road) -> Case:
    road.take("api", said("s1", "Where is it?"))
    return Case.objects.get()


def given(name: str = "plan.png", body: bytes = PNG) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body, "text/html")


def test_a_file_goes_from_the_form_to_the_channel(road, case, desk, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    shown = page(desk)
    assert 'enctype="multipart/form-data"' in shown
    assert 'data-media="{&#34;image&#34;: 5000000, &#34;file&#34;: 10000000}" data-count="2"' in shown
    form = {"way": "private", "text": "See here.", "files": [given(), given("list.csv", b"a,b\n")], "key": "k1"}
    assert desk.post(f"/case/{case.pk}/say", form).status_code == 302
    ours = Message.objects.get(direction="out")
    assert [(one.name, one.kind) for one in ours.attachments.order_by("id")] == [
        ("plan.png", "image"),
        ("list.csv", "file"),
    ]
    with clock.frozen(clock.now() + timedelta(seconds=10)):
        (sent,) = road.send_due()
    assert sent.state == "sent"
    (out,) = road.fakes["api"].sent
    assert [(one.name, one.mime, one.kind, one.read()) for one in out.attachments] == [
        ("plan.png", "image/png", "image", PNG),
        ("list.csv", "text/plain", "file", b"a,b\n"),
    ]
    assert out.references == ("s1",)
    assert f"/files/{ours.attachments.get(kind='image').pk}/plan.png" in page(desk)


@pytest.mark.parametrize(
    ("kinds", "sent", "words"),
    [
        ({}, [given()], "takes no files here"),
        ({"file": 10**7}, [given()], "does not take “plan.png” here; it takes other files."),
        ({"image": 10}, [given()], "is too large"),
        ({"image": 10**7}, [given(), given(), given()], "at most 2 files"),
        ({"file": 10**7}, [given("a.exe", b"MZ")], "It is a program"),
        ({"file": 10**7}, [given("a.txt", b"")], "It is empty"),
        ({"file": 10**9}, [given("a.txt", b"x" * 1_100_000)], "larger than 1 MB"),
        ({"image": 10**7}, [given()] * 21, "at most 20 files"),
    ],
)
def test_what_does_not_fit_is_refused_before_it_is_stored(road, case, desk, monkeypatch, settings, kinds, sent, words):
    settings.FILE_BYTES = 1024 * 1024
    if kinds:
        able(road, "api", monkeypatch, **kinds)
    else:
        real = road.fakes["api"].real.capabilities
        monkeypatch.setattr(road.fakes["api"], "capabilities", replace(real, media_private={}), raising=False)
    for one in sent:
        one.seek(0)
    answer = desk.post(f"/case/{case.pk}/say", {"way": "private", "text": "See here.", "files": sent})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "See here." in answer.content.decode()
    assert not Message.objects.filter(direction="out").exists()
    assert not Attachment.objects.exists()


def test_a_note_carries_no_files(case, desk) -> None:
    answer = desk.post(f"/case/{case.pk}/say", {"way": "note", "text": "Look.", "files": [given()]})
    assert (answer.status_code, Attachment.objects.count()) == (422, 0)


def test_what_is_undone_keeps_its_files(road, case, desk, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    desk.post(f"/case/{case.pk}/say", {"way": "private", "text": "See here.", "files": [given()]})
    ours = Message.objects.get(direction="out")
    back = desk.post(f"/message/{ours.pk}/undo", headers={"HX-Request": "true"}).json()
    (kept,) = back["files"]
    assert (kept["name"], kept["size"], kept["kind"]) == ("plan.png", len(PNG), "image")
    again = {"way": "private", "text": "See here, again.", "again": [kept["id"]]}
    assert desk.post(f"/case/{case.pk}/say", again).status_code == 302
    first, second = Message.objects.filter(direction="out").order_by("id")
    assert [one.digest for one in first.attachments.all()] == [one.digest for one in second.attachments.all()]
    assert first.attachments.get().pk != second.attachments.get().pk


def test_files_of_others_cannot_be_sent(road, case, desk, noor, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    ben = staff.add_agent("ben@example.com", "Ben", Role.AGENT)
    theirs = case_files.upload(ben, "secret.png", PNG)
    customers = Attachment.objects.create(
        message=Message.objects.get(), kind="image", digest=theirs.digest, mime="image/png", state=FileState.FETCHED
    )
    for number in (theirs.pk, customers.pk, 10**15):
        answer = desk.post(f"/case/{case.pk}/say", {"way": "private", "text": "Hm.", "again": [number]})
        assert answer.status_code == 422
    with pytest.raises(actions.Invalid, match="twice"):
        mine = case_files.upload(noor, "a.png", PNG)
        actions.reply(case.pk, by=noor, text="Hm.", visibility="private", files=[mine.pk, mine.pk])
    assert not Message.objects.filter(direction="out").exists()


def test_a_failed_answer_keeps_its_files_for_another_try(road, case, desk, noor, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    mine = case_files.upload(noor, "a.png", PNG)
    ours = actions.reply(case.pk, by=noor, text="Here.", visibility="private", files=[mine.pk])
    road.fakes["api"].answers = [ChannelError(ErrorKind.INVALID, "No such format.")]
    assert road.send_due()[0].state == "failed"
    actions.retry_reply(ours.pk, by=noor)
    assert road.send_due()[0].state == "sent"
    assert [len(one.attachments) for one in road.fakes["api"].sent] == [1, 1]


def test_a_missing_file_is_waited_for_and_nothing_is_half_said(road, case, noor, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    mine = case_files.upload(noor, "a.png", PNG)
    actions.reply(case.pk, by=noor, text="Here.", visibility="private", files=[mine.pk])

    def fail(_: str) -> bytes:
        raise files.Unavailable("The storage could not be read (OSError).")

    monkeypatch.setattr("parlour.traffic.outbox.read", fail)
    (waits,) = road.send_due()
    assert (waits.state, road.fakes["api"].sent) == ("queued", [])
    assert "The storage could not be read" in waits.error_words


def test_an_answer_pressed_twice_is_sent_once(road, case, desk, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    for _ in range(2):
        form = {"way": "private", "text": "See here.", "files": [given()], "key": "same"}
        assert desk.post(f"/case/{case.pk}/say", form).status_code == 302
    assert Message.objects.filter(direction="out").count() == 1
    assert Attachment.objects.count() == 1
    other = {"way": "private", "text": "See here.", "files": [given("b.png", PNG + b"!")], "key": "same"}
    assert desk.post(f"/case/{case.pk}/say", other).status_code == 409


# The API


def test_the_api_uploads_sends_and_reads(road, case, monkeypatch) -> None:
    able(road, "api", monkeypatch)
    token, other = (staff.add_token(name, Role.AGENT) for name in ("one", "two"))
    reader = staff.add_token("reader", Role.ANALYST)
    client = Client()

    def call(method: str, path: str, token: str = token, **more: Any) -> Any:
        return getattr(client, method)(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, **more)

    uploaded = call("post", "/files", data={"file": given("plan.png")})
    assert uploaded.status_code == 201
    told = uploaded.json()
    assert (told["kind"], told["mime"], told["state"], told["name"]) == ("image", "image/png", "fetched", "plan.png")
    assert call("get", told["url"].removeprefix("/api/v1")).content == PNG
    assert call("get", told["url"].removeprefix("/api/v1"), token=other).status_code == 404
    assert call("post", "/files", token=reader, data={"file": given()}).status_code == 403
    assert call("post", "/files", data={}).status_code == 422
    assert call("post", "/files", data={"file": given("a.exe", b"MZ")}).status_code == 422
    body = {"text": "Here.", "visibility": "private", "attachments": [told["id"]]}
    send = lambda token=token, **more: call(  # noqa: E731
        "post",
        f"/cases/{case.pk}/replies",
        token=token,
        data=orjson.dumps({**body, **more}),
        content_type="application/json",
    )
    assert send(token=other).status_code == 422
    assert send(attachments=["x"]).status_code == 422
    sent = send()
    assert sent.status_code == 201, sent.content
    assert [one["id"] for one in sent.json()["attachments"]] == [told["id"]]
    listed = call("get", f"/cases/{case.pk}/messages", token=reader).json()["items"]
    (shown,) = next(one for one in listed if one["direction"] == "out")["attachments"]
    assert call("get", shown["url"].removeprefix("/api/v1"), token=reader).content == PNG
    assert Delivery.objects.count() == 1


# Faces and profiles


def person(road: Road, **author: Any) -> Identity:
    road.take("messenger", private(f"m{Message.objects.count()}"))
    identity = Identity.objects.get(realm__startswith="meta")
    if author:
        Identity.objects.filter(pk=identity.pk).update(**author)
        identity.refresh_from_db()
    return identity


def asking(road: Road, monkeypatch: pytest.MonkeyPatch, days: int | None = 7) -> list[Author | Exception | None]:
    """The messenger's profiles come from the list this returns."""
    fake = road.fakes["messenger"]
    answers: list[Author | Exception | None] = []

    def profile(_: Any, external_id: str) -> Author | None:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(fake, "profile", profile, raising=False)
    can = replace(fake.real.capabilities, profiles=True, profile_days=days)
    monkeypatch.setattr(fake, "capabilities", can, raising=False)
    return answers


def test_a_profile_is_refreshed_lazily(road, monkeypatch) -> None:
    answers = asking(road, monkeypatch)
    identity = person(road)
    answers.append(Author("meta", "1", "Ana", followers=12, verified=True, language="pt"))
    assert (profiles.ask(), profiles.ask()) == (1, 0)
    identity.refresh_from_db()
    assert (identity.name, identity.followers, identity.verified, identity.language) == ("Ana", 12, True, "pt")
    assert Customer.objects.get(pk=identity.customer_id).language == "pt"
    person(road)
    assert profiles.ask() == 0, "not before its days are over"
    with clock.frozen(clock.now() + timedelta(days=8)):
        assert profiles.ask() == 0, "not while they are silent"
        person(road)
        answers.append(Author("meta", "1", "Ana P.", followers=900))
        assert profiles.ask() == 1
    identity.refresh_from_db()
    assert (identity.name, identity.followers, identity.language, identity.verified) == ("Ana P.", 900, "pt", True)


def test_a_passing_error_is_asked_again_a_few_times(road, monkeypatch) -> None:
    answers = asking(road, monkeypatch)
    identity = person(road)
    at = clock.now()
    answers += [ChannelError(ErrorKind.TRANSIENT, "Later.")] * 10
    asked = 0
    for hours in range(0, 48, 6):
        with clock.frozen(at + timedelta(hours=hours)):
            asked += profiles.ask()
    assert asked == profiles.MOST_TRIES
    identity.refresh_from_db()
    assert (identity.ask_due_at, identity.name) == (None, "")
    with clock.frozen(at + timedelta(days=30)):
        person(road)
        answers[:] = [None]
        assert profiles.ask() == 1
        answers[:] = [ChannelError(ErrorKind.PERMISSION, "No.")]
        assert profiles.ask() == 0


def test_a_fault_of_a_channel_ends_nothing(road, monkeypatch) -> None:
    answers = asking(road, monkeypatch)
    identity = person(road)
    answers.append(RuntimeError("odd"))
    assert profiles.ask() == 1
    identity.refresh_from_db()
    assert identity.ask_due_at is None


def test_a_face_is_fetched_and_shown(road, host, desk, monkeypatch) -> None:
    monkeypatch.setattr(fetching, "names", lambda *_: True)
    monkeypatch.setattr(profiles, "names", lambda *_: True)
    identity = person(road, avatar_url=host.put("/face.png", PNG), picture_due_at=clock.now(), name="Ana")
    assert 'class="face' in page(desk)
    assert "/faces/" not in page(desk)
    assert (profiles.fetch_faces(), profiles.fetch_faces()) == (1, 0)
    identity.refresh_from_db()
    customer = Customer.objects.get(pk=identity.customer_id)
    assert customer.picture == identity.picture == files.keep(PNG).digest
    address = f"/faces/{customer.pk}/{customer.picture[:16]}"
    assert page(desk).count(f'<img src="{address}" alt=""') == 2
    seen = desk.get(address)
    assert (seen.content, seen["Content-Type"]) == (PNG, "image/png")
    assert "immutable" in seen["Cache-Control"]
    assert desk.get(f"/faces/{customer.pk}/{'0' * 16}").status_code == 404
    assert desk.get(f"/faces/{customer.pk}/{customer.picture[:4]}").status_code == 404
    assert Client().get(address).status_code == 302


@pytest.mark.parametrize("body", [HTML, SVG, b"MZ", b"", bytes(1024 * 1024 + 1), b"%PDF-1.7"])
def test_what_is_no_face_is_not_shown(road, host, desk, monkeypatch, body) -> None:
    monkeypatch.setattr(profiles, "names", lambda *_: True)
    identity = person(road, avatar_url=host.put("/face.png", body), picture_due_at=clock.now())
    profiles.fetch_faces()
    identity.refresh_from_db()
    assert (identity.picture, identity.picture_due_at) == ("", None)


def test_faces_behind_our_walls_are_not_asked_for(road, host) -> None:
    identity = person(road, avatar_url=host.put("/face.png", PNG), picture_due_at=clock.now())
    profiles.fetch_faces()
    identity.refresh_from_db()
    assert (identity.picture, identity.picture_due_at, host.asked) == ("", None, [])


def test_a_face_that_is_late_is_tried_again(road, host, monkeypatch) -> None:
    monkeypatch.setattr(profiles, "names", lambda *_: True)
    identity = person(road, avatar_url=host.put("/face.png", status=503), picture_due_at=clock.now())
    at, tried = clock.now(), 0
    for days in range(6):
        with clock.frozen(at + timedelta(days=days)):
            tried += profiles.fetch_faces()
    identity.refresh_from_db()
    assert (tried, identity.picture_due_at) == (profiles.MOST_TRIES, None)
