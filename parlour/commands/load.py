"""``parlour load``"""

from __future__ import annotations

import asyncio

import click
from django.conf import settings

from parlour.channels import queries
from parlour.channels.models import Inbox
from parlour.commands.migrate import migrate
from parlour.playground.load import LoadTarget, drive

SIGNED_BY = {
    "facebook": ("app_secret", "page_id"),
    "messenger": ("app_secret", "page_id"),
    "x": ("consumer_secret", "user_id"),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--inbox", "ids", type=int, multiple=True, help="Inboxes to write to; default: all of Facebook, Messenger and X."
)
@click.option("--rate", default=100.0, show_default=True, help="Messages a second; 0: as fast as the doors take them.")
@click.option("--concurrency", default=32, show_default=True, help="Connections.")
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--duplicates", default=0.0, show_default=True, help="The share that is delivered twice.")
@click.option("--reorder", default=0.0, show_default=True, help="The share that comes after later ones.")
@click.option("--burst", default=0, show_default=True, help="Messages come in groups of this size.")
@click.option("--seed", default=0, show_default=True)
@click.option("--desk", help="Address of the desk; default: http://127.0.0.1 at PARLOUR_PORT.")
def command(
    ids: tuple[int, ...],
    rate: float,
    concurrency: int,
    seconds: float,
    duplicates: float,
    reorder: float,
    burst: int,
    seed: int,
    desk: str | None,
) -> None:
    """Write to the doors of a running desk as customers would, signed, at a given rate. It fills the desk: use one made for trying."""
    migrate()
    base = desk or f"http://127.0.0.1:{settings.PORT}"
    inboxes = queries.inboxes().filter(channel__in=SIGNED_BY).exclude(health=Inbox.Health.PAUSED)
    targets = [_target(inbox, base) for inbox in (inboxes.filter(pk__in=ids) if ids else inboxes)]
    if not targets:
        raise click.ClickException("There is no such inbox of Facebook, Messenger or X.")
    driving = drive(targets, rate, concurrency, seconds, duplicates=duplicates, reorder=reorder, burst=burst, seed=seed)
    try:
        report = asyncio.run(driving)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.words())


def _target(inbox: Inbox, base: str) -> LoadTarget:
    secret, account = SIGNED_BY[inbox.channel]
    return LoadTarget(inbox.channel, base + inbox.webhook_path, inbox.settings[secret], inbox.settings[account])
