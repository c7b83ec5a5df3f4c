"""Telling of a fault without telling what anybody wrote: exception texts may hold values, so only kind and place are logged."""

from __future__ import annotations

import logging
import re
import traceback

from parlour.lib.text import one_line

_SOMEBODY = re.compile(r"\S*@\S+|\+?\d[\d ()/-]{4,}\d")


def where(error: BaseException) -> str:
    """``ValueError at record.py:120 in _on_edit``: the innermost place in Parlour's own code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/parlour/" in frame.filename.replace("\\", "/")] or frames
    if not own:
        return type(error).__name__
    place = own[-1]
    return f"{type(error).__name__} at {place.filename.replace(chr(92), '/').rpartition('/')[2]}:{place.lineno} in {place.name}"


def impersonal(words: str) -> str:
    """A platform's ``words`` for the log, on one line: addresses, handles and long numbers, which may be somebody's, become an ellipsis."""
    return one_line(_SOMEBODY.sub("…", words), 200)


class Quiet(logging.Filter):
    """What Django and libraries log of requests names paths (one-time links), hosts and values. Refusals are dropped, for the caller was
    told; faults keep their kind and place."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = "A fault: %s", (where(record.exc_info[1]),)
            record.exc_info = record.exc_text = None
            return True
        return not record.name.startswith(("django.request", "django.security"))
