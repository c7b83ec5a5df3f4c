"""The channels against their stand-ins: what one side says, the other understands."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from parlour.channels import registry
from parlour.channels.contract import ChannelError, DoorRequest, ErrorKind, InboxConfig, Kind, Outbound
from parlour.lib import clock
from parlour.playground.faults import Fault
from parlour.playground.main import Stand
from parlour.playground.postman import Habits


@pytest.fixture(scope="module")
def stand():
    with Stand() as running:
        running.graph.delivered_after = running.graph.read_after = running.x.read_after = 0.0
        yield running


def config(stand: Stand, channel: str) -> InboxConfig:
    return InboxConfig(1, "key", channel, stand.settings(channel))


def outbound(**changed) -> Outbound:
    told = {
        "text": "Hello",
        "visibility": "private",
        "mode": "reply",
        "thread": "",
        "address": "",
        "target": "",
        "author": "",
        "reference": "ref-9",
        "last_inbound_at": clock.now(),
    }
    return Outbound(**{**told, **changed})


def refusal(action) -> ErrorKind:
    with pytest.raises(ChannelError) as caught:
        action()
    return caught.value.kind


def test_facebook_answers_hides_and_deletes(stand: Stand) -> None:
    facebook, inbox = registry.get("facebook"), config(stand, "facebook")
    comment = stand.say_comment("Ada", "Where is it?")
    assert "Luma" in facebook.check(inbox)
    receipt = facebook.send(inbox, outbound(visibility="public", thread=f"{comment.post_id}/1", target=comment.id))
    assert stand.graph.answers[-1].id == receipt.external_id
    private = facebook.send(inbox, outbound(mode="private_reply", target=comment.id))
    assert private.thread is not None
    assert private.thread.address == stand.person("Ada").psid
    assert stand.graph.sent[-1].metadata == "ref-9"
    assert (
        refusal(lambda: facebook.send(inbox, outbound(mode="private_reply", target=comment.id)))
        is ErrorKind.ALREADY_REPLIED
    )
    for act in ("hide", "unhide", "like", "delete"):
        facebook.act(inbox, act, comment.id, "public")
    assert comment.removed
    assert comment.liked
    gone = outbound(visibility="public", thread="1/1", target=comment.id)
    assert refusal(lambda: facebook.send(inbox, gone)) is ErrorKind.TARGET_DELETED


def test_messenger_sends_and_meets_each_refusal(stand: Stand) -> None:
    messenger, inbox = registry.get("messenger"), config(stand, "messenger")
    stand.say_private("Bob", "hello")
    bob = stand.person("Bob")
    to_bob = outbound(thread=bob.psid, address=bob.psid)
    assert messenger.send(inbox, to_bob).external_id == stand.graph.sent[-1].mid
    wrong = InboxConfig(1, "key", "messenger", {**inbox.settings, "access_token": "wrong"})
    assert refusal(lambda: messenger.send(wrong, to_bob)) is ErrorKind.AUTH_EXPIRED
    for fault, kind in (
        (Fault(status=500, code=2), ErrorKind.TRANSIENT),
        (Fault(status=429, code=613), ErrorKind.RATE_LIMITED),
        (Fault(how="drop_after"), ErrorKind.UNKNOWN_OUTCOME),
    ):
        stand.graph_api.faults.add(fault)
        assert refusal(lambda: messenger.send(inbox, to_bob)) is kind
    stand.graph.chats[bob.psid].blocked = True
    assert refusal(lambda: messenger.send(inbox, to_bob)) is ErrorKind.RECIPIENT_UNAVAILABLE
    stand.graph.chats[bob.psid].blocked = False
    stand.graph.chats[bob.psid].last_inbound_at = clock.now() - timedelta(hours=25)
    assert refusal(lambda: messenger.send(inbox, to_bob)) is ErrorKind.WINDOW_CLOSED


def test_x_posts_writes_and_meets_each_refusal(stand: Stand) -> None:
    x, inbox = registry.get("x"), config(stand, "x")
    mention = stand.tweet("Cleo", "@LumaHelp no signal")
    assert "LumaHelp" in x.check(inbox)
    public = outbound(visibility="public", thread=mention.id, target=mention.id, author=mention.author.id)
    assert x.send(inbox, public).external_id == stand.x.sent_tweets[-1].id
    receipt = x.send(inbox, outbound(mode="private_reply", target=mention.id, author=mention.author.id))
    assert receipt.external_id == stand.x.sent_dms[-1].id
    ours = stand.call(lambda: stand.x.tweet(stand.x.brand, "Good morning"))
    reply = stand.tweet("Cleo", "rude", ours.id)
    x.act(inbox, "hide", reply.id, "public")
    assert reply.hidden
    stranger = stand.tweet("Dan", "no mention of anybody")
    assert refusal(lambda: x.send(inbox, outbound(visibility="public", target=stranger.id))) is ErrorKind.POLICY_BLOCK
    stand.x.closed.add(mention.author.id)
    closed = outbound(mode="private_reply", target=mention.id, author=mention.author.id)
    assert refusal(lambda: x.send(inbox, closed)) is ErrorKind.RECIPIENT_UNAVAILABLE
    stand.x_api.faults.add(Fault(status=429, seconds=7))
    with pytest.raises(ChannelError) as caught:
        x.send(inbox, outbound(visibility="public", target=mention.id, text="Other words"))
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    assert caught.value.retry_after
    stand.call(lambda: stand.x.remove(mention.id))
    late = outbound(visibility="public", target=mention.id, text="Late")
    assert refusal(lambda: x.send(inbox, late)) is ErrorKind.TARGET_DELETED


def test_x_is_polled(stand: Stand) -> None:
    x, inbox = registry.get("x"), config(stand, "x")
    mention, message = stand.tweet("Eve", "@LumaHelp are you there?"), stand.dm("Eve", "hello by message")
    found: list[str] = []
    poll = x.poll(inbox, {})
    while True:
        found += [inbound.external_id for split in poll.events for inbound in x.parse(split.body, inbox, clock.now())]
        if not poll.more:
            break
        poll = x.poll(inbox, poll.cursor)
    assert {mention.id, message.id} <= set(found)


def test_what_customers_do_is_understood(door) -> None:
    targets = {channel: f"{door.base}/in/{channel}/k" for channel in ("facebook", "messenger", "x")}
    with Stand(targets, habits=Habits()) as stand:
        stand.graph.delivered_after = stand.graph.read_after = stand.x.read_after = 0.0
        comment = stand.say_comment("Ada", "Wehre is it?")
        stand.call(lambda: stand.graph.edit(comment.id, "Where is it?"))
        stand.call(lambda: stand.graph.page_comment("Soon", comment.id))
        stand.call(lambda: stand.graph.page_hide(comment, True))
        stand.call(lambda: stand.graph.remove(comment.id))
        line = stand.say_private("Ada", "helo")
        stand.call(lambda: stand.graph.edit_message(stand.person("Ada"), line.mid, "hello"))
        stand.call(
            lambda: stand.graph.page_message(stand.graph.chats[stand.person("Ada").psid], "Hi", metadata="ref-1")
        )
        tweet = stand.tweet("Ada", "@LumaHelp hi")
        stand.call(lambda: stand.x.brand_tweet("Hello", tweet.id))
        stand.dm("Ada", "psst")
        stand.call(lambda: stand.x.brand_dm(stand.user("Ada"), "yes?"))
        stand.settle()
        told: dict[str, list[Kind]] = {}
        for path, headers, body in door.got:
            name = path.split("/")[2]
            channel, inbox = registry.get(name), config(stand, name)
            channel.verify(DoorRequest("POST", headers, {}, body), inbox)
            for split in channel.split(orjson.loads(body), body, inbox):
                told.setdefault(name, []).extend(one.kind for one in channel.parse(split.body, inbox, clock.now()))
    assert told["facebook"] == [Kind.ECHO, Kind.MESSAGE, Kind.EDIT, Kind.ECHO, Kind.HIDE, Kind.DELETE]
    assert told["messenger"] == [Kind.MESSAGE, Kind.EDIT, Kind.ECHO, Kind.DELIVERED, Kind.READ]
    assert told["x"] == [Kind.MESSAGE, Kind.ECHO, Kind.MESSAGE, Kind.ECHO, Kind.READ]
