"""Connecting the desk: once, and again after a restart on another port."""

from __future__ import annotations

import pytest

from parlour.channels import actions
from parlour.channels.models import Inbox
from parlour.playground.setup import connect


@pytest.mark.django_db
def test_inboxes_are_made_once_and_follow_the_port() -> None:
    first = connect("http://127.0.0.1:8000", "http://127.0.0.1:8001")
    assert [wire.channel for wire in first] == ["facebook", "messenger", "x"]
    assert first[0].secret == first[1].secret
    assert first[0].access_token == first[1].access_token
    assert len({wire.webhook_url for wire in first}) == 3
    again = connect("http://127.0.0.1:8000", "http://127.0.0.1:9001")
    assert again == first
    assert Inbox.objects.count() == 3
    bases = {inbox.channel: inbox.settings["api_base"] for inbox in Inbox.objects.all()}
    assert bases["x"] == "http://127.0.0.1:9001/x-api"
    assert bases["facebook"] == bases["messenger"] == "http://127.0.0.1:9001/graph/v25.0"
    for wire in again:
        inbox = Inbox.objects.get(channel=wire.channel)
        assert wire.webhook_url == f"http://127.0.0.1:8000{inbox.webhook_path}"
        assert inbox.settings.items() >= wire.settings("http://127.0.0.1:9001").items()


@pytest.mark.django_db
def test_settings_are_changed_together_or_not_at_all() -> None:
    connect("http://127.0.0.1:8000", "http://127.0.0.1:8001")
    inbox = Inbox.objects.get(channel="facebook")
    with pytest.raises(actions.WrongSettings, match="colour"):
        actions.update_settings(inbox.pk, {"api_base": "http://elsewhere", "colour": "red"})
    assert Inbox.objects.get(pk=inbox.pk).settings == inbox.settings
    changed = actions.update_settings(inbox.pk, {"verify_token": "new-word"})
    assert changed.settings == {**inbox.settings, "verify_token": "new-word"}
    with pytest.raises(Inbox.DoesNotExist):
        actions.update_settings(0, {})
