"""A whole Parlour in processes of its own, driven from outside as its users do: commands, HTTP, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

SECRET = "only-for-tests-" + "x" * 32


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Desk:
    """``start`` it, talk to ``url``, ``kill`` it as hard as you like and ``start`` it again. ``database``: a PostgreSQL URL, or SQLite."""

    def __init__(self, folder: Path, database: str | None = None, *, playground: bool = False) -> None:
        self.folder, self.database = folder, database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "desk.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = os.environ | {
            "PARLOUR_PORT": str(self.port),
            "PARLOUR_DATA": str(folder),
            "PARLOUR_SECRET": SECRET,
            "PARLOUR_PLAYGROUND": "1" if playground else "0",
            "DATABASE_URL": database or "",
        }

    def cli(self, *arguments: str, timeout: float = 120) -> str:
        """Run a subcommand; its output. Raises AssertionError with what it said when it fails."""
        line = [sys.executable, "-m", "parlour", *arguments]
        done = subprocess.run(
            line, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False, cwd=self.folder
        )
        assert done.returncode == 0, f"parlour {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, seconds: float = 60) -> Desk:
        """Start everything and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "parlour", "run"], env=self.environment, stdout=log, stderr=log, cwd=self.folder
            )
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log.read_text(errors="replace")[-2000:]
            try:
                if httpx.get(self.url + "/health", timeout=2).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError("The desk did not answer: " + self.log.read_text(errors="replace")[-2000:])

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
