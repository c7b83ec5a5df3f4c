"""What only a browser shows: forms that follow a choice, the composer's answers to choose from, a conversation that opens at its end."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from parlour.playground.places.telegram import Telegram
from tests.desk import Desk
from tests.test_browser import open_case, sign_in
from tests.test_files_browser import browser, call, picture, place, pytestmark

__all__ = ["browser", "place", "pytestmark"]

GAP = "(flow) => Math.round(flow.scrollHeight - flow.scrollTop - flow.clientHeight)"


def test_details(desk: Desk, place: Telegram, browser: Browser) -> None:
    ana = call(place, lambda: place.person("Ana Rocha"))
    for number in range(12):
        call(place, lambda number=number: place.say(ana, f"Line {number}. " + "More of it. " * 30, private=True))
    call(place, lambda: place.show(ana, "photo", picture(size=(500, 700)), name="broken.png", mime="image/png"))
    page = sign_in(browser, desk, "Mina Okafor")
    open_case(page, "Ana Rocha")
    expect(page.locator("#flow .pic img")).to_have_count(1, timeout=10_000)
    # Once more: the picture is there from the beginning, and comes in when it is looked at.
    page.reload()
    _ends_in_view(page)
    _choices(page)
    _a_way_that_closes(page, desk, place, ana)
    desk.rows("update staff_agent set role = 'admin'")
    _a_form_that_follows(page, desk)
    assert page.faults == []  # type: ignore[attr-defined]


def _ends_in_view(page: Page) -> None:
    shown = page.locator("#flow .pic img")
    assert shown.evaluate("async (one) => { await one.decode(); return one.naturalHeight }") == 700
    flow = page.locator("#flow")
    assert flow.evaluate(GAP) <= 1
    page.get_by_label("Your words").fill("A long answer\n" * 9)
    expect(page.locator("#how-long")).to_contain_text("125 of")
    page.wait_for_function(f"({GAP})(document.getElementById('flow')) <= 1")
    # Whoever reads further up stays there.
    flow.evaluate("(flow) => { flow.scrollTop -= 900 }")
    page.wait_for_function(f"({GAP})(document.getElementById('flow')) > 500")
    page.get_by_label("Your words").fill("")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert flow.evaluate(GAP) > 500


def _choices(page: Page) -> None:
    page.get_by_label("Your words").fill("Shall we send another?")
    page.locator(".offer summary").click()
    ways, panel = page.locator("#ways").bounding_box(), page.locator(".answers").bounding_box()
    assert ways is not None
    assert panel is not None
    assert panel["y"] >= ways["y"] + ways["height"], "The panel covers the ways to answer."
    choices = page.get_by_label("Answers to choose from", exact=True)
    choices.fill("Yes\nNo")
    # Telegram has buttons for these; what fits on none becomes numbered lines, which count.
    expect(page.locator("#how-long")).to_contain_text("22 of")
    choices.fill("Yes\n" + "x" * 61)
    expect(page.locator("#how-long")).to_contain_text("95 of")
    page.get_by_role("button", name="Done").click()
    expect(choices).to_be_hidden()
    expect(page.get_by_label("Your words")).to_be_focused()


def _a_way_that_closes(page: Page, desk: Desk, place: Telegram, ana: str) -> None:
    """Words that become a note do not do so in silence."""
    desk.rows("update channels_inbox set health = 'paused'")
    call(place, lambda: place.say(ana, "Are you there?", private=True))
    expect(page.locator("#trouble")).to_contain_text("is paused", timeout=10_000)
    expect(page.locator("#trouble")).to_contain_text("Your words are a note now")
    expect(page.locator("#way-note")).to_be_checked()
    expect(page.get_by_label("Your words")).to_have_value("Shall we send another?")


def _a_form_that_follows(page: Page, desk: Desk) -> None:
    page.goto(desk.url + "/inboxes/new/reviews")
    key, issuer = page.locator("[name=service_account]"), page.locator("[name=issuer_id]")
    expect(key).to_be_visible()
    expect(issuer).to_be_hidden()
    page.get_by_label("Store", exact=False).first.select_option(label="App Store")
    expect(key).to_be_hidden()
    expect(issuer).to_be_visible()
    assert issuer.evaluate("(one) => one.required && !one.disabled")
    assert key.evaluate("(one) => one.disabled")
