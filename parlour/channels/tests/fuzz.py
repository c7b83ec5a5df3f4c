"""Webhook bodies with something wrong somewhere: a member of the wrong type, missing, huge or hostile."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import orjson
from hypothesis import strategies as st

_WORDS = st.sampled_from(
    ["", "\x00", "x\u202ey", "💩" * 300, "9" * 400, "-1", "nan", "1e999", "0001-01-01T00:00:00+14:00", "\x7f"]
)
_NUMBERS = st.sampled_from([0, -1, 1.5, 2**63, -(2**63), 10**15, 10**18, 1e300, -1e300, True, False, None])
_OTHER: st.SearchStrategy[Any] = st.sampled_from(
    [[], {}, [[]], [None], [1], ["x"], [{}], {"id": []}, {"id": {}}, {"": None}, [[[[[[[[]]]]]]]]]
)
VALUES = st.one_of(
    _WORDS,
    _NUMBERS,
    _OTHER,
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=4,
    ),
)
_MISSING = object()


def paths(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every member of ``value``, ``value`` itself first."""
    found = [above]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        found += paths(member, (*above, name))
    return found


def changed(value: Any, path: Sequence[Any], new: Any) -> Any:
    if not path:
        return None if new is _MISSING else new
    copy = deepcopy(value)
    place = copy
    for step in path[:-1]:
        place = place[step]
    if new is _MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = new
    return copy


@st.composite
def spoilt(draw: st.DrawFn, bodies: Sequence[bytes]) -> bytes:
    """One of ``bodies`` with one or two members replaced or gone."""
    value = orjson.loads(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(paths(value)))
        value = changed(value, path, draw(VALUES | st.just(_MISSING)))
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):  # a lone surrogate or a number JSON cannot hold: the door refuses such bodies
        return b"{}"
