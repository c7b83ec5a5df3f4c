"""Files as agents meet them: pictures of customers in the timeline, hostile ones harmless, and our own by button, drop and paste."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from parlour.playground.main import Stand
from parlour.playground.places.telegram import Telegram
from tests.browser import ARGUMENTS, installed
from tests.desk import Desk, eventually
from tests.test_browser import WCAG, open_case, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.whole, pytest.mark.timeout(240)]

HOSTILE = b"<!DOCTYPE html><script>parent.document.title='owned';document.title='owned'</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
DROP = """([kind, name, text]) => {
  const carrier = new DataTransfer();
  carrier.items.add(new File([text], name, { type: "image/png" }));
  const at = document.getElementById("text");
  at.dispatchEvent(kind === "paste" ? new ClipboardEvent("paste", { clipboardData: carrier, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: carrier, bubbles: true, cancelable: true }));
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


@pytest.fixture
def place(desk: Desk) -> Iterator[Telegram]:
    """A running desk with Telegram, and X for its narrower ways."""
    with Stand() as stand:
        inbox = desk.add_inbox("telegram", brand="Luma", name="Luma on Telegram", **stand.settings("telegram"))
        stand.point("telegram", desk.url + inbox["webhook_path"])
        desk.cli("agent", "team", "--name", "Care")
        desk.start()
        place = stand.place("telegram")
        place.stand = stand  # type: ignore[attr-defined]
        yield cast(Telegram, place)


def call(place: Any, work: Any) -> Any:
    return place.stand.call(work)


def picture(colour: str = "teal", size: tuple[int, int] = (320, 200)) -> bytes:
    made = BytesIO()
    Image.new("RGB", size, colour).save(made, "PNG")
    return made.getvalue()


def no_violations(page: Page) -> None:
    found = Axe().run(page, options=WCAG)
    told = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found.response["violations"]]
    assert not told, told


def test_what_customers_send_is_shown_or_harmless(desk: Desk, place: Telegram, browser: Browser) -> None:
    ana = call(place, lambda: place.person("Ana Rocha"))
    call(
        place, lambda: place.show(ana, "photo", picture(), name="parcel.png", mime="image/png", caption="It is broken.")
    )
    page = sign_in(browser, desk, "Mina Okafor")
    open_case(page, "Ana Rocha")
    shown = page.locator("#flow .pic img")
    expect(shown).to_have_count(1, timeout=10_000)
    assert shown.evaluate("async (one) => { await one.decode(); return one.naturalWidth }") == 320
    assert shown.get_attribute("alt")

    for name, mime, content in (
        ("photo.png", "image/png", HOSTILE),
        ("logo.svg", "image/svg+xml", SVG),
        ("page.html", "text/html", HOSTILE),
        ("cv.pdf", "application/pdf", b"MZ\x90\0" + bytes(64)),
        ("bomb.zip", "application/zip", b"PK\x03\x04" + zlib.compress(bytes(1_000_000))),
    ):
        call(
            place,
            lambda name=name, mime=mime, content=content: place.show(ana, "document", content, name=name, mime=mime),
        )
    rows = page.locator("#flow .file")
    expect(rows).to_have_count(5, timeout=10_000)
    expect(rows.nth(3)).to_contain_text("not taken. It is a program", timeout=10_000)
    for at in (0, 1, 2, 4):
        expect(rows.nth(at)).to_have_attribute("download", "")
        address = rows.nth(at).get_attribute("href")
        given = page.request.get(desk.url + str(address))
        assert given.headers["content-type"] == "application/octet-stream"
        assert given.headers["content-disposition"].startswith("attachment")
        assert given.headers["content-security-policy"].startswith("sandbox")
    assert page.title() != "owned"
    assert page.faults == []  # type: ignore[attr-defined]
    no_violations(page)


def test_files_go_out_by_button_drop_and_paste(desk: Desk, place: Telegram, browser: Browser, tmp_path: Path) -> None:
    ana = call(place, lambda: place.person("Ana Rocha"))
    call(place, lambda: place.say(ana, "It does not work at all, please help! How do I connect it?", private=True))
    page = sign_in(browser, desk, "Mina Okafor")
    open_case(page, "Ana Rocha")
    box, chosen, toasts = page.get_by_label("Your words"), page.locator("#chosen li"), page.locator("#toasts")
    plan, more = tmp_path / "plan.png", tmp_path / "steps.txt"
    plan.write_bytes(picture("navy"))
    more.write_text("First, ...")
    page.get_by_label("Add files").set_input_files(plan)
    page.get_by_label("Add files").set_input_files(more)
    expect(chosen).to_have_count(2)
    page.evaluate(DROP, ["drop", "dropped.png", "x"])
    page.evaluate(DROP, ["paste", "pasted.png", "x"])
    expect(chosen).to_have_count(4)
    expect(chosen.nth(0)).to_contain_text("plan.png")
    for name in ("dropped.png", "pasted.png", "steps.txt"):
        page.get_by_role("button", name=f"Leave out {name}").click()
    expect(chosen).to_have_count(1)
    no_violations(page)

    # A note takes none, and says so; what was chosen stays for the answer.
    page.get_by_label("Note", exact=True).check(force=True)
    expect(chosen).to_contain_text("A note takes no files")
    expect(page.locator("#attach")).to_be_hidden()
    page.get_by_label("Private reply").check(force=True)
    expect(chosen).not_to_contain_text("takes no files")

    box.fill("Like this.")
    page.keyboard.press("Control+Enter")
    expect(chosen).to_have_count(0)
    toasts.get_by_role("button", name="Undo").click()
    expect(box).to_have_value("Like this.")
    expect(chosen).to_contain_text("plan.png")
    box.press("Control+Enter")
    expect(chosen).to_have_count(0)
    eventually(lambda: any(one.files for one in place.sent))
    expect(page.locator("#flow .out:not(.undone) .pic img")).to_have_count(1)
    assert page.faults == []  # type: ignore[attr-defined]
