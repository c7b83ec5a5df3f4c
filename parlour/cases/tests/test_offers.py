"""Choices and templates that go along with an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from parlour.cases import actions, offers
from parlour.cases.actions import Conflict, Invalid
from parlour.cases.models import Case, Delivery
from parlour.cases.tests.rows import Rows
from parlour.channels import registry
from parlour.channels.contract import Choices, Template
from parlour.lib import clock

pytestmark = pytest.mark.django_db
YES_NO = ("Yes", "No")


@pytest.mark.parametrize(
    ("can", "visibility", "choices", "buttons"),
    [
        (Choices(3, 20), "private", YES_NO, True),
        (Choices(3, 20), "public", YES_NO, False),
        (None, "private", YES_NO, False),
        (Choices(1, 20), "private", YES_NO, False),
        (Choices(3, 2), "private", YES_NO, False),
        (None, "private", (), True),
    ],
)
def test_buttons_where_they_fit_else_numbered_lines(
    can: Choices | None, visibility: str, choices: tuple[str, ...], buttons: bool
) -> None:
    text, kept = offers.offered(can, visibility, "Is it there?", choices)
    assert kept == (choices if buttons else ())
    assert text == ("Is it there?" if buttons else "Is it there?\n\n1. Yes\n2. No")


def test_choices_are_tidied_and_bounded() -> None:
    assert offers.read_choices([" Yes ", "", "No\nway", "Yes"]) == ("Yes", "No way")
    with pytest.raises(Invalid, match="At most 10"):
        offers.read_choices([str(number) for number in range(11)])
    with pytest.raises(Invalid, match="at most 80"):
        offers.read_choices(["x" * 81])


class Approving:
    """WhatsApp whose approved templates are known without asking it."""

    def __init__(self, real: Any, templates: Sequence[Template]) -> None:
        self.real, self.approved, self.asked = real, templates, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def templates(self, _: Any) -> Sequence[Template]:
        self.asked += 1
        return self.approved


@pytest.fixture
def approving(monkeypatch: pytest.MonkeyPatch) -> Approving:
    found = [
        Template("delay", "en", "Hello {{1}}, your parcel comes on {{2}}. {{1}}, sorry!"),
        Template("hi", "de", "Hallo!"),
    ]
    made = Approving(registry.get("whatsapp"), found)
    monkeypatch.setitem(registry.CHANNELS, "whatsapp", made)
    offers._kept.clear()
    return made


@pytest.fixture
def late(rows: Rows) -> Case:
    """A customer whose last words on WhatsApp are two days old."""
    case = rows.case(channel="whatsapp", visibility="private")
    rows.said(case, "Where is it?", "whatsapp", "private", sent_at=clock.now() - timedelta(days=2))
    return case


def test_a_template_goes_out_when_the_window_is_closed(rows: Rows, late: Case, approving: Approving) -> None:
    noor = rows.agent()
    with pytest.raises(Invalid):
        actions.reply(late.pk, by=noor, text="Tomorrow.", visibility="private")
    values = ["Ana", "Monday"]
    ours = actions.send_template(late.pk, by=noor, name="delay", language="en", values=values, idempotency_key="k")
    assert ours.text == "Hello Ana, your parcel comes on Monday. Ana, sorry!"
    assert offers.template_of(ours.meta) == Template("delay", "en", approving.approved[0].body, ("Ana", "Monday"))
    again = actions.send_template(late.pk, by=noor, name="delay", language="en", values=values, idempotency_key="k")
    assert (again.pk, Delivery.objects.count(), approving.asked) == (ours.pk, 1, 1)
    with pytest.raises(Conflict):
        actions.send_template(late.pk, by=noor, name="hi", language="de", idempotency_key="k")


@pytest.mark.parametrize(
    ("name", "language", "values", "words"),
    [
        ("delay", "en", ["Ana"], "needs 2 values"),
        ("delay", "en", ["Ana", " "], "needs 2 values"),
        ("delay", "de", ["Ana", "Monday"], "no such approved"),
        ("gone", "en", [], "no such approved"),
    ],
)
def test_what_is_not_approved_or_not_whole_is_refused(
    rows: Rows, late: Case, approving: Approving, name: str, language: str, values: list[str], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        actions.send_template(late.pk, by=rows.agent(), name=name, language=language, values=values)
    assert not Delivery.objects.exists()


def test_other_customers_get_no_template(rows: Rows) -> None:
    with pytest.raises(Invalid, match="No template"):
        case = rows.case()
        rows.said(case)
        actions.send_template(case.pk, by=rows.agent(), name="hi", language="de")
