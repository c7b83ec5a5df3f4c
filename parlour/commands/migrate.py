"""``parlour migrate``"""

from __future__ import annotations

import click
from django.core.management import call_command
from django.db import connection


def migrate() -> None:
    """Bring the database to this version, quietly."""
    call_command("migrate", interactive=False, verbosity=0)


@click.command()
def command() -> None:
    """Bring the database to this version. Safe to run again."""
    migrate()
    click.echo(f"The database ({connection.vendor}) is up to date.")
