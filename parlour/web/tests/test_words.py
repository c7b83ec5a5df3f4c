from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlour.lib import clock
from parlour.web import words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "now"), (59, "now"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_400, "1 d"), (1_209_600, "8 Nov")],
)
def test_ago(seconds, expected):
    with clock.frozen(NOW):
        assert words.ago(NOW - timedelta(seconds=seconds)) == expected


def test_a_time_ahead_is_now_and_another_year_is_named():
    with clock.frozen(NOW):
        assert words.ago(NOW + timedelta(minutes=5)) == "now"
        assert words.ago(datetime(2024, 1, 2, tzinfo=UTC)) == "2 Jan 2024"


@pytest.mark.parametrize(("seconds", "expected"), [(108, "1:48"), (5, "0:05"), (3840, "1 h 04"), (200_000, "2 d")])
def test_countdown(seconds, expected):
    assert words.countdown(seconds) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Lena Okafor", "LO"),
        ("@tmarsh_", "T"),
        ("mia.bakes", "MB"),
        ("", "?"),
        ("🥹", "?"),
        ("محمد علي", "مع"),
        ("a b c", "AC"),
        ("Carmen_Vidal_1", "CV"),
        ("+49 1510 6120048", "#"),
    ],
)
def test_initials(name, expected):
    assert words.initials(name) == expected


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://a.example/x?y=1.", ["https://a.example/x?y=1"]),
        ("(https://a.example/b)", ["https://a.example/b"]),
        ("https://en.example/w/A_(b)", ["https://en.example/w/A_(b)"]),
        ("javascript:alert(1) data:x ftp://x", []),
        ('https://a.example/"><script>', ["https://a.example/"]),
        ("http://a.example https://b.example", ["http://a.example", "https://b.example"]),
    ],
)
def test_links(text, links):
    assert [piece.href for piece in words.linked(text) if piece.href] == links


@given(st.text(max_size=200))
def test_cutting_into_pieces_loses_nothing_but_direction_overrides(text):
    kept = "".join(
        character for character in text if character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    assert "".join(piece.text for piece in words.linked(text)) == kept


@given(st.text(max_size=100), st.text(max_size=20))
def test_marking_found_words_loses_nothing(text, query):
    assert "".join(piece.text for piece in words.found(text, query)) == text


def test_found_words_are_marked_whatever_their_case():
    assert [piece.text for piece in words.found("My Bag and a bag.", "BAG") if piece.found] == ["Bag", "bag"]


def test_a_moment_ago_is_said_as_people_say_it():
    now = datetime(2026, 3, 9, 12, tzinfo=UTC)
    with clock.frozen(now):
        told = [words.since(now - timedelta(**back)) for back in ({"seconds": 5}, {"minutes": 4}, {"days": 30})]
    assert told == ["just now", "4 min ago", "7 Feb"]
    assert [words.count(one) for one in (0, 999, 1000)] == ["0", "999", "1k+"]
