"""The accurate option: a setting, a package, and better answers."""

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from parlour import settings
from parlour.understanding import embedding, fitting, queries

with_package = pytest.mark.skipif(not embedding.installed(), reason="parlour[accurate] is not installed")


@pytest.fixture
def accurate(monkeypatch):
    monkeypatch.setenv(embedding.SETTING, "accurate")
    monkeypatch.setattr(queries, "_model", None)
    yield
    queries._model = None


@pytest.mark.parametrize(("value", "answer"), [("", False), ("fast", False), ("accurate", True)])
def test_the_setting_chooses_the_model(monkeypatch, value, answer):
    monkeypatch.setenv(embedding.SETTING, value)
    monkeypatch.setattr(settings, "find_spec", lambda _: object())
    assert settings._accurate() is embedding.wanted() is answer


def test_a_wrong_value_stops_the_start(monkeypatch):
    monkeypatch.setenv(embedding.SETTING, "acurate")
    with pytest.raises(ImproperlyConfigured, match="must be fast or accurate"):
        settings._accurate()


def test_the_missing_package_stops_the_start(monkeypatch):
    monkeypatch.setenv(embedding.SETTING, "accurate")
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=r"install parlour\[accurate\]"):
        settings._accurate()


@with_package
def test_any_string_has_an_embedding_of_length_one():
    found = embedding.encode(["Where is my parcel?", "", "\ud800", "\x00", "x" * 100_000, "😡"])
    assert found.shape == (6, embedding.WIDTH)
    assert np.isfinite(found).all()
    assert embedding.encode([]).shape == (0, embedding.WIDTH)


@with_package
def test_a_head_with_embeddings_understands_words_it_was_not_shown():
    texts = ["my parcel is late", "the courier never came", "your app crashes", "the screen freezes"]
    head = fitting.fit(texts, ["delivery", "delivery", "technical", "technical"], accurate=True)
    assert [label for label, _ in head.best(["mein Paket ist noch nicht da", "das Programm stürzt ab"])] == [
        "delivery",
        "technical",
    ]
    again = fitting.Head.load(head.save())
    np.testing.assert_allclose(again.scores(texts)[1], head.scores(texts)[1], atol=1e-5)


@with_package
def test_annotate_uses_embeddings_when_the_setting_says_so(accurate):
    [found] = queries.annotate(["Das Gerät hat leider nach zwei Tagen den Geist aufgegeben"])
    assert found.model.endswith("+embeddings")
    assert found.sentiment == "negative"
    assert queries.annotate([]) == []
    assert queries.shipped("intent").scores(["please cancel my plan"])[1].argmax() == queries.INTENTS.index(
        "cancellation"
    )
    queries.explain("Where is my parcel?")
