"""What ``annotate`` promises: the same answer for the same text, for any string, and the right one for plain sentences."""

import subprocess
import sys
import threading

import pytest

from parlour.understanding import features, queries
from parlour.understanding.queries import CATEGORIES, CATEGORY_NAMES, SENTIMENTS, annotate, explain

PLAIN = [
    ("Where is my parcel? It was supposed to arrive last Friday.", "delivery", "negative neutral", True, "en"),
    ("My flight got cancelled and nobody is helping us at the airport!", "delivery", "negative", True, "en"),
    ("Your website is down, I cannot get past the checkout page", "website", "negative", True, "en"),
    ("The app keeps crashing since the last update", "technical", "negative", True, "en"),
    ("I was charged twice this month, I want a refund", "billing", "negative", True, "en"),
    ("I can't log in to my account, the password reset does not work", "account", "negative", True, "en"),
    ("Do you have these boots in size 39?", "product", "neutral", True, "en"),
    ("Can I get a copy of my invoice please?", "billing", "neutral", True, "en"),
    ("Thank you so much, you solved it in five minutes!", "other", "positive", None, "en"),
    ("Wo bleibt mein Paket? Ich warte seit einer Woche!", "delivery", "negative neutral", True, "de"),
    ("Die App stürzt beim Öffnen immer ab", "technical", "negative", True, "de"),
    ("Mir wurde der Betrag doppelt abgebucht", "billing", "negative", True, "de"),
    ("Où est mon colis ? Je l'attends depuis lundi", "delivery", "negative neutral", True, "fr"),
    ("J'ai été facturé deux fois, je veux être remboursé", "billing", "negative", True, "fr"),
    ("Merci pour votre aide, service impeccable", "other", "positive", None, "fr"),
    ("No puedo entrar en mi cuenta, me la han bloqueado", "account", "negative", True, "es"),
    ("La página web no funciona", "website", "negative", True, "es"),
    ("Cadê meu pedido? Está atrasado há dez dias", "delivery", "negative", True, "pt"),
    ("O aplicativo não abre no meu celular", "technical", "negative", True, "pt"),
    ("Il sito non funziona, non riesco a ordinare", "website", "negative", True, "it"),
    ("Avete addebitato due volte l'abbonamento, voglio il rimborso", "billing", "negative", True, "it"),
    ("De app werkt niet meer na de update", "technical", "negative", True, "nl"),
    ("Bedankt voor de snelle hulp, top!", "other", "positive", None, "nl"),
    ("Good morning everyone", "other", "neutral positive", False, "en"),
    ("WIN a FREE iPhone!!! Click here http://spam.example", "other", "neutral positive", False, "en"),
    ("😂😂😂", "other", "neutral positive", False, ""),
]

HOSTILE = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "help \udfff me \ud83d",
    "x" * 1_000_000,
    "word " * 200_000,
    "!" * 100_000,
    "😡" * 50_000,
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u202eesrever\u202c",
    "a\u0301" * 3_000,
    "ﷺ" * 3_000,
    "1234567890" * 500,
    "http://" + "a" * 5_000,
    "@" * 3_000,
    "'" * 3_000,
    "私の荷物はどこですか",
    "أين طردي",
    "मेरा पार्सल कहाँ है",
    "\n\r\t\u2028",
    ":" * 2_000 + ")" * 2_000,
]


@pytest.mark.parametrize(("text", "category", "sentiments", "actionable", "language"), PLAIN)
def test_plain_sentences_come_out_right(text, category, sentiments, actionable, language):
    [found] = annotate([text])
    assert found.category == category
    assert found.sentiment in sentiments.split()
    assert actionable is None or found.actionable is actionable
    assert found.language == language


def test_negation_turns_the_feeling_round():
    bad, good = annotate(["not good at all", "not bad, quite good actually"])
    assert bad.sentiment == "negative"
    assert good.sentiment == "positive"


def test_urgency_puts_the_stranded_before_the_curious():
    stranded, stolen, curious, thanks = annotate(
        [
            "Stranded at the airport overnight with my kids, need help immediately",
            "Someone stole my card and is buying things on your site right now, please block it!",
            "When will the blue sneakers be back in stock?",
            "thanks!",
        ]
    )
    assert min(stranded.urgency, stolen.urgency) > 0.5
    assert max(curious.urgency, thanks.urgency) < 0.2


def test_a_batch_answers_as_single_texts_do_in_any_order():
    texts = [text for text, *_ in PLAIN] + HOSTILE
    together = annotate(texts)
    assert together == [annotate([text])[0] for text in texts]
    assert together[::-1] == annotate(texts[::-1])
    assert annotate([]) == []


def test_more_texts_than_one_slice():
    texts = [f"order {number} where is my parcel" for number in range(1_100)]
    assert len({found.category for found in annotate(texts)}) == 1
    assert len(annotate(texts)) == 1_100


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_string_is_survived_with_values_in_their_ranges(text):
    [found] = annotate([text])
    assert found.sentiment in SENTIMENTS
    assert found.category in CATEGORIES
    assert -1 <= found.sentiment_score <= 1
    assert 0 <= found.urgency <= 1
    assert 1 / len(CATEGORIES) - 0.001 <= found.category_confidence <= 1
    assert 0.5 <= found.actionable_confidence <= 1
    assert len(found.language) in (0, 2)
    assert found.model == queries.model_name()
    explain(text)


def test_what_comes_after_two_thousand_characters_is_not_looked_at():
    head = ("where is my parcel " * 200)[:2_000]
    assert annotate([head]) == annotate([head + " I love it, wonderful, thank you"])


def test_too_short_a_text_has_no_language_unless_its_word_settles_it():
    assert [found.language for found in annotate(["ok", "hm 12", "Danke!", "merci", "Где моя посылка"])] == [
        "",
        "",
        "de",
        "fr",
        "ru",
    ]


def test_the_same_answers_in_another_process():
    code = (
        "from parlour.understanding.queries import annotate;"
        "print([a.sentiment_score for a in annotate(['Where is my parcel', 'Il sito non funziona'])])"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345", "PATH": ""},
    )
    assert other.stdout.strip() == str(
        [a.sentiment_score for a in annotate(["Where is my parcel", "Il sito non funziona"])]
    )


def test_threads_share_one_model():
    texts = [text for text, *_ in PLAIN]
    wanted = annotate(texts)
    wrong: list[int] = []

    def work(number):
        answers = (annotate([f"word{number}x{turn}", *texts])[1:] for turn in range(20))
        wrong.extend(number for answer in answers if answer != wanted)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_memory_of_words_is_bounded_and_forgetting_changes_nothing(monkeypatch):
    monkeypatch.setattr(features, "_MAX_WORDS", 500)
    texts = [text for text, *_ in PLAIN]
    wanted = annotate(texts)
    for start in range(0, 5_000, 250):
        annotate([f"qzx{number}" for number in range(start, start + 250)])
    assert len(features.shared()._row) < 1_000
    assert annotate(texts) == wanted


def test_the_explanation_names_the_words_that_carried_the_decision():
    why = explain("Hello, my parcel never arrived and the courier was rude")
    assert {"parcel", "courier"} & set(why.category)
    assert "rude" in why.sentiment
    assert all(len(words) <= 4 for words in (why.category, why.sentiment, why.urgency, why.actionable))
    assert explain("").category == []


def test_every_category_has_a_name():
    assert tuple(CATEGORY_NAMES) == CATEGORIES


def test_the_weights_are_small():
    assert queries.WEIGHTS.stat().st_size <= 10_000_000
