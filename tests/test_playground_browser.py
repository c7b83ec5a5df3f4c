"""The playground's pages in a browser: fit for a phone and for everybody, and a choice of the brand can be pressed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from parlour.playground.main import Stand
from tests.browser import ARGUMENTS, installed
from tests.test_browser import WCAG

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.timeout(120)]


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


def talk(stand: Stand) -> str:
    """Something said everywhere, by the brand too; the address of a chat."""
    for place in stand.world.places.values():
        person = place.person("Ana Rocha")
        for private in (False, True):
            if place.private if private else place.public:
                place.say(person, "My cup came broken, and now?", private=private)
    page, cup = stand.graph, stand.world.shelf.put("terms and conditions.pdf", "application/pdf", b"%PDF")
    ana = page.person("Ana Rocha")
    page.comment(ana, "How much is it?", page.post(None, "Our offer").id)
    page.message(ana, "Which colours are there?", files=(cup,))
    page.page_message(page.chats[ana.psid], "These two:", choices=("Teal", "Amber"))
    stand.x.tweet(stand.x.user("Ana Rocha"), "Nobody hears this")
    return f"/messenger/{ana.psid}"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_pages_fit_and_have_no_barriers(browser: Browser, width: int, scheme: str) -> None:
    with Stand() as stand:
        chat = stand.call(lambda: talk(stand))
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        places = [f"/at/{name}" for name in stand.world.places]
        for path in ("/", "/facebook", "/messenger", chat, "/x", "/x/dm", *places):
            page.goto(stand.base + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            bar = page.locator("header.bar").bounding_box()
            assert bar is not None
            assert bar["height"] < 64, path
            expect(page.locator("nav [aria-current]")).to_be_in_viewport()
            if path in ("/", chat, "/x", "/at/telegram", "/at/reviews"):
                found = Axe().run(page, options=WCAG).response["violations"]
                told = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]
                assert not told, (path, told)
        context.close()


def test_a_choice_is_pressed_and_a_page_goes_on_by_itself(browser: Browser) -> None:
    with Stand() as stand:
        chat = stand.call(lambda: talk(stand))
        page = browser.new_page()
        page.goto(stand.base + chat)
        page.get_by_role("button", name="Amber").click()
        expect(page.locator(".bubble:not(.them)").last).to_have_text("Amber")
        expect(page.get_by_role("button", name="Amber")).to_have_attribute("aria-pressed", "true")
        psid = chat.rpartition("/")[2]
        stand.call(lambda: stand.graph.page_message(stand.graph.chats[psid], "Amber it is!"))
        expect(page.locator(".bubble.them").last).to_have_text("Amber it is!")
        page.close()
