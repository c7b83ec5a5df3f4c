"""A newcomer at the pages: files both ways, choices, words that reach nobody, changing and deleting, and when the desk looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from io import BytesIO

import httpx
import pytest
from PIL import Image

from parlour.channels import registry
from parlour.channels.contract import File, InboxConfig, Template
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.playground.looking import NEWS_SECONDS, Looks
from parlour.playground.main import Stand
from parlour.playground.setup import connect, join
from parlour.playground.shelf import Shelf
from parlour.playground.tests.test_channels import outbound
from parlour.playground.wires import made_up
from parlour.playground.world import World

HOSTILE = b"<script>alert(1)</script>"


def _picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (8, 8), "teal").save(made, "PNG")
    return made.getvalue()


def _file(name: str, content: bytes, mime: str) -> File:
    return File(name, mime, len(content), lambda: content)


PNG = _picture()
CUP, TERMS = ("cup.png", PNG, "image/png"), ("terms.html", HOSTILE, "text/html")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with Stand() as running:
        running.graph.delivered_after = running.graph.read_after = running.x.read_after = 0.0
        yield running


@pytest.fixture(scope="module")
def client(stand: Stand) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stand.base) as opened:
        yield opened


def config(stand: Stand, channel: str) -> InboxConfig:
    return InboxConfig(1, "key", channel, stand.settings(channel))


def shown(client: httpx.Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return unescape(answer.text)


def check_files(client: httpx.Client, path: str, names: list[str]) -> None:
    """Each file is on the page, pictures in place, and is to be had as it was sent."""
    text = shown(client, path)
    for name, content, mime in (CUP, TERMS):
        if name not in names:
            continue
        pattern = (
            rf'<img src="(/file/[^"]+)" alt="{name}"'
            if mime == "image/png"
            else rf'href="(/file/[^"]+/{name})" download'
        )
        found = re.search(pattern, text)
        assert found, (path, name)
        answer = client.get(found[1])
        assert (answer.content, answer.headers["content-type"]) == (content, mime)
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"].startswith("inline" if mime == "image/png" else "attachment")


PLACES = (
    ("telegram", "", True),
    ("telegram", "1", True),
    ("whatsapp", "1", True),
    ("instagram", "1", True),
    ("mastodon", "", True),
    ("mastodon", "1", True),
    ("bluesky", "", False),
    ("discourse", "", True),
    ("discourse", "1", True),
    ("reddit", "", False),
    ("sms", "1", False),
    ("email", "1", True),
    ("feed", "", True),
    ("crm", "", True),
    ("crm", "1", True),
    ("chat", "1", True),
)
"""Place, private, and whether other files than pictures are taken."""


@pytest.mark.parametrize(("name", "private", "any_file"), PLACES)
def test_what_customers_attach_is_shown(
    stand: Stand, client: httpx.Client, name: str, private: str, any_file: bool
) -> None:
    form = {"name": "Ana Rocha", "text": f"@luma Here it is, on {name}{private}, broken as it came", "private": private}
    sent = [("files", file) for file in ((CUP, TERMS) if any_file else (CUP,))]
    assert client.post(f"/at/{name}", data=form, files=sent).headers["location"] == f"/at/{name}"
    names = ["cup.png", "terms.html"] if any_file else ["cup.png"]
    if name == "sms":
        (words,) = [one for one in stand.place(name).words.values() if one.files]
        assert [(file.content, file.mime) for file in words.files] == [(PNG, "image/png")]
        assert "<img" in shown(client, "/at/sms")
    else:
        check_files(client, f"/at/{name}", names)


def test_what_customers_attach_on_the_older_platforms(stand: Stand, client: httpx.Client) -> None:
    picture = [("files", CUP)]
    client.post("/say", data={"do": "post", "name": "Ben", "text": "Look", "back": "/facebook"}, files=picture)
    check_files(client, "/facebook", ["cup.png"])
    client.post("/say", data={"do": "message", "name": "Ben", "text": ""}, files=[*picture, ("files", TERMS)])
    check_files(
        client,
        f"/messenger/{stand.call(lambda: stand.world.pages.acting.guest('Ben')).psid}",
        ["cup.png", "terms.html"],
    )
    client.post("/say", data={"do": "tweet", "name": "Ben", "text": "Look"}, files=picture)
    check_files(client, "/x", ["cup.png"])
    client.post("/say", data={"do": "dm", "name": "Ben", "text": "Look"}, files=picture)
    user = stand.call(lambda: stand.world.pages.acting.account("Ben"))
    assert client.get(re.findall(r'<img src="([^"]+)"', shown(client, f"/x/dm/{user.id}"))[0]).content == PNG


def test_what_a_platform_does_not_take_is_said_and_the_words_are_not_lost(client: httpx.Client) -> None:
    for path, form in (
        ("/at/reviews", {"name": "Ana", "text": "★☆☆☆☆ Bad"}),
        ("/at/instagram", {"name": "Ana", "text": "Under your post"}),
        ("/at/bluesky", {"name": "Ana", "text": "Read this"}),
        ("/say", {"do": "post", "name": "Ana", "text": "On the wall"}),
        ("/say", {"do": "dm", "name": "Ana", "text": "In private"}),
    ):
        answer = client.post(path, data=form, files=[("files", TERMS)])
        assert answer.status_code == 400, path
        assert form["text"] in unescape(answer.text)


BRAND = (
    # channel, where it shows, how the customer begins, visibility, other files too
    ("telegram", "/at/telegram", "private", True),
    ("whatsapp", "/at/whatsapp", "private", False),
    ("instagram", "/at/instagram", "private", False),
    ("mastodon", "/at/mastodon", "public", False),
    ("bluesky", "/at/bluesky", "public", False),
    ("discourse", "/at/discourse", "public", True),
    ("email", "/at/email", "private", True),
    ("api", "/at/crm", "private", True),
)


@pytest.mark.parametrize(("channel", "path", "visibility", "any_file"), BRAND)
def test_what_the_desk_attaches_is_shown(
    stand: Stand, client: httpx.Client, channel: str, path: str, visibility: str, any_file: bool
) -> None:
    place = stand.place(path.removeprefix("/at/"))
    person = stand.call(lambda: place.person("Cleo"))
    said = stand.call(lambda: place.say(person, "Show me a cup, would you please", private=visibility == "private"))
    before = len(place.sent)
    files = [_file(*one) for one in ((CUP, TERMS) if any_file else (CUP,))]
    where = {"discourse": said.partition(":")[0], "telegram": person}.get(channel, person)
    told = outbound(
        text="Here is your cup, and our terms",
        visibility=visibility,
        thread=where,
        address=person,
        target=said,
        author=person,
        attachments=tuple(files),
        mode="reply",
        **({"subject": "Hello"} if channel == "email" else {}),
    )
    registry.get(channel).send(config(stand, channel), told)
    sent = [file for words in place.sent[before:] for file in words.files]
    assert [file.content for file in sent] == [PNG, HOSTILE][: len(files)]
    text = shown(client, path)
    for file in sent:
        assert (f'<img src="{file.path}"' if file.is_picture else f'href="{file.path}" download') in text


def test_what_the_desk_attaches_on_the_older_platforms(stand: Stand, client: httpx.Client) -> None:
    cup = _file(*CUP)
    comment = stand.say_comment("Dora", "Which colours?")
    public = outbound(visibility="public", thread=f"{comment.post_id}/1", target=comment.id, attachments=(cup,))
    registry.get("facebook").send(config(stand, "facebook"), public)
    assert stand.graph.answers[-1].photo is not None
    assert stand.graph.answers[-1].photo.path in shown(client, "/facebook")
    stand.say_private("Dora", "Which colours?")
    psid = stand.person("Dora").psid
    registry.get("messenger").send(config(stand, "messenger"), outbound(thread=psid, address=psid, attachments=(cup,)))
    check_files(client, f"/messenger/{psid}", ["cup.png"])
    tweet = stand.tweet("Dora", "@LumaHelp which colours?")
    there = outbound(visibility="public", thread=tweet.conversation_id, target=tweet.id, attachments=(cup,))
    registry.get("x").send(config(stand, "x"), there)
    assert stand.x.sent_tweets[-1].shown[0].path in shown(client, "/x")
    user = stand.user("Dora")
    thread = f"{min(user.id, stand.x.brand.id, key=int)}-{max(user.id, stand.x.brand.id, key=int)}"
    registry.get("x").send(
        config(stand, "x"), outbound(thread=thread, address=user.id, author=user.id, attachments=(cup,))
    )
    assert stand.x.sent_dms[-1].shown[0].path in shown(client, f"/x/dm/{user.id}")


def test_a_template_is_shown_whole_and_its_buttons_can_be_pressed(stand: Stand, client: httpx.Client) -> None:
    place = stand.place("whatsapp")
    person = stand.call(lambda: place.person("Eli"))
    stand.call(lambda: place.say(person, "Hello"))
    template = next(
        one for one in registry.get("whatsapp").templates(config(stand, "whatsapp")) if one.name == "delivery_window"
    )
    filled = Template(template.name, template.language, template.body, values=("Eli", "9 and 11"))
    registry.get("whatsapp").send(
        config(stand, "whatsapp"), outbound(text="", thread=person, address=person, template=filled)
    )
    text = shown(client, "/at/whatsapp")
    for part in (
        "Your delivery",
        "Hello Eli, your new phone comes tomorrow between 9 and 11.",
        "write STOP",
        ">Another day</button>",
    ):
        assert part in text
    client.post("/at/whatsapp", data={"do": "choose", "on": place.sent[-1].id, "choice": "Another day"})
    assert list(place.words.values())[-1].text == "Another day"
    assert 'aria-pressed="true">Another day' in shown(client, "/at/whatsapp")
    assert (
        client.post(
            "/at/whatsapp", data={"do": "choose", "on": place.sent[-1].id, "choice": "Never offered"}
        ).status_code
        == 404
    )


@pytest.mark.parametrize(
    ("name", "called"), [("bluesky", "@luma.example"), ("telegram", "@LumaHelpBot"), ("mastodon", "@luma")]
)
def test_words_that_reach_nobody_are_marked_and_a_box_names_the_brand(
    stand: Stand, client: httpx.Client, name: str, called: str
) -> None:
    place = stand.place(name)
    assert f"Mention {called}. Nobody at Luma hears this without it." in shown(client, f"/at/{name}")
    client.post(f"/at/{name}", data={"name": "Fay", "text": "No signal", "private": "", "asked": "1"})
    said = list(place.words.values())[-1]
    assert (said.text, said.heard) == ("No signal", False)
    assert f"Luma is not told of this: it does not mention {called}." in shown(client, f"/at/{name}")
    client.post(f"/at/{name}", data={"name": "Fay", "text": "No signal", "private": "", "asked": "1", "named": "1"})
    said = list(place.words.values())[-1]
    assert (said.text, said.heard) == (f"{called} No signal", True)


def test_on_x_words_that_reach_nobody_are_marked_too(stand: Stand, client: httpx.Client) -> None:
    client.post("/say", data={"do": "tweet", "name": "Gus", "text": "Just thinking", "asked": "1"})
    assert "is not told of this: it does not mention @LumaHelp" in shown(client, "/x")
    client.post("/say", data={"do": "tweet", "name": "Gus", "text": "Help", "asked": "1", "named": "1"})
    assert list(stand.x.tweets.values())[-1].text == "@LumaHelp Help"


@pytest.mark.parametrize("name", ["telegram", "mastodon", "discourse", "reddit", "feed", "reviews", "crm", "whatsapp"])
def test_customers_change_and_delete_their_words_where_the_platform_lets_them(
    stand: Stand, client: httpx.Client, name: str
) -> None:
    place = stand.place(name)
    private = "" if place.public else "1"
    client.post(
        f"/at/{name}", data={"name": f"Hal {name}", "text": "★★☆☆☆ The very first words of mine", "private": private}
    )
    key = list(place.words)[-1]
    client.post(f"/at/{name}", data={"do": "edit", "on": key, "text": "★★★☆☆ Other words, thought over"})
    assert (place.words[key].text, place.words[key].edited) == ("★★★☆☆ Other words, thought over", True)
    client.post(f"/at/{name}", data={"do": "delete", "on": key})
    assert place.words[key].removed
    assert "Other words, thought over" not in shown(client, f"/at/{name}")


@pytest.mark.parametrize("name", ["sms", "email", "chat"])
def test_where_words_cannot_be_taken_back_nobody_is_offered_it(stand: Stand, client: httpx.Client, name: str) -> None:
    client.post(f"/at/{name}", data={"name": "Ida", "text": "Said is said", "private": "1"})
    text = shown(client, f"/at/{name}")
    assert "Said is said" in text
    assert 'value="delete"' not in text
    assert 'value="edit"' not in text


def test_names_are_offered_and_the_same_name_is_the_same_customer(stand: Stand, client: httpx.Client) -> None:
    stand.call(lambda: stand.place("sms").person("Jon of the cast"))
    assert '<option value="Jon of the cast">' in shown(client, "/at/sms")
    people = len(stand.place("sms").people)
    client.post("/at/sms", data={"name": "Jon of the cast", "text": "Me again", "private": "1"})
    assert len(stand.place("sms").people) == people
    someone = stand.call(lambda: stand.graph.person("Kim of the cast"))
    client.post("/say", data={"do": "message", "name": "Kim of the cast", "text": "Me again"})
    assert stand.graph.chats[someone.psid].lines[-1].text == "Me again"


def test_names_and_types_of_files_are_taken_for_what_they_are() -> None:
    shelf = Shelf(most=10)
    odd = shelf.put("../..\\a\u202e\r\nb.png", "text/html\r\nx: y", b"12345")
    assert (odd.name, odd.mime, odd.kind) == ("ab.png", "application/octet-stream", "file")
    assert shelf.put("", "image/png", b"1").name == "image"
    full = shelf.put("full", "a/b", b"1234567890")
    assert (shelf.get(odd.id), shelf.get(full.id)) == (None, full)


@pytest.mark.django_db
def test_the_desk_looks_sooner_when_there_is_news_and_at_once_when_asked() -> None:
    world = World(connect("http://127.0.0.1:8000", "http://127.0.0.1:8001"))
    join(world, "http://127.0.0.1:8000", "http://127.0.0.1:8001")
    reviews, looks = world.places["reviews"], Looks(world.places)
    inbox = Inbox.objects.get(channel="reviews")
    world.pages.looks = looks
    looks.look()
    assert looks.left(world.places["telegram"]) is None
    Inbox.objects.filter(pk=inbox.pk).update(polled_at=clock.now())
    looks.look()
    assert 290 < (looks.left(reviews) or 0) <= 300
    reviews.say(reviews.person("Ana"), "★☆☆☆☆ It does not work")
    looks.look()
    assert 0 < (looks.left(reviews) or 0) <= NEWS_SECONDS
    inbox.refresh_from_db()
    assert inbox.polled_at is not None
    looks.soon(reviews)
    looks.look()
    inbox.refresh_from_db()
    assert inbox.polled_at is None


def test_every_platform_is_used_in_the_first_minutes_and_the_same_by_the_same_seed() -> None:
    def played(seed: int) -> list[tuple[str, bool, str]]:
        world = World(made_up(), seed=seed, speed=1.0)
        assert world.director is not None
        world.stage.set_scene()
        world.director.start(0.0)
        for second in range(120):
            world.director.advance(float(second))
        told = [("facebook", False, one.text) for one in world.page.posts.values()]
        told += [("x", False, one.text) for one in world.x.tweets.values()]
        return told + [
            (place.name, one.private, f"{one.name}: {one.text}")
            for place in world.places.values()
            for one in place.words.values()
        ]

    once = played(7)
    assert {platform for platform, _, _ in once} == {"facebook", "x", *World(made_up()).places}
    assert once == played(7)
    assert once != played(8)
