"""``parlour run``: everything in one command."""

from __future__ import annotations

import socket
import subprocess
import sys

import click
from django.conf import settings

from parlour.commands.agent import link_for
from parlour.commands.migrate import migrate
from parlour.commands.web import free_or_say, serve
from parlour.staff import actions
from parlour.staff.models import Agent, Presence, Role, Team

ADMIN = "admin@parlour.local"
TEAMS = {
    "Care": [],
    "Technical": ["technical", "website"],
    "Billing": ["billing", "account"],
    "Orders": ["delivery", "product"],
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--speed", default=1.0, show_default=True, help="How fast the playground's customers live.")
def command(host: str, speed: float) -> None:
    """Run the desk, the worker and, with PARLOUR_PLAYGROUND=1, the platforms' stand-ins."""
    free_or_say(settings.PORT, host)
    migrate()
    _first_start()
    stand = _start_playground(speed) if settings.PLAYGROUND else None
    click.echo(f"The desk is at http://127.0.0.1:{settings.PORT} (stop with Ctrl-C).")
    try:
        serve(with_worker=True, host=host)
    finally:
        if stand is not None:
            stand.terminate()
            stand.wait(10)


def _first_start() -> None:
    """The first administrator and four teams; a start with nobody signed up yet prints the way in again."""
    admin = Agent.objects.filter(role=Role.ADMIN, is_active=True).order_by("id").first()
    if admin is None:
        if not Team.objects.exists():
            for name, categories in TEAMS.items():
                actions.set_up_team(name, categories)
        admin = actions.add_agent(ADMIN, "Robin Admin", Role.ADMIN, list(TEAMS))
    if admin.last_login is None:
        click.echo(f"Sign in as {admin.email} (one-time link, valid for a day):\n  {link_for(admin)}")


def _start_playground(speed: float) -> subprocess.Popen[bytes]:
    _demo_agents()
    port = _free_port(settings.PORT + 1)
    click.echo(f"The playground (what customers see) is at http://127.0.0.1:{port}")
    line = [sys.executable, "-m", "parlour", "playground", "--port", str(port), "--speed", str(speed), "--until-eof"]
    # It ends when this end of the pipe closes: however this process ends, no stand-in outlives it.
    return subprocess.Popen(line, stdin=subprocess.PIPE)


def _demo_agents() -> None:
    """Two colleagues, so that routing has somebody to choose; they are online as long as nobody signs in as them."""
    for email, name, teams in (
        ("mina@parlour.local", "Mina Okafor", ["Care", "Orders"]),
        ("jonas@parlour.local", "Jonas Weber", ["Technical", "Billing"]),
    ):
        if not Agent.objects.filter(email=email).exists():
            agent = actions.add_agent(email, name, Role.AGENT, teams, 8)
            actions.set_presence(agent, Presence.ONLINE, by_themselves=False)


def _free_port(first: int) -> int:
    for port in range(first, first + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise click.ClickException(f"None of the ports from {first} to {first + 49} is free for the playground.")
