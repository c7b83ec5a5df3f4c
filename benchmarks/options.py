"""What ``python -m benchmarks`` was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """``quick``: smaller sizes and fewer rounds. ``profile``: also say where the time goes. ``postgres``: pages on PostgreSQL, too."""

    quick: bool = False
    profile: bool = False
    postgres: bool = False
