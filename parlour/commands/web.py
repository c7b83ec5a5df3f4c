"""``parlour web`` and what ``parlour run`` shares with it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import click
import uvicorn
from django.conf import settings

from parlour.commands.migrate import migrate


def free_or_say(port: int, host: str = "127.0.0.1") -> None:
    """End with a sentence when the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(f"Port {port} is taken; set PARLOUR_PORT to another one.") from error


def serve(*, with_worker: bool, host: str = "127.0.0.1") -> None:
    """Run the ASGI root until it is told to stop."""
    from parlour.asgi import Root

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    uvicorn.Server(config_of(Root(with_worker=with_worker), host)).run()


def config_of(root: Callable[..., Any], host: str = "127.0.0.1") -> uvicorn.Config:
    """How the ASGI root is served. A visitor's address is what trusted proxies say it is, in ``X-Forwarded-For``."""
    return uvicorn.Config(
        root,
        host=host,
        port=settings.PORT,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
        backlog=4096,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
        forwarded_allow_ips=settings.TRUSTED_PROXIES,
    )


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
def command(host: str) -> None:
    """Run the desk, the webhook door and the live stream. Needs PostgreSQL, and workers beside it."""
    if settings.IS_SQLITE:
        raise click.ClickException("On SQLite one process runs everything: use “parlour run”, or set DATABASE_URL.")
    free_or_say(settings.PORT, host)
    migrate()
    serve(with_worker=False, host=host)
