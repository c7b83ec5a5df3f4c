"""HTML that would cost a parser too much is made flat; letters are left as they are."""

from __future__ import annotations

import time
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from parlour.lib import html_cost, html_text

LONG = 400_000
HOSTILE = {
    "deep": "<div>" * 6_000,
    "deep, with ends that close nothing": "<div><table></div></table>" * 2_000,
    "ends in a value": '<div><br title="</div>">' * 3_000,
    "many ends in one value": f'<br title="{"</div>" * 4_000}">' + "<div>" * 4_000,
    "ends in comments": "<div><!-- </div> -->" * 3_000,
    "ends in a list of choices": "<div><select></div></select>" * 2_000,
    "formats that differ": "".join(f"<b a{number}=1>" for number in range(6_000)) + "<p>x" * 100,
    "formats left open in closed blocks": "".join(f"<div><font a={number}></div>" for number in range(4_000)),
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(60_000)) + ">",
    "attributes with slashes": "<p " + "/".join(f"a{number}" for number in range(60_000)) + ">",
}
FINE = {
    "a letter": "<p>Hello,<br>where is my parcel?</p><p>Ana &amp; Rui</p>",
    "a newsletter": "<table><tr><td><div><font color=red><b>Offer</b></font></div>" * 60 + "</table>" * 60,
    "rows without ends": "<table>" + "<tr><td><p>cell" * 3_000 + "</table>",
    "the same format left open": "<div><font face=Arial>x</div>" * 1_500,
    "a picture as text": '<img src="data:image/png;base64,' + "a/b+" * 20_000 + '"><p>Seen?</p>',
    "a style with many words": '<p style="' + "color: red; " * 300 + '">x</p>',
    "less than": "<p>if a < b and c <d then</p>",
}


@pytest.mark.whole
@pytest.mark.parametrize("name", HOSTILE)
def test_what_costs_too_much_keeps_its_words_only(name: str) -> None:
    flat = html_cost.bounded(f"<p>First</p>{HOSTILE[name]}<p>Last words")
    assert set(html_cost._PIECE.findall(flat)) <= {("", "br", "", ">")}
    assert flat.startswith("<br>First")
    assert flat.endswith("<br>Last words")


@pytest.mark.whole
@pytest.mark.parametrize("name", FINE)
def test_letters_stay_as_they_are(name: str) -> None:
    assert html_cost.bounded(FINE[name]) == FINE[name]


@pytest.mark.whole
def test_what_nobody_sees_is_left_out() -> None:
    html = "<STYLE>a > b {}</style><p>1<!-- <p> --><!-->2<script>x</script ><TextArea><b></textarea>3"
    assert html_cost.bounded(html) == "<p>123"
    assert html_cost.bounded("<p>1<!-- never <p>closed") == "<p>1"
    assert html_cost.bounded("<p>1<style>never <p>closed") == "<p>1"
    # A letter that is longer when small moves no place.
    assert html_cost.bounded("İ<style>x</style>y") == "İy"


@pytest.mark.whole
@pytest.mark.parametrize("name", [*HOSTILE, "signs", "one tag", "quotes", "ends"])
def test_no_body_takes_long(name: str) -> None:
    """The worst of these took a parser twenty seconds; the measure itself must not, either."""
    more = {"signs": "&" * LONG, "one tag": "<" + "a" * LONG, "quotes": "<p a='" * 60_000, "ends": "</b>" * 100_000}
    html = HOSTILE.get(name) or more[name]
    html = (html * (LONG // len(html) + 1))[:LONG] if name not in ("attributes", "attributes with slashes") else html
    began = time.process_time()
    html_text.safe(html)
    html_text.plain(html)
    html_cost._flat(html)
    assert time.process_time() - began < 1.5


def test_recorded_mails_are_not_taken_for_hostile(shared: Path) -> None:
    looked = 0
    for path in sorted((shared / "payloads" / "email").rglob("*.eml")):
        try:
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            parts = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/html"]
        except Exception:
            continue
        for html in parts:
            looked += 1
            assert html_cost._fits(html_cost._seen(str(html))), path.name
    assert looked > 5
