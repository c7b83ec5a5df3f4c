"""Training is a function of its data; the shipped weights keep what was measured."""

from pathlib import Path

import numpy as np
import pytest

from parlour.understanding import corpus, evaluate, features, heads, intents, lexicon, queries, train
from parlour.understanding.corpus import Example

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
with_data = pytest.mark.skipif(not (DATA / "airline_tweets.csv.gz").is_file(), reason="../shared/data is not here")

# Subjects the seeds do not have. Never write a seed for one of these: they show how far the model carries.
FRESH = [
    ("The router you sent me keeps losing the signal every evening", "technical", "negative"),
    ("Tracking hasn't moved since the 4th, what is going on?", "delivery", "negative"),
    ("Why am I paying 20 euros more than last month?", "billing", "negative|neutral"),
    ("Somebody in another country signed in as me", "account", "negative"),
    ("The search box on your homepage returns nothing", "website", "negative"),
    ("Milk was sour two days before the date on the carton", "product", "negative"),
    ("Loved the new menu, the staff were wonderful", "product|other", "positive"),
    ("Is the store on Main Street open on Christmas Eve?", "other|product", "neutral"),
    ("I've been passed from one department to the next all morning", "other", "negative"),
    ("Speaker makes a crackling noise when I turn it up", "technical|product", "negative"),
    ("Meine Sendung hängt seit Tagen in Leipzig fest", "delivery", "negative"),
    ("Warum ist meine Rechnung diesen Monat so hoch?", "billing", "negative|neutral"),
    ("Der Link zur Passwortänderung ist abgelaufen", "account", "negative|neutral"),
    ("Das Brot war schimmlig", "product", "negative"),
    ("Ganz toller Service, herzlichen Dank an Frau Meyer", "other", "positive"),
    ("Ma commande a été livrée chez le voisin sans prévenir", "delivery", "negative"),
    ("Impossible d'ajouter ma carte au moment de payer", "billing|website", "negative"),
    ("Votre équipe est adorable, merci encore", "other", "positive"),
    ("Le wifi coupe toutes les dix minutes", "technical", "negative"),
    ("Perdieron mi equipaje en Madrid", "delivery", "negative"),
    ("¿Tienen esta camiseta en rojo?", "product", "neutral"),
    ("La app no me deja iniciar sesión", "account|technical", "negative"),
    ("O pacote chegou aberto e faltava um item", "delivery", "negative"),
    ("A internet cai toda hora", "technical", "negative"),
    ("Vocês são incríveis, adorei o atendimento", "other", "positive"),
    ("Il volo parte in orario?", "delivery", "neutral"),
    ("La bolletta è raddoppiata senza motivo", "billing", "negative"),
    ("Bestelling verkeerd geleverd, wat nu?", "delivery", "negative|neutral"),
    ("Ik kan mijn wachtwoord niet wijzigen", "account", "negative"),
    ("Geweldig geholpen door jullie medewerker", "other", "positive"),
]


def _tiny() -> list[Example]:
    own = [*corpus.seeds(copies=1), *corpus.wants(copies=1), *corpus.insults(copies=1), *corpus.advertising(copies=1)]
    return [*own[::5], Example("lovely", 2), Example("awful", 0)]


@pytest.fixture(scope="module")
def trained():
    """Weights and biases from the tiny sample."""
    return train.fit(_tiny(), train.Strength())


def test_a_tiny_sample_trains_to_the_same_bytes_twice(trained, tmp_path):
    again = train.fit(_tiny(), train.Strength())
    names = [train.save(tmp_path / file, *one) for file, one in (("one.npz", trained), ("two.npz", again))]
    assert names[0] == names[1]
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_training_and_reading_agree(trained, tmp_path):
    """The sparse matrix of the training and the sums of the reader are two ways to the same numbers."""
    table, bias = trained
    train.save(tmp_path / "w.npz", table, bias, floor=0.0)
    texts = [
        "Where is my parcel? not lovely, but awful 😡",
        "",
        "je n'ai pas reçu mon colis",
        "sooooo GREAT http://x.example @y 12",
    ]
    slow = features.matrix(texts, features.shared()) @ table + bias
    fast = queries._Model(tmp_path / "w.npz").logits(texts, features.shared().read(texts))
    np.testing.assert_allclose(fast, slow, atol=0.01)
    assert fast.shape == (4, heads.OUTPUTS)


def test_the_stored_feelings_are_those_of_the_package():
    pytest.importorskip("vaderSentiment")
    assert train.feelings() == lexicon.feelings()


def test_missing_data_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["--data", str(tmp_path), "--out", str(tmp_path / "w.npz")])
    assert "banking77.csv.gz" in capsys.readouterr().err


def test_every_intent_means_one_of_our_categories():
    for table in (intents.BANKING77, intents.CLINC150):
        meaning = intents.meaning(table)
        assert {category for category, _, _ in meaning.values()} <= set(heads.CATEGORIES)
        assert len(meaning) == sum(len(line.partition(":")[2].split()) for line in table.strip().splitlines())


def test_seeds_cover_every_category_in_every_language():
    for path in sorted(corpus.OWN.glob("seeds_??.txt")):
        categories = {
            line.split()[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# ")
        }
        assert categories == set(heads.CATEGORIES), path.name


def test_the_lexicon_knows_endings_and_whole_words():
    whole, begin = lexicon.table()
    assert "delivery" in begin["parcel"]
    assert "billing" in begin["refund"]
    assert "account" in whole["hacked"]
    assert "not" in lexicon.NEGATORS


@with_data
def test_all_intents_of_the_bank_are_mapped():
    found = {row["category"] for row in corpus._rows(DATA / "banking77.csv.gz")}
    assert found == set(intents.meaning(intents.BANKING77))


@with_data
def test_our_labels_fit_the_dialogues():
    labelled = list(corpus.care_dialogues(DATA))
    assert len(labelled) == 622


@with_data
def test_sentiment_keeps_its_floor():
    general, airline, many, *languages = evaluate.sentiment(DATA, every=5)
    assert general.value > 50
    assert airline.value > 62
    assert many.value > 46
    assert len(languages) == 8


@with_data
def test_category_language_and_noise_keep_their_floors():
    assert evaluate.category(DATA, every=5)[0].value > 53
    offensive, spammers = evaluate.needs_no_care(DATA, every=5)
    assert offensive.value > 63
    assert spammers.value < 1
    kept, aside = evaluate.needs(DATA, every=2)
    assert kept.value > 78
    assert aside.value > 42
    tweets, _, pairs, _ = evaluate.language(DATA, every=10)
    assert tweets.value > 98
    assert evaluate.language_of_tweets(DATA, every=15)[0].value > 98
    assert pairs.value > 91


@with_data
def test_speed_is_far_from_its_floor():
    """A tenth of what was measured, so that a busy machine does not fail it and a lost vectorisation does."""
    one, batch, _ = evaluate.speed(DATA, count=4_000)
    assert batch.value > 3_000
    assert one.value > 800


def test_unseen_subjects_mostly_come_out_right():
    found = queries.annotate([text for text, _, _ in FRESH])
    category = sum(answer.category in wanted.split("|") for answer, (_, wanted, _) in zip(found, FRESH, strict=True))
    sentiment = sum(answer.sentiment in wanted.split("|") for answer, (_, _, wanted) in zip(found, FRESH, strict=True))
    assert category >= 24
    assert sentiment >= 20
