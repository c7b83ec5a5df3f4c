"""Servers of this process end when they are told to. uvicorn looks for that ten times a second, and then waits a tenth more for its
connections: hundreds of tests that each start two servers would wait minutes in all."""

from __future__ import annotations

import asyncio
import socket
import time

import uvicorn

PATIENCE_SECONDS = 10.0


async def _main_loop(self: uvicorn.Server) -> None:
    looks = 0
    # It writes the Date header anew at looks that ten divides: once a second here, too.
    while not await self.on_tick(looks if looks % 100 == 0 else 1):
        looks += 1
        await asyncio.sleep(0.01)


async def _shutdown(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
    for server in self.servers:
        server.close()
    for one in sockets or []:
        one.close()
    state = self.server_state
    for connection in list(state.connections):
        connection.shutdown()
    until = time.monotonic() + (self.config.timeout_graceful_shutdown or PATIENCE_SECONDS)
    await asyncio.sleep(0)
    while (state.connections or state.tasks) and time.monotonic() < until:
        await asyncio.sleep(0.002)
    for task in list(state.tasks):
        task.cancel()
    if not self.force_exit:
        await self.lifespan.shutdown()


def be_prompt() -> None:
    """From now on, in this process."""
    uvicorn.Server.main_loop = _main_loop  # type: ignore[method-assign]
    uvicorn.Server.shutdown = _shutdown  # type: ignore[method-assign]
