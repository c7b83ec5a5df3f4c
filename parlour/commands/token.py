"""``parlour token``"""

from __future__ import annotations

import click

from parlour.commands.migrate import migrate
from parlour.staff import actions
from parlour.staff.models import Role, Token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Make and revoke API tokens."""


@command.command()
@click.option("--name", required=True, help="What the token is for.")
@click.option("--role", required=True, help=f"One of {', '.join(Role.values)}.")
def add(name: str, role: str) -> None:
    """Print a new token. It is shown this once only."""
    migrate()
    try:
        click.echo(actions.add_token(name, role))
    except ValueError as error:
        raise click.ClickException(str(error)) from error


@command.command()
@click.option("--name", required=True)
def revoke(name: str) -> None:
    """Revoke every token of this name."""
    migrate()
    count = actions.revoke_tokens(name)
    if not count:
        raise click.ClickException(f"There is no live token named {name!r}.")
    click.echo(f"{count} revoked.")


@command.command("list")
def list_() -> None:
    """Print names, roles and last use of the tokens."""
    migrate()
    for token in Token.objects.order_by("id"):
        state = "revoked" if token.revoked_at else "live"
        used = f"{token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
        click.echo(f"{token.name}\t{token.role}\t{state}\t{used}")
