"""Fitting a head from texts and labels: any labels, with or without a head to start from."""

import time

import numpy as np
import pytest

from parlour.understanding import features, queries
from parlour.understanding.fitting import Head, fit

FRUIT = [("red apple", "apple"), ("green apple", "apple"), ("ripe banana", "banana"), ("yellow banana", "banana")]


def _fitted(**more) -> Head:
    texts, labels = zip(*FRUIT, strict=True)
    return fit(texts, labels, **more)


def test_what_was_shown_is_known_and_carries_to_the_next_text():
    head = _fitted()
    assert head.labels == ("apple", "banana")
    labels, chances = head.scores(["an apple a day", "bananas for ever", "APPLE!"])
    assert labels == head.labels
    assert chances.shape == (3, 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    assert [label for label, _ in head.best(["an apple a day", "bananas for ever", "APPLE!"])] == [
        "apple",
        "banana",
        "apple",
    ]


def test_no_texts_have_no_answers_and_any_text_has_one():
    head = _fitted()
    assert head.scores([])[1].shape == (0, 2)
    assert head.best([]) == []
    chances = head.scores(["", "\x00", "\ud800", "x" * 100_000, "🍎"])[1]
    assert np.isfinite(chances).all()


def test_the_same_texts_give_the_same_head():
    assert _fitted().save() == _fitted().save()
    assert _fitted().name == _fitted().name
    assert _fitted().name != _fitted(strength=1.0).name


def test_a_stored_head_answers_as_before():
    head = _fitted()
    again = Head.load(head.save())
    assert (again.labels, again.name) == (head.labels, head.name)
    texts = ["an apple a day", "bananas", "nothing"]
    np.testing.assert_array_equal(again.scores(texts)[1], head.scores(texts)[1])


def test_bytes_that_are_no_head_are_refused(monkeypatch):
    for data in (b"", b"PK\x03\x04 nonsense", _fitted().save()[:-50]):
        with pytest.raises(ValueError, match="no stored head"):
            Head.load(data)
    stored = _fitted().save()
    monkeypatch.setattr(features, "SPACE", features.SPACE + 1)
    with pytest.raises(ValueError, match="fit it anew"):
        Head.load(stored)


@pytest.mark.parametrize(
    ("texts", "labels"), [([], []), (["a"], ["x"]), (["a", "b"], ["x"]), (["a", "b"], ["x", "x"]), (["a"], ["x\ny"])]
)
def test_what_nothing_can_be_learnt_from_is_refused(texts, labels):
    with pytest.raises(ValueError, match=r"nothing to decide|needs one label|one line"):
        fit(texts, labels)


def test_a_prior_is_kept_where_nothing_contradicts_it():
    prior = queries.shipped("sentiment")
    head = fit(["the klorb glims"] * 3, ["negative"] * 3, prior=prior)
    assert head.labels == prior.labels
    assert head.best(["my klorb glims again"])[0][0] == "negative"
    assert head.best(["thank you, wonderful service"])[0][0] == "positive"


def test_a_prior_learns_labels_it_did_not_know():
    prior = queries.shipped("category")
    texts = ["my loyalty points are gone", "points missing from my card", "where are my bonus points"]
    head = fit(texts, ["loyalty"] * 3, prior=prior)
    assert head.labels == (*prior.labels, "loyalty")
    assert head.best(["the loyalty points never came"])[0][0] == "loyalty"
    assert head.best(["the courier never delivered my parcel"])[0][0] == "delivery"


def test_the_shipped_heads_answer_as_annotate_does():
    texts = ["Where is my parcel?", "Thanks, great!", "cancel my plan", ""]
    found = queries.annotate(texts)
    for name in ("category", "intent"):
        assert [label for label, _ in queries.shipped(name).best(texts)] == [getattr(one, name) for one in found]
    spam = queries.shipped("spam").scores(texts)[1][:, 1]
    np.testing.assert_allclose(spam, [one.spam for one in found], atol=1e-3)
    with pytest.raises(KeyError):
        queries.shipped("weather")


def test_a_weight_settles_a_dispute():
    texts, labels = ["grey mouse", "grey mouse"], ["animal", "device"]
    assert fit(texts, labels, weights=[5, 1]).best(["grey mouse"])[0][0] == "animal"
    assert fit(texts, labels, weights=[1, 5]).best(["grey mouse"])[0][0] == "device"


def test_balance_gives_the_rare_label_its_due():
    texts = [f"parcel {word} late" for word in ["aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg", "hhh"]] + [
        "parcel zzz broken"
    ]
    labels = ["late"] * 8 + ["broken"]
    rare = [fit(texts, labels, balance=b).scores(["parcel"])[1][0][0] for b in (0.0, 1.0)]
    assert rare[1] > rare[0] * 1.5


def test_the_explanation_names_the_words_that_speak_for_a_label():
    head = _fitted()
    assert head.explain("a ripe banana")[0][0] == "banana"
    assert [word for word, _ in head.explain("apple banana", "apple")] == ["apple"]
    assert head.explain("") == []


def test_ten_thousand_texts_are_fitted_in_time():
    rng = np.random.default_rng(1)
    words = np.array(["".join(rng.choice(list("aeioubdklmnprst"), 6)) for _ in range(4_000)])
    labels = rng.integers(0, 8, 5_000)
    texts = [" ".join([*words[rng.integers(0, 4_000, 14)], f"topic{chr(97 + label)}"]) for label in labels]
    began = time.process_time()
    head = fit(texts, [str(label) for label in labels])
    assert time.process_time() - began < 20
    assert [label for label, _ in head.best(["about topicd", "some topicf"])] == ["3", "5"]
