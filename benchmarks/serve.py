"""``python -m benchmarks.serve parlour|bare``: one of the two applications that ``door`` compares, under the same server settings.

Reads ``PARLOUR_PORT``, ``PARLOUR_DATA`` and ``DATABASE_URL`` as Parlour does; ``BENCH_SECRET`` signs the events of ``bare``;
``BENCH_PROFILE`` names a file for cProfile's findings about the event loop's thread.
"""

from __future__ import annotations

import cProfile
import os
import signal
import sys
from pathlib import Path
from typing import Any

import uvicorn


def application(which: str) -> Any:
    if which == "bare":
        from benchmarks.bare import bare

        file = str(Path(os.environ["PARLOUR_DATA"]) / "bare.sqlite3")
        return bare(os.environ.get("DATABASE_URL") or file, os.environ["BENCH_SECRET"])
    os.environ["DJANGO_SETTINGS_MODULE"] = "parlour.settings"
    import django

    django.setup()
    from parlour.asgi import Root

    return Root(with_worker=False)


def main() -> None:
    # The settings of `parlour run` (parlour/commands/web.py).
    config = uvicorn.Config(
        application(sys.argv[1]),
        host="127.0.0.1",
        port=int(os.environ["PARLOUR_PORT"]),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,
        backlog=4096,
        server_header=False,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    if file := os.environ.get("BENCH_PROFILE"):
        # uvicorn ends as it was asked to: by the signal, once more.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        profile = cProfile.Profile()
        try:
            profile.runcall(server.run)
        finally:
            profile.dump_stats(file)
    else:
        server.run()


if __name__ == "__main__":
    main()
