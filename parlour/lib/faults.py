"""Telling of a fault without telling what anybody wrote: exception texts may hold values, so only kind and place are logged."""

from __future__ import annotations

import traceback


def where(error: BaseException) -> str:
    """``ValueError at record.py:120 in _on_edit``: the innermost place in Parlour's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/parlour/" in frame.filename.replace("\\", "/")] or frames
    if not own:
        return type(error).__name__
    place = own[-1]
    return f"{type(error).__name__} at {place.filename.replace(chr(92), '/').rpartition('/')[2]}:{place.lineno} in {place.name}"
