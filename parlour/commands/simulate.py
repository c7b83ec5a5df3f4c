"""``parlour simulate ...``: promises of the product, shown on recorded data in a desk made for it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from parlour.commands import simulate_days, simulate_learning, simulate_routing

APART = "PARLOUR_SIMULATES"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show what the desk promises on recorded data. Nothing of your own desk is read or changed."""


def apart() -> bool:
    """Whether this process has a database of its own; if not, the same command is run in one that has, to its end."""
    if os.environ.get(APART):
        return True
    with tempfile.TemporaryDirectory(prefix="parlour-simulation-") as folder:
        around = {**os.environ, APART: "1", "PARLOUR_DATA": folder, "DATABASE_URL": ""}
        done = subprocess.run([sys.executable, "-m", "parlour", *sys.argv[1:]], env=around, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return False


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--steps", default="50,200,1000", show_default=True, help="After how many corrections to measure.")
@click.option(
    "--later", default=25, show_default=True, help="Per cent of the rows, the latest, that are only measured on."
)
def learning(file: Path, steps: str, later: int) -> None:
    """A brand teaches its desk: what agents correct, and what becomes of the answers to later messages.

    FILE is a CSV or CSV.gz with the columns text, created_at and sentiment (negative, neutral, positive).
    """
    try:
        after = sorted({int(one) for one in steps.split(",")})
        tweets = simulate_learning.read(file)
    except (ValueError, KeyError, OSError) as error:
        raise click.ClickException(f"This cannot be simulated: {error}.") from error
    if not after or after[0] < 1 or not 1 <= later <= 90:
        raise click.ClickException("Steps are numbers of corrections from 1 on, and later rows 1 to 90 per cent.")
    if apart():
        simulate_learning.show(tweets, after, later / 100)


command.add_command(simulate_routing.routing)
command.add_command(simulate_days.days)
