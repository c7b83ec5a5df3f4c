from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from parlour.lib import clock
from parlour.staff import actions as staff
from parlour.staff.models import Agent
from parlour.web.tests.conftest import HTMX, PASSWORD


@pytest.fixture
def with_password(amara: Agent) -> Agent:
    amara.set_password(PASSWORD)
    amara.save()
    return amara


def come_in(client: Client, password: str = PASSWORD, **more: str):
    return client.post("/sign-in", {"email": "Amara@Example.com", "password": password, **more})


def test_a_stranger_is_asked_to_sign_in_and_comes_back(db):
    answer = Client().get("/queue/mine?q=bag")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in?next=%2Fqueue%2Fmine%3Fq%3Dbag"


def test_a_strangers_fragment_sends_the_whole_browser_to_the_sign_in_page(db):
    answer = Client().get("/case/1/live", headers={**HTMX, "HX-Current-URL": "http://testserver/case/1?tab=mine"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fcase%2F1%3Ftab%3Dmine"
    assert answer.content == b""


def test_signing_in_makes_the_agent_present(with_password):
    client = Client()
    assert come_in(client).headers["Location"] == "/"
    with_password.refresh_from_db()
    assert with_password.presence == "online"
    assert client.get("/queue/mine").status_code == 200


def test_signing_out_ends_the_session_and_the_presence(with_password):
    client = Client()
    come_in(client)
    assert client.get("/sign-out").status_code == 405
    client.post("/sign-out")
    with_password.refresh_from_db()
    assert with_password.presence == "offline"
    assert client.get("/queue/mine").status_code == 302


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(with_password, wanted):
    assert come_in(Client(), next=wanted).headers["Location"] == "/"


def test_ten_wrong_passwords_and_the_right_one_no_longer_helps(with_password):
    client = Client()
    for _ in range(10):
        assert come_in(client, "wrong").status_code == 401
    refused = come_in(client)
    assert refused.status_code == 429
    assert "Wait ten minutes" in refused.text
    elsewhere = client.post("/sign-in", {"email": "amara@example.com", "password": PASSWORD}, REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302


def test_an_address_with_a_nul_is_just_wrong(db):
    assert Client().post("/sign-in", {"email": "a\x00b", "password": "x\x00"}).status_code == 401


def test_a_link_is_used_by_its_button_not_by_looking_at_it(amara):
    secret = staff.make_sign_in_link(amara)
    client = Client()
    assert "Sign in" in client.get(f"/sign-in/{secret}").text
    assert client.get(f"/sign-in/{secret}").status_code == 200
    entered = client.post(f"/sign-in/{secret}")
    assert entered.headers["Location"] == "/me"
    again = Client().post(f"/sign-in/{secret}")
    assert again.status_code == 403
    assert "This link has been used or has run out" in again.text
    looked = Client().get(f"/sign-in/{secret}")
    assert looked.status_code == 403
    assert 'href="/sign-in"' in looked.text
    assert "parlour agent link --email" in looked.text


def test_a_link_that_was_never_made_or_is_too_old_lets_nobody_in(amara):
    secret = staff.make_sign_in_link(amara)
    with clock.frozen(clock.now() + timedelta(hours=25)):
        assert "has run out" in Client().get(f"/sign-in/{secret}").text
        assert Client().post(f"/sign-in/{secret}").status_code == 403
    assert Client().get("/sign-in/nonsense").status_code == 403
    assert Client().get(f"/sign-in/{secret}").status_code == 200


def test_away_chosen_by_hand_outlives_signing_out_and_in(with_password):
    client = Client()
    come_in(client)
    client.post("/me/presence", {"presence": "away"})
    client.post("/sign-out")
    come_in(client)
    with_password.refresh_from_db()
    assert with_password.presence == "away"


def test_a_password_is_set_without_the_old_one_only_after_a_link(amara):
    client = Client()
    client.post(f"/sign-in/{staff.make_sign_in_link(amara)}")
    assert client.post("/me/password", {"new": "short", "again": "short"}).status_code == 422
    assert client.post("/me/password", {"new": PASSWORD, "again": "another one!"}).status_code == 422
    assert client.post("/me/password", {"new": PASSWORD, "again": PASSWORD}).status_code == 302
    assert client.get("/me").status_code == 200, "setting a password must not sign its owner out"
    new = "another long password"
    assert client.post("/me/password", {"new": new, "again": new}).status_code == 422
    assert client.post("/me/password", {"old": PASSWORD, "new": new, "again": new}).status_code == 302
    amara.refresh_from_db()
    assert amara.check_password(new)


def test_a_new_password_closes_the_links_still_open(with_password):
    link = f"/sign-in/{staff.make_sign_in_link(with_password)}"
    client = Client()
    come_in(client)
    new = "another long password"
    assert client.post("/me/password", {"old": "wrong", "new": new, "again": new}).status_code == 422
    assert Client().get(link).status_code == 200
    assert client.post("/me/password", {"old": PASSWORD, "new": new, "again": new}).status_code == 302
    assert Client().get(link).status_code == 403
    assert Client().post(link).status_code == 403


def test_name_and_theme_are_saved_and_shown(desk, amara):
    desk.post("/me/profile", {"name": "  Amara\n Bello ", "theme": "dark"})
    page = desk.get("/me").text
    assert 'data-theme="dark"' in page
    assert 'value="Amara Bello"' in page
    assert desk.post("/me/profile", {"theme": "plaid"}).status_code == 422
    assert desk.post("/me/profile", {"name": "  "}).status_code == 422


def test_presence_is_set_from_the_top_bar(desk, amara):
    assert 'class="dot away"' in desk.post("/me/presence", {"presence": "away"}, headers=HTMX).text
    amara.refresh_from_db()
    assert amara.presence == "away"
    assert desk.post("/me/presence", {"presence": "asleep"}, headers=HTMX).status_code == 422


def test_a_form_without_its_token_is_refused(amara):
    client = Client(enforce_csrf_checks=True)
    client.force_login(amara)
    answer = client.post("/me/profile", {"name": "Mallory"})
    assert answer.status_code == 403
    assert "open for too long" in answer.text
