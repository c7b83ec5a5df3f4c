"""Choices and templates in the composer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parlour.cases import offers
from parlour.cases.models import Message, Thread
from parlour.channels import registry
from parlour.channels.contract import ChannelError, ErrorKind, Template
from parlour.lib import clock
from parlour.web.tests.conftest import HTMX


class Approving:
    """WhatsApp whose approved templates are known without asking it."""

    def __init__(self, real):
        self.real = real
        self.answer: object = [Template("delay", "en", "Hello {{1}}, <b>it</b> comes on {{2}}.")]

    def __getattr__(self, name):
        return getattr(self.real, name)

    def templates(self, _):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def approving(monkeypatch):
    made = Approving(registry.get("whatsapp"))
    monkeypatch.setitem(registry.CHANNELS, "whatsapp", made)
    offers._kept.clear()
    return made


@pytest.fixture
def late(scene, approving):
    case = scene.case("Ana", channel="whatsapp", visibility="private")
    scene.said(case, "Where is it?", visibility="private")
    Message.objects.update(sent_at=clock.now() - timedelta(days=2))
    Thread.objects.update(last_inbound_at=clock.now() - timedelta(days=2))
    return case


def test_templates_are_offered_and_sent_when_the_window_is_closed(desk, late):
    page = desk.get(f"/case/{late.pk}").text
    assert f'hx-get="/case/{late.pk}/templates"' in page
    part = desk.get(f"/case/{late.pk}/templates", headers=HTMX).text
    assert "Hello {{1}}, &lt;b&gt;it&lt;/b&gt; comes on {{2}}." in part
    assert part.count('name="value"') == 2
    assert "<!doctype html>" in desk.get(f"/case/{late.pk}/templates").text
    told = {"name": "delay", "language": "en", "value": ["Ana", "Monday"], "key": "k1"}
    answer = desk.post(f"/case/{late.pk}/templates", told, headers=HTMX)
    assert (answer.status_code, answer.text) == (200, "")
    assert "desk:sent" in answer.headers["HX-Trigger"]
    ours = Message.objects.get(direction="out")
    assert ours.text == "Hello Ana, <b>it</b> comes on Monday."


def test_what_is_missing_or_refused_is_told_beside_the_templates(desk, late, approving):
    wrong = desk.post(f"/case/{late.pk}/templates", {"name": "delay", "language": "en", "value": ["Ana"]}, headers=HTMX)
    assert wrong.status_code == 422
    assert wrong.headers["HX-Retarget"] == "#templates"
    assert "needs 2 values" in wrong.text
    offers._kept.clear()
    approving.answer = ChannelError(ErrorKind.AUTH_EXPIRED, "Token <expired>.")
    assert "could not be fetched: Token &lt;expired&gt;." in desk.get(f"/case/{late.pk}/templates", headers=HTMX).text
    assert not Message.objects.filter(direction="out").exists()


def test_other_cases_offer_no_templates(desk, scene):
    case = scene.case()
    assert "/templates" not in desk.get(f"/case/{case.pk}").text


def test_choices_go_along_and_are_shown(desk, scene, amara):
    case = scene.case("Ana", channel="messenger", visibility="private")
    said = scene.said(case, "Where is it?", visibility="private")
    Thread.objects.update(last_inbound_at=clock.now())
    told = {"way": f"private:{said.pk}", "text": "Is it there now?", "choices": "Yes <b>\nNo\n\n", "seen": said.pk}
    assert desk.post(f"/case/{case.pk}/say", told, headers=HTMX).status_code == 204
    ours = Message.objects.get(direction="out")
    assert (ours.text, ours.meta["choices"]) == ("Is it there now?", ["Yes <b>", "No"])
    assert "<li>Yes &lt;b&gt;</li><li>No</li>" in desk.get(f"/case/{case.pk}").text
