"""The labels by hand: what they are, where they come from, that nothing is trained on them, and how the shipped model does."""

import csv
import gzip
import html
import re
from pathlib import Path

import pytest

from parlour.understanding import corpus, evaluate_actionable, evaluate_intents, labelling, lexicon, train
from parlour.understanding.labelling import ACTIONABLE, NOISE, Message

pytestmark = pytest.mark.whole


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    return shared / "data"


@pytest.fixture(scope="session")
def known(data: Path) -> list[tuple[Message, str]]:
    return labelling.labelled(data)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()


def _above(measured: tuple[float | None, ...], **floors: float) -> bool:
    return all(value is not None and value > floor for value, floor in zip(measured, floors.values(), strict=True))


def test_the_labels_are_ids_and_labels_only():
    for path in (labelling.LABELS, labelling.AGAIN):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        assert rows[0] == ["set", "id", "label"]
        assert all(len(row) == 3 for row in rows)
        assert all(re.fullmatch(r"\d+", number) for _, number, _ in rows[1:])
        assert {label for _, _, label in rows[1:]} == {ACTIONABLE, NOISE}
        assert len({(name, number) for name, number, _ in rows[1:]}) == len(rows) - 1
    given = list(labelling.labels().values())
    assert len(given) >= 500
    assert min(given.count(ACTIONABLE), given.count(NOISE)) >= 150


def test_customers_of_brands_are_of_both_kinds():
    given = [label for (name, _), label in labelling.labels().items() if name in evaluate_actionable.TO_BRANDS]
    assert min(given.count(ACTIONABLE), given.count(NOISE)) >= 150


def test_the_sample_can_be_drawn_again_and_is_labelled_whole(data):
    drawn = labelling.draw(data)
    assert [(one.set, one.id) for one in drawn] == list(labelling.labels())
    assert len({labelling.same(one.text) for one in drawn}) == len(drawn)
    assert {name: sum(one.set == name for one in drawn) for name in labelling.SIZES} == labelling.SIZES
    assert len({one.group for one in drawn if one.set == "umsab"}) == 8
    again = [(one.set, one.id) for one in labelling.draw_again(drawn)]
    assert len(again) == round(0.15 * len(drawn))
    assert again == list(labelling.labels(labelling.AGAIN))


def test_ids_resolve_to_texts(data, known):
    assert len(known) == len(labelling.labels())
    assert all(message.text.strip() for message, _ in known)
    # The text behind a number is read from the file itself once more.
    with gzip.open(data / "airline_tweets.csv.gz", "rt", encoding="utf-8", newline="") as file:
        tweets = {row["row"]: row["text"] for row in csv.DictReader(file)}
    ours = [message for message, _ in known if message.set == "airline"]
    assert all(one.text == html.unescape(tweets[one.id]) for one in ours)
    assert len(ours) == 270


def test_nothing_is_trained_on_a_labelled_text_or_a_set_for_evaluation_only(data, known, monkeypatch):
    opened: list[str] = []
    real = corpus._rows

    def watched(path):
        opened.append(path.name)
        return real(path)

    monkeypatch.setattr(corpus, "_rows", watched)
    known = [*known, *evaluate_intents.labelled(data)]
    held = {_letters(message.text) for message, _ in known if len(_letters(message.text)) >= 12}
    trained = {_letters(example.text) for example in corpus.load(data, lexicon.feelings())}
    assert len(held) > 900
    assert set(opened) < set(train.TRAINED_ON)
    assert len(trained) > 30_000
    assert not held & trained


def test_what_is_held_back_needs_only_the_files_that_are_there(data, tmp_path):
    assert labelling.held_back(tmp_path) == frozenset()
    assert len(labelling.missing(tmp_path)) == len(labelling.SIZES)
    (tmp_path / "banking77.csv.gz").symlink_to(data / "banking77.csv.gz")
    assert len(labelling.held_back(tmp_path)) == labelling.SIZES["banking77"] + evaluate_intents.SIZES["banking77"]


def test_the_shipped_model_keeps_its_floor(known):
    everything, brands, *sets = evaluate_actionable.scores(known)
    assert [one.name for one in sets] == list(labelling.SIZES)
    assert sum(brands.support) == sum(sum(one.support) for one in sets if one.name in evaluate_actionable.TO_BRANDS)
    assert _above(brands.actionable, precision=83, recall=88, f1=86)
    assert _above(brands.noise, precision=65, recall=54, f1=60)
    assert everything.accuracy > 68


def test_scores_are_what_they_say(known):
    truth = {message.text: label == ACTIONABLE for message, label in known}
    perfect = evaluate_actionable.scores(known, lambda texts: [truth[text] for text in texts])[0]
    assert perfect.actionable == perfect.noise == pytest.approx((100, 100, 100))
    yes, no = perfect.support
    easy = evaluate_actionable.scores(known, lambda texts: [True] * len(texts))[0]
    assert easy.accuracy == pytest.approx(100 * yes / (yes + no))
    assert easy.actionable == pytest.approx((100 * yes / (yes + no), 100, 200 * yes / (2 * yes + no)))
    assert list(easy.noise) == [None, 0, 0]
    lines = evaluate_actionable.table(known, lambda texts: [True] * len(texts)).splitlines()
    assert lines[2].startswith(f"| all | {yes} | {no} |")
    assert "| – | 0.0 | 0.0 |" in lines[2]
    assert len(evaluate_actionable.mistakes(known, lambda texts: [True] * len(texts))) == no


def test_agreement_is_cohens_kappa():
    kinds = (
        [(ACTIONABLE, ACTIONABLE)] * 20 + [(ACTIONABLE, NOISE)] * 5 + [(NOISE, ACTIONABLE)] * 10 + [(NOISE, NOISE)] * 15
    )
    first = {("x", str(number)): pair[0] for number, pair in enumerate(kinds)}
    second = {("x", str(number)): pair[1] for number, pair in enumerate(kinds)}
    assert labelling.agreement(first, second) == pytest.approx((0.7, 0.4, 50))


def test_the_second_reading_agrees_with_the_first():
    equal, kappa, count = labelling.agreement(labelling.labels(), labelling.labels(labelling.AGAIN))
    assert count > 90
    assert equal > 0.9
    assert kappa > 0.8


def test_the_commands_say_what_is_missing(tmp_path, capsys):
    for command in (labelling.main, evaluate_actionable.main):
        with pytest.raises(SystemExit):
            command(["--data", str(tmp_path)])
        assert "airline_tweets.csv.gz" in capsys.readouterr().err


def test_the_command_prints_a_table(data, known, capsys, monkeypatch):
    monkeypatch.setattr(labelling, "labelled", lambda folder: known if folder == data else [])
    assert evaluate_actionable.main(["--data", str(data)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^Model heads-\w{10}", told, re.M)
    assert re.search(r"^\| written to brands \|( [\d.]+ \|){9}$", told, re.M)
    assert "A second reading of 118 " in told
    assert evaluate_actionable.main(["--data", str(data), "--mistakes"]) == 0
    assert re.match(r"\w+\t\d+\t(actionable|noise)\t\S", capsys.readouterr().out)
