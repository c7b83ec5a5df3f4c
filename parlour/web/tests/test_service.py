from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from django.test import Client

from parlour.web import files


@pytest.fixture
def client() -> Client:
    return Client()


def test_health(client, db):
    assert client.get("/health").json() == {"ok": True}
    assert client.post("/health").status_code == 405


def test_every_answer_forbids_what_is_not_ours(client, db):
    headers = client.get("/sign-in").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "private, no-store"


def test_files_are_kept_for_good_under_their_edition(client):
    answer = client.get(files.address("js/desk.js"))
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]
    packed = client.get(files.address("js/desk.js"), headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.content) == answer.content
    same = client.get(files.address("js/desk.js"), headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304
    other = client.get("/static/older/js/desk.js")
    assert other.headers["Cache-Control"] == "no-cache"
    assert client.get(files.address("js/htmx.js")).content.startswith(b"var htmx")


@pytest.mark.parametrize(
    "name",
    ["../settings.py", "js/../../jinja.py", "%2e%2e/settings.py", "/etc/passwd", "js/", "css/none.css", "js/desk.js/"],
)
def test_only_the_desks_own_files_are_served(client, name):
    assert client.get(f"/static/x/{name}").status_code == 404


def test_a_mistyped_file_is_an_error_at_once():
    with pytest.raises(KeyError):
        files.address("css/typo.css")


def test_modules_import_only_what_exists():
    for path in (files.OWN / "js").glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', path.read_text()):
            assert f"js/{name}" in files.files(), f"{path.name} imports {name}"


def test_templates_hold_nothing_inline():
    """The policy forbids inline scripts and styles: one would silently not work."""
    for path in (Path(__file__).parents[1] / "templates").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert not re.search(r"\sstyle=|\son[a-z]+=\"|<style|<script(?![^>]*\ssrc=)", text), path.name


def test_colours_are_named_only_in_the_tokens():
    for path in (files.OWN / "css").glob("*.css"):
        if path.name in {"tokens.css", "base.css"}:
            continue
        bare = [line for line in path.read_text().splitlines() if re.search(r"#[0-9a-f]{6}\b", line)]
        assert not bare, f"{path.name}: {bare[:2]}"


def test_htmx_copies_no_styles_between_panes(client, db):
    """Settling would write a ``style`` attribute, which the policy forbids: a broken promise in the console at every case opened."""
    config = re.search(r"name=\"htmx-config\" content='([^']+)'", client.get("/sign-in").text)
    assert config is not None
    assert json.loads(config[1])["attributesToSettle"] == []
    assert json.loads(config[1])["historyCacheSize"] == 0, "customers' words are not left in the browser's store"
