"""The chat as visitors meet it: on a page of the brand's site, of another origin and under a strict content security policy, in a real
browser, by keyboard, on a phone, across reloads and the desk's death."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect, sync_playwright

from parlour.playground.main import Stand
from tests.browser import ARGUMENTS, installed
from tests.desk import Desk, eventually, every
from tests.test_browser import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.timeout(240)]

WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000008000000080806000000c40fbe8b0000001649444154789c63fccfc0f09f81"
    "2c60822a18d50000ae1f0d02e5a3f1d30000000049454e44ae426082"
)


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
class Site:
    """The brand's site on ``localhost``, with the chat of the desk on ``127.0.0.1``: another site, not only another origin."""

    desk: Desk
    stand: Stand
    inbox: dict[str, Any]
    api: httpx.Client
    usual: dict[str, str]
    before: set[int] = field(default_factory=set)
    """Cases of earlier tests."""
    changed: set[str] = field(default_factory=set)
    """Settings to be put back."""
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.stand.base.replace("127.0.0.1", "localhost") + "/api/chat/"

    def context(self, browser: Browser, **options: Any) -> BrowserContext:
        self.contexts.append(browser.new_context(**options))
        return self.contexts[-1]

    def visit(self, browser: Browser, path: str = "", **options: Any) -> Page:
        """The site in a browser of its own. Whatever its console complains of is a fault."""
        options = {"viewport": {"width": 1100, "height": 760}, "locale": "en-GB", "timezone_id": "UTC"} | options
        page = self.context(browser, reduced_motion="reduce", **options).new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda told: self.faults.append(told.text) if told.type == "error" else None)
        page.goto(self.url + path)
        return page

    def case(self) -> dict[str, Any]:
        """The one case there is of this test."""
        (one,) = eventually(lambda: [case for case in every(self.api, "cases") if case["id"] not in self.before])
        found: dict[str, Any] = one
        return found

    def messages(self) -> list[str]:
        """What is in the case, oldest first."""
        return [one["text"] for one in every(self.api, f"cases/{self.case()['id']}/messages")][::-1]

    def answer(self, text: str, **more: Any) -> None:
        told = {"text": text, "visibility": "private", **more}
        answer = self.api.post(f"cases/{self.case()['id']}/replies", json=told)
        assert answer.status_code == 201, answer.text

    def set(self, **settings: str) -> None:
        self.changed |= set(settings)
        pairs = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        self.desk.cli("inbox", "set", str(self.inbox["id"]), *pairs)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Stand() as stand, Desk(tmp_path_factory.mktemp("desk")) as desk:
        settings = stand.settings("chat") | {"origins": stand.base.replace("127.0.0.1", "localhost")}
        desk.warm_up()
        inbox = desk.add_inbox("chat", brand="Luma", name="Luma's site", **settings)
        stand.point("chat", desk.url + inbox["webhook_path"])
        token = desk.add_token()
        desk.start()
        with desk.api(token) as api:
            yield Site(desk, stand, inbox, api, settings)


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    before = {case["id"] for case in every(running.api, "cases")}
    one = replace(running, before=before, changed=set(), faults=[], contexts=[])
    yield one
    for context in one.contexts:
        context.close()
    if one.changed:
        one.set(**{name: running.usual.get(name, "") for name in one.changed})


def opened(page: Page) -> FrameLocator:
    """Press the button as a keyboard does; the chat in its frame, which has the focus then."""
    button = page.get_by_role("button", name="Chat with Luma")
    button.focus()
    page.keyboard.press("Enter")
    return within(page)


def within(page: Page) -> FrameLocator:
    frame = page.frame_locator('iframe[title="Chat with Luma"]')
    expect(frame.locator("body[data-ready]")).to_be_attached(timeout=10_000)
    return frame


def write(page: Page, frame: FrameLocator, text: str) -> None:
    expect(frame.get_by_label("Your message")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(frame.get_by_role("log").get_by_text(text, exact=True)).to_be_visible()


def no_violations(page: Any, where: str) -> None:
    found = Axe().run(page, options=WCAG)
    told = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found.response["violations"]]
    assert not told, f"{where}: {told}"


def test_a_conversation_over_reloads_and_the_desks_death(site: Site, browser: Browser) -> None:
    page = site.visit(browser)
    assert page.evaluate("document.cookie") == ""
    frame = opened(page)
    expect(frame.get_by_text("Hello! What can we do for you?")).to_be_visible()
    write(page, frame, "Is the Luma Go M still on offer?")
    expect(frame.get_by_role("log").get_by_text("Sent")).to_be_visible(timeout=10_000)
    site.answer("Yes, until Sunday. More at https://www.luma.example/go.")
    expect(frame.get_by_text("Yes, until Sunday.")).to_be_visible(timeout=10_000)
    link = frame.get_by_role("link")
    expect(link).to_have_attribute("href", "https://www.luma.example/go")
    expect(link).to_have_attribute("rel", "noopener noreferrer")

    # Read, says the widget, and the desk knows.
    eventually(lambda: every(site.api, f"cases/{site.case()['id']}/messages")[0]["delivery"]["state"] == "read")

    # On the next page the chat is open and everything is there; what was begun to be written, too.
    page.keyboard.type("Thank you! And")
    page.goto(site.url + "?page=help")
    frame = within(page)
    expect(frame.get_by_text("Yes, until Sunday.")).to_be_visible()
    expect(frame.get_by_label("Your message")).to_have_value("Thank you! And")
    frame.get_by_label("Your message").focus()
    page.keyboard.type(" until when exactly?")

    # The desk dies while the visitor writes; nothing is lost, nothing is said twice.
    site.desk.kill()
    page.keyboard.press("Enter")
    expect(frame.get_by_text("No connection. It is sent as soon as there is one.")).to_be_visible(timeout=10_000)
    page.keyboard.type("Hello?")
    page.keyboard.press("Enter")
    site.desk.start()
    expect(frame.get_by_text("No connection")).to_have_count(0, timeout=30_000)
    eventually(lambda: "Hello?" in site.messages())
    assert site.messages() == [
        "Is the Luma Go M still on offer?",
        "Yes, until Sunday. More at https://www.luma.example/go.",
        "Thank you! And until when exactly?",
        "Hello?",
    ]
    site.answer("Midnight.")
    expect(frame.get_by_text("Midnight.")).to_be_visible(timeout=15_000)
    assert frame.get_by_role("article").count() == 6
    wrong = [one for one in site.faults if "ERR_CONNECTION_REFUSED" not in one and "ERR_INCOMPLETE" not in one]
    wrong = [one for one in wrong if "ERR_CONNECTION_RESET" not in one and "ERR_EMPTY" not in one]
    assert not wrong, wrong


def test_keyboard_and_screen_reader(site: Site, browser: Browser) -> None:
    page = site.visit(browser)
    button = page.get_by_role("button", name="Chat with Luma")
    for _ in range(6):
        page.keyboard.press("Tab")
        if button.evaluate("one => one.getRootNode().activeElement === one"):
            break
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-expanded", "true")
    frame = within(page)
    tree = frame.locator("body").aria_snapshot()
    for line in (
        'heading "Luma" [level=1]',
        'button "Close the chat"',
        'log "Conversation"',
        'textbox "Your message"',
        'button "Add a file"',
        'button "Send"',
    ):
        assert line in tree, f"{line} is not in {tree}"
    assert frame.get_by_role("log").get_attribute("aria-live") == "polite"
    write(page, frame, "Hello there")

    # Escape closes it, and the focus is where it came from; news are told there.
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(page.locator("iframe")).to_be_hidden()
    site.answer("Good morning.")
    news = page.get_by_role("button", name="Chat with Luma, 1 new message from Luma")
    expect(news).to_be_visible(timeout=10_000)
    expect(page.get_by_role("status")).to_have_text("1 new message from Luma")
    page.keyboard.press("Enter")
    expect(button).to_have_accessible_name("Chat with Luma")
    expect(frame.get_by_text("Good morning.")).to_be_visible()
    expect(frame.get_by_label("Your message")).to_be_focused()
    # What a screen reader hears of it begins with who said it.
    assert "Luma: Good morning." in " ".join(frame.get_by_role("article").all_text_contents()).replace(
        "Luma:Good", "Luma: Good"
    )
    page.keyboard.press("Shift+Tab")
    expect(frame.get_by_role("button", name="Add a file")).to_be_focused()
    assert not site.faults, site.faults


def test_an_answer_is_chosen_by_pressing_it(site: Site, browser: Browser) -> None:
    page = site.visit(browser)
    frame = opened(page)
    write(page, frame, "Where is my parcel?")
    site.case()
    site.answer("Is it the one to <b>Lisbon</b>?", choices=["Yes, that one", "<img src=x onerror=alert(1)>"])
    offered = frame.get_by_role("group", name="Answers to choose from")
    expect(offered.get_by_role("button")).to_have_text(
        ["Yes, that one", "<img src=x onerror=alert(1)>"], timeout=10_000
    )
    no_violations(page, "with answers to choose from")
    page.keyboard.type("half a thought")
    offered.get_by_role("button", name="Yes, that one").focus()
    page.keyboard.press("Enter")
    expect(frame.locator("article.mine").last).to_contain_text("Yes, that one")
    expect(offered).to_have_count(0)
    expect(frame.get_by_label("Your message")).to_have_value("half a thought")
    assert eventually(lambda: site.messages()[2:]) == ["Yes, that one"]
    assert not site.faults, site.faults


def test_a_visitor_sees_that_an_agent_writes_and_a_long_answer_comes_in_parts(site: Site, browser: Browser) -> None:
    page = site.visit(browser)
    frame = opened(page)
    write(page, frame, "How does it work?")
    agent = sign_in(browser, site.desk, "Mina Okafor")
    agent.goto(f"{site.desk.url}/case/{site.case()['id']}")
    sentence = "It works like this and like that. "
    agent.get_by_label("Your words").fill(sentence * 10)
    expect(frame.get_by_text("Luma is writing …")).to_be_visible(timeout=10_000)
    agent.get_by_label("Your words").fill(sentence * 900)
    expect(agent.locator("#how-long")).to_contain_text("goes out in 4 messages")
    agent.get_by_label("Your words").fill(sentence * 1600)
    expect(agent.locator("#how-long")).to_contain_text("more than 5 messages of")
    expect(agent.locator("#how-long")).to_have_class("how-long over")
    agent.get_by_label("Your words").fill(sentence * 900)
    agent.get_by_role("button", name="Send", exact=True).click()
    expect(frame.locator("article.theirs:not(.welcome)")).to_have_count(4, timeout=20_000)
    expect(frame.get_by_text("Luma is writing …")).to_be_hidden()
    told = "".join(frame.locator("article.theirs:not(.welcome) .words").all_text_contents())
    assert told.replace(" ", "") == (sentence * 900).replace(" ", "")
    expect(agent.get_by_text("3 of 4")).to_be_visible()
    agent.context.close()
    assert not site.faults, site.faults


def test_accessible_in_light_and_dark_and_when_nobody_is_there(site: Site, browser: Browser) -> None:
    site.set(hours="mon 00:00-00:01", timezone="Pacific/Kiritimati", colour="#ffd400")
    for scheme, width in (("light", 1100), ("dark", 390)):
        page = site.visit(browser, color_scheme=scheme, viewport={"width": width, "height": 760})
        no_violations(page, f"the site with a button, {scheme}")
        frame = opened(page)
        expect(frame.get_by_text("Nobody is here right now.")).to_be_visible()
        # Told in the visitor's own time: Monday begins there while it is Sunday morning here.
        assert "Sunday" in frame.locator("#away").inner_text()
        email = frame.get_by_label("Your e-mail address")
        email.fill("not an address")
        frame.get_by_label("Your message").fill(f"Please write to me, {scheme}.")
        frame.get_by_role("button", name="Send").click()
        expect(frame.get_by_text("This is no e-mail address.")).to_be_visible()
        expect(email).to_be_focused()
        email.fill(f"{scheme}@mail.example")
        frame.get_by_role("button", name="Send").click()
        expect(frame.get_by_role("log").get_by_text("Sent")).to_be_visible(timeout=10_000)
        inside = next(one for one in page.frames if f"/chat/{site.inbox['key']}" in one.url)
        no_violations(inside, f"the chat, {scheme}")
        no_violations(page, f"the site with the chat, {scheme}")
    found = site.desk.rows("SELECT email FROM customers_identity WHERE email <> '' ORDER BY email")
    assert found == [("dark@mail.example",), ("light@mail.example",)]
    assert not site.faults, site.faults


def test_on_a_phone_it_has_the_whole_screen(site: Site, browser: Browser) -> None:
    page = site.visit(
        browser, viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page.get_by_role("button", name="Chat with Luma").tap()
    frame = within(page)
    box = page.locator("iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 360, "height": 640}
    frame.get_by_label("Your message").fill("Hello with a very long word: " + "x" * 300)
    frame.get_by_role("button", name="Send").tap()
    expect(frame.get_by_role("log").get_by_text("Sent")).to_be_visible(timeout=10_000)
    inside = next(one for one in page.frames if f"/chat/{site.inbox['key']}" in one.url)
    assert inside.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    for name in ("Close the chat", "Add a file", "Send"):
        size = frame.get_by_role("button", name=name).bounding_box()
        assert size
        assert min(size["width"], size["height"]) >= 40, name
    frame.get_by_role("button", name="Close the chat").tap()
    expect(page.locator("iframe")).to_be_hidden()
    expect(page.get_by_role("button", name="Chat with Luma")).to_be_focused()
    assert not site.faults, site.faults


def test_hostile_words_and_hostile_sites(site: Site, browser: Browser) -> None:
    page = site.visit(browser)
    frame = opened(page)
    evil = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script> javascript:alert(1) \u202eevil\u202c"
    write(page, frame, evil)
    eventually(lambda: site.messages() == [evil])
    site.answer('<b>No.</b> javascript:alert(2) http://a.example/"onmouseover=pwned=1')
    expect(frame.get_by_text("<b>No.</b>")).to_be_visible(timeout=10_000)
    inside = next(one for one in page.frames if f"/chat/{site.inbox['key']}" in one.url)
    assert inside.evaluate("window.pwned") is None
    assert inside.evaluate("document.querySelectorAll('article img, article script, article b').length") == 0
    assert frame.get_by_role("link").all_inner_texts() == ["http://a.example/"]
    page.reload()
    expect(within(page).get_by_text("<b>No.</b>")).to_be_visible()
    assert not site.faults, site.faults

    # A site that is not among the origins gets no conversation into its frame.
    other = site.context(browser).new_page()
    other.goto(site.stand.base + "/api/chat/")
    with other.expect_console_message(lambda told: "frame-ancestors" in told.text):
        other.get_by_role("button", name="Chat with Luma").click()
    assert all("/chat/" not in one.url.removeprefix(site.stand.base + "/api/chat/") for one in other.frames)


def test_without_storage_it_lasts_as_long_as_the_page(site: Site, browser: Browser) -> None:
    context = site.context(browser, locale="de-CH")
    context.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw new DOMException('refused', 'SecurityError') } })"
    )
    page = context.new_page()
    page.goto(site.url)
    page.get_by_role("button", name="Chat mit Luma").click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("html")).to_have_attribute("lang", "de")
    frame.get_by_label("Ihre Nachricht").fill("Guten Tag!")
    frame.get_by_role("button", name="Senden").click()
    expect(frame.get_by_role("log").get_by_text("Gesendet")).to_be_visible(timeout=10_000)
    site.answer("Grüezi!")
    expect(frame.get_by_text("Grüezi!")).to_be_visible(timeout=10_000)
    page.reload()
    page.get_by_role("button", name="Chat mit Luma").click()
    expect(frame.locator("body[data-ready]")).to_be_attached()
    assert frame.get_by_text("Grüezi!").count() == 0


def test_where_storage_is_given_every_tab_has_it_and_long_talks_come_in_pages(site: Site, browser: Browser) -> None:
    """The site on the desk's own host, another port: browsers give frames of the same site their storage."""
    site.set(origins=site.stand.base)
    context = site.context(browser, locale="en-GB")
    page = context.new_page()
    page.goto(site.stand.base + "/api/chat/")
    write(page, opened(page), "Hello from the first tab")
    eventually(lambda: site.messages() == ["Hello from the first tab"])
    for number in range(54):
        site.answer(f"Answer {number}.")
    expect(within(page).get_by_text("Answer 53.")).to_be_visible(timeout=20_000)
    other = context.new_page()
    other.goto(site.stand.base + "/api/chat/")
    frame = opened(other)
    expect(frame.get_by_text("Answer 53.")).to_be_visible()
    expect(frame.get_by_role("article")).to_have_count(51)
    assert frame.get_by_text("Hello from the first tab").count() == 0
    earlier = frame.get_by_role("button", name="Earlier messages")
    earlier.click()
    expect(frame.get_by_text("Hello from the first tab")).to_be_attached()
    expect(earlier).to_be_hidden()
    expect(frame.get_by_role("article")).to_have_count(56)
    # What is new comes to both tabs, and what was looked up stays.
    site.answer("The last one.")
    for tab in (page, other):
        expect(within(tab).get_by_text("The last one.")).to_be_visible(timeout=10_000)
    expect(frame.get_by_role("article")).to_have_count(57)
    texts = frame.locator("article .words").all_inner_texts()
    assert texts[1:] == ["Hello from the first tab", *(f"Answer {number}." for number in range(54)), "The last one."]


def test_a_guests_first_words_go_before_their_files(site: Site, browser: Browser, tmp_path: Path) -> None:
    page = site.visit(browser)
    frame = opened(page)
    (tmp_path / "screen.png").write_bytes(PNG)
    frame.locator("#picker").set_input_files([tmp_path / "screen.png"])
    frame.get_by_role("button", name="Send").click()
    expect(frame.get_by_text("Please write a few words")).to_be_visible()
    write(page, frame, "This is what I see.")
    expect(frame.get_by_role("img", name="screen.png")).to_be_visible(timeout=15_000)
    eventually(lambda: site.messages() == ["This is what I see.", ""])
    # A refusal that the widget has mended itself is all there is to complain of.
    assert all("403" in fault for fault in site.faults), site.faults


def test_signed_in_visitors_and_files(site: Site, browser: Browser, tmp_path: Path) -> None:
    page = site.visit(browser)
    frame = opened(page)
    write(page, frame, "A question before I sign in.")
    eventually(lambda: len(site.messages()) == 1)
    page.goto(site.url + "?as=Ada+Stern")
    frame = within(page)
    expect(frame.get_by_text("A question before I sign in.")).to_be_visible()
    picture = tmp_path / "screen.png"
    picture.write_bytes(PNG)
    frame.locator("#picker").set_input_files([picture])
    expect(frame.get_by_role("button", name="Leave out screen.png")).to_be_visible()
    write(page, frame, "This is what I see.")
    expect(frame.get_by_role("img", name="screen.png")).to_be_visible(timeout=10_000)
    case = site.case()
    assert case["customer"]["name"] == "Ada Stern"
    assert site.messages() == ["A question before I sign in.", "This is what I see."]

    # It is still there on the next page; signed out, it is not.
    page.goto(site.url + "?as=Ada+Stern&page=help")
    expect(within(page).get_by_role("img", name="screen.png")).to_be_visible(timeout=10_000)
    page.goto(site.url)
    frame = within(page)
    expect(frame.get_by_role("log").get_by_text("Hello!")).to_be_visible()
    assert frame.get_by_role("article").count() == 1

    # Too large a file is refused before it is sent.
    (tmp_path / "film.mp4").write_bytes(b"x" * 3_000_001)
    frame.locator("#picker").set_input_files([tmp_path / "film.mp4"])
    expect(frame.get_by_text("film.mp4 is too large")).to_be_visible()
    assert not site.faults, site.faults
