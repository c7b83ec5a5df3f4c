"""A whole Parlour in processes of its own, driven from outside as its users do: commands, HTTP, signals."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import httpx

SECRET = "only-for-tests-" + "x" * 32


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


ROOT = Path(__file__).resolve().parent.parent


def nursery() -> None:
    """Import Parlour once, then become ``parlour <arguments>`` as often as asked, for any desk: each a process of its own, without the
    seconds of imports. Orders come as lines of JSON on stdin, each is answered by a line."""
    from importlib import import_module

    import django

    django.setup()
    for module in ("serve", "inbox", "token", "agent"):
        import_module(f"parlour.commands.{module}")
    for module in ("parlour.asgi", "parlour.urls", "parlour.cli"):
        import_module(module)
    import_module("parlour.channels.registry").get("x").length("Words.", "public")  # loads its tables at the first call
    import_module("parlour.understanding.queries").annotate(["Words."])  # and so do the models
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], 0 if order["block"] else os.WNOHANG)
            told = {"code": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            told = {"pid": os.fork()}
            if told["pid"] == 0:
                _become(order)
        print(json.dumps(told), flush=True)


def _become(order: dict[str, Any]) -> None:
    from parlour.cli import main

    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for ours, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, theirs)
    sys.argv = ["parlour", *order["arguments"]]
    code: Any = 0
    try:
        _settle()
        main()
    except SystemExit as left:
        code = left.code
    except BaseException:
        traceback.print_exc()
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _settle() -> None:
    """Read the settings anew: they were read for another desk's environment."""
    from importlib import reload

    from django.conf import settings
    from django.db import connections
    from django.test.utils import override_settings

    from parlour import settings as module

    given = {name: value for name, value in vars(reload(module)).items() if name.isupper()}
    databases = given.pop("DATABASES")
    override_settings(**given).enable()  # and whoever keeps one of them is told
    settings.DATABASES = databases
    for one in connections.all(initialized_only=True):
        del connections[one.alias]
    vars(connections).pop("settings", None)
    setattr(connections, "_settings", None)  # noqa: B010  # where it keeps what it was made with


class Nursery:
    """A process that runs ``nursery``, and what talks to it."""

    def __init__(self, path: str) -> None:
        line = [sys.executable, "-c", "from tests.desk import nursery; nursery()"]
        settings = {"DJANGO_SETTINGS_MODULE": "parlour.settings", "DATABASE_URL": "", "PYTHONPATH": path}
        self._process = subprocess.Popen(
            line, env=os.environ | settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        self._lock = threading.Lock()
        atexit.register(self.close)

    def ask(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            print(json.dumps(order), file=self._process.stdin, flush=True)
            told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


class Forked:
    """A process that came from a nursery, with what ``Desk`` needs of ``subprocess.Popen``."""

    def __init__(
        self, nursery: Nursery, arguments: list[str], log: Path, folder: Path, environment: dict[str, str]
    ) -> None:
        self._nursery = nursery
        order = {"arguments": arguments, "log": str(log), "folder": str(folder), "environment": environment}
        self.pid: int = nursery.ask(**order)["pid"]
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._nursery.ask(wait=self.pid, block=False)["code"]
        return self._code

    def wait(self, timeout: float) -> int:
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("parlour", timeout)
            time.sleep(0.005)
        assert self._code is not None
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


_nursery = cache(Nursery)
"""The one of this process for each PYTHONPATH: with another one, other packages would have been imported."""
_migrated: list[bytes] = []
"""The SQLite database that the first desk of this process migrated."""


class Desk:
    """``start`` it, talk to ``url``, ``kill`` it as hard as you like and ``start`` it again. ``database``: a PostgreSQL URL, or SQLite."""

    def __init__(self, folder: Path, database: str | None = None, *, playground: bool = False) -> None:
        self.folder, self.database = folder, database
        self._nursery: Nursery | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "desk.log"
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self.environment = os.environ | {
            "PARLOUR_PORT": str(self.port),
            "PARLOUR_DATA": str(folder),
            "PARLOUR_SECRET": SECRET,
            "PARLOUR_PLAYGROUND": "1" if playground else "0",
            "DATABASE_URL": database or "",
        }

    def warm_up(self, *, empty: bool = False) -> Desk:
        """From now on commands and starts skip the second that importing takes: for tests that start often. A new SQLite database is a
        copy of one that was migrated before; with ``empty`` there is none, and the first command makes it."""
        self._nursery = _nursery(self.environment.get("PYTHONPATH", ""))
        file = self.folder / "parlour.sqlite3"
        if self.database is None and not empty and not file.exists():
            if not _migrated:
                self.cli("migrate")
                self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
                _migrated.append(file.read_bytes())
            file.write_bytes(_migrated[0])
        return self

    def cli(self, *arguments: str, timeout: float = 120) -> str:
        """Run a subcommand; its output. Raises AssertionError with what it said when it fails."""
        code, told = self.ask(*arguments, timeout=timeout)
        assert code == 0, f"parlour {' '.join(arguments)}: {told}"
        return told

    def ask(self, *arguments: str, timeout: float = 120) -> tuple[int, str]:
        """Run a subcommand; its exit code and everything it said."""
        log = self.folder / f"command-{time.monotonic_ns()}.log"
        if self._nursery is not None:
            code = Forked(self._nursery, list(arguments), log, self.folder, self.environment).wait(timeout)
        else:
            with log.open("wb") as told:
                line = [sys.executable, "-m", "parlour", *arguments]
                done = subprocess.run(
                    line,
                    env=self.environment,
                    stdout=told,
                    stderr=told,
                    stdin=subprocess.DEVNULL,
                    timeout=timeout,
                    check=False,
                    cwd=self.folder,
                )
            code = done.returncode
        words = log.read_text(errors="replace")
        log.unlink()
        return code, words

    def start(self, seconds: float = 60) -> Desk:
        """Start everything and wait until it answers."""
        if self._nursery is not None:
            self._process = Forked(self._nursery, ["run"], self.log, self.folder, self.environment)
        else:
            with self.log.open("ab") as log:
                line = [sys.executable, "-m", "parlour", "run"]
                self._process = subprocess.Popen(line, env=self.environment, stdout=log, stderr=log, cwd=self.folder)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log.read_text(errors="replace")[-2000:]
            if self._answers():
                return self
            time.sleep(0.02)
        raise AssertionError("The desk did not answer: " + self.log.read_text(errors="replace")[-2000:])

    def _answers(self) -> bool:
        # Not by httpx: making a client costs more than the desk needs to start.
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            asked.request("GET", "/health")
            return asked.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def stop(self) -> None:
        """A polite end."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10)
            self._process = None

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask (or, with care, change) the database behind the desk's back. Placeholders are ``%s``."""
        if self.database is None:
            with closing(sqlite3.connect(self.folder / "parlour.sqlite3", timeout=20)) as file, file:
                return file.execute(query.replace("%s", "?"), values).fetchall()
        import psycopg

        with psycopg.connect(self.database) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def add_inbox(self, channel: str, *, brand: str = "Luma", name: str = "Main", **settings: str) -> dict[str, Any]:
        """``parlour inbox add``: id, key, webhook_path."""
        pairs = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        told: dict[str, Any] = json.loads(self.cli("inbox", "add", channel, "--brand", brand, "--name", name, *pairs))
        return told

    def add_token(self, role: str = "admin") -> str:
        return self.cli("token", "add", "--name", f"test-{role}", "--role", role).strip()

    def api(self, token: str) -> httpx.Client:
        """A client of the REST API; paths are relative to ``/api/v1/``."""
        return httpx.Client(
            base_url=self.url + "/api/v1/", headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )


def every(api: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All items of a list of the API, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = api.get(path, params={**params, "limit": 200, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def eventually(check: Any, seconds: float = 20, every_seconds: float = 0.05) -> Any:
    """The first truthy value of ``check()``; AssertionError after ``seconds``."""
    until = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < until, f"It did not come true within {seconds} seconds."
        time.sleep(every_seconds)
