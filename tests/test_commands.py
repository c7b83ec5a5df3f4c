"""The command line as an administrator meets it: what it prints, what it says when something is wrong, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from parlour.lib.signing import base64_signature, hex_signature
from parlour.playground import graph_events
from parlour.playground.ids import PlatformClock
from tests.desk import SECRET, Desk, eventually, every, free_port

pytestmark = pytest.mark.whole

WHSEC = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2s="
META = {
    "page_id": "4711",
    "app_secret": "s3cret",
    "verify_token": "open-sesame",
    "access_token": "t",
    "api_base": "http://127.0.0.1:9",
}
SETTINGS: dict[str, dict[str, str]] = {
    "facebook": META,
    "messenger": META,
    "x": {"user_id": "4712", "consumer_secret": "c0nsumer", "access_token": "t", "api_base": "http://127.0.0.1:9"},
    "api": {"secret": WHSEC, "callback_url": "http://127.0.0.1:9/"},
}


def parlour(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, started as the installed one is."""
    given = os.environ | {
        "PARLOUR_DATA": str(folder),
        "PARLOUR_SECRET": SECRET,
        "PARLOUR_PLAYGROUND": "0",
        "DATABASE_URL": "",
    }
    line = [sys.executable, "-m", "parlour", *arguments]
    return subprocess.run(
        line,
        env=given | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parent.parent,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that failed said: one sentence or a few, and no traceback."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.rstrip().endswith(".")
    return done.stderr


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk that runs, its first start behind it."""
    with Desk(tmp_path_factory.mktemp("commands")) as desk:
        yield desk.warm_up(empty=True).start()


def refused(desk: Desk, *arguments: str) -> str:
    """What a command says that must fail, beside a desk that runs."""
    with pytest.raises(AssertionError) as caught:
        desk.cli(*arguments)
    words = str(caught.value).partition("Error: ")[2]
    assert words
    assert "Traceback" not in str(caught.value)
    return words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PARLOUR_PORT", "abc", "PARLOUR_PORT must be a port number from 1 to 65535, not 'abc'."),
        ("PARLOUR_PORT", "70000", "PARLOUR_PORT must be a port number"),
        ("PARLOUR_PORT", "0", "PARLOUR_PORT must be a port number"),
        ("PARLOUR_PORT", "²", "PARLOUR_PORT must be a port number"),
        ("PARLOUR_SECRET", "short", "PARLOUR_SECRET must have at least 32 characters."),
        ("PARLOUR_PLAYGROUND", "maybe", "PARLOUR_PLAYGROUND must be 0 or 1, not 'maybe'."),
        ("PARLOUR_URL", "desk", "PARLOUR_URL must be an address"),
        ("PARLOUR_TRUSTED_PROXIES", "10.0.0.1, proxy", "'proxy' is none."),
        ("PARLOUR_TRUSTED_PROXIES", "10.0.0.1/8", "'10.0.0.1/8' is none."),
        ("PARLOUR_TRUSTED_PROXIES", "*", "PARLOUR_TRUSTED_PROXIES must be IP addresses or networks"),
        ("PARLOUR_TRUSTED_PROXIES", "0.0.0.0/0", "must not name everybody"),
        ("DATABASE_URL", "mysql://root@localhost/parlour", "DATABASE_URL must begin with postgresql:// or sqlite:///."),
        ("DATABASE_URL", "postgresql://localhost", "name of a database"),
        ("DATABASE_URL", "postgresql://localhost:many/parlour", "port that is not a number"),
        ("PARLOUR_DATA", "/dev/null/parlour", "PARLOUR_DATA names /dev/null/parlour, which cannot be made"),
        ("PARLOUR_DATA", "/proc/self", "PARLOUR_DATA names /proc/self"),
        ("PARLOUR_DATA", __file__, "PARLOUR_DATA names"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_sentence(name: str, value: str, words: str, tmp_path: Path) -> None:
    assert words in said(parlour(tmp_path, "run", **{name: value}))


def test_a_database_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    words = said(parlour(tmp_path, "migrate", DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/parlour"))
    assert "database" in words


def test_a_data_folder_that_may_not_be_written_to_is_a_sentence(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("Nothing is forbidden to root.")
    (tmp_path / "locked").mkdir(mode=0o500)
    assert "cannot be written to" in said(parlour(tmp_path / "locked", "run"))


def test_a_damaged_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "parlour.sqlite3").write_bytes(b"This is no database. " * 500)
    assert "database" in said(parlour(tmp_path, "migrate"))


def test_a_damaged_secret_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    assert "is damaged" in said(parlour(tmp_path, "run", PARLOUR_SECRET=""))


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        words = said(parlour(tmp_path, "run", PARLOUR_PORT=port))
    assert f"Port {port} is taken; set PARLOUR_PORT to another one." in words


def test_web_and_worker_want_postgresql(tmp_path: Path) -> None:
    assert "“parlour run”" in said(parlour(tmp_path, "web", PARLOUR_PORT=str(free_port())))
    assert "“parlour run”" in said(parlour(tmp_path, "worker"))


def test_help_needs_no_settings_and_an_unknown_command_is_named(tmp_path: Path) -> None:
    helped = parlour(tmp_path, "--help", PARLOUR_PORT="abc", DATABASE_URL="mysql://x/y")
    assert helped.returncode == 0
    for command in ("run", "web", "worker", "migrate", "inbox", "token", "agent", "replay", "playground"):
        assert f"\n  {command} " in helped.stdout
    unknown = parlour(tmp_path, "runn")
    assert unknown.returncode == 2
    assert "No such command 'runn'" in unknown.stderr


def test_the_first_start_prints_the_administrators_address_and_a_link_that_works_once(live: Desk) -> None:
    told = live.log.read_text()
    assert "Sign in as admin@parlour.local" in told
    assert f"The desk is at {live.url}" in told
    link = re.search(r"http://\S+/sign-in/\S+", told)
    assert link is not None
    with httpx.Client(base_url=live.url, trust_env=False) as browser:
        page = browser.get(link[0])
        assert page.status_code == 200
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        answer = browser.post(link[0], data={"csrfmiddlewaretoken": token[1]})
        assert answer.status_code == 302
        assert browser.get("/", follow_redirects=True).status_code == 200
    with httpx.Client(base_url=live.url, trust_env=False) as stranger:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', stranger.get(link[0]).text)
        if token is not None:
            assert stranger.post(link[0], data={"csrfmiddlewaretoken": token[1]}).status_code >= 400
        assert stranger.get("/").status_code in (302, 303)


@pytest.mark.parametrize("channel", list(SETTINGS))
def test_an_inbox_is_one_json_object_and_its_door_is_open_at_once(channel: str, live: Desk) -> None:
    pairs = [part for name, value in SETTINGS[channel].items() for part in ("--set", f"{name}={value}")]
    told = live.cli("inbox", "add", channel, "--brand", "Luma", "--name", "First", *pairs)
    inbox = json.loads(told)
    assert told.count("\n") == 1
    assert set(inbox) == {"id", "key", "webhook_path"}
    assert inbox["webhook_path"] == f"/in/{channel}/{inbox['key']}"
    answer = httpx.post(live.url + inbox["webhook_path"], content=b"{}", trust_env=False)
    assert answer.status_code == 403, "The door knows the inbox, and that nobody has signed this."
    listed = [json.loads(line) for line in live.cli("inbox", "list").splitlines()]
    assert inbox["id"] in {one["id"] for one in listed}
    assert not any(value in json.dumps(listed) for value in ("s3cret", "c0nsumer", WHSEC, "open-sesame"))


def test_messages_come_in_at_once_through_a_new_inbox_and_a_new_token_reads_them(live: Desk) -> None:
    inbox = live.add_inbox("messenger", name="At once", **META)
    event = graph_events.text_message(
        "81500000000000001", "4711", PlatformClock().now(), "m_at_once", "Is anybody there?"
    )
    body = orjson.dumps(graph_events.messaging("4711", PlatformClock().now(), event))
    headers = {"x-hub-signature-256": hex_signature("s3cret", body)}
    answer = httpx.post(live.url + inbox["webhook_path"], content=body, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    token = live.add_token("analyst")

    def read() -> list[dict[str, Any]]:
        with live.api(token) as api:
            return [one for case in every(api, "cases") for one in every(api, f"cases/{case['id']}/messages")]

    assert eventually(read)[0]["text"] == "Is anybody there?"


@pytest.mark.parametrize(
    ("channel", "pairs", "words"),
    [
        ("facebook", [], ["'page_id'", "'app_secret'", "'verify_token'", "'access_token'"]),
        (
            "messenger",
            ["page_id=1", "colour=red", "app_secret=s"],
            ["Unknown setting 'colour'", "'verify_token'", "'access_token'"],
        ),
        (
            "messenger",
            ["page_id=a b", "app_secret=s", "verify_token=v", "access_token=t", "api_base=ftp://x"],
            ["'page_id'", "'api_base'"],
        ),
        ("x", ["user_id=me"], ["'user_id'", "'consumer_secret'", "'access_token'"]),
        ("api", ["secret=whsec_short", "callback_url=nowhere"], ["'secret'", "'callback_url'"]),
        ("api", ["secret"], ["--set takes KEY=VALUE"]),
        ("telegraph", ["a=b"], ["There is no channel 'telegraph'", "facebook", "messenger", "x"]),
    ],
)
def test_everything_wrong_with_settings_is_named_at_once(
    channel: str, pairs: list[str], words: list[str], live: Desk
) -> None:
    before = live.cli("inbox", "list")
    arguments = [part for pair in pairs for part in ("--set", pair)]
    told = refused(live, "inbox", "add", channel, "--brand", "Luma", "--name", "Wrong", *arguments)
    assert [word for word in words if word not in told] == []
    assert live.cli("inbox", "list") == before


def test_an_inboxs_name_is_taken_once(live: Desk) -> None:
    live.add_inbox("api", name="Twice", secret=WHSEC)
    words = refused(live, "inbox", "add", "api", "--brand", "Luma", "--name", "Twice", "--set", f"secret={WHSEC}")
    assert "already has a api inbox named 'Twice'" in words or "already has an api inbox named 'Twice'" in words


def test_the_channels_and_their_settings_are_listed(live: Desk) -> None:
    told = live.cli("inbox", "channels")
    for channel, settings in SETTINGS.items():
        section = told.partition(f"{channel} (")[2]
        assert all(f"  {name}: " in section for name in settings)


def test_a_token_works_until_it_is_revoked(live: Desk) -> None:
    token = live.cli("token", "add", "--name", "For a while", "--role", "analyst").strip()
    with live.api(token) as api:
        assert api.get("me").json()["role"] == "analyst"
        assert live.cli("token", "revoke", "--name", "For a while") == "1 revoked.\n"
        assert api.get("me").status_code == 401
    assert token not in live.cli("token", "list")
    assert "no live token named 'For a while'" in refused(live, "token", "revoke", "--name", "For a while")


def test_a_tokens_role_is_one_of_those_there_are(live: Desk) -> None:
    assert "analyst" in refused(live, "token", "add", "--name", "x", "--role", "emperor")


def test_an_agent_gets_a_link_and_can_get_another(live: Desk) -> None:
    link = live.cli("agent", "add", "--email", "Ida@example.com", "--name", "Ida", "--team", "Care").strip()
    assert link.startswith(f"{live.url}/sign-in/")
    assert httpx.get(link, trust_env=False).status_code == 200
    other = live.cli("agent", "link", "--email", "ida@EXAMPLE.com").strip()
    assert httpx.get(other, trust_env=False).status_code == 200
    refused(live, "agent", "add", "--email", "ida@example.com", "--name", "Ida again")
    refused(live, "agent", "add", "--email", "no address", "--name", "Nobody")
    refused(live, "agent", "add", "--email", "eve@example.com", "--name", "Eve", "--role", "emperor")
    assert "no agent with the address" in refused(live, "agent", "link", "--email", "nobody@example.com")


def test_metas_handshake(live: Desk) -> None:
    for channel in ("facebook", "messenger"):
        url = live.url + live.add_inbox(channel, name="Handshake", **META)["webhook_path"]
        asked = {"hub.mode": "subscribe", "hub.verify_token": "open-sesame", "hub.challenge": "1158201444"}
        answer = httpx.get(url, params=asked, trust_env=False)
        assert (answer.status_code, answer.text) == (200, "1158201444")
        for wrong in ({"hub.verify_token": "close"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": ""}):
            refusal = httpx.get(url, params=asked | wrong, trust_env=False)
            assert refusal.status_code == 403
            assert refusal.headers["content-type"] == "application/problem+json"
            assert "1158201444" not in refusal.text
        assert httpx.get(url, params={**asked, "hub.challenge": ""}, trust_env=False).status_code == 400
        assert httpx.get(url, trust_env=False).status_code == 403


def test_xs_challenge(live: Desk) -> None:
    url = live.url + live.add_inbox("x", name="Handshake", **SETTINGS["x"])["webhook_path"]
    answer = httpx.get(url, params={"crc_token": "challenge"}, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"response_token": base64_signature("c0nsumer", b"challenge")})
    assert httpx.get(url, trust_env=False).status_code == 400


def test_a_polite_end_is_quick_and_the_port_is_free_again(desk: Desk) -> None:
    desk.start()
    desk.stop()
    assert "Traceback" not in desk.log.read_text()
    desk.start()
    process = desk._process
    assert process is not None
    process.send_signal(signal.SIGINT)
    assert process.wait(15) in (0, 1, 130, -signal.SIGINT)
    assert "Traceback" not in desk.log.read_text()
