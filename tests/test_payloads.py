"""Every recorded payload goes in through the real door, signed, and comes out as the right message or with the reason why not.

The table names every file. A file that is added to the folders fails the test until somebody has said here what should become of it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from parlour.lib.signing import base64_signature, hex_signature
from tests.desk import Desk, eventually

pytestmark = pytest.mark.whole

FOLDERS = ("facebook_page", "messenger", "x", "generic_webhook")
SECRET = "a-secret-of-the-payloads"
WHSEC = "whsec_" + b64encode(b"k" * 32).decode()


@dataclass(frozen=True)
class Becomes:
    """One message. ``author``: external id of the customer who wrote it, or whom our words were said to."""

    text: str
    author: str | None
    direction: str = "in"
    visibility: str = "private"
    attachments: str = ""
    """Kinds, separated by spaces."""
    at: str = ""
    """How its time begins; not looked at when empty."""


@dataclass(frozen=True)
class Ignored:
    """No message, and these words in the reason."""

    because: str


@dataclass(frozen=True)
class NotInbound:
    """No webhook at all."""

    since: str


ANSWER = NotInbound("An answer of the platform's API, which nobody posts to a door.")
REQUEST = NotInbound("A request to the platform's API, which we send.")
ERROR = NotInbound("An error of the platform's API.")
POLLED = NotInbound("A page of the API, fetched by polling.")
SPECIFICATION = NotInbound("A specification or test vectors of its text rules.")

X_OTHER = "2222222222222222222"
PSID = "2348927398743287"

FACEBOOK: dict[str, Becomes | Ignored | NotInbound] = {
    "comments_with_can_reply_privately_response.json": ANSWER,
    "private_reply_request.json": REQUEST,
    "inbox_labels_change.json": Ignored("Events of the field 'inbox_labels' are not kept."),
}
MESSENGER: dict[str, Becomes | Ignored | NotInbound] = {
    "message_text.json": Becomes("hello, world!", PSID, at="2016-03-23"),
    "message_edit.json": Becomes("<TEXT>", PSID, at="2016-03-23"),
    "message_sticker_transition.json": Becomes("", PSID, attachments="sticker", at="2016-03-23"),
    "message_attachment_image.json": Becomes("", PSID, attachments="image", at="2016-03-23"),
    "message_fallback_link.json": Becomes(
        "This is where I want to go: https://youtu.be/bbo_fZAjIhg", PSID, attachments="link", at="2020-03-02"
    ),
    "postback_get_started_with_ref.json": Becomes("Get Started", PSID, at="2016-03-23"),
    "postback_changes_style_doc.json": Becomes("TITLE-FOR-THE-CTA", "user_ref:USER-REF-ID", at="2018-05-27"),
    "echo_text.json": Becomes("hello, world!", PSID, "out", at="2016-03-12"),
    "echo_template_standby.json": Becomes("", PSID, "out", attachments="other", at="2019-10-02"),
    "delivery.json": Ignored("A receipt for nothing that was sent from here."),
    "handover_pass.json": Ignored("The thread was passed between apps."),
    "referral_mme.json": Ignored("without words"),
    "error_token.json": ERROR,
    "error_unavailable.json": ERROR,
    "error_window.json": ERROR,
}
X: dict[str, Becomes | Ignored | NotInbound] = {
    "activity_api/post.mention.create.json": Becomes("hey @ExampleUser", X_OTHER, visibility="public", at="2026-07-24"),
    "activity_api/post.create.json": Becomes("Hello from the Activity API", None, "out", "public", at="2026-07-24"),
    "activity_api/dm.received.json": Becomes("hello!", X_OTHER, at="2026-07-24"),
    "activity_api/chat.received.json": Becomes(
        "Encrypted message: it can only be read in the X app.", X_OTHER, at="2026-07-23"
    ),
    "docs/real-time-events-payload-shape-live.json": Becomes(
        "Encrypted message: it can only be read in the X app.", "1843439638876491776"
    ),
    "account_activity/direct-message-events.json": Becomes("Hello World!", "3001969357", at="2018-01-19"),
    "account_activity/tweet-delete-events.json": Ignored("It deletes a message that never came."),
    "account_activity/direct-message-indicate-typing-events.json": Ignored("Typing is not kept."),
    "activity_api/post.repost.create.json": Ignored("A repost says nothing of its own."),
    "activity_api/top.json": Ignored("X sent post.create without content."),
    "activity_api/follow.unfollow.json": Ignored("Follows are not kept."),
    "activity_api/news.new.json": Ignored("News are not kept."),
    "activity_api/spaces.end.json": Ignored("Spaces are not kept."),
    "activity_api/broadcast.start.json": Ignored("Broadcasts are not kept."),
    "activity_api/broadcast.end.json": Ignored("Broadcasts are not kept."),
    "activity_api/profile.update.geo.json": Ignored("Changes of a profile are not kept."),
    "activity_api/profile.update.url.json": Ignored("Changes of a profile are not kept."),
    "activity_api/profile.update.banner-picture.json": Ignored("Changes of a profile are not kept."),
    "docs/activity_quickstart-getting-the-events.json": Ignored("Changes of a profile are not kept."),
    "dm_v2/example-events.json": POLLED,
    "dm_v2/example-events-2.json": POLLED,
    "dm_v2/example-events-3.json": POLLED,
    "docs/direct-messages_lookup_quickstart-response.json": POLLED,
    "docs/direct-messages_lookup_quickstart-response-with-expansion.json": POLLED,
    "docs/posts_timelines_quickstart_user-mention-quickstart-get-user-mentions.json": POLLED,
    "dm_v2_send/media-attachments.json": REQUEST,
    "dm_v2_send/sharing-posts.json": REQUEST,
    "docs/activity_quickstart-creating-a-subscription.json": REQUEST,
    "docs/posts_manage-tweets_quickstart-create-a-post.json": REQUEST,
    "docs/activity_quickstart-create-subscription.json": ANSWER,
    "docs/activity_quickstart-creating-a-subscription-2.json": ANSWER,
    "docs/activity_quickstart-delete-subscription.json": ANSWER,
    "docs/activity_quickstart-getting-user-ids.json": ANSWER,
    "docs/activity_quickstart-list-subscriptions.json": ANSWER,
    "docs/activity_quickstart-update-subscription.json": ANSWER,
    "docs/direct-messages_manage_quickstart-create-a-group-conversation.json": ANSWER,
    "docs/direct-messages_manage_quickstart-delete-a-message.json": ANSWER,
    "docs/direct-messages_manage_quickstart-send-a-one-to-one-message.json": ANSWER,
    "docs/posts_manage-tweets_quickstart-create-a-post-2.json": ANSWER,
    "docs/posts_manage-tweets_quickstart-delete-a-post.json": ANSWER,
    "docs/webhooks_quickstart-create-a-webhook.json": ANSWER,
    "docs/webhooks_quickstart-delete-a-webhook.json": ANSWER,
    "docs/webhooks_quickstart-validate-and-re-enable-a-webhook.json": ANSWER,
    "docs/webhooks_quickstart-view-webhooks.json": ANSWER,
    "docs/webhooks_quickstart-view-webhooks-2.json": ANSWER,
    "docs/webhooks_quickstart-how-the-crc-works.json": NotInbound("What we answer to a challenge of X."),
    "docs/fundamentals_response-codes-and-errors-error-response-format.json": ERROR,
    "docs/fundamentals_response-codes-and-errors-partial-errors.json": ERROR,
    "openapi_subset.json": SPECIFICATION,
    "twitter_text/config_v1.json": SPECIFICATION,
    "twitter_text/config_v2.json": SPECIFICATION,
    "twitter_text/config_v3.json": SPECIFICATION,
    "twitter_text/conformance_extract.json": SPECIFICATION,
    "twitter_text/conformance_validate.json": SPECIFICATION,
}
GENERIC: dict[str, Becomes | Ignored | NotInbound] = {
    "standard_webhooks_spec_payload.json": Ignored("contact.created"),
    "standard_webhooks_vector.json": NotInbound(
        "A signature of 2021; the test below shows that it is too old for the door."
    ),
    "signature_vectors_computed.json": NotInbound(
        "Signatures; the test below sends the one of Meta, and asks the challenge of X."
    ),
}
TABLE = {
    f"{folder}/{name}": outcome
    for folder, files in zip(FOLDERS, (FACEBOOK, MESSENGER, X, GENERIC), strict=True)
    for name, outcome in files.items()
}
CHANNEL = {"facebook_page": "facebook", "messenger": "messenger", "x": "x", "generic_webhook": "api"}
META = {
    "page_id": "1234567890",
    "app_secret": SECRET,
    "verify_token": "v",
    "access_token": "t",
    "api_base": "http://127.0.0.1:9",
}
X_SETTINGS = {"consumer_secret": SECRET, "access_token": "t", "api_base": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("payloads")) as desk:
        yield desk.warm_up().start()


def test_the_table_names_every_file_and_no_other(shared: Path) -> None:
    payloads = shared / "payloads"
    there = {
        str(path.relative_to(payloads)) for name in FOLDERS for path in (payloads / name).rglob("*") if path.is_file()
    }
    assert there == set(TABLE)


def _settings(channel: str, payload: dict[str, object]) -> dict[str, str]:
    """Settings with the ids of the file, so that it is about this inbox."""
    if channel == "api":
        return {"secret": WHSEC}
    if channel != "x":
        return META
    data = payload.get("data")
    account = payload.get("for_user_id")
    if isinstance(data, dict):
        account = data.get("filter", {}).get("user_id") or data["payload"].get("conversation_id", "1").split("-")[0]
    return X_SETTINGS | {"user_id": str(account)}


def _signed(channel: str, body: bytes) -> dict[str, str]:
    if channel == "x":
        return {"x-twitter-webhooks-signature": base64_signature(SECRET, body)}
    if channel != "api":
        return {"x-hub-signature-256": hex_signature(SECRET, body)}
    from standardwebhooks.webhooks import Webhook

    from parlour.lib.clock import now

    at = now()
    signature = Webhook(WHSEC).sign("msg_1", at, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@pytest.mark.parametrize("name", [name for name, outcome in TABLE.items() if not isinstance(outcome, NotInbound)])
def test_a_recorded_webhook_becomes_what_the_table_says(name: str, live: Desk, shared: Path) -> None:
    body, outcome = (shared / "payloads" / name).read_bytes(), TABLE[name]
    channel = CHANNEL[name.partition("/")[0]]
    inbox = live.add_inbox(channel, brand=name[-70:], **_settings(channel, orjson.loads(body)))
    for _ in range(2):  # platforms say things twice
        answer = httpx.post(live.url + inbox["webhook_path"], content=body, headers=_signed(channel, body))
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    state, reason = eventually(lambda: _handled(live, inbox["id"]))
    assert live.rows("SELECT count(*) FROM traffic_arrival WHERE inbox_id = %s", inbox["id"]) == [(1,)]
    messages = live.rows(
        "SELECT m.text, i.external_id, p.external_id, m.direction, m.visibility, m.sent_at, m.id FROM cases_message m"
        " LEFT JOIN customers_identity i ON i.id = m.identity_id LEFT JOIN cases_thread t ON t.id = m.thread_id"
        " LEFT JOIN customers_identity p ON p.id = t.identity_id WHERE m.inbox_id = %s",
        inbox["id"],
    )
    if isinstance(outcome, Ignored):
        assert messages == []
        assert outcome.because in reason
        # A receipt for nothing is dealt with and done; everything else is ignored by name.
        assert state == ("done" if outcome.because.startswith("A receipt") else "ignored")
        return
    assert isinstance(outcome, Becomes)
    assert state == "done", reason
    assert len(messages) == 1
    text, writer, partner, direction, visibility, at, message_id = messages[0]
    author = writer if direction == "in" else partner
    assert (text, author, direction, visibility) == (
        outcome.text,
        outcome.author,
        outcome.direction,
        outcome.visibility,
    )
    assert str(at).startswith(outcome.at)
    kinds = live.rows("SELECT kind FROM cases_attachment WHERE message_id = %s ORDER BY id", message_id)
    assert " ".join(kind for (kind,) in kinds) == outcome.attachments


def _handled(desk: Desk, inbox_id: int) -> tuple[str, str] | None:
    """State and reason of the one arrival. What waits for another message that will not come has its hours of waiting cut short."""
    rows = desk.rows("SELECT state, reason, attempts FROM traffic_arrival WHERE inbox_id = %s", inbox_id)
    if rows and rows[0][0] == "new" and 0 < rows[0][2] < 100:
        desk.rows(
            "UPDATE traffic_arrival SET attempts = 100, due_at = received_at WHERE state = 'new' AND inbox_id = %s",
            inbox_id,
        )
    return (rows[0][0], rows[0][1]) if rows and rows[0][0] != "new" else None


def test_the_recorded_signatures_hold_at_the_door(live: Desk, shared: Path) -> None:
    vectors = orjson.loads((shared / "payloads/generic_webhook/signature_vectors_computed.json").read_bytes())
    meta, crc = vectors["meta_x_hub_signature_256"], vectors["x_crc"]
    page = live.add_inbox("messenger", brand="Vectors", **META | {"page_id": "1", "app_secret": meta["app_secret"]})
    answer = httpx.post(
        live.url + page["webhook_path"], content=meta["body"], headers={"x-hub-signature-256": meta["header"]}
    )
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0})
    x = live.add_inbox("x", brand="Vectors", **X_SETTINGS | {"user_id": "1", "consumer_secret": crc["consumer_secret"]})
    answer = httpx.get(live.url + x["webhook_path"], params={"crc_token": crc["crc_token"]})
    assert (answer.status_code, answer.json()) == (200, {"response_token": crc["response_token"]})


def test_a_recorded_signature_of_2021_is_too_old(live: Desk, shared: Path) -> None:
    vector = orjson.loads((shared / "payloads/generic_webhook/standard_webhooks_vector.json").read_bytes())
    inbox = live.add_inbox("api", brand="Vectors", secret=vector["secret"])
    headers = {name: vector[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
    answer = httpx.post(live.url + inbox["webhook_path"], content=vector["body"], headers=headers)
    assert answer.status_code == 403
    assert "five minutes" in answer.json()["detail"]
