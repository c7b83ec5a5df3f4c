"""Personal data: vectors of the standards, what looks alike and is not, and covering."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.understanding import personal
from parlour.understanding.personal import find, is_card, is_iban, masked, template_problem

CARDS = [
    "4111111111111111",
    "5500005555555559",
    "340000000000009",
    "6011000000000004",
    "3530111333300000",
    "2223000048400011",
]
IBANS = [
    "DE89370400440532013000",
    "GB82WEST12345698765432",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "NO9386011117947",
]


@pytest.mark.parametrize("digits", CARDS)
def test_cards_by_their_checksum(digits: str) -> None:
    assert is_card(digits)
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert not is_card(wrong)
    spaced = " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
    assert find(f"It was {spaced}, yes") == [(7, 7 + len(spaced), "card")]
    assert all(kind != "card" for _, _, kind in find(f"Order {wrong}"))


@given(st.text("0123456789", min_size=12, max_size=18), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_never_a_card(start: str, at: int, by: int) -> None:
    digits = "4" + start
    for check in "0123456789":
        if is_card(digits[:-1] + check):
            good = digits[:-1] + check
            at %= len(good)
            assert not is_card(good[:at] + str((int(good[at]) + by) % 10) + good[at + 1 :])
            break


@pytest.mark.parametrize("iban", IBANS)
def test_accounts_by_their_checksum(iban: str) -> None:
    assert is_iban(iban)
    assert not is_iban(iban[:-1] + ("1" if iban[-1] != "1" else "2"))
    spaced = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    assert (5, 5 + len(spaced), "iban") in find(f"IBAN {spaced} bitte", "DE")


@pytest.mark.parametrize(
    ("text", "region", "kinds"),
    [
        ("Call me on +49 30 901820", "US", ["phone"]),
        ("Ruf an: 0151 23456789", "DE", ["phone"]),
        ("(212) 555-2368 after five", "US", ["phone"]),
        ("ana.k+shop@mail.example.co.uk please", "US", ["email"]),
        ("Write to @lumahelp or a@b", "US", []),
        ("Hauptstraße 12, 10115 Berlin", "DE", ["address"]),
        ("12 rue de la Paix, 75002 Paris", "FR", ["address"]),
        ("221B Baker Street, London NW1 6XE", "GB", ["address"]),
        ("Calle Mayor 5, 28013 Madrid", "ES", ["address"]),
        ("1600 Pennsylvania Avenue NW, Washington, DC 20500", "US", ["address"]),
        ("Kerkstraat 5, 1017 GC Amsterdam", "NL", ["address"]),
        ("Flight 1234 on 2024-05-06 at 12:30, 3h late, 250 €", "US", []),
        ("4111 1111 1111 1112", "DE", []),
        ("1,234,567,890,123,456 stars", "US", []),
        ("No digits, no data", "US", []),
    ],
)
def test_what_is_personal(text: str, region: str, kinds: list[str]) -> None:
    assert [kind for _, _, kind in find(text, region)] == kinds


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("4111 1111 1111 1111 12/27 123", ["4111 1111 1111 1111"]),
        ("card no.4111111111111111, 12/27, 123", ["4111111111111111"]),
        ("Order 12345 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("4111 1111 1111 1111 5500 0055 5555 5559", ["4111 1111 1111 1111", "5500 0055 5555 5559"]),
        ("4111\u00a01111\u00a01111\u00a01111", ["4111\u00a01111\u00a01111\u00a01111"]),
        ("4111.1111.1111.1111 or 4111  1111  1111  1111", ["4111.1111.1111.1111", "4111  1111  1111  1111"]),
        ("4111\n1111\n1111\n1111", ["4111\n1111\n1111\n1111"]),
        ("4111\u200b1111\u20131111\u20111111", ["4111\u200b1111\u20131111\u20111111"]),
        ("٤١١١ ١١١١ ١١١١ ١١١١", ["٤١١١ ١١١١ ١١١١ ١١١١"]),
        ("４１１１１１１１１１１１１１１１", ["４１１１１１１１１１１１１１１１"]),
        ("3400 000000 00009 und AB12 DE89 3704 0044 0532 0130 00", ["3400 000000 00009", "DE89 3704 0044 0532 0130 00"]),
        ("LH12 IBAN DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000.", ["DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"]),
        ("pi is 3.4111111111111111", []),
        ("2019 2020 2021 2023, 7 1 2 3", []),
    ],
)  # fmt: skip
def test_numbers_are_found_however_they_are_written_and_whatever_stands_beside_them(
    text: str, parts: list[str]
) -> None:
    assert [text[start:end] for start, end, kind in find(text, "DE") if kind in ("card", "iban")] == parts


def test_a_brands_numbers_are_letters_and_digits_as_it_says() -> None:
    text = "Orders LX-48213, lx-99999 and LX-4821, but not ALX-48213"
    assert [text[start:end] for start, end, kind in find(text, "US", ("AA-99999",)) if kind == "number"] == [
        "LX-48213",
        "lx-99999",
    ]


@pytest.mark.parametrize("template", ["(a+)+$", "A", "AAAA", "", "A" * 41, "99*9", "[0-9]"])
def test_no_template_can_be_a_trap(template: str) -> None:
    assert template_problem(template)
    assert find("aaaaaaaaaaaaaaaa 1!", "US", (template,)) == []


def test_covering_keeps_the_length_and_the_last_four_of_a_number() -> None:
    text = "Card 4111 1111 1111 1111, mail a@bc.example"
    assert masked(text, find(text)) == "Card •••• •••• •••• 1111, mail •@••.•••••••"
    assert masked("short", [[-5, 99, "card"]]) == "•••••"


@given(st.text(max_size=300))
def test_any_text_keeps_its_length_and_covered_text_shows_nothing_again(text: str) -> None:
    spans = find(text)
    covered = masked(text, spans)
    assert len(covered) == len(text)
    for (_, end, _), (start, _, _) in pairwise(spans):
        assert end <= start


def test_hostile_texts_cost_little() -> None:
    for text in (
        "1 " * 10_000,
        "4111" * 5_000,
        "a@" * 10_000,
        "street 1 " * 2_000,
        "DE89 " * 4_000,
        "DE12" * 5_000,
        ("DE12" + "a" * 60 + " ") * 300,
        "4111 1111 " * 2_000,
        "rue " + "a" * 20_000 + " 75002",
    ):
        begun = time.process_time()
        find(text, "DE", ("AA-99999",))
        assert time.process_time() - begun < 2


@pytest.mark.parametrize("region", ["US", "DE", "GB", "JP", "RU", "AU", "FR"])
def test_what_is_too_short_for_a_phone_number_is_none_to_the_library_either(region: str) -> None:
    draw = random.Random(7)
    skipped = 0
    for _ in range(120):
        digits = "".join(draw.choices("0123456789", k=draw.randint(7, 10)))
        stretch = draw.choice(["{} {}", "({}) {}", "+{} {}", ": {}-{}", "{}{}"]).format(digits[:3], digits[3:])
        if personal._too_short(stretch, region):
            skipped += 1
            assert not list(phonenumbers.PhoneNumberMatcher(stretch, region, leniency=phonenumbers.Leniency.VALID))
    assert skipped or region != "US"
