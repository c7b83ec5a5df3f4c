"""``parlour rules``"""

from __future__ import annotations

from typing import IO

import click
import orjson

from parlour.cases.access import Invalid
from parlour.commands.migrate import migrate
from parlour.policy.rules import actions, queries


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, export and import rules."""


@command.command("list")
def list_() -> None:
    """Print every rule as a sentence, in the order in which they are asked."""
    migrate()
    for one in queries.rules():
        state = "on " if one.rule.on else "off"
        click.echo(f"{one.rule.pk}\t{state}\t{one.rule.name}: {one.trouble or one.words}")


@command.command()
@click.argument("file", type=click.File("wb"), default="-")
def export(file: IO[bytes]) -> None:
    """Write all rules as JSON to FILE, or to the standard output."""
    migrate()
    file.write(orjson.dumps(queries.export(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


@command.command("import")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--replace", is_flag=True, help="Instead of the rules that are there; otherwise after them.")
def import_(file: IO[bytes], replace: bool) -> None:
    """Take over rules from FILE, or from the standard input: all of them or none."""
    migrate()
    try:
        document = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise click.ClickException("This cannot be read: it is not JSON.") from error
    try:
        made = actions.bring(document, by=None, replace=replace)
    except Invalid as error:
        raise click.ClickException(f"Nothing was imported. {error}") from error
    click.echo(f"Imported {len(made)}.")


@command.command()
def undo() -> None:
    """Take back the last change of the rules."""
    migrate()
    try:
        click.echo(actions.undo(by=None))
    except Invalid as error:
        raise click.ClickException(str(error)) from error
