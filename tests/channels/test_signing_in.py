"""Accounts connected by signing in at the platform, from the desk's form to the first message and the next token."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

import httpx
import pytest
from django.test import Client

from parlour.cases.models import Case, DeliveryState
from parlour.channels.models import Inbox
from parlour.playground.consent import Consent
from parlour.playground.places.email import MailStandIn
from parlour.playground.places.mastodon import Mastodon
from parlour.staff.models import Agent, Role
from tests.town import Town

pytestmark = [pytest.mark.whole, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(Agent.objects.create(email="ada@example.com", name="Ada", role=Role.ADMIN))
    return client


def connected(admin: Client, channel: str, given: dict[str, str]) -> Inbox:
    """The inbox made by the desk's form."""
    told = {"brand": "+", "new_brand": "Luma", "inbox_name": "Help", **given}
    answer = admin.post(f"/inboxes/new/{channel}", told)
    assert answer.status_code == 302, answer.content.decode()
    return Inbox.objects.get()


def signs_in(admin: Client, inbox: Inbox) -> str:
    """What the inbox's page says after a person's way to the platform and back."""
    there = admin.get(f"/inboxes/{inbox.pk}/sign-in")
    answer = httpx.get(there.headers["location"], follow_redirects=False, trust_env=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert (back.netloc, back.path) == ("testserver", "/inboxes/signed-in")
    said = admin.get(f"{back.path}?{back.query}", follow=True).content.decode()
    inbox.refresh_from_db()
    return said


def test_mastodon_needs_nothing_but_the_server(town: Town, admin: Client) -> None:
    place = cast(Mastodon, town.place("mastodon"))
    base = town.stand.settings("mastodon")["api_base"]
    inbox = connected(admin, "mastodon", {"api_base": base})
    page = admin.get(f"/inboxes/{inbox.pk}").content.decode()
    assert "Sign in at the server" in page
    assert "Redirect address" not in page
    place.consent.refuses = True
    assert "did not sign you in: The resource owner denied" in signs_in(admin, inbox)
    place.consent.refuses = False
    assert "Signed in" in signs_in(admin, inbox)
    assert place.consent.asked["scope"] == "read write:statuses write:media write:favourites"
    assert place.consent.asked["code_challenge_method"] == "S256"
    assert inbox.settings["access_token"] == place.consent.access
    assert len(place.consent.clients) == 2
    assert "It works" in admin.post(f"/inboxes/{inbox.pk}/test", follow=True).content.decode()
    town.drive()
    place.say(place.person("Ana"), "@luma Is this an outage?")
    town.drive()
    ours = town.answer(Case.objects.get(), "We are looking into it.", "public")
    assert town.delivery(ours).state == DeliveryState.SENT


def test_a_server_that_takes_no_clients_is_told(town: Town, admin: Client) -> None:
    inbox = connected(admin, "mastodon", {"api_base": "http://127.0.0.1:9"})
    answer = admin.get(f"/inboxes/{inbox.pk}/sign-in", follow=True).content.decode()
    assert "does not take this desk" in answer
    assert "client_id" not in {name for name, value in Inbox.objects.get().settings.items() if value}


def mail(town: Town, **settings: str) -> dict[str, str]:
    told = {name: value for name, value in town.stand.settings("email").items() if name != "password"}
    return {**told, "client_id": "app", "client_secret": "app-secret", **settings}


@pytest.mark.parametrize("provider", ["google", "microsoft"])
def test_mail_by_signing_in(town: Town, admin: Client, provider: str) -> None:
    place, base = cast(MailStandIn, town.place("email")), f"{town.stand.base}/api/email"
    ways = {
        "google": {"google_login": f"{base}/google/auth", "google_tokens": f"{base}/google/token"},
        "microsoft": {"login_base": base},
    }
    inbox = connected(admin, "email", mail(town, sign_in=provider, **ways[provider]))
    assert "Nobody has signed in yet" in admin.post(f"/inboxes/{inbox.pk}/test", follow=True).content.decode()
    assert "Signed in" in signs_in(admin, inbox)
    asked = place.consent.asked
    assert asked["login_hint"] == "help@luma.example"
    assert (asked["scope"] == "https://mail.google.com/") == (provider == "google")
    assert (asked.get("access_type"), asked.get("prompt")) == (
        ("offline", "consent") if provider == "google" else (None, None)
    )
    assert inbox.settings["refresh_token"] == place.refresh_token
    assert not inbox.settings["password"]
    place.say(place.person("Ana"), "Hello?")
    town.drive()
    # The token is over: the next look renews it, and the answer goes out with the new one.
    place.imap.access_token = "another-token"
    town.drive()
    inbox = Inbox.objects.get()
    assert inbox.settings["access_token"] == "another-token"
    assert inbox.settings["refresh_token"] == place.refresh_token
    ours = town.answer(Case.objects.get(), "Hello!")
    assert town.delivery(ours).state == DeliveryState.SENT
    assert "AUTHENTICATE" in place.imap.requests
    assert "LOGIN" not in place.imap.requests


def test_access_that_was_withdrawn_needs_a_person(town: Town, admin: Client) -> None:
    place, base = cast(MailStandIn, town.place("email")), f"{town.stand.base}/api/email"
    given = mail(town, sign_in="google", google_login=f"{base}/google/auth", google_tokens=f"{base}/google/token")
    inbox = connected(admin, "email", given)
    signs_in(admin, inbox)
    place.imap.access_token, place.consent.refresh = "another-token", "another-refresh"
    town.drive()
    inbox.refresh_from_db()
    assert inbox.health == Inbox.Health.ATTENTION
    assert "refuses the sign-in" in inbox.health_note
    assert "The grant has expired." in inbox.health_note
    # Signing in again is all it takes.
    assert "Signed in" in signs_in(admin, inbox)
    assert inbox.health == Inbox.Health.OK
    town.drive()
    inbox.refresh_from_db()
    assert inbox.health == Inbox.Health.OK


def test_a_wrong_secret_is_told(town: Town, admin: Client) -> None:
    base = f"{town.stand.base}/api/email"
    inbox = connected(admin, "email", mail(town, sign_in="microsoft", login_base=base, client_secret="wrong"))
    assert "did not sign you in: Client authentication failed." in signs_in(admin, inbox)


def test_a_code_is_good_once_and_with_its_verifier_only() -> None:
    """The stand-in itself: a client that skips PKCE would not pass."""
    from parlour.playground.web import Request

    consent = Consent("t")
    consent.clients["app"] = "s"
    query = {"client_id": "app", "redirect_uri": "https://desk.example/back", "state": "x", "code_challenge": "y"}
    code = urlsplit(consent.authorize(Request("GET", "/", query)).headers["location"]).query.partition("code=")[2]
    body = f"grant_type=authorization_code&client_id=app&client_secret=s&redirect_uri=https://desk.example/back&code={code}"
    assert consent.token(Request("POST", "/", body=f"{body}&code_verifier=z".encode())).status == 400
