"""What is scored is never trained on, and the shipped weights know only sets that may ship."""

import ast
from pathlib import Path

import pytest

from parlour.understanding import corpus, evaluate, train, trials

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
with_data = pytest.mark.skipif(not (DATA / "airline_tweets.csv.gz").is_file(), reason="../shared/data is not here")
EVALUATION_ONLY = {
    "airline_tweets.csv.gz",
    "twcs_airline_dialogues.csv.gz",
    "twcs_brand_tweets.csv.gz",
    "tweeteval_sentiment.csv.gz",
    "tweeteval_offensive.csv.gz",
    "tweeteval_emotion.csv.gz",
    "umsab_sentiment8.csv.gz",
}


def test_a_copy_in_other_dress_is_the_same_text():
    assert trials.normal("@brand Where is my PARCEL?! http://x.example 12") == trials.normal("where is my parcel")
    assert trials.normal("where is my parcel") != trials.normal("where is your parcel")


@with_data
def test_no_scored_text_was_trained_on():
    for group in trials.all_trials(DATA, folds=2):
        for trial in group:
            trained = {trials.normal(text) for text, _ in trial.train}
            assert not trained & {trials.normal(text) for text, _ in trial.score}, trial.name
            assert len(trial.train) > 2 * len(trial.score)


@with_data
def test_every_row_of_a_set_cut_many_times_is_scored_once():
    scored = [text for offset in range(trials.FOLDS) for text, _ in trials.bank(DATA, offset).score]
    assert sorted(scored) == sorted(row["text"] for row in trials.rows(DATA / "banking77.csv.gz"))


@with_data
def test_the_last_fifth_by_time_is_scored():
    times = {row["text"]: row["created_at"] for row in trials.rows(DATA / "airline_tweets.csv.gz")}
    trial = trials.airline_sentiment(DATA)
    assert max(times[text] for text, _ in trial.train[:2000]) <= min(times[text] for text, _ in trial.score)


def test_training_names_no_set_for_evaluation_only():
    for module in (corpus, train):
        words = {
            node.value
            for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        named = {name for name in EVALUATION_ONLY for word in words if name.split(".")[0] in word}
        assert not named, module.__name__
    assert not EVALUATION_ONLY & set(train.TRAINED_ON)


def test_scores_are_what_their_names_say():
    found = trials.outcome([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")])
    assert found.accuracy == 75
    assert round(found.macro_recall, 1) == 75
    assert round(found.macro_f1, 1) == 73.3
    assert round(100 * evaluate.macro_f1([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")], ("a", "b")), 1) == 73.3


@with_data
def test_heads_fitted_on_public_sets_keep_their_floors():
    sentiment = trials.outcome(trials.answers(trials.airline_sentiment(DATA)))
    assert sentiment.accuracy >= 84
    assert sentiment.macro_f1 >= 75
    assert trials.outcome(trials.answers(trials.spam(DATA))).accuracy >= 97
