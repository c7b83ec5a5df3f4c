"""The ``parlour`` command. Settings come from the environment; a wrong one ends the start with a sentence."""

from __future__ import annotations

import os
import sys

import click
from django.core.exceptions import ImproperlyConfigured


class Parlour(click.Group):
    """Sets Django up before a subcommand runs, so that ``--help`` needs no settings."""

    def invoke(self, ctx: click.Context) -> object:
        import django  # after the environment is settled

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parlour.settings")
        try:
            django.setup()
        except ImproperlyConfigured as error:
            raise click.ClickException(str(error)) from error
        return super().invoke(ctx)


@click.group(cls=Parlour, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="parlour")
def cli() -> None:
    """Parlour, a self-hosted desk for social customer service.

    Settings come from the environment: PARLOUR_PORT (8000), PARLOUR_DATA (./var), DATABASE_URL (SQLite in PARLOUR_DATA),
    PARLOUR_SECRET (made at the first start), PARLOUR_URL (the public address behind a proxy), PARLOUR_PLAYGROUND (1),
    PARLOUR_TRUSTED_PROXIES (127.0.0.1, ::1), PARLOUR_OWN_NETWORKS (none), PARLOUR_MODEL (fast), PARLOUR_FILE_MB (25),
    PARLOUR_S3_BUCKET, PARLOUR_S3_ENDPOINT, PARLOUR_S3_REGION, PARLOUR_S3_KEY and PARLOUR_S3_SECRET (files in S3-compatible storage),
    PARLOUR_LLM_URL, PARLOUR_LLM_MODEL and PARLOUR_LLM_KEY (a language model to ask, none by default).
    """


def lazy(name: str, module: str, help_text: str) -> None:
    """Register a subcommand whose module is imported (with Django ready) only when it runs."""

    @cli.command(
        name,
        help=help_text,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
        add_help_option=False,
    )
    @click.pass_context
    def run(ctx: click.Context) -> None:
        from importlib import import_module

        from django.db import DatabaseError, OperationalError

        command: click.Command = import_module(f"parlour.commands.{module}").command
        try:
            command.main(args=ctx.args, prog_name=f"parlour {name}", standalone_mode=True)
        except DatabaseError as error:
            # Not reachable, not readable, not a database. Anything finer is a fault of ours and keeps its traceback.
            if type(error) not in (DatabaseError, OperationalError):
                raise
            raise click.ClickException(f"The database cannot be used: {str(error).partition(chr(10))[0]}.") from error


lazy("run", "serve", "Run everything: desk, worker and, with PARLOUR_PLAYGROUND=1, the stand-ins.")
lazy("web", "web", "Run the desk, the webhook door and the live stream only (PostgreSQL).")
lazy("worker", "worker", "Run a worker only (PostgreSQL): handles arrivals, sends answers, keeps the clocks.")
lazy("migrate", "migrate", "Bring the database to this version.")
lazy("inbox", "inbox", "Connect and list inboxes.")
lazy("token", "token", "Make and revoke API tokens.")
lazy("agent", "agent", "Add agents and make sign-in links.")
lazy("rules", "rules", "List, export and import rules.")
lazy("replay", "replay", "Feed recorded traffic (CSV in the twcs columns) through the pipeline.")
lazy("load", "load", "Write to the doors of a running desk at a given rate.")
lazy("simulate", "simulate", "Show what the desk promises on recorded data, in a desk made for it.")
lazy("playground", "playground", "Run the platforms' stand-ins only, against a desk that runs elsewhere.")


def main() -> None:
    """The entry point of the installed command. What it writes (database, secret) is for its own user only."""
    os.umask(0o077)
    try:
        cli()
    except KeyboardInterrupt:
        sys.exit(130)
