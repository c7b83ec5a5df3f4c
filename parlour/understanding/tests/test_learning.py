"""A brand's own heads, its memory and its tree."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parlour.understanding import actions, categories, learning, own, queries
from parlour.understanding.fitting import Head
from parlour.understanding.learning import Example, by_chance, held_back, report
from parlour.understanding.models import Correction, Learned, ModelVersion

pytestmark = pytest.mark.django_db
BRAND, OTHER = 7, 8


def told(text: str, field: str, now: str, brand: int = BRAND) -> Correction:
    number = Correction.objects.count() + 1
    kept = actions.record_correction(
        message_id=number, brand_id=brand, text=text, field=field, was="", now=now, agent_id=3
    )
    assert kept is not None
    return kept


def read(text: str, brand: int | None = BRAND) -> queries.Annotation:
    return own.annotate([text], [brand])[0]


def test_brands_without_anything_of_their_own_are_read_as_it_ships() -> None:
    texts = ["Where is my parcel?", "", "I love it!", "ok"]
    assert own.annotate(texts, [BRAND, OTHER, None, BRAND]) == queries.annotate(texts)


def test_batches_mix_brands_and_keep_their_order() -> None:
    told("the quibble is grombled", "category", "billing")
    told("the quibble is grombled", "category", "account", brand=OTHER)
    texts = ["The quibble is grombled!", "plain words", "The quibble is grombled!", "The quibble is grombled!"]
    found = own.annotate(texts, [OTHER, BRAND, None, BRAND])
    assert [one.category for one in found][::3] == ["account", "billing"]
    assert found[1] == queries.annotate([texts[1]])[0]
    assert found[2] == queries.annotate([texts[2]])[0]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("intent", "cancellation", "cancellation"),
        ("sentiment", "positive", "positive"),
        ("language", "nl", "nl"),
        ("actionable", "false", False),
    ],
)
def test_every_field_is_remembered_for_words_that_say_the_same(field: str, value: str, shown: object) -> None:
    kept = told("Grombled quibble number 5, once more", field, value)
    found = read("grombled  quibble number 71, once more")
    assert getattr(found, field) == shown
    assert found.because == {field: kept.pk}
    assert getattr(read("an entirely different thing"), field) == getattr(
        queries.annotate(["an entirely different thing"])[0], field
    )


@pytest.mark.parametrize("field", ["urgency", "offensive", "spam"])
def test_degrees_are_remembered_as_a_yes_or_a_no(field: str) -> None:
    told("Grombled quibble", field, "1" if field == "urgency" else "true")
    assert getattr(read("grombled QUIBBLE"), field) == 1.0
    told("Grombled quibble", field, "0" if field == "urgency" else "false")
    assert getattr(read("grombled QUIBBLE"), field) == 0.0


def test_the_latest_word_counts_and_what_was_taken_back_does_not() -> None:
    told("Grombled quibble", "category", "billing")
    second = told("Grombled quibble", "category", "account")
    assert read("grombled quibble").category == "account"
    actions.undo_correction(second.pk, by=None)
    assert read("grombled quibble").category == "billing"


def test_a_negation_is_not_the_same() -> None:
    told("the refund arrived on my card", "sentiment", "positive")
    assert read("well, the refund arrived on my card").because
    assert not read("the refund has not arrived on my card").because


def test_texts_of_any_kind_are_no_trouble() -> None:
    told("🙂", "sentiment", "negative")
    told("ok", "category", "account")
    strange = ["", " ", "\x00", "🙂", "OK", "a" * 100_000, "\ud800", "ٱلسَّلَامُ", "?" * 5000]
    found = own.annotate(strange, [BRAND] * len(strange))
    assert len(found) == len(strange)
    assert found[3].sentiment == "negative"
    assert found[4].category == "account"


def _lessons(count: int = 20) -> None:
    for number in range(count):
        told(f"the {number} glorps hum on deck {number}", "category", "account")
        told(f"mister {number} says zibs rattle in room {number}", "category", "website")


UNSEEN = "our glorps hum, so do the glorps of the deck"


def test_a_version_starts_from_what_ships_takes_over_and_goes_back() -> None:
    _lessons()
    version = learning.learn(BRAND, "category")
    assert version is not None
    assert (version.number, version.active, version.corrections) == (1, True, 40)
    assert version.scores["now"]["right"] > version.scores["before"]["right"]
    assert (read(UNSEEN).category, read(UNSEEN).because) == ("account", {})
    assert read(UNSEEN, OTHER).category != "account"
    # What was not contradicted stays as it was.
    plain = "I was charged twice on my invoice, refund the money"
    assert read(plain).category == queries.annotate([plain])[0].category == "billing"
    actions.use_version(BRAND, "category", None, by=None)
    assert read(UNSEEN).category != "account"
    actions.use_version(BRAND, "category", 1, by=None)
    assert read(UNSEEN).category == "account"
    with pytest.raises(ModelVersion.DoesNotExist):
        actions.use_version(BRAND, "category", 2, by=None)


def test_a_worse_version_does_not_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    _lessons(40)
    first = learning.learn(BRAND, "category")
    assert first is not None
    assert first.active
    monkeypatch.setattr(learning, "_fit", lambda *_: queries.shipped("category"))
    second = learning.learn(BRAND, "category")
    assert second is not None
    assert not second.active
    assert "nothing changes" in second.words
    assert ModelVersion.objects.get(active=True).pk == first.pk


def test_what_a_person_chose_while_it_was_learnt_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    _lessons()
    learning.learn(BRAND, "category")
    fit = learning._fit

    def slowly(examples: Sequence[Example], prior: Head) -> Head:
        actions.use_version(BRAND, "category", None, by=None)
        return fit(examples, prior)

    monkeypatch.setattr(learning, "_fit", slowly)
    version = learning.learn(BRAND, "category")
    assert version is not None
    assert (version.number, version.active) == (2, False)
    assert "was changed while this was learnt" in version.words
    assert not ModelVersion.objects.filter(active=True).exists()


def test_a_damaged_version_is_passed_over() -> None:
    _lessons()
    learning.learn(BRAND, "category")
    ModelVersion.objects.update(data=b"nothing")
    Learned.changed(BRAND)
    own._known.clear()
    assert read(UNSEEN).category == queries.annotate([UNSEEN])[0].category


def test_too_little_is_not_learnt_from() -> None:
    _lessons(2)
    assert learning.learn(BRAND, "category") is None
    with pytest.raises(ValueError, match="Nothing is fitted"):
        learning.learn(BRAND, "language")


def test_a_new_category_learns_from_examples_and_loses_its_messages_when_archived() -> None:
    examples = "\n".join(f"the gizmo {word} by itself" for word in ("beeps", "glows", "spins", "melts", "sings"))
    made = actions.add_category(BRAND, "Gizmos", parent="technical", examples=examples, by=None)
    assert read("my gizmo beeps by itself!").category == made.slug == "gizmos"
    version = learning.learn(BRAND, "category")
    assert version is not None
    assert read("a gizmo, and it hums").category == "gizmos"
    actions.archive_category(BRAND, "gizmos", by=None)
    assert read("a gizmo, and it hums").category != "gizmos"
    assert read("my gizmo beeps by itself!").category != "gizmos"
    actions.restore_category(BRAND, "gizmos", by=None)
    actions.merge_category(BRAND, "gizmos", "technical", by=None)
    assert read("a gizmo, and it hums").category == "technical"
    assert read("my gizmo beeps by itself!").category == "technical"
    assert categories.tree(BRAND).meaning("gizmos") == "technical"


def test_a_tree_stays_a_tree() -> None:
    actions.add_category(BRAND, "Refunds", parent="billing", by=None)
    actions.add_category(BRAND, "Late refunds", parent="refunds", by=None)
    assert categories.tree(BRAND).path("late-refunds") == ("late-refunds", "refunds", "billing")
    with pytest.raises(ValueError, match="below itself"):
        actions.move_category(BRAND, "billing", parent="late-refunds", by=None)
    with pytest.raises(ValueError, match="stands below"):
        actions.merge_category(BRAND, "billing", "late-refunds", by=None)
    actions.add_category(BRAND, "Very late refunds", parent="late-refunds", by=None)
    with pytest.raises(ValueError, match="4 deep"):
        actions.add_category(BRAND, "Too deep", parent="very-late-refunds", by=None)
    with pytest.raises(ValueError, match="4 deep"):
        actions.move_category(BRAND, "refunds", parent="website", by=None) and actions.move_category(
            BRAND, "website", parent="account", by=None
        )
    actions.archive_category(BRAND, "refunds", by=None)
    tree = categories.tree(BRAND)
    assert tree.by_slug["late-refunds"].parent == "website"
    actions.move_category(BRAND, "other", parent=None, before="product", by=None)
    assert categories.tree(BRAND).nodes[0].slug == "other"
    assert categories.tree(OTHER) is categories.SHIPPED


def test_held_back_examples_are_of_every_label_and_stay_back() -> None:
    every = [Example(n, f"text number {n}", "rare" if n < 6 else "common") for n in range(200)]
    learnt, back = held_back(every)
    assert {one.label for one in back} == {"rare", "common"}
    assert len(learnt) + len(back) == 200
    assert 20 <= len(back) <= 60
    more, still = held_back([*every, *(Example(n, f"later text {n}", "common") for n in range(200, 400))])
    assert {one.text for one in back if one.label == "common"} <= {one.text for one in still}
    assert not {one.text for one in more} & {one.text for one in still}


def test_a_report_counts_what_is_taken_for_what() -> None:
    found = report([(1, "a", "a"), (2, "a", "b"), (3, "b", "b"), (4, "b", "b")])
    shown = {one.label: (one.precision, one.recall, one.support) for one in found.scores}
    assert shown == {"a": (1.0, 0.5, 2), "b": (2 / 3, 1.0, 2)}
    assert found.confusion["a"] == {"a": 1, "b": 1}
    assert found.mistakes == ((2, "a", "b"),)
    assert found.right == 0.75
    assert report([]).rows == 0


def test_chance() -> None:
    assert by_chance(0, 0) == 1
    assert by_chance(1, 1) == 0.75
    assert by_chance(0, 5) == 1 / 32
