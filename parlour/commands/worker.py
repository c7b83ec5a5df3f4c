"""``parlour worker``"""

from __future__ import annotations

import signal
import threading

import click
from django.conf import settings

from parlour.commands.migrate import migrate
from parlour.spine import bus
from parlour.traffic.worker import Worker


@click.command()
def command() -> None:
    """Run a worker until it is told to stop. Start as many as are needed. Needs PostgreSQL."""
    if settings.IS_SQLITE:
        raise click.ClickException("On SQLite one process runs everything: use “parlour run”, or set DATABASE_URL.")
    migrate()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    hearer = bus.connect()
    worker = Worker()
    worker.start()
    click.echo("The worker runs; stop it with Ctrl-C.")
    stop.wait()
    worker.stop()
    if hearer is not None:
        hearer.stop()
