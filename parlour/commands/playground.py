"""``parlour playground``"""

from __future__ import annotations

import os
import signal
import sys
import threading

import click
from django.conf import settings


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", type=int, help="Where the stand-ins listen; default: the desk's port plus one.")
@click.option("--desk", help="Address of the desk; default: http://127.0.0.1 at PARLOUR_PORT.")
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same story.")
@click.option("--speed", default=1.0, show_default=True, help="2 tells it twice as fast.")
@click.option("--until-eof", is_flag=True, hidden=True, help="End when standard input ends.")
def command(port: int | None, desk: str | None, seed: int, speed: float, until_eof: bool) -> None:
    """Run stand-ins of the platforms with a cast of customers who write to the desk."""
    from parlour.playground.main import serve

    if until_eof:
        threading.Thread(target=_end_with_input, daemon=True).start()
    serve(port or settings.PORT + 1, desk or f"http://127.0.0.1:{settings.PORT}", seed, speed)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
