"""One module per platform, each with a ``StandIn``; found by their names. The Page, Messenger and X are older and have rooms of
their own (``graph``, ``xapi``)."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from parlour.playground.standin import StandIn


def stand_ins() -> list[type[StandIn]]:
    """The stand-ins there are, in the order of their names."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__) if found.name != "tests"]
    return [module.STAND_IN for module in modules if hasattr(module, "STAND_IN")]
