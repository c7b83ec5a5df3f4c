"""Connecting an inbox through the desk."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from parlour.channels import actions, registry
from parlour.channels.base import Base
from parlour.channels.contract import Capabilities, ChannelError, ErrorKind, Limit, OAuth, Setting
from parlour.channels.models import Inbox
from parlour.staff.models import Role
from parlour.traffic.models import Arrival

GIVEN = {
    "brand": "+",
    "new_brand": "Aerolane",
    "inbox_name": "Help line",
    "url": "https://pigeon.example",
    "token": "coo-coo-secret",
}
KEY = '{"client_email": "desk@example.com", "private_key": "-----BEGIN PRIVATE KEY-----"}'
GIVEN_SETTINGS = {"url": "https://pigeon.example", "token": "coo-coo-secret", "word": "w"}


class Pigeon(Base):
    """A channel with every kind of setting."""

    name = "pigeon"
    label = "Carrier pigeon"
    icon = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="currentColor" d="M0 0h9v9z"/></svg>'
    settings = (
        Setting(
            "url", "Loft", "Where the pigeons live.", check=lambda v: None if v.startswith("https") else "No loft."
        ),
        Setting("token", "Feather", "Under the wing.", secret=True),
        Setting("breed", "Breed", options=(("homer", "Homing pigeon"), ("fantail", "Fantail")), default="homer"),
        Setting("fan", "Width of the fan", "In centimetres.", when=("breed", "fantail")),
        Setting("ring", "Ring", secret=True, when=("breed", "fantail"), make=lambda: "made-up-ring"),
        Setting("desk", "Where it flies to", required=False, fill="desk"),
        Setting("door", "Its door", required=False, fill="webhook"),
        Setting("word", "Password", "Whisper it.", make=lambda: "made-up-word"),
        Setting("hush", "Hush word", secret=True, make=lambda: "made-up-hush"),
        Setting("client_id", "App", required=False, advanced=True),
        Setting("key", "Key", secret=True, required=False, long=True, advanced=True),
    )
    capabilities = Capabilities(private=Limit(100))
    oauth = OAuth("{url}/authorize", "{url}/token", ("fly", "land"), {"token": "access_token"})
    answer: str | ChannelError = "The loft of Ada"

    def realm(self, inbox):
        return "pigeon"

    def parse(self, body, inbox, received_at):
        return []

    def check(self, inbox):
        if isinstance(self.answer, ChannelError):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def pigeon(monkeypatch):
    made = Pigeon()
    monkeypatch.setitem(registry.CHANNELS, "pigeon", made)
    return made


def _client(person, role):
    client = Client()
    client.force_login(person(role.title(), role))
    return client


@pytest.fixture
def admin(person):
    return _client(person, Role.ADMIN)


@pytest.fixture
def lead(person):
    return _client(person, Role.LEAD)


def only() -> Inbox:
    return Inbox.objects.get()


def test_the_form_is_what_the_channel_declares(admin):
    assert 'href="/inboxes/new/pigeon"' in admin.get("/inboxes/new").text
    form = admin.get("/inboxes/new/pigeon").text
    for words in ("Loft", "Where the pigeons live.", "Feather", "Fantail", "More settings", "Made up for you"):
        assert words in form
    assert 'name="token" type="password"' in form
    assert '<textarea name="key"' in form
    assert admin.get("/inboxes/new/owl").status_code == 404


def test_connecting_shows_what_to_copy_and_made_secrets_once(admin):
    answer = admin.post("/inboxes/new/pigeon", GIVEN)
    inbox = only()
    # A reload of what follows posts nothing again.
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/inboxes/{inbox.pk}")
    assert "made-up-hush" not in str(dict(admin.session))
    answer = admin.get(f"/inboxes/{inbox.pk}")
    assert "a secret is shown only this once" in answer.text
    assert f"http://testserver{inbox.webhook_path}" in answer.text
    assert "made-up-word" in answer.text
    assert "made-up-hush" in answer.text
    assert "coo-coo-secret" not in answer.text
    assert inbox.settings["breed"] == "homer"
    again = admin.get(f"/inboxes/{inbox.pk}").text
    assert "made-up-word" in again
    for hidden in ("made-up-hush", "coo-coo-secret", inbox.sealed, "only this once"):
        assert hidden not in again


def test_an_account_is_connected_once(admin, pigeon):
    pigeon.account_by = ("token", "url")
    admin.post("/inboxes/new/pigeon", GIVEN)
    again = admin.post("/inboxes/new/pigeon", GIVEN | {"inbox_name": "Second line"})
    assert again.status_code == 422
    assert "“Help line” is connected to this account already" in again.text
    admin.post("/inboxes/new/pigeon", GIVEN | {"inbox_name": "Second line", "token": "another-feather"})
    admin.post(f"/inboxes/{Inbox.objects.get(name='Help line').pk}/decide", {"what": "disconnect"})
    admin.post("/inboxes/new/pigeon", GIVEN | {"inbox_name": "Third line"})
    assert set(Inbox.objects.values_list("name", flat=True)) >= {"Second line", "Third line"}


def test_every_channel_names_its_account_by_settings_it_has():
    for channel in registry.CHANNELS.values():
        assert set(channel.account_by) <= {one.name for one in channel.settings}, channel.name


def test_a_chat_is_copied_to_a_website_and_a_feed_nowhere(admin):
    given = {"brand": "+", "new_brand": "Aerolane", "inbox_name": "Site", "origins": "https://www.example.com"}
    admin.post("/inboxes/new/chat", given)
    inbox = only()
    page = admin.get(f"/inboxes/{inbox.pk}").text
    assert f"&lt;script src=&#34;http://testserver/chat/{inbox.key}/widget.js&#34; async&gt;" in page
    assert "Webhook address" not in page
    answer = admin.post("/inboxes/new/feed", given | {"inbox_name": "News", "url": "https://example.com/feed.xml"})
    page = admin.get(answer.headers["Location"]).text
    assert "Saved. Now test the connection." in page
    assert "To be copied" not in page


def test_what_was_made_up_is_shown_to_nobody_else_and_with_no_other_inbox(admin, lead):
    admin.post("/inboxes/new/pigeon", GIVEN)
    path = f"/inboxes/{only().pk}"
    assert "made-up-hush" not in lead.get(path).text
    admin.head(path)
    other = actions.connect_inbox("pigeon", "Aerolane", "Other", {**GIVEN_SETTINGS, "hush": "made-up-hush"})
    assert "made-up-hush" not in admin.get(f"/inboxes/{other.pk}").text


def test_settings_that_belong_to_a_choice(admin):
    form = admin.get("/inboxes/new/pigeon").text
    fan = form.split('data-when="breed fantail" data-needed')[1].split("</label>")[0]
    assert "with “Fantail”" in fan
    # Without scripts a browser would insist on it whatever is chosen.
    assert "required" not in fan
    answer = admin.post("/inboxes/new/pigeon", {**GIVEN, "breed": "fantail"})
    assert answer.status_code == 422
    assert "This is needed with “Fantail”." in answer.text
    admin.post("/inboxes/new/pigeon", {**GIVEN, "breed": "homer", "fan": "40"})
    inbox = only()
    assert (inbox.settings["fan"], inbox.settings["ring"]) == ("", "")
    page = admin.get(f"/inboxes/{inbox.pk}").text
    assert "<bdi>Homing pigeon</bdi>" in page
    assert "Width of the fan" not in page
    # Chosen later, it is needed, and what can be made up is.
    told = {"url": "https://pigeon.example", "word": "made-up-word", "breed": "fantail"}
    assert "This is needed with “Fantail”." in admin.post(f"/inboxes/{inbox.pk}/change", told).text
    assert admin.post(f"/inboxes/{inbox.pk}/change", told | {"fan": "40"}).status_code == 302
    assert "made-up-ring" in admin.get(f"/inboxes/{inbox.pk}").text
    assert (only().settings["fan"], only().settings["hush"]) == ("40", "made-up-hush")


def test_what_the_desk_knows_is_filled_in(admin, settings):
    settings.PUBLIC_URL = "http://localhost:8000"
    assert "localhost" not in admin.get("/inboxes/new/pigeon").text
    settings.PUBLIC_URL = "https://desk.example.com"
    assert 'name="desk" type="text" value="https://desk.example.com"' in admin.get("/inboxes/new/pigeon").text
    admin.post("/inboxes/new/pigeon", {**GIVEN, "desk": ""})
    inbox = only()
    # Whoever empties a field wants it empty; an address that nobody could know before is filled in.
    assert inbox.settings["desk"] == ""
    assert inbox.settings["door"] == f"https://desk.example.com{inbox.webhook_path}"


def test_signing_in_is_offered_only_where_it_brings_what_is_asked_for(admin):
    form = admin.get("/inboxes/new/reviews").text
    assert "with “Google Business Profile”" in form
    play = {"store": "play", "app": "com.example.app", "service_account": KEY, "client_id": "a"}
    business = {"store": "business", "app": "accounts/1/locations/2", "client_id": "a", "client_secret": "b"}
    one = actions.connect_inbox("reviews", "Luma", "App", play)
    page = admin.get(f"/inboxes/{one.pk}").text
    assert "Sign in at" not in page
    assert "Redirect address" not in page
    assert admin.get(f"/inboxes/{one.pk}/sign-in").status_code == 404
    two = actions.connect_inbox("reviews", "Luma", "Shop", business)
    assert "Sign in at Google" in admin.get(f"/inboxes/{two.pk}").text
    with pytest.raises(actions.WrongSettings, match="Missing setting 'issuer_id'"):
        actions.connect_inbox("reviews", "Luma", "Apple", {"store": "appstore", "app": "1234567890"})


def test_each_mistake_is_told_at_its_field_and_secrets_are_not_sent_back(admin):
    wrong = {**GIVEN, "url": "nowhere", "inbox_name": "", "breed": "eagle"}
    answer = admin.post("/inboxes/new/pigeon", wrong)
    assert answer.status_code == 422
    for words in ("No loft.", "A name is needed.", "It is one of homer, fantail.", "3 things are not right yet."):
        assert words in answer.text
    assert "coo-coo-secret" not in answer.text
    assert 'value="nowhere"' in answer.text
    assert not Inbox.objects.exists()
    admin.post("/inboxes/new/pigeon", GIVEN)
    assert "already has a pigeon inbox" in admin.post("/inboxes/new/pigeon", GIVEN).text


def test_changing_keeps_secrets_that_are_left_empty(admin):
    admin.post("/inboxes/new/pigeon", GIVEN)
    before = only()
    actions.note_health(before.pk, "attention", "Token expired.")
    form = admin.get(f"/inboxes/{before.pk}/change").text
    assert "unchanged when empty" in form
    assert "coo-coo-secret" not in form
    told = {"url": "https://new.example", "breed": "fantail", "word": "made-up-word", "fan": "9", "token": ""}
    assert admin.post(f"/inboxes/{before.pk}/change", told).status_code == 302
    after = only()
    assert (after.settings["url"], after.settings["token"]) == ("https://new.example", "coo-coo-secret")
    assert after.health == "ok"
    assert admin.post(f"/inboxes/{before.pk}/change", {"url": "bad"}).status_code == 422


def test_the_test_button_tells_what_the_platform_says(admin, pigeon):
    admin.post("/inboxes/new/pigeon", GIVEN)
    inbox = only()
    actions.note_health(inbox.pk, "attention", "It was ill.")
    assert "It works: The loft of Ada" in admin.post(f"/inboxes/{inbox.pk}/test", follow=True).text
    assert only().health == "ok"
    pigeon.answer = ChannelError(ErrorKind.AUTH_EXPIRED, "The <feather> has expired.")
    answer = admin.post(f"/inboxes/{inbox.pk}/test", follow=True)
    assert answer.redirect_chain == [(f"/inboxes/{inbox.pk}", 302)]
    assert "It does not work yet: The &lt;feather&gt; has expired." in answer.text


def test_pausing_resuming_and_disconnecting(admin, desk):
    admin.post("/inboxes/new/pigeon", GIVEN)
    inbox = only()
    admin.post(f"/inboxes/{inbox.pk}/decide", {"what": "pause"})
    assert only().health == "paused"
    actions.note_health(inbox.pk, "ok")
    assert only().health == "paused"
    admin.post(f"/inboxes/{inbox.pk}/decide", {"what": "resume"})
    assert only().health == "ok"
    assert admin.post(f"/inboxes/{inbox.pk}/decide", {"what": "explode"}).status_code == 400
    admin.post(f"/inboxes/{inbox.pk}/decide", {"what": "disconnect"})
    gone = only()
    assert (gone.health, gone.sealed) == ("gone", "")
    assert gone.key != inbox.key
    assert admin.get(f"/inboxes/{inbox.pk}").status_code == 404
    assert "Help line" not in admin.get("/inboxes").text
    actions.resume(inbox.pk)
    assert only().health == "gone"


def test_leads_look_and_agents_do_neither(admin, lead, desk):
    admin.post("/inboxes/new/pigeon", GIVEN)
    path = f"/inboxes/{only().pk}"
    assert lead.get(path).status_code == 200
    assert "Disconnect" not in lead.get(path).text
    for client, allowed in ((lead, {"/test"}), (desk, set())):
        for what in ("/change", "/decide", "/test"):
            expected = 302 if what in allowed else 403
            assert client.post(path + what, {"what": "pause"}).status_code == expected, what
        assert client.get("/inboxes/new").status_code == 403
        assert client.post("/inboxes/new/pigeon", GIVEN).status_code == 403
    assert desk.get(path).status_code == 403
    assert only().health == "ok"


def test_one_banner_tells_everybody_that_answers_wait(admin, desk, scene):
    inbox = scene.inbox("facebook")
    assert 'id="ails" class="ails" role="status" hidden' in desk.get("/queue/mine").text
    actions.note_health(inbox.pk, "attention", "The <token> expired.")
    page = desk.get("/queue/mine").text
    assert "The &lt;token&gt; expired." in page
    assert "See to it" not in page
    assert f'href="/inboxes/{inbox.pk}">See to it' in admin.get("/queue/mine").text
    assert "hx-swap-oob" in desk.get("/queue/mine", headers={"HX-Request": "true"}).text.split('id="ails"')[1][:60]


def test_signing_in_at_the_platform(admin, monkeypatch):
    admin.post("/inboxes/new/pigeon", {**GIVEN, "client_id": "app-7", "token": ""})
    inbox = only()
    gone = admin.get(f"/inboxes/{inbox.pk}/sign-in")
    there = urlsplit(gone.headers["Location"])
    asked = {name: values[0] for name, values in parse_qs(there.query).items()}
    assert f"{there.scheme}://{there.netloc}{there.path}" == "https://pigeon.example/authorize"
    assert (asked["client_id"], asked["scope"]) == ("app-7", "fly land")
    assert asked["redirect_uri"] == "http://testserver/inboxes/signed-in"
    exchanged = {}

    def exchange(oauth, config, told):
        exchanged.update(told)
        return {"access_token": "fresh-feather", "expires_in": 7200}

    monkeypatch.setattr("parlour.channels.signing_in.token", exchange)
    assert admin.get("/inboxes/signed-in?code=c1&state=forged").status_code == 400
    admin.get(f"/inboxes/{inbox.pk}/sign-in")
    state = admin.session["signing_in"]["state"]
    assert admin.get(f"/inboxes/signed-in?code=c1&state={state}").headers["Location"] == f"/inboxes/{inbox.pk}"
    assert (exchanged["code"], only().settings["token"]) == ("c1", "fresh-feather")
    assert admin.get(f"/inboxes/signed-in?code=c1&state={state}").status_code == 400


def test_a_refusal_at_the_platform_is_told(admin):
    admin.post("/inboxes/new/pigeon", {**GIVEN, "client_id": "app-7"})
    inbox = only()
    admin.get(f"/inboxes/{inbox.pk}/sign-in")
    state = admin.session["signing_in"]["state"]
    answer = admin.get(f"/inboxes/signed-in?error=access_denied&error_description=No+<b>&state={state}", follow=True)
    assert "did not sign you in: No &lt;b&gt;" in answer.text


def test_inboxes_show_health_and_path_but_no_secret(lead, scene):
    inbox = scene.inbox("facebook")
    inbox.health, inbox.health_note = "attention", "The token <expired>"
    inbox.save()
    text = lead.get("/inboxes").text + lead.get(f"/inboxes/{inbox.pk}").text
    assert f"http://testserver{inbox.webhook_path}" in text
    assert "Needs attention" in text
    assert "The token &lt;expired&gt;" in text
    assert "very-secret-token" not in text
    assert inbox.sealed not in text


def test_an_inbox_is_called_connected_once_something_has_come_from_it(lead, scene, settings):
    inbox = scene.inbox("facebook")
    assert "Waiting for its first event" in lead.get("/inboxes").text
    Arrival.objects.create(inbox_id=inbox.pk, key="a", lane=1, body=b"{}", state="done")
    settings.PUBLIC_URL = "https://desk.example.com"
    text = lead.get("/inboxes").text
    assert "Waiting for its first event" not in text
    assert "Connected" in text
    assert f"https://desk.example.com{inbox.webhook_path}" in lead.get(f"/inboxes/{inbox.pk}").text


def test_the_last_error_of_fetching_is_shown(admin):
    admin.post("/inboxes/new/pigeon", GIVEN)
    assert "Last error" not in admin.get(f"/inboxes/{only().pk}").text
    Inbox.objects.update(poll_failures=3, poll_error="The <pigeon> did not answer.")
    page = admin.get(f"/inboxes/{only().pk}").text
    assert "The &lt;pigeon&gt; did not answer." in page
    assert "3 failed polls in a row" in page
