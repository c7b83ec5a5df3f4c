"""X against its stand-in: through the door and by asking, out and back, with everything that goes wrong on the way."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import pytest

from parlour.cases import actions as cases
from parlour.cases.models import Attachment, Case, DeliveryState, Message
from parlour.channels import actions, contract, registry, signing_in
from parlour.channels.contract import ChannelError, File, Outbound
from parlour.channels.models import Inbox
from parlour.channels.queries import config
from parlour.lib import safe_http
from parlour.lib.signing import base64_signature
from parlour.playground import x_events as events
from parlour.playground.faults import Fault
from parlour.traffic import credentials, pipeline
from parlour.traffic.models import Arrival, ArrivalState
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def x(town: Town) -> Town:
    town.connect("x", handshake=True)
    town.stand.x.read_after = 0.0
    return town


def mention(town: Town, words: str = "my parcel is late", name: str = "Ana") -> str:
    return town.stand.tweet(name, f"@{town.stand.x.brand.username} {words}").id


def texts(direction: str = "in") -> list[str]:
    return list(Message.objects.filter(direction=direction).order_by("id").values_list("text", flat=True))


def test_a_mention_is_answered_in_public(x: Town) -> None:
    said = mention(x)
    x.drive()
    ours = x.answer(Case.objects.get(), "On its way.", "public")
    assert [(one.text, one.reply_to) for one in x.stand.x.sent_tweets] == [("On its way.", said)]
    x.drive()
    assert x.delivery(ours).state == DeliveryState.SENT
    assert Message.objects.count() == 2


def test_a_message_is_answered_and_read(x: Town) -> None:
    x.stand.dm("Ana", "Where is it?")
    x.drive()
    ours = x.answer(Case.objects.get(), "Here.")
    x.drive()
    assert x.delivery(ours).state == DeliveryState.READ
    assert Message.objects.count() == 2


def test_words_of_both_kinds_are_one_case(x: Town) -> None:
    mention(x)
    x.stand.dm("Ana", "And here is my number.")
    x.drive()
    assert Case.objects.count() == 1


def test_a_private_answer_to_a_public_post(x: Town) -> None:
    mention(x)
    x.drive()
    x.answer(Case.objects.get(), "Your number, please?")
    assert [one.text for one in x.stand.x.sent_dms] == ["Your number, please?"]
    x.drive()
    assert Message.objects.count() == 2


def test_edits_and_deletions_follow(x: Town) -> None:
    said = mention(x)
    x.drive()
    new = x.call(lambda: x.stand.x.edit(said, f"@{x.stand.x.brand.username} my parcel is very late"))
    x.drive()
    assert Message.objects.get().text.endswith("very late")
    x.call(lambda: x.stand.x.remove(new.id))
    x.drive()
    # X names the latest version; the message is known by its first.
    message = Message.objects.get()
    assert message.external_id == said
    assert message.deleted_at is not None


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("named", [0, 1, 2])
def test_the_deletion_of_any_version_is_seen(x: Town, named: int, at_once: bool) -> None:
    versions = [mention(x)]
    other = mention(x, "another one", "Ben")
    x.drive()
    for text in (f"@{x.stand.x.brand.username} is late", f"@{x.stand.x.brand.username} is very late"):
        last = versions[-1]
        versions.append(x.call(partial(x.stand.x.edit, last, text)).id)
        if not at_once:
            x.drive()
    x.call(lambda: x.stand.x.remove(versions[named]))
    x.drive()
    told = dict(Message.objects.values_list("external_id", "deleted_at"))
    assert told[versions[0]] is not None
    assert told[other] is None
    assert Message.objects.get(external_id=versions[0]).text.endswith("is very late")


def test_twice_delivered_and_out_of_order(x: Town) -> None:
    habits = x.stand.world.postman.habits
    habits.duplicates, habits.reorder, habits.held = 1.0, 0.5, 0.1
    for number in range(8):
        x.stand.dm("Ana", f"line {number}")
        mention(x, f"post {number}", "Ben")
    x.drive()
    x.drive()
    assert sorted(texts()) == sorted(
        [*(f"line {n}" for n in range(8)), *(f"@{x.stand.x.brand.username} post {n}" for n in range(8))]
    )


def test_what_was_missed_is_asked_for(x: Town) -> None:
    mention(x, "before")
    x.drive()
    target = x.stand.world.postman.targets["x"]
    there, target.url = target.url, ""
    ana, state = x.stand.user("Ana"), x.stand.x
    x.call(lambda: [state.tweet(ana, f"@{state.brand.username} gap {number}") for number in range(120)])
    x.stand.dm("Ana", "in the gap")
    target.url = there
    x.drive()
    x.drive()
    found = texts()
    assert len(found) == len(set(found)) == 122


def test_refusals_keep_the_words(x: Town) -> None:
    mention(x)
    x.drive()
    case = Case.objects.get()
    api = x.stand.x_api
    said = next(iter(x.stand.x.tweets.values()))
    x.call(lambda: setattr(said, "text", "the mention was edited away"))
    refused = x.delivery(x.answer(case, "Hello", "public"))
    assert (refused.state, refused.error_kind) == (DeliveryState.FAILED, "policy_block")
    assert "not been mentioned" in refused.error_words
    assert "direct message" in refused.error_words
    api.spent = True
    refused = x.delivery(x.answer(case, "Hello again", "public"))
    assert refused.error_kind == "policy_block"
    assert "Usage cap exceeded" in refused.error_words
    api.spent = False
    x.stand.x.closed.add(x.stand.user("Ana").id)
    refused = x.delivery(x.answer(case, "Hello in private"))
    assert (refused.state, refused.error_kind) == (DeliveryState.FAILED, "recipient_unavailable")


def test_a_limit_puts_the_answer_off_and_nothing_is_sent_twice(x: Town) -> None:
    x.stand.dm("Ana", "Hello?")
    x.drive()
    x.stand.x_api.faults.add(Fault(status=429, seconds=300, method="POST"))
    waiting = x.delivery(ours := x.answer(Case.objects.get(), "Hi."))
    assert (waiting.state, waiting.error_kind) == (DeliveryState.QUEUED, "rate_limited")
    assert waiting.due_at - waiting.message.stored_at > timedelta(seconds=250)
    assert x.stand.x.sent_dms == []
    type(waiting).objects.filter(pk=waiting.pk).update(due_at=waiting.message.stored_at)
    x.send()
    assert x.delivery(ours).state == DeliveryState.SENT
    assert len(x.stand.x.sent_dms) == 1


def test_an_answer_without_an_answer_is_settled_by_its_echo(x: Town) -> None:
    mention(x)
    x.drive()
    x.stand.x_api.faults.add(Fault(how="drop_after", method="POST"))
    ours = x.answer(Case.objects.get(), "We look into it.", "public")
    assert x.delivery(ours).state == DeliveryState.UNCERTAIN
    x.drive()
    assert x.delivery(ours).state == DeliveryState.SENT
    assert len(x.stand.x.sent_tweets) == 1
    assert Message.objects.count() == 2


def test_an_access_token_that_has_expired_is_renewed(x: Town) -> None:
    access = x.stand.x_api.access
    inbox = x.inboxes["x"]
    names = ("client_id", "client_secret", "refresh_token")
    actions.update_settings(inbox.pk, {name: getattr(access, name) for name in names})
    x.call(access.expire)
    for turn in (1, 2):
        stored = Inbox.objects.get(pk=inbox.pk)
        assert credentials.expired(stored, "Unauthorized")
        fresh = Inbox.objects.get(pk=inbox.pk)
        assert (access.renewals, fresh.settings["access_token"]) == (turn, access.token)
        assert fresh.settings["refresh_token"] == f"x-refresh-token-{turn}"
        # The next one expires in its own time: so soon after a renewal it would not be asked for again.
        Inbox.objects.filter(pk=inbox.pk).update(renewed_at=None)
    mention(x)
    x.stand.settle()
    x.drive()
    assert Inbox.objects.get(pk=inbox.pk).health == Inbox.Health.OK


def test_an_inbox_that_listens(town: Town) -> None:
    town.connect("x", search='Luma (router OR "fibre line") lang:en')
    town.stand.tweet("Ana", "Is the Luma router any good?")
    town.stand.tweet("Ben", "Lovely weather")
    town.call(lambda: town.stand.x.tweet(town.stand.x.brand, "The new Luma router is here"))
    for _ in range(2):
        town.drive()
    assert texts() == ["Is the Luma router any good?"]
    town.stand.tweet("Cem", "My Luma fibre line is slow")
    town.drive()
    assert texts()[1:] == ["My Luma fibre line is slow"]
    # X lets nobody answer who was not called; an enterprise account may.
    case = Case.objects.get(customer__name="Ana")
    assert town.delivery(town.answer(case, "It is!", "public")).error_kind == "policy_block"
    town.stand.x_api.summoned_only = False
    assert town.delivery(town.answer(case, "It is good!", "public")).state == DeliveryState.SENT


def test_a_picture_of_a_message_is_had_through_the_api(x: Town) -> None:
    ana = x.stand.user("Ana")
    x.call(lambda: x.stand.x.dm(ana, "My screen", b"\xff\xd8\xff picture"))
    x.drive()
    channel, inbox = registry.get("x"), config(x.inboxes["x"])
    stored = Attachment.objects.get()
    assert stored.kind == "image"
    source = channel.source(inbox, contract.Attachment("image", stored.url))
    got = safe_http.fetch(source.url, most=1000, headers=source.headers, own=source.own)
    assert got.content == b"\xff\xd8\xff picture"


def test_an_account_is_connected_by_signing_in(x: Town) -> None:
    access, inbox = x.stand.x_api.access, x.inboxes["x"]
    told = {"client_id": access.client_id, "client_secret": access.client_secret}
    known = config(actions.update_settings(inbox.pk, told))
    oauth = registry.get("x").oauth
    assert oauth is not None
    journey = signing_in.begin(oauth, known, "https://desk.example.com/back")
    asked = dict(parse_qsl(urlsplit(journey.address).query))
    assert journey.address.startswith("https://x.com/i/oauth2/authorize?")
    assert {"dm.write", "offline.access", "media.write"} <= set(asked["scope"].split())
    code = x.call(lambda: access.agree(asked["code_challenge"]))
    gained = signing_in.finish(oauth, known, "https://desk.example.com/back", journey.verifier, code)
    assert gained == {"access_token": access.token, "refresh_token": access.refresh_token}
    actions.update_settings(inbox.pk, gained)
    assert "Luma Help" in registry.get("x").check(config(Inbox.objects.get(pk=inbox.pk)))
    with pytest.raises(ChannelError):
        signing_in.finish(oauth, known, "https://desk.example.com/back", journey.verifier, code)


def test_answers_under_our_posts_are_hidden_and_ours_are_deleted(x: Town) -> None:
    state = x.stand.x
    ours = x.call(lambda: state.tweet(state.brand, "Good morning!"))
    rude = x.stand.tweet("Ana", "You are all thieves", ours.id)
    x.drive()
    said = Message.objects.get(external_id=rude.id)
    for act, hidden in (("hide", True), ("unhide", False)):
        cases.act(said.pk, act, by=x.agent())
        x.send()
        assert (state.tweets[rude.id].hidden, Message.objects.get(pk=said.pk).hidden) == (hidden, hidden)
    answer = x.answer(Case.objects.get(), "Please be kind.", "public")
    cases.act(answer.pk, "delete", by=x.agent())
    x.send()
    assert state.sent_tweets[-1].removed
    x.drive()
    assert Message.objects.get(pk=answer.pk).deleted_at is not None


def test_the_same_message_through_both_apis_is_one(x: Town) -> None:
    inbox, dm = x.inboxes["x"], x.stand.dm("Ana", "Once only")
    x.drive()
    event = events.dm_payload(dm)["direct_message_events"][0]
    body = orjson.dumps({"for_user_id": x.stand.x.brand.id, "direct_message_events": [event]})
    headers = {"x-twitter-webhooks-signature": base64_signature(str(inbox.settings["consumer_secret"]), body)}
    assert httpx.post(x.door + inbox.webhook_path, content=body, headers=headers).status_code == 200
    x.drive()
    assert texts() == ["Once only"]


def test_withdrawn_access_asks_for_attention(x: Town) -> None:
    inbox, user = x.inboxes["x"], x.stand.x.brand.id
    revoke = {"date_time": "2026-11-22T08:00:00Z", "source": {"user_id": user}, "target": {"app_id": "1"}}
    body = orjson.dumps({"user_event": {"revoke": revoke}})
    headers = {"x-twitter-webhooks-signature": base64_signature(str(inbox.settings["consumer_secret"]), body)}
    httpx.post(x.door + inbox.webhook_path, content=body, headers=headers)
    pipeline.run("town")
    assert Inbox.objects.get(pk=inbox.pk).health == Inbox.Health.ATTENTION


def test_hostile_words_stay_words(x: Town) -> None:
    evil = "<script>alert(1)</script>\u202egnp.exe"
    x.stand.dm(evil, f"{evil} <img src=x onerror=alert(1)>")
    x.drive()
    message = Message.objects.get()
    assert message.text == f"{evil} <img src=x onerror=alert(1)>"
    assert message.identity is not None
    assert "\u202e" not in message.identity.name
    assert "<script>" in message.identity.name


def test_what_is_forged_or_odd_does_no_harm(x: Town) -> None:
    inbox = x.inboxes["x"]
    address, secret = x.door + inbox.webhook_path, str(inbox.settings["consumer_secret"])
    dm = {"data": {"event_type": "dm.received", "event_uuid": "-5", "payload": {"direct_message_events": [{"id": []}]}}}
    bodies = [orjson.dumps(dm), b'{"data":{"event_type":5,"payload":7}}', b'{"for_user_id":[],"tweet_create_events":5}']
    for body in bodies:
        assert httpx.post(address, content=body).status_code == 403
        forged = {"x-twitter-webhooks-signature": base64_signature("wrong", body)}
        assert httpx.post(address, content=body, headers=forged).status_code == 403
    assert Arrival.objects.count() == 0
    for body in bodies:
        signed = {"x-twitter-webhooks-signature": base64_signature(secret, body)}
        assert httpx.post(address, content=body, headers=signed).status_code == 200
    x.drive()
    assert Message.objects.count() == 0
    assert set(Arrival.objects.values_list("state", flat=True)) <= {ArrivalState.PARKED, ArrivalState.IGNORED}


def test_files_go_with_posts_and_messages(x: Town) -> None:
    said = mention(x)
    channel, inbox = registry.get("x"), config(x.inboxes["x"])
    ana = x.stand.user("Ana").id
    picture = File("a.png", "image/png", 400_000, lambda: b"\x89PNG" + b"x" * 399_996)
    video = File("a.mp4", "video/mp4", 500_000, lambda: b"x" * 500_000)
    post = Outbound("Look", "public", "reply", f"{said}/{ana}", "", said, ana, "r1", attachments=(picture, picture))
    channel.send(inbox, post)
    assert len(x.stand.x.sent_tweets[-1].files) == 2
    message = Outbound("", "private", "reply", "", ana, "", ana, "r2", attachments=(video,))
    channel.send(inbox, message)
    (file,) = x.stand.x.sent_dms[-1].files
    assert len(x.stand.x_api.uploads.kept[file].content) == 500_000
