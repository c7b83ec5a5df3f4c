"""``parlour agent``"""

from __future__ import annotations

import click
from django.conf import settings

from parlour.commands.migrate import migrate
from parlour.staff import actions
from parlour.staff.models import Agent, Role


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Add agents and make sign-in links."""


def link_for(agent: Agent) -> str:
    """The address of a fresh one-time link."""
    base = settings.PUBLIC_URL or f"http://127.0.0.1:{settings.PORT}"
    return f"{base}/sign-in/{actions.make_sign_in_link(agent)}"


@command.command()
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", default=Role.AGENT.value, show_default=True, help=f"One of {', '.join(Role.values)}.")
@click.option("--team", "teams", multiple=True, help="May be repeated; made if it is new.")
@click.option(
    "--capacity",
    default=20,
    show_default=True,
    help="How much at a time: a case takes one place unless its channel weighs more.",
)
@click.option(
    "--skill", "skills", multiple=True, metavar="SKILL:LEVEL", help="From 1 to 5, as refunds:3; may be repeated."
)
@click.option("--language", "languages", multiple=True, help="A code such as de; may be repeated. None: any language.")
def add(
    email: str,
    name: str,
    role: str,
    teams: tuple[str, ...],
    capacity: int,
    skills: tuple[str, ...],
    languages: tuple[str, ...],
) -> None:
    """Add an agent and print a one-time sign-in link, valid for a day."""
    migrate()
    try:
        agent = actions.add_agent(email, name, role, list(teams), capacity, _levels(skills), languages)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(link_for(agent))


def _levels(skills: tuple[str, ...]) -> dict[str, int]:
    levels = {}
    for one in skills:
        skill, _, level = one.partition(":")
        if level and not (level.isascii() and level.isdigit() and len(level) == 1):
            raise click.ClickException(f"--skill takes SKILL:LEVEL such as refunds:3, not {one!r}.")
        levels[skill] = int(level or 1)
    return levels


@command.command()
@click.option("--email", required=True)
def link(email: str) -> None:
    """Print a new one-time sign-in link for an agent."""
    migrate()
    agent = Agent.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if agent is None:
        raise click.ClickException(f"There is no agent with the address {email}.")
    click.echo(link_for(agent))


@command.command()
@click.option("--name", required=True)
@click.option("--category", "categories", multiple=True, help="A category it takes; none: what no other team takes.")
def team(name: str, categories: tuple[str, ...]) -> None:
    """Make a team, or change which categories it takes."""
    migrate()
    try:
        actions.set_up_team(name, list(categories))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name} takes {', '.join(categories) or 'what no other team does'}.")
