"""The documents say what is so: links, commands, settings, the walk, and the channels' settings and limits."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from parlour.cli import cli

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOR_USERS = [path for path in DOCUMENTS if path.name != "CONTRIBUTING.md"]

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[`/\s])parlour ((?:[a-z]+)(?: [a-z]+)?)((?: [^\n`|]*)?)", re.MULTILINE)
_SETTING = re.compile(r"\b(PARLOUR_(?:[A-Z0-9]+_)*[A-Z]+|DATABASE_URL)\b")
_ADDRESS = re.compile(r"https?://([\w.-]+\w)")
_BARE_HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:org|com|io|net|dev)\b")
_TOKEN = re.compile(r"`([^`]+)`")

PLATFORMS = (
    "facebook.com|graph.facebook.com|developers.facebook.com|business.facebook.com|graph.instagram.com|m.me|x.com|api.x.com"
    "|developer.x.com|api.telegram.org|mastodon.social|bsky.social|bsky.app|www.reddit.com|oauth.reddit.com|imap.gmail.com"
    "|smtp.gmail.com|api.twilio.com|androidpublisher.googleapis.com|mybusiness.googleapis.com|oauth2.googleapis.com"
    "|api.appstoreconnect.apple.com"
)
KNOWN_HOSTS = re.compile(rf"(127\.0\.0\.1|localhost|([\w-]+\.)*example(\.com)?|{PLATFORMS.replace('.', '[.]')})")
"""Addresses a document may name: ours, examples, and the platforms'. Package registries are none of them."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=named)


def slugs(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_document
def test_links_lead_somewhere(path: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", path.read_text())):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), f"{named(path)} links to {link}, which is not there"
        if anchor:
            assert anchor in slugs(found), f"{named(path)} links to {link}, and there is no such heading"


@cache
def help_of(*names: str) -> str | None:
    """What ``parlour <names> --help`` prints, None when there is no such command."""
    done = CliRunner().invoke(cli, [*names, "--help"])
    return done.output if done.exit_code == 0 else None


@each_document
def test_commands_exist(path: Path) -> None:
    for words, rest in _COMMAND.findall(path.read_text()):
        first, _, second = words.partition(" ")
        if first not in cli.commands:
            # "the parlour command" in running text; what is written as a command must exist.
            assert f"`parlour {first}" not in path.read_text(), f"{named(path)}: there is no `parlour {first}`"
            continue
        told = help_of(first)
        assert told is not None, f"{named(path)}: parlour {first} has no help"
        if "COMMAND" in told.partition("\n")[0] and second:
            told = help_of(first, second)
            assert told is not None, f"{named(path)}: there is no `parlour {first} {second}`"
        for option in re.findall(r"(?<= )--[a-z-]+", rest):
            assert option in told or option == "--help", f"{named(path)}: parlour {words} has no {option}"


def test_every_command_is_documented() -> None:
    told = (ROOT / "docs" / "OPERATION.md").read_text()
    for name in cli.commands:
        assert f"`parlour {name}" in told


def test_settings_in_documents_are_those_of_the_code() -> None:
    in_code = set(_SETTING.findall((ROOT / "parlour" / "settings.py").read_text()))
    table = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs" / "OPERATION.md").read_text(), re.MULTILINE))
    assert table == in_code
    for path in FOR_USERS:
        assert set(_SETTING.findall(path.read_text())) <= in_code | {"PARLOUR_BENCH_DATA", "PARLOUR_TABLES"}, named(
            path
        )
    assert in_code <= set(_SETTING.findall(CliRunner().invoke(cli, ["--help"]).output))


@cache
def functions_in(path: str) -> set[str]:
    """Names of the functions of a file, those of a class also as ``Class.name``."""
    text = (ROOT / path).read_text()
    if path.endswith(".js"):
        return set(re.findall(r"function (\w+)\(", text)) | set(re.findall(r"const (\w+) = \(", text))
    tree, found = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}"
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found | {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_walk_names_what_is_there() -> None:
    walk = (ROOT / "docs" / "WALK.md").read_text()
    count = 0
    for paragraph in re.split(r"\n\s*\n|\n(?=- |\|)", walk):
        at = ""
        for token in _TOKEN.findall(paragraph):
            if "/" in token and token.endswith((".py", ".js")):
                assert (ROOT / token).is_file(), f"{token} is not there"
                at = token
            elif token.endswith("()"):
                assert at, f"{token} is named without its file"
                assert token[:-2] in functions_in(at), f"{at} has no {token}"
                count += 1
    assert count > 60


def test_paths_in_documents_exist() -> None:
    for path in DOCUMENTS:
        for token in _TOKEN.findall(path.read_text()):
            if re.fullmatch(r"(parlour|tests|docs|benchmarks|requirements)/[\w./-]+", token):
                assert (ROOT / token).exists(), f"{named(path)} names {token}, which is not there"


@each_document
def test_no_address_but_known_ones(path: Path) -> None:
    text = path.read_text()
    for host in [*_ADDRESS.findall(text), *_BARE_HOST.findall(text)]:
        assert KNOWN_HOSTS.fullmatch(host), f"{named(path)} names {host}"


def test_pins_name_no_download_address() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        assert "://" not in path.read_text(), named(path)
