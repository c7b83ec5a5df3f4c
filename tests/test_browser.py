"""The main road as agents walk it: two of them, in two browsers, on a real desk, with stand-ins that really receive the answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from parlour.playground.main import Stand
from tests.browser import ARGUMENTS, installed
from tests.desk import Desk, eventually

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.timeout(240)]

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = installed()
    if path is None:
        pytest.fail(
            "There is no Chromium: run `make test`, which finds or fetches one, or install Debian's `chromium`."
        )
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "1"  # Playwright's loop runs in this thread; this process queries no database
    )
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield one
        one.close()


@pytest.fixture
def stand(desk: Desk) -> Iterator[Stand]:
    """A running desk with its three inboxes connected to stand-ins."""
    with Stand() as one:
        for channel in ("facebook", "messenger", "x"):
            inbox = desk.add_inbox(channel, brand="Luma", name=f"Luma on {channel}", **one.settings(channel))
            one.point(channel, desk.url + inbox["webhook_path"])
        desk.cli("agent", "team", "--name", "Care")
        desk.start()
        yield one


def sign_in(browser: Browser, desk: Desk, name: str, *, dark: bool = False) -> Page:
    """A new agent in a browser of their own, signed in by the one-time link."""
    address = f"{name.lower().replace(' ', '.')}@example.com"
    link = desk.cli("agent", "add", "--email", address, "--name", name, "--role", "lead", "--team", "Care").strip()
    context: BrowserContext = browser.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.faults = faults  # type: ignore[attr-defined]
    page.goto(link)
    page.get_by_role("main").get_by_role("button").click()
    page.goto(desk.url + "/queue/open")
    return page


def no_violations(page: Page, where: str) -> None:
    """axe finds nothing against WCAG 2.2 AA."""
    found = Axe().run(page, options=WCAG)
    told = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found.response["violations"]]
    assert not told, f"{where}: {told}"


def open_case(page: Page, name: str) -> None:
    page.locator("#rows").get_by_role("link", name=name).first.click()
    expect(page.locator("#case-title")).to_have_text(name)


def answer(page: Page, way: str, text: str) -> None:
    """Choose the way by its key, write, send by the keyboard."""
    page.keyboard.press("Escape")
    page.keyboard.press({"public": "r", "private": "p", "note": "n"}[way])
    box = page.get_by_label("Your words")
    expect(box).to_be_focused()
    box.fill(text)
    page.keyboard.press("Control+Enter")
    expect(box).to_have_value("")


def said(page: Page, text: str) -> Locator:
    return page.locator("#flow").get_by_text(text)


def test_two_agents_walk_the_main_road(desk: Desk, stand: Stand, browser: Browser) -> None:
    mina = sign_in(browser, desk, "Mina Okafor")
    jonas = sign_in(browser, desk, "Jonas Weber", dark=True)

    # A customer complains in public; both queues show it without a reload.
    stand.say_comment("Ada Stern", "My parcel LM-4711 has not arrived for nine days. This is unacceptable!")
    for page in (mina, jonas):
        expect(page.locator("#rows").get_by_text("My parcel LM-4711")).to_be_visible(timeout=10_000)
    open_case(mina, "Ada Stern")
    expect(mina.get_by_label("Category")).to_have_value("delivery")
    open_case(jonas, "Ada Stern")

    # Mina answers in public: the platform's public page holds her words, and Jonas sees them live.
    answer(mina, "public", "Hello Ada, I am sorry. I look into it now and write to you in private.")
    expect(said(jonas, "I look into it now")).to_be_visible(timeout=15_000)
    eventually(lambda: any("I look into it now" in str(one) for one in stand.graph.answers))
    expect(mina.locator("#flow").get_by_text("sent", exact=False).first).to_be_visible(timeout=15_000)

    # Jonas had begun to answer the same words: no double answer goes out.
    stand.say_comment("Ben Vogel", "How do I change my tariff online? The page shows an error.")
    expect(mina.locator("#rows").get_by_text("How do I change my tariff")).to_be_visible(timeout=10_000)
    for page in (mina, jonas):
        open_case(page, "Ben Vogel")
    jonas.route("**/stream", lambda route: route.abort())  # his line is down: he does not see what she writes
    jonas.reload()
    expect(jonas.locator("#case-title")).to_have_text("Ben Vogel")
    jonas.keyboard.press("r")
    jonas.get_by_label("Your words").fill("Hi Ben, have you tried another browser?")
    answer(mina, "public", "Hi Ben, please try the app: Account, then Tariff.")
    eventually(lambda: any("please try the app" in str(one) for one in stand.graph.answers))
    jonas.keyboard.press("Control+Enter")
    expect(jonas.get_by_text("Mina Okafor has answered this case in the meantime")).to_be_visible()
    expect(jonas.get_by_label("Your words")).to_have_value("Hi Ben, have you tried another browser?")
    assert not any("another browser" in str(one) for one in stand.graph.answers)
    jonas.unroute("**/stream")

    # From public to private: one case, two lanes.
    open_case(mina, "Ada Stern")
    answer(mina, "private", "Ada, could you send me your postcode, please?")
    eventually(lambda: any("your postcode" in str(one) for one in stand.graph.sent))
    expect(mina.locator("#flow").get_by_text("Private · Messenger")).to_be_visible(timeout=15_000)
    stand.say_private("Ada Stern", "It is 8001 Zürich, thank you!")
    expect(said(mina, "8001 Zürich")).to_be_visible(timeout=15_000)
    rows = mina.locator("#rows").get_by_role("link", name="Ada Stern")
    expect(rows).to_have_count(1)

    # Notes, category, priority, assignment: by keyboard, seen by the colleague.
    answer(mina, "note", "Carrier confirmed: the parcel is in Basel.")
    jonas.goto(mina.url)
    expect(said(jonas, "the parcel is in Basel")).to_be_visible()
    mina.get_by_label("Priority", exact=True).select_option("urgent")
    expect(jonas.get_by_label("Priority", exact=True)).to_have_value("urgent", timeout=15_000)
    mina.get_by_label("Category").select_option("other")
    expect(jonas.get_by_label("Category")).to_have_value("other", timeout=15_000)
    mina.get_by_label("Assignee").select_option(label="Jonas Weber")
    expect(jonas.get_by_label("Assignee")).not_to_have_value("", timeout=15_000)
    # Its "Take it" went away, and the menus after it moved up: each still says what holds.
    expect(jonas.get_by_role("button", name="Take it")).to_have_count(0)
    expect(jonas.get_by_label("Category")).to_have_value("other")

    # X, too; then resolve-and-next by one key, and the thanks reopen nothing that is not hers.
    stand.tweet("Cara Lind", "@LumaHelp no signal in Bern since this morning, what is going on?")
    expect(mina.locator("#rows").get_by_text("no signal in Bern")).to_be_visible(timeout=15_000)
    open_case(mina, "Cara Lind")
    answer(mina, "public", "Hi Cara, a mast is down; it is back at noon.")
    eventually(lambda: any("a mast is down" in str(one) for one in stand.x.sent_tweets))
    mina.keyboard.press("Escape")
    mina.keyboard.press("Shift+E")
    expect(mina.locator("#case-title")).not_to_have_text("Cara Lind", timeout=10_000)

    for page in (mina, jonas):
        wrong = [one for one in page.faults if "ERR_FAILED" not in one and "409" not in one]  # type: ignore[attr-defined]
        assert not wrong, wrong


def test_sent_words_can_be_taken_back_and_written_on(desk: Desk, stand: Stand, browser: Browser) -> None:
    stand.say_comment("Ada Stern", "My parcel LM-4711 has not arrived for nine days. This is unacceptable!")
    page = sign_in(browser, desk, "Mina Okafor")
    open_case(page, "Ada Stern")
    box, toasts = page.get_by_label("Your words"), page.locator("#toasts")

    # Undo gives back the words and the way, although the one private reply had closed it meanwhile.
    answer(page, "private", "Ada, what is your postcode?")
    expect(page.get_by_label("Private reply")).to_be_disabled()
    expect(page.get_by_label("Public reply")).to_be_checked()
    expect(toasts).to_have_text("Sending…Undo")
    toasts.get_by_role("button", name="Undo").click()
    expect(box).to_have_value("Ada, what is your postcode?")
    expect(box).to_be_focused()
    expect(page.get_by_label("Private reply")).to_be_checked()
    expect(toasts).to_have_text("Taken back. It was not sent.")
    assert not any("postcode" in str(one) for one in stand.graph.sent)

    # Words begun since then are kept, too.
    answer(page, "private", "First words.")
    page.get_by_label("Public reply").check(force=True)
    box.fill("Second words.")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    expect(toasts).to_have_text("Taken back. It was not sent.")
    expect(box).to_have_value("Second words.")
    expect(page.get_by_label("Private reply")).to_be_enabled()
    page.get_by_label("Private reply").check(force=True)
    expect(box).to_have_value("First words.")

    # The chord sends and resolves.
    box.press("Control+Shift+Enter")
    expect(page.locator("#head").get_by_text("Resolved", exact=True).first).to_be_visible(timeout=10_000)
    eventually(lambda: any("First words." in str(one) for one in stand.graph.sent))
    expect(toasts.get_by_role("button", name="Undo")).to_have_count(0)


def test_accessible_everywhere(desk: Desk, stand: Stand, browser: Browser) -> None:
    stand.say_comment("Ada Stern", "My parcel LM-4711 has not arrived for nine days. This is unacceptable!")
    stand.dm("Cara Lind", "Hello, my invoice is wrong, I was charged twice.")
    for dark in (False, True):
        page = sign_in(browser, desk, f"Robin {'Dark' if dark else 'Light'}", dark=dark)
        expect(page.locator("#rows").get_by_role("link", name="Ada Stern")).to_be_visible(timeout=15_000)
        no_violations(page, f"queue, dark={dark}")
        open_case(page, "Ada Stern")
        if not dark:
            answer(page, "public", "Hello Ada, I look into it.")
        answer(page, "note", "A regular customer.")
        no_violations(page, f"case, dark={dark}")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        no_violations(page, f"keys, dark={dark}")
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 390, "height": 844})
        no_violations(page, f"case on a phone, dark={dark}")
        for path in ("/queue/open", "/queue/mine", "/queue/resolved", "/inboxes", "/arrivals", "/me"):
            page.goto(desk.url + path)
            no_violations(page, f"{path} on a phone, dark={dark}")
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} scrolls sideways by {wide} pixels on a phone."
    page = browser.new_context().new_page()
    page.goto(desk.url + "/sign-in")
    no_violations(page, "sign-in")
    page.goto(desk.url + "/api/v1/docs")


def test_a_lead_decides_for_many_and_hostile_words_stay_words(desk: Desk, stand: Stand, browser: Browser) -> None:
    """A rule from an example, tried and undone; a suggested incident answered; the next case; a complaint hidden and asked in private; at last
    somebody who means harm."""
    for name in ("Ada Stern", "Ben Vogel"):
        stand.say_private(name, "My flight was cancelled and I want my money back!")
    complaint = stand.say_comment("Cara Lind", "Charged twice! My card is 4111 1111 1111 1111, give it back!")
    page = sign_in(browser, desk, "Mina Okafor")
    for name in ("Ada Stern", "Ben Vogel", "Cara Lind"):
        expect(page.locator("#rows").get_by_role("link", name=name)).to_be_visible(timeout=15_000)
    _a_rule(page, desk)
    _an_incident(page, desk, stand)
    _the_next_case(page, desk, stand)
    eventually(lambda: complaint.hidden)
    _hostile_words(page, desk, stand)
    assert page.faults == []  # type: ignore[attr-defined]


def _a_rule(page: Page, desk: Desk) -> None:
    page.goto(desk.url + "/policy/rules")
    page.get_by_role("link", name="Unhappy about money").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Unhappy about money")
    page.get_by_role("button", name="Try it on the last").click()
    expect(page.locator("#tried-title")).to_contain_text("It would have fired")
    no_violations(page, "a rule that was tried")
    page.locator(".rule-form").get_by_role("button", name="Save", exact=True).last.click()
    listed = page.get_by_role("link", name="Unhappy about money", exact=True)
    expect(page.get_by_text("Made “Unhappy about money”").first).to_be_visible()
    assert desk.rows("select count(*) from rules_rule") == [(1,)]
    page.get_by_role("button", name="Undo").first.click()
    expect(listed).to_have_count(0)
    assert desk.rows("select count(*) from rules_rule") == [(0,)]


def _an_incident(page: Page, desk: Desk, stand: Stand) -> None:
    now = "2026-01-01 00:00:00"
    desk.rows(
        "insert into incidents_incident (brand_id, state, title, why, words, others, public_words, joins, answers_later,"
        " peak, usual, found_at, last_at, created_at) select id, 'suggested', 'Cancelled, flight', '2 cases in 2 hours',"
        " '[\"cancel\"]', '[]', '', true, true, 2, 0, %s, %s, %s from channels_brand",
        *(now, now, now),
    )
    page.goto(desk.url + "/policy/incidents")
    page.get_by_role("link", name="Cancelled, flight").click()
    page.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("2 cases, 2 of them open")).to_be_visible()
    page.get_by_label("What may be said about it").fill("snow at the hub")
    page.get_by_role("button", name="Set the status").click()
    page.locator(".fields textarea[name=text]").first.fill("Hello {{first_name}}, {{status}}.")
    page.get_by_role("button", name="Show what each would get").click()
    expect(page.locator("#preview")).to_contain_text("Hello Ada, snow at the hub.")
    no_violations(page, "an incident")
    page.get_by_role("button", name="Tell 2 customers").click()
    eventually(
        lambda: {"Hello Ada, snow at the hub.", "Hello Ben, snow at the hub."} <= {one.text for one in stand.graph.sent}
    )
    expect(page.locator(".round")).to_contain_text("2 of 2 told", timeout=10_000)


def _the_next_case(page: Page, desk: Desk, stand: Stand) -> None:
    page.goto(desk.url + "/queue/open")
    page.get_by_role("button", name="Take the next case").click()
    # The others have been answered: hers is the only one that still waits for somebody.
    expect(page.locator("#case-title")).to_have_text("Cara Lind", timeout=20_000)
    expect(page.locator("#head").get_by_label("Assignee")).to_contain_text("Mina Okafor")
    page.get_by_role("button", name="Hide it on Facebook Page and ask in private").click()
    expect(page.get_by_label("Private reply")).to_be_checked()
    answer(page, "private", "Hello Cara, please tell us the last four digits only.")
    eventually(lambda: any("the last four digits" in str(one) for one in stand.graph.sent))
    expect(page.locator("#flow").get_by_text("4111 1111")).to_have_count(1)


def _hostile_words(page: Page, desk: Desk, stand: Stand) -> None:
    words = "My router is broken and I want my money back!"
    evil = f"{words} <script>window.pwned=1</script><img src=x onerror='window.pwned=1'> \u202eevil\u202c javascript:alert(1)"
    page.goto(desk.url + "/queue/open")
    stand.say_comment("<b onmouseover=window.pwned=1>Mallory</b>", evil)
    row = page.locator("#rows").get_by_text("<script>")
    expect(row).to_be_visible(timeout=15_000)
    page.locator("#rows").get_by_role("link", name="Mallory").first.click()
    expect(page.locator("#flow").get_by_text("<script>window.pwned=1</script>")).to_be_visible()
    assert page.evaluate("window.pwned") is None
    assert page.locator("#flow img, #flow script").count() == 0


def test_pictures_for_the_readme(desk: Desk, stand: Stand, browser: Browser) -> None:
    """The pictures in docs/images are taken here; they are written anew with PARLOUR_PICTURES=1."""
    _play(stand)
    page = sign_in(browser, desk, "Mina Okafor")
    expect(page.locator("#rows").get_by_role("link").nth(5)).to_be_visible(timeout=20_000)
    open_case(page, "Ada Stern")
    answer(page, "public", "Hello Ada, I am sorry about that. I write to you in private to find it.")
    answer(page, "private", "Ada, could you send me your postcode, please?")
    eventually(lambda: any("your postcode" in str(one) for one in stand.graph.sent))
    stand.say_private("Ada Stern", "It is 8001. I really need it by Friday.")
    expect(said(page, "by Friday")).to_be_visible(timeout=15_000)
    answer(page, "note", "Carrier confirmed: in Basel, out for delivery tomorrow.")
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    state = page.context.storage_state()
    shots = {"desk-light": _picture(page)}
    dark = browser.new_context(
        viewport={"width": 1440, "height": 900}, color_scheme="dark", storage_state=state
    ).new_page()
    dark.goto(page.url)
    expect(said(dark, "by Friday")).to_be_visible()
    shots["desk-dark"] = _picture(dark)
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="light", storage_state=state, device_scale_factor=2
    ).new_page()
    phone.goto(page.url)
    expect(said(phone, "by Friday")).to_be_visible()
    shots["desk-phone"] = _picture(phone)
    for name, picture in shots.items():
        assert len(picture) > 20_000, f"{name} looks empty."
        if os.environ.get("PARLOUR_PICTURES") == "1":
            IMAGES.mkdir(parents=True, exist_ok=True)
            (IMAGES / f"{name}.png").write_bytes(picture)


def _play(stand: Stand) -> None:
    stand.say_comment("Ada Stern", "My parcel LM-4711 has not arrived for nine days. This is unacceptable!")
    stand.tweet("Cara Lind", "@LumaHelp no signal in Bern since this morning, what is going on?")
    stand.say_private("Noah Blanc", "Bonjour, ma facture est fausse, j'ai payé deux fois.")
    stand.say_comment("Lucía Vega", "¿Cómo cambio mi tarifa? La página da error todo el tiempo.")
    stand.dm("Ben Vogel", "Hallo, ich komme nicht mehr in mein Konto. Passwort vergessen, Mail kommt nicht.")
    stand.tweet("Tom Reyes", "@LumaHelp is the new phone available in green?")
    stand.say_comment("Ines Moreau", "The man in your Harbour Street shop was fantastic. Thank you!")
    stand.settle()


def _picture(page: Page) -> bytes:
    """A picture of the page, reduced to a palette so that the repository stays small."""
    page.wait_for_timeout(400)
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(128)
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
