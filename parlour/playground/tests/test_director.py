"""The play: the same for the same seed, impatient when nobody answers, and it reacts to answers."""

from __future__ import annotations

import pytest

from parlour.playground.cast import Actor
from parlour.playground.director import Director
from parlour.playground.scenes import OPENING, SCENES, Say
from parlour.playground.wires import made_up
from parlour.playground.world import World


class Journal:
    """A stage that writes down what it is asked to perform; may answer everybody at once."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str]] = []
        self.actors: dict[str, Actor] = {}

    def perform(self, actor: Actor, say: Say, text: str) -> None:
        self.lines.append((actor.name, actor.scene.name, say.do, text))
        self.actors[actor.scene.name] = actor


def play(seed: int, seconds: int, speed: float = 1.0) -> Journal:
    journal = Journal()
    director = Director(journal, seed, speed)
    director.start(0.0)
    for second in range(seconds):
        director.advance(float(second))
        if second == 60:
            director.heard(journal.actors["lost parcel"], private=True, now=60.0)
    return journal


def test_the_same_seed_plays_the_same() -> None:
    assert play(7, 1200).lines == play(7, 1200).lines
    assert play(7, 1200).lines != play(8, 1200).lines


def test_a_dozen_messages_within_fifteen_seconds_whatever_the_speed() -> None:
    for speed in (0.5, 1.0, 20.0):
        openings = {scene for _, scene, _, _ in play(1, 16, speed).lines}
        assert openings >= set(OPENING)


def test_it_goes_on_for_ever_with_fresh_customers() -> None:
    journal = Journal()
    director = Director(journal, 3, 20.0)
    director.start(0.0)
    for second in range(2000):
        director.advance(float(second))
    scenes = {scene for _, scene, _, _ in journal.lines}
    assert scenes == {scene.name for scene in SCENES}
    assert director.entrances > 500
    assert len({(name, text) for name, _, _, text in journal.lines}) > 1000


def test_who_is_not_answered_asks_again_and_who_is_answered_does_not() -> None:
    lines = play(7, 600).lines
    first = next(name for name, scene, _, _ in lines if scene == "no signal since morning")
    waited = [text for name, scene, _, text in lines if (name, scene) == (first, "no signal since morning")]
    assert waited[1:3] == [
        "@LumaHelp Hello?? Anybody there?",
        "@LumaHelp Still nothing. Two hours and not one word. I am going to another provider.",
    ]
    parcel = [(do, text) for _, scene, do, text in lines if scene == "lost parcel"]
    assert parcel[1][0] == "private"
    assert not any(text.startswith("Hello??") for _, text in parcel[:2])


def test_scripts_are_whole() -> None:
    names = [scene.name for scene in SCENES]
    assert len(names) == len(set(names)) >= 14
    assert set(OPENING) <= set(names)
    assert {scene.language for scene in SCENES} >= {"en", "de", "fr", "es", "pt", "it", "nl", "ja", "ar"}
    for scene in SCENES:
        follow = [say for steps in (*scene.public, *scene.private) for say in steps]
        for say in (*scene.opening, *scene.waiting, *follow):
            assert say.text or say.do == "delete"
            assert "{" not in Actor(1, "A", scene, dict.fromkeys(("order", "phone", "code", "amount"), "1"), 1).words(
                say.text
            )
            assert scene.platform == "facebook" or say.do in ("tweet", "again", "private", "edit", "delete")
            assert scene.platform == "x" or say.do != "tweet"
            assert scene.platform != "x" or len(say.text) < 270


def test_hurrying_brings_what_is_to_come_nearer() -> None:
    journal = Journal()
    director = Director(journal, 7, 1.0)
    director.start(0.0)
    director.advance(16.0)
    before = len(journal.lines)
    director.hurry(20.0)
    director.advance(26.0)
    assert len(journal.lines) - before > 15
    with pytest.raises(ValueError, match="speed"):
        director.hurry(0.0)


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_speed_must_be_positive(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Director(Journal(), 0, speed)


def test_the_whole_play_is_performed_on_the_platforms_and_answers_are_heard() -> None:
    world = World(made_up(), seed=5, speed=1.0)
    director = world.director
    assert director is not None
    world.stage.set_scene()
    director.start(0.0)
    for second in range(30):
        world.played = float(second)
        director.advance(world.played)
    complaint = next(tweet for tweet in world.x.tweets.values() if "no signal" in tweet.text)
    world.x.brand_tweet(f"@{complaint.author.username} Sorry! Please send us your number.", complaint.id)
    comment = next(post for post in world.page.posts.values() if "Where is my phone" in post.text)
    assert comment.author is not None
    world.page.page_message(world.page.chats[comment.author.psid], "Hello, which order is it?", about=comment.id)
    for second in range(30, 120):
        world.played = float(second)
        director.advance(world.played)
    assert any(dm.sender is complaint.author for dm in world.x.dms)
    private = world.page.chats[comment.author.psid].lines
    assert [line.from_page for line in private] == [True, False]
    assert "LM-" in private[1].text
