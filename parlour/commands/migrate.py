"""``parlour migrate``"""

from __future__ import annotations

import click
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

LOCK = 0x7061726C6F7572  # "parlour": processes that start together migrate one after the other


def migrate() -> None:
    """Bring the database to this version, quietly."""
    if connection.vendor != "postgresql":
        _apply()
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            _apply()
            # A database restored into another cluster holds transaction numbers of the old one: lines from its future.
            cursor.execute("UPDATE spine_event SET tx = 0 WHERE tx > pg_current_xact_id()::text::bigint")
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _apply() -> None:
    """Nearly always there is nothing to do, and Django would spend a third of a start on finding that out."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


@click.command()
def command() -> None:
    """Bring the database to this version. Safe to run again."""
    migrate()
    click.echo(f"The database ({connection.vendor}) is up to date.")
