"""Events of WhatsApp in, the Cloud API out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from parlour.channels.contract import (
    Attachment,
    Author,
    ChannelError,
    ErrorKind,
    File,
    Inbound,
    Kind,
    Template,
    ThreadKey,
)
from parlour.channels.tests.contract import RECEIVED, at
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.whatsapp.channel import channel
from parlour.channels.whatsapp.tests.payloads import PAYLOADS, payloads
from parlour.channels.whatsapp.tests.sample import ANA, CONFIG, FIXTURES, NUMBER, PHONE, outbound, refusal
from parlour.lib import clock

REALM = f"whatsapp:{NUMBER}"
AUTHOR = Author(REALM, ANA, name="Ana Brandt", handle="anabrandt", also=(PHONE,))
THREAD = ThreadKey(ANA, "private", address=PHONE)
SENT = {"messages": [{"id": "wamid.NEW"}]}


def one(name: str, **members: Any) -> Inbound:
    """The event of a fixture, with some of its members replaced."""
    body = orjson.loads(FIXTURES[name])
    value = body["entry"][0]["changes"][0]["value"]
    for where in ("messages", "statuses", "message_echoes"):
        for event in value.get(where, ()):
            event |= members
    (inbound,) = channel.parse(orjson.dumps(body), CONFIG, RECEIVED)
    return inbound


def send(**changes: Any) -> Any:
    """What the platform is asked when an answer goes out."""
    with platform() as server:
        server.answers(200, SENT)
        assert channel.send(at(CONFIG, server.base), replace(outbound("private"), **changes)).external_id == "wamid.NEW"
    return server.asked[-1].json


def refused(**changes: Any) -> ChannelError:
    """Why an answer is not sent; nobody is asked."""
    with platform() as server, pytest.raises(ChannelError) as caught:
        channel.send(at(CONFIG, server.base), replace(outbound("private"), **changes))
    assert server.asked == []
    return caught.value


def file(name: str, mime: str, size: int = 4) -> File:
    return File(name, mime, size, lambda: b"data")


def test_text() -> None:
    assert one("text") == Inbound(
        kind=Kind.MESSAGE,
        key="message:wamid.IN1",
        at=datetime.fromtimestamp(1790000001, UTC),
        external_id="wamid.IN1",
        author=AUTHOR,
        thread=THREAD,
        text="Where is my SIM card?",
    )
    assert one("text_quoting").reply_to == "wamid.OUT1"


def test_people_with_one_key_or_two() -> None:
    hidden = one("no_phone")
    assert hidden.author == Author(REALM, ANA, name="Ana Brandt", handle="anabrandt")
    assert hidden.thread == ThreadKey(ANA, "private", address=ANA)
    old = one("phone_only")
    assert old.author == Author(REALM, PHONE, name="Ana Brandt", handle=f"+{PHONE}")
    assert old.thread == ThreadKey(PHONE, "private", address=PHONE)


def test_files() -> None:
    photo = one("image")
    assert (photo.text, photo.attachments) == (
        "The broken tray",
        (Attachment("image", mime="image/jpeg", reference="5501"),),
    )
    assert (one("voice").attachments[0].mime, dict(one("voice").meta)) == ("audio/ogg", {"voice": True})
    assert one("document").attachments == (
        Attachment("file", name="bill.pdf", mime="application/pdf", reference="5504"),
    )
    assert [one(name).attachments[0].kind for name in ("video", "sticker")] == ["video", "sticker"]
    bare = one("video", video={"url": "https://lookaside.fbsbx.com/x"})
    assert bare.attachments == (Attachment("video", url="https://lookaside.fbsbx.com/x"),)


def test_other_words() -> None:
    said = {
        name: one(name).text
        for name in ("location", "contacts", "button_reply", "list_reply", "form_reply", "template_button", "order")
    }
    assert said == {
        "location": "Luma Shop, Harbour Street 1",
        "contacts": "Cem Yildiz · Yildiz GmbH · +49 155 50100",
        "button_reply": "Yes, please",
        "list_reply": "Luma Go L",
        "form_reply": "Sent",
        "template_button": "No more news",
        "order": "These two\n2 × sim-m (9.5 EUR)",
    }
    assert one("location").attachments[0].url.startswith("https://www.openstreetmap.org/?mlat=52.52&mlon=13.405")
    assert dict(one("list_reply").meta) == {"payload": "choice-4", "description": "80 GB"}
    assert dict(one("forwarded").meta) == {"forwarded": True, "frequently_forwarded": True}
    assert one("advertisement").meta["referral"]["headline"] == "Luma Go M"
    for unreadable in (one("unsupported"), one("text", type="hologram")):
        assert unreadable.kind is Kind.MESSAGE
        assert "in the WhatsApp app only" in unreadable.text


def test_edits_deletions_and_reactions() -> None:
    edit, caption, revoke = one("edit"), one("edit_caption"), one("revoke")
    assert (edit.kind, edit.external_id, edit.text, edit.key) == (
        Kind.EDIT,
        "wamid.IN1",
        "Where is my new SIM card?",
        "edit:wamid.IN21",
    )
    assert (caption.kind, caption.external_id, caption.text) == (Kind.EDIT, "wamid.IN5", "The broken SIM tray")
    assert (revoke.kind, revoke.external_id, revoke.author) == (Kind.DELETE, "wamid.IN1", AUTHOR)
    assert dict(one("reaction").meta) == {"reaction": "❤"}
    assert one("reaction").external_id == "wamid.OUT1"
    for gone in (one("reaction_removed"), one("reaction", reaction={"message_id": "wamid.OUT1", "emoji": ""})):
        assert gone.meta["removed"] is True


def test_words_typed_in_the_app() -> None:
    said, edit, revoke = one("app_text"), one("app_edit"), one("app_revoke")
    assert (said.kind, said.text, said.thread) == (Kind.ECHO, "I answer from my phone.", THREAD)
    assert said.author == Author(REALM, NUMBER)
    assert said.counterpart == Author(REALM, ANA, handle=f"+{PHONE}", also=(PHONE,))
    assert (edit.kind, edit.external_id, revoke.kind) == (Kind.EDIT, "wamid.APP1", Kind.DELETE)


def test_statuses() -> None:
    kinds = {name: one(name).kind for name in ("delivered", "read", "played", "failed")}
    assert kinds == {"delivered": Kind.DELIVERED, "read": Kind.READ, "played": Kind.READ, "failed": Kind.FAILED}
    assert one("delivered").key == "status:wamid.OUT3:delivered"
    words = "WhatsApp could not deliver it: Message undeliverable. Message Undeliverable to this number. (131026)"
    assert one("failed").reason == words
    ours = one("sent_by_us")
    assert (ours.kind, ours.our_reference, ours.external_id, ours.counterpart) == (
        Kind.ECHO,
        "ref-1",
        "wamid.OUT1",
        Author(REALM, ANA, handle=f"+{PHONE}", also=(PHONE,)),
    )
    assert one("delivered", biz_opaque_callback_data="somebody else's").our_reference == ""
    for name in ("sent_elsewhere", "deleted_status"):
        assert one(name).kind is Kind.IGNORED


def test_what_concerns_the_account() -> None:
    assert one("locked").kind is Kind.REVOKED
    assert one("account_deleted").kind is Kind.REVOKED
    other = replace(CONFIG, settings={**CONFIG.settings, "business_account_id": "1234567"})
    (elsewhere,) = channel.parse(FIXTURES["account_deleted"], other, RECEIVED)
    assert elsewhere.kind is Kind.IGNORED
    for name in ("problem", "account_location", "template_status", "history", "unheard_of"):
        assert one(name).kind is Kind.IGNORED
    changed = one("changed_number")
    assert (changed.kind, changed.author) == (
        Kind.IGNORED,
        Author(REALM, "DE.77009988776655", also=("4915550199", ANA, PHONE)),
    )


def test_a_batch_is_cut_by_event_and_customer() -> None:
    splits = channel.split(orjson.loads(FIXTURES["batch"]), FIXTURES["batch"], CONFIG)
    assert [split.lane for split in splits] == [ANA, "NG.88001122334455", ANA, ANA, "NG.88001122334455", ""]
    assert [split.belongs for split in splits][4] == ("whatsapp", "whatsapp:700500300199")
    events = [event for split in splits for event in channel.parse(split.body, CONFIG, RECEIVED)]
    assert [event.author.name for event in events[:2] if event.author] == ["Ana Brandt", "Ben Okafor"]
    assert [event.kind for event in events[4:]] == [Kind.IGNORED, Kind.IGNORED]


def test_groups() -> None:
    said = one("group")
    assert said.thread == ThreadKey("group:GRP1", "private", address="group:GRP1")
    assert said.author == AUTHOR
    asked = send(address="group:GRP1", target="wamid.IN26")
    assert (asked["recipient_type"], asked["to"], asked["context"]) == ("group", "GRP1", {"message_id": "wamid.IN26"})


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("text", {"id": ""}),
        ("text", {"id": {}}),
        ("text", {"text": "hi"}),
        ("text", {"text": {"body": 5}}),
        ("text", {"timestamp": "yesterday"}),
        ("text", {"from_user_id": ["x"]}),
        ("image", {"image": {}}),
        ("location", {"location": {"latitude": "north", "longitude": 1}}),
        ("contacts", {"contacts": {}}),
        ("reaction", {"reaction": {"emoji": "x"}}),
        ("edit", {"edit": {"message": {}}}),
        ("revoke", {"revoke": None}),
        ("delivered", {"id": None}),
    ],
)
def test_malformed_events_are_named(name: str, members: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        one(name, **members)


def test_sending_text() -> None:
    assert send() == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": PHONE,
        "biz_opaque_callback_data": "parlour-ref-1",
        "type": "text",
        "text": {"body": "We are looking into it."},
    }
    assert send(text="See https://luma.example")["text"]["preview_url"] is True
    hidden = send(address=ANA)
    assert (hidden["recipient"], "to" in hidden) == (ANA, False)


def test_sending_files() -> None:
    with platform() as server:
        server.answers(200, {"id": "9001", **SENT})
        config = at(CONFIG, server.base)
        channel.send(config, replace(outbound("private"), attachments=(file("tray.png", "image/png"),)))
        channel.send(config, replace(outbound("private"), text="", attachments=(file("note.ogg", "audio/ogg"),)))
        channel.send(config, replace(outbound("private"), attachments=(file("sheet.csv", "text/csv"),)))
        channel.send(config, replace(outbound("private"), attachments=(file("note.ogg", "audio/ogg"),)))
    upload, picture, _, sound, _, sheet, _, told = server.asked
    assert upload.path == f"/{NUMBER}/media"
    assert upload.headers["content-type"].startswith("multipart/form-data")
    assert b'name="messaging_product"\r\n\r\nwhatsapp' in upload.body
    assert b"data" in upload.body
    assert picture.json["image"] == {"id": "9001", "caption": "We are looking into it."}
    assert sound.json["audio"] == {"id": "9001"}
    assert told.json["document"]["caption"] == "We are looking into it."
    assert sheet.json["document"] == {"id": "9001", "filename": "sheet.csv", "caption": "We are looking into it."}


def test_an_upload_that_fails_may_be_tried_again() -> None:
    with platform() as server:
        server.status = 0
        with pytest.raises(ChannelError) as caught:
            channel.send(
                at(CONFIG, server.base), replace(outbound("private"), attachments=(file("a.png", "image/png"),))
            )
    assert caught.value.kind is ErrorKind.TRANSIENT


def test_buttons_or_a_list() -> None:
    two = send(choices=("Yes", "No"))["interactive"]
    assert two["type"] == "button"
    assert [button["reply"] for button in two["action"]["buttons"]] == [
        {"id": "choice-1", "title": "Yes"},
        {"id": "choice-2", "title": "No"},
    ]
    for more in (
        {"choices": ("S", "M", "L", "XL")},
        {"choices": ("Longer than twenty ch", "No")},
        {"choices": ("Yes", "No"), "text": "x" * 1025},
    ):
        told = send(**more)["interactive"]
        assert told["type"] == "list"
        assert told["action"]["button"] == "Choose"
        assert [row["title"] for row in told["action"]["sections"][0]["rows"]] == list(more["choices"])


def test_templates() -> None:
    template = Template("late", "de", "Hallo {{1}}, {{2}}", ("Ana", "LM-1"))
    asked = send(template=template, text="", last_inbound_at=None)
    assert asked["template"] == {
        "name": "late",
        "language": {"code": "de"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "LM-1"}]}
        ],
    }
    assert "components" not in send(template=Template("late", "de"))["template"]
    turned = send(template=Template("late", "de", "{{2}} for {{1}}, {{2}}!", ("LM-1", "Ana")))["template"]
    assert [one["text"] for one in turned["components"][0]["parameters"]] == ["Ana", "LM-1"]
    named = send(template=Template("late", "de", "Hello {{who}}", ("Ana",)))["template"]
    assert named["components"][0]["parameters"] == [{"type": "text", "parameter_name": "who", "text": "Ana"}]


def test_choices_beside_a_file() -> None:
    with platform() as server:
        server.answers(200, {"id": "9001", **SENT})
        for choices in (("Yes", "No"), ("1st", "2nd", "3rd", "4th")):
            answer = replace(outbound("private"), text="Look", attachments=(file("a.png", "image/png"),))
            channel.send(at(CONFIG, server.base), replace(answer, choices=choices))
    _, buttons, _, lines = server.asked
    assert buttons.json["interactive"]["header"] == {"type": "image", "image": {"id": "9001"}}
    assert lines.json["image"]["caption"] == "Look\n\n1. 1st\n2. 2nd\n3. 3rd\n4. 4th"


def test_templates_that_can_be_filled_are_listed() -> None:
    body = {"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["{{x}}"]]}}
    rows: list[Any] = [
        {"name": "good", "language": "de", "status": "APPROVED", "components": [body]},
        {"name": "footer", "language": "de", "components": [body, {"type": "FOOTER", "text": "Luma"}]},
        {"name": "named", "language": "de", "components": [{"type": "BODY", "text": "Hello {{first_name}}"}]},
        {"name": "strange", "language": "de", "components": [{"type": "BODY", "text": "Hello {{a b}}"}]},
        {"name": "picture", "language": "de", "components": [{"type": "HEADER", "format": "IMAGE"}, body]},
        {"name": "head", "language": "de", "components": [{"type": "HEADER", "format": "TEXT", "text": "{{1}}"}, body]},
        {"name": "waiting", "language": "de", "status": "PENDING", "components": [body]},
        {"name": 5, "language": "de", "components": [body]},
        {"name": "odd", "language": "de", "components": [5]},
        None,
    ]
    with platform() as server:
        server.answers(200, {"data": rows})
        found = channel.templates(at(CONFIG, server.base))
    assert found == [
        Template("good", "de", "Hello {{1}}"),
        Template("footer", "de", "Hello {{1}}"),
        Template("named", "de", "Hello {{first_name}}"),
    ]
    assert "status=APPROVED" in server.asked[0].path


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"text": " "}, ErrorKind.INVALID),
        ({"address": ""}, ErrorKind.INVALID),
        ({"visibility": "public"}, ErrorKind.INVALID),
        ({"mode": "private_reply"}, ErrorKind.INVALID),
        ({"last_inbound_at": None}, ErrorKind.WINDOW_CLOSED),
        ({"last_inbound_at": clock.now() - timedelta(hours=24)}, ErrorKind.WINDOW_CLOSED),
        ({"choices": tuple(map(str, range(11)))}, ErrorKind.INVALID),
        ({"choices": ("same", "same")}, ErrorKind.INVALID),
        ({"choices": ("x" * 25,)}, ErrorKind.TOO_LONG),
        ({"choices": ("",)}, ErrorKind.INVALID),
        ({"attachments": (file("a.png", "image/png"),), "text": "x" * 1025}, ErrorKind.TOO_LONG),
        ({"attachments": (file("a.png", "image/png"),) * 2}, ErrorKind.INVALID),
        ({"attachments": (file("a.png", "image/png", 6 << 20),)}, ErrorKind.INVALID),
        ({"template": Template("late", "de", "{{1}}")}, ErrorKind.INVALID),
        ({"template": Template("", "de")}, ErrorKind.INVALID),
    ],
)
def test_what_cannot_be_sent_asks_nobody(changes: dict[str, Any], kind: ErrorKind) -> None:
    assert refused(**changes).kind is kind


def test_the_platforms_words_are_kept_and_a_busy_customer_waits() -> None:
    with platform() as server:
        server.answers(400, refusal(131056, "Too many messages to one person."))
        with pytest.raises(ChannelError) as caught:
            channel.send(at(CONFIG, server.base), outbound("private"))
    assert caught.value.words == "(#131056) No. Too many messages to one person."
    assert caught.value.retry_after == 6.0


def _asked_for(url: Any, settings: dict[str, str] | None = None) -> tuple[Platform, Any]:
    with platform() as server:
        server.answers(200, {"url": url, "mime_type": "image/jpeg; x=1"})
        config = at(replace(CONFIG, settings={**CONFIG.settings, **(settings or {})}), server.base)
        return server, channel.source(config, Attachment("image", reference="5501", name="a.jpg"))


def test_where_files_are() -> None:
    server, found = _asked_for("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1")
    assert server.asked[0].path == f"/5501?phone_number_id={NUMBER}"
    assert (found.mime, found.own, found.name) == ("image/jpeg", False, "a.jpg")
    assert found.headers == {"authorization": "Bearer EAAB-token-of-the-sample"}
    for elsewhere in (
        "https://evil.example/x",
        "http://lookaside.fbsbx.com/x",
        "https://fbsbx.com.evil.example/",
        "//x",
    ):
        with pytest.raises(ChannelError) as caught:
            _asked_for(elsewhere)
        assert caught.value.permanent
    with pytest.raises(ChannelError):
        _asked_for(None)


def test_marking_as_read() -> None:
    with platform() as server:
        server.answers(200, {"success": True})
        channel.act(at(CONFIG, server.base), "seen", "wamid.IN1", "private")
    told = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN1"}
    assert server.asked[0].json == told


def becomes(event: Inbound) -> str:
    """What an event becomes, in the words of the table."""
    match event.kind:
        case Kind.MESSAGE:
            return ", ".join(["message", *(one.kind for one in event.attachments)])
        case Kind.IGNORED | Kind.FAILED | Kind.REVOKED:
            names = {Kind.FAILED: "failure", Kind.REVOKED: "access withdrawn"}
            return f"{names.get(event.kind, 'ignored')}: {event.reason}"
        case Kind.DELIVERED | Kind.READ:
            return f"receipt: {event.kind}"
        case _:
            return str(event.kind)


def test_recorded_webhooks() -> None:
    folder = Path(__file__).parents[5] / "shared" / "payloads" / "whatsapp"
    if not folder.is_dir():
        pytest.skip("../shared/payloads/whatsapp is absent.")
    found = {}
    for name, body in payloads(folder):
        (split,) = channel.split(orjson.loads(body), body, CONFIG)
        (event,) = channel.parse(split.body, CONFIG, RECEIVED)
        assert event.key == split.key
        assert not split.key.startswith("odd:"), name
        if not name.startswith("pywa_tests/"):
            found[name] = becomes(event)
    assert found == PAYLOADS
