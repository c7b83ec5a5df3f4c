"""Prints of texts (simhash): texts that say nearly the same have prints that differ in few bits. Pure."""

from __future__ import annotations

import re
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from parlour.policy.moderation.words import folded

FEWEST_WORDS = 4
"""Shorter texts are alike by chance: thanks, good morning."""
NEAR = 8
"""Bits of 64 in which the prints of near duplicates may differ."""
_NOISE = re.compile(r"https?://\S+|www\.\S+|@\w+|\d+")


def print_of(text: str) -> int | None:
    """A signed 64-bit print of a text without its links, mentions and numbers; None when too little is left."""
    words = folded(_NOISE.sub(" ", text)).split()
    if len(words) < FEWEST_WORDS:
        return None
    traits = set(words) | {f"{one} {next_}" for one, next_ in pairwise(words)}
    digests = b"".join(blake2b(trait.encode(), digest_size=8).digest() for trait in traits)
    bits = np.unpackbits(np.frombuffer(digests, dtype=np.uint8).reshape(-1, 8), axis=1)
    chosen = bits.sum(axis=0, dtype=np.int32) * 2 > len(traits)
    return int.from_bytes(np.packbits(chosen).tobytes(), "big", signed=True)


def bands(print_: int) -> tuple[int, int, int, int]:
    """Four pieces of a print. Near ones share at least one in nearly all cases."""
    bits = print_ & (2**64 - 1)
    return bits >> 48, bits >> 32 & 0xFFFF, bits >> 16 & 0xFFFF, bits & 0xFFFF


def far(one: int, other: int) -> int:
    """In how many bits two prints differ."""
    return ((one ^ other) & (2**64 - 1)).bit_count()
