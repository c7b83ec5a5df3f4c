"""The pages: what is shown, what is not, and that nothing a customer writes is taken for markup."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from parlour.playground.web import Reply, Request
from parlour.playground.wires import made_up
from parlour.playground.world import World

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}\u202e"


@pytest.fixture
def world() -> World:
    return World(made_up(), speed=1.0)


def get(world: World, path: str) -> str:
    reply = world.pages.handle(Request("GET", path))
    assert reply.status == 200
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    return reply.body.decode()


def say(world: World, headers: dict[str, str] | None = None, **form: str) -> Reply:
    return world.pages.handle(Request("POST", "/say", {}, headers or {}, urlencode(form).encode()))


def test_hostile_names_and_words_are_escaped_everywhere(world: World) -> None:
    person, user = world.page.person(HOSTILE), world.x.user(HOSTILE)
    post = world.page.post(person, HOSTILE)
    world.page.comment(person, HOSTILE, post.id)
    world.page.message(person, HOSTILE)
    world.page.page_message(world.page.chats[person.psid], HOSTILE, about=post.id)
    tweet = world.x.tweet(user, HOSTILE)
    world.x.tweet(user, HOSTILE, tweet.id)
    world.x.dm(user, HOSTILE)
    for path in ("/", "/facebook", "/messenger", f"/messenger/{person.psid}", "/x", "/x/dm", f"/x/dm/{user.id}"):
        text = get(world, path)
        assert "&lt;script&gt;alert(1)" in text, path
        assert "{{ 7*7 }}" in text, path
        assert "<script>alert" not in text, path
        assert "<img" not in text, path


def test_hidden_and_removed_words_are_not_shown(world: World) -> None:
    ada = world.page.person("Ada Stern")
    post = world.page.post(None, "Offer")
    hidden, gone = world.page.comment(ada, "hidden words", post.id), world.page.comment(ada, "removed words", post.id)
    world.page.page_hide(hidden, True)
    world.page.remove(gone.id)
    text = get(world, "/facebook")
    assert "hidden words" not in text
    assert "removed words" not in text
    assert "A comment was hidden by Luma" in text
    assert "1 hidden comment cannot be read" in text


def test_a_newcomer_plays_the_customer(world: World) -> None:
    assert say(world, do="post", name="Neo", text="Hello Luma", back="/facebook").headers["location"] == "/facebook"
    post = next(iter(world.page.posts.values()))
    say(world, do="comment", name="Neo", text="More", on=post.id)
    say(world, do="message", name="Neo", text="In private")
    say(world, do="tweet", name="Neo", text="@LumaHelp hi")
    say(world, do="dm", name="Neo", text="psst")
    say(world, do="edit", on=post.id, text="Hello again")
    assert [item.text for item in world.page.posts.values()] == ["Hello again", "More"]
    assert len(world.page.people) == 1
    assert world.x.dms[0].sender is next(iter(world.x.tweets.values())).author
    say(world, do="delete", on=post.id)
    assert post.removed
    assert say(world, do="comment", name="Neo", text="late", on=post.id).status == 404
    assert say(world, do="nonsense", text="x").status == 404


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie: x=1", "", "/é"]
)
def test_the_way_back_stays_on_our_pages(world: World, back: str) -> None:
    assert say(world, do="post", text="x", back=back).headers["location"] == "/"


def test_other_sites_cannot_make_customers_speak(world: World) -> None:
    own = {"host": "127.0.0.1:8001", "origin": "http://127.0.0.1:8001"}
    assert say(world, own, do="post", text="x").status == 303
    assert say(world, {**own, "origin": "http://evil.example"}, do="post", text="x").status == 403
    assert say(world, {"host": "127.0.0.1:8001", "sec-fetch-site": "cross-site"}, do="post", text="x").status == 403
    assert len(world.page.posts) == 1


def test_the_cast_is_paused_and_hurried(world: World) -> None:
    assert world.director is not None
    world.pages.handle(Request("POST", "/director", body=b"do=pause"))
    world.pages.handle(Request("POST", "/director", body=b"speed=5.0"))
    world.pages.handle(Request("POST", "/director", body=b"speed=-1"))
    assert (world.director.paused, world.director.speed) == (True, 5.0)
    assert "paused" in get(world, "/")


def test_pages_that_are_not_there(world: World) -> None:
    for path in ("/nothing", "/messenger/1", "/x/dm/1", f"/x/dm/{world.x.brand.id}", "/style.css/x"):
        assert world.pages.handle(Request("GET", path)).status == 404
    assert b"data-live" in world.pages.handle(Request("GET", "/live.js")).body
