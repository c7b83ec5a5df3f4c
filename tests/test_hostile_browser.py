"""Hostile customers on every channel, and the desk's pages in a browser: nothing runs, nothing leaves, nothing falls apart.

One desk with all channels at their stand-ins, whose words are spoilt on their way (``tests.hostile``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import orjson
import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright

from parlour.channels import registry
from parlour.channels.tests.samples import sample
from parlour.playground.main import Stand
from parlour.playground.places.email import MailStandIn
from parlour.playground.places.feed import Feeds
from parlour.playground.places.instagram import Instagram
from parlour.playground.places.sms import Sms
from parlour.playground.places.telegram import Telegram
from parlour.playground.places.whatsapp import WhatsApp
from parlour.playground.postman import Habits
from tests import hostile
from tests.browser import ARGUMENTS, installed
from tests.desk import Desk, eventually

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.timeout(240)]

PEOPLE = 2
SAID = "My parcel is broken and I want my money back!"
CALLED = {"telegram": "@LumaHelpBot ", "bluesky": "@luma.example ", "x": "@LumaHelp "}
BY_NAME = ("chat", "email", "feed")
"""Where a customer's name does not go through JSON that could be spoilt on its way."""
KEPT = ("luma", "Luma", "LumaHelpBot", "LumaHelp", "luma.example")
SHORT = [name for name in hostile.NAMES if len(name) < 1000]
MAIL = b"""From: "<script evil>pwned()</script>" <mallory@evil.invalid>
To: help@luma.example
Subject: =?utf-8?b?PGltZyBzcmM9eCBvbmVycm9yPXB3bmVkKCkgZXZpbD4=?=
Message-ID: <"><img src=x onerror=pwned() evil>@evil.invalid>
Content-Type: text/html; charset=utf-8

<html><head><base href="http://evil.invalid/"><style>@import "//evil.invalid/x.css"; *{display:none}</style></head>
<body onload=pwned() background="http://evil.invalid/b.png"><p>My parcel is broken</p><img src="http://evil.invalid/t.gif" onerror=pwned()>
<a href="javascript:pwned()">click</a><form action="//evil.invalid"><input name=q autofocus onfocus=pwned()></form>
<svg><a xlink:href="javascript:pwned()"><text>x</text></a></svg><object data="//evil.invalid/x.swf"></object>
&lt;script evil&gt;pwned()&lt;/script&gt;
"""
WATCH = """
window.ran = [];
window.pwned = () => window.ran.push("a script ran");
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => window.ran.push(name);
document.addEventListener("securitypolicyviolation", (one) => window.ran.push(`${one.violatedDirective}: ${one.blockedURI} ${one.sample}`));
"""
LOOK = """() => {
  const wrong = [...window.ran];
  const told = (one) => one.outerHTML.slice(0, 160);
  const foreign = "[evil], base, iframe, object, embed, math, meta[http-equiv]";
  for (const one of document.querySelectorAll(foreign)) wrong.push(`element ${told(one)}`);
  for (const one of document.querySelectorAll("*")) for (const { name, value } of one.attributes) {
    if (/^on|^hx-on|^srcdoc$/i.test(name)) wrong.push(`handler ${told(one)}`);
    if (!/^(href|src|action|formaction|xlink:href|poster|data)$/.test(name)) continue;
    const at = new URL(value, location.href);
    const away = at.origin !== location.origin;
    if (!/^https?:$/.test(at.protocol)) wrong.push(`address ${told(one)}`);
    else if (away && (one.tagName !== "A" || !one.rel.includes("noopener") || one.target !== "_blank")) wrong.push(`leads away ${told(one)}`);
  }
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth) wrong.push(`the page scrolls sideways by ${page.scrollWidth - page.clientWidth}`);
  const shown = (one) => one.checkVisibility();
  for (const one of document.querySelectorAll("main, main *")) {
    const style = getComputedStyle(one);
    if (!/auto|scroll/.test(style.overflowX) || one.matches(".table, .meta, [role=region]")) continue;
    if (one.scrollWidth > one.clientWidth + 1 && shown(one))
      wrong.push(`scrolls sideways by ${one.scrollWidth - one.clientWidth}: ${told(one)}`);
  }
  const marks = /[\\u200e\\u200f\\u061c\\u202a-\\u202e\\u2066-\\u2069\\u0590-\\u08ff]/;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!marks.test(node.data) || !shown(node.parentElement) || node.parentElement.closest("option, script, svg")) continue;
    let wall = node.parentElement;
    const isolated = (one) => {
      const { unicodeBidi, display } = getComputedStyle(one);
      return /isolate|plaintext/.test(unicodeBidi) || !/^(inline|contents)$/.test(display);
    };
    while (!isolated(wall)) wall = wall.parentElement;
    const others = wall.textContent.replace(node.data, "").trim();
    const own = wall.matches(".words, [dir=auto]");
    if (others && !own) wrong.push(`flips its neighbours: ${told(wall)}`);
  }
  return [...new Set(wrong)];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = installed()
    if path is None:
        pytest.fail("There is no Chromium: run `make test`, which finds or fetches one.")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # this process queries no database
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield one
        one.close()


@dataclass
class Watched:
    """A page in which everything that should not happen is noted down."""

    page: Page
    desk: Desk
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("dialog", self._asks)
        self.page.on("console", lambda told: self.wrong.append(told.text) if told.type == "error" else None)
        self.page.on("popup", lambda popup: self.wrong.append(f"popup: {popup.url}"))
        self.page.context.on("request", self._asked)

    def _asks(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.desk.url + "/", "data:image/", "blob:")):
            self.wrong.append(f"a request left: {request.url}")

    def look(self, where: str) -> None:
        self.wrong += [f"{where}: {one}" for one in self.page.evaluate(LOOK)]

    def visit(self, path: str) -> str:
        """Look at a page at both widths; its words."""
        self.page.set_viewport_size({"width": 1440, "height": 900})
        self.page.goto(self.desk.url + path)
        self.look(path)
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.look(f"{path} on a phone")
        return str(self.page.evaluate("document.body.textContent"))


def connect(desk: Desk, stand: Stand) -> dict[str, str]:
    """All channels at their stand-ins; their webhooks' paths."""
    settings = {channel: stand.settings(channel) for channel in registry.CHANNELS}

    def add(channel: str) -> tuple[str, str]:
        made = desk.add_inbox(channel, brand="Luma", name=f"Luma on {channel}", **settings[channel])
        return channel, str(made["webhook_path"])

    desk.cli("agent", "team", "--name", "Care")
    with ThreadPoolExecutor(4) as pool:
        paths = dict(pool.map(add, settings))
    # Reddit knows names of letters only: one customer there has such a name, the other's is parked.
    letters = stand.place("reddit").person("Ana 0")
    hostile.spoil(stand, {value for told in settings.values() for value in told.values()} | {*KEPT, letters})
    return paths


def speak(stand: Stand, *, told: bool) -> None:
    """Customers write on all channels whose platforms tell (``told``), or are asked."""
    for name, place in stand.world.places.items():
        if any(channel in stand.world.postman.targets for channel in place.channels) is not told:
            continue
        for number in range(PEOPLE):
            as_named = SHORT[(number * 5 + len(name)) % len(SHORT)]
            person = place.person(as_named if name in BY_NAME else f"Ana {number}")
            words = CALLED.get(name, "") + SAID + (SHORT[number] if name in BY_NAME else "")
            for private in (False, True):
                if place.private if private else place.public:
                    place.say(person, words, private=private)
    if told:
        graph, x = stand.graph, stand.x
        for number in range(PEOPLE):
            ana, user = graph.person(f"Ana {number}"), x.user(f"Ana {number}")
            graph.comment(ana, SAID, graph.post(None, "Our new offer").id)
            graph.message(ana, SAID)
            x.tweet(user, CALLED["x"] + SAID)
            x.dm(user, SAID)


def mail(stand: Stand) -> None:
    """Hostile mails and entries, written as they come over the wire."""
    place = cast(MailStandIn, stand.place("email"))
    place.deliver(MAIL)
    files = tuple(
        (f"{name}\u202egpj.exe", head.get("content-type", "text/html"), body)
        for name, (status, head, body) in hostile.FILES.items()
        if status == 200
    )
    place.write(place.person("Mallory"), "Files", SAID, files=files[:8])
    feeds = cast(Feeds, stand.place("feed"))
    said = feeds.say(feeds.person(hostile.NAMES[0]), SAID + hostile.WORDS[-4])
    feeds.entries[said].id = "javascript:pwned()"


def show(stand: Stand) -> None:
    """Files, by the ways platforms have."""
    addresses = [f"{stand.base}/evil/{name}" for name in (*hostile.FILES, "giant.png", "endless.png")]
    parts = [{"type": "image" if "png" in one else "file", "payload": {"url": one}} for one in addresses]
    mallory = stand.graph.person("Mallory")
    insta, telegram = cast(Instagram, stand.place("instagram")), cast(Telegram, stand.place("telegram"))
    whatsapp, sms = cast(WhatsApp, stand.place("whatsapp")), cast(Sms, stand.place("sms"))
    stand.graph.message(mallory, SAID, attachments=tuple(parts))
    insta.message(insta.person("Mallory"), attachments=parts[:10])
    insta.reply_to_story(insta.person("Mallory"), SAID)
    for name, (_, head, body) in hostile.FILES.items():
        kind = head.get("content-type", "image/png")
        telegram.show(telegram.person("Mallory"), "document", body, name=name, mime=kind)
        whatsapp.send_file(whatsapp.person("Mallory"), "document", body, kind, name, "See")
    sms.tell(sms.person("Mallory"), SAID, files=((hostile.PAGE, "image/png"), (hostile.SVG, "image/svg+xml")))
    stand.x.dm(stand.x.user("Mallory"), SAID, picture=hostile.PAGE)
    event = {
        "type": "message",
        "external_id": "files",
        "thread": {"external_id": "files", "visibility": "private", "subject": "Files"},
        "author": {"external_id": "mallory", "name": "Mallory"},
        "text": SAID,
        "attachments": [{"kind": "image", "url": one, "name": one[-9:], "mime": "image/png"} for one in addresses],
    }
    stand.world.postman.put("api", event)


def repeat(stand: Stand) -> int:
    """Every kind of event that platforms tell, as recorded for the contract tests, at our inboxes; how many."""
    count = 0
    for channel in stand.world.postman.targets:
        if channel == "chat":  # its visitors send other bodies than are stored
            continue
        known, ours = sample(channel), stand.settings(channel)
        for body in known.BODIES:
            text = body.decode()
            for name, value in known.CONFIG.settings.items():
                if len(str(value)) > 4 and ours.get(name):
                    text = text.replace(str(value), ours[name])
            payload: dict[str, Any] = orjson.loads(text)
            if channel == "discourse":
                payload = {"event": payload.pop("event", "post_created"), "body": payload}
            if channel == "sms" and "message" in payload:
                continue  # as it is asked for, not told
            if channel == "sms":
                payload = {"form": payload, "where": ""}
            stand.world.postman.put(channel, payload)
            count += 1
    return count


def sign_in(browser: Browser, desk: Desk, link: str) -> Watched:
    page = browser.new_context(reduced_motion="reduce", locale="en-GB", timezone_id="UTC").new_page()
    page.add_init_script(WATCH)
    page.goto(link.strip())
    page.get_by_role("main").get_by_role("button").click()
    return Watched(page, desk)


def at_rest(desk: Desk) -> bool:
    """Whether all that came was handled, and every file asked for once."""
    waiting = """SELECT 1 FROM traffic_arrival WHERE state = 'new' AND due_at IS NULL
                 UNION SELECT 1 FROM cases_attachment WHERE state = 'waiting' AND tries = 0"""
    return not desk.rows(waiting)


def cases(desk: Desk) -> list[tuple[str, int]]:
    """(channel, case): the two cases of each channel in which most was said."""
    asked = """SELECT i.channel, m.case_id FROM cases_message m JOIN channels_inbox i ON i.id = m.inbox_id
               WHERE m.case_id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, count(*) DESC"""
    found: dict[str, list[int]] = {}
    for channel, case in desk.rows(asked):
        found.setdefault(channel, []).append(case)
    return [(channel, case) for channel, of in found.items() for case in of[:2]]


def check_files(desk: Desk, page: Page) -> None:
    """What was fetched is never given with a type that runs; what leads inside, or has no end, was not fetched."""
    rows = desk.rows("SELECT id, url, state, error, name FROM cases_attachment")
    by_name: dict[str, set[tuple[str, str]]] = {}
    for _, url, state, error, _ in rows:
        by_name.setdefault(url.rpartition("/")[2] if "/evil/" in url else url, set()).add((state, error))
    for name, words in (
        ("giant.png", "larger than 2 MB"),
        ("endless.png", "larger than 2 MB"),
        ("bomb.txt", "larger than 2 MB"),
        ("inside.png", "not on the open internet"),
        ("local.png", "Port 1 is not asked"),
        ("round.png", "leads on more than 3 times"),
        ("http://169.254.169.254/latest/meta-data", "not on the open internet"),
    ):
        told = by_name[name] - {("link", "")}  # a link is only shown
        assert told, name
        assert all(state == "refused" and words in error for state, error in told), (name, told)
    for name in ("javascript:pwned()//", "file:///etc/passwd"):
        assert {state for state, _ in by_name.get(name, ())} <= {"link"}, (name, by_name[name])
    given = {(name, state): one for one, _, state, _, name in rows if state == "fetched"}
    assert len(given) >= 12
    for one in given.values():
        answer = page.request.get(f"{desk.url}/files/{one}/x")
        kind = answer.headers["content-type"].partition(";")[0]
        assert answer.status == 200
        assert kind in {"application/octet-stream", "application/pdf", "image/png", "image/gif", "image/jpeg"}, kind
        assert answer.headers["x-content-type-options"] == "nosniff"
        # A browser's own reader of PDF does not work in a sandbox; scripts are shut out of it all the same.
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy if kind == "application/pdf" else "sandbox" in policy


def test_hostile_customers_of_every_channel_harm_nobody(desk: Desk, browser: Browser) -> None:
    desk.environment["PARLOUR_FILE_MB"] = "2"
    with Stand(habits=Habits(timeout=30, backoff=())) as stand:
        paths = connect(desk, stand)
        link = desk.cli(
            "agent", "add", "--email", "mina@example.com", "--name", "Mina", "--role", "admin", "--team", "Care"
        )
        stand.call(partial(speak, stand, told=False))
        stand.call(partial(mail, stand))
        desk.start()
        for channel in stand.world.postman.targets:
            stand.point(channel, desk.url + paths[channel])
        stand.call(partial(speak, stand, told=True))
        stand.call(partial(show, stand))
        stand.call(partial(repeat, stand))
        watched = sign_in(browser, desk, link)
        stand.settle(60)
        answers = [
            (one.target, one.status, one.body[:300]) for one in stand.world.postman.attempts if one.status != 200
        ]
        # A message without words whose only file has no address is nothing.
        assert {(target, status) for target, status, _ in answers} <= {("api", 400)}, answers
        # Polled channels are asked some seconds after the start.
        every = set(registry.CHANNELS)
        eventually(lambda: at_rest(desk) and {channel for channel, _ in cases(desk)} == every, 60)
        known = cases(desk)
        parked = desk.rows("SELECT reason FROM traffic_arrival WHERE state = 'parked'")
        assert parked
        assert all("name of the participant" in reason for (reason,) in parked), parked
        troubled = [f"/inboxes/{one}" for (one,) in desk.rows("SELECT id FROM channels_inbox WHERE health <> 'ok'")]
        pages = [
            "/queue/open",
            "/queue/noise",
            "/queue/open?q=%3Cscript%20evil%3E%22'",
            "/inboxes",
            "/arrivals",
            *troubled,
        ]
        seen = [watched.visit(path) for path in (*pages, *(f"/case/{case}" for _, case in known))]
        watched.visit(f"/case/{known[0][1]}/customer")
        assert watched.wrong == []
        assert len([words for words in seen if " evil>" in words]) > len(seen) / 2, "Little of it was on the pages."
        check_files(desk, watched.page)
    assert "Traceback" not in desk.log.read_text()
