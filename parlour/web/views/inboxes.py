"""Inboxes: how they fare, connecting one, testing, pausing and disconnecting it. Leads look, administrators change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.models import Thread
from parlour.channels import actions, queries, registry
from parlour.channels.contract import Channel, ChannelError
from parlour.channels.models import Inbox
from parlour.lib.text import one_line
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.traffic import queries as traffic
from parlour.traffic.models import Arrival
from parlour.web.views import parts
from parlour.web.views.guard import seat

READS = ("GET", "HEAD", "POST")
JOURNEY = "signing_in"
"""In the session: the inbox, state and verifier of a sign-in that has begun."""
TOLD = "inbox_told"
"""In the session: what the page of an inbox says once, after a form led there."""
NEW_BRAND = "+"


@seat(access.LEAD)
def inboxes(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Every inbox with its health; no credentials. One that nothing has ever come from is not called connected."""
    arrived = Arrival.objects.filter(inbox_id=OuterRef("pk"))
    spoken = Thread.objects.filter(inbox_id=OuterRef("pk"))
    shown = {"inboxes": list(queries.inboxes().annotate(heard=Exists(arrived) | Exists(spoken))), "section": "inboxes"}
    return render(request, "inboxes.html", _frame(agent) | shown)


def _frame(agent: Agent) -> dict[str, Any]:
    return parts.frame(agent) | {"may_change": access.may(agent, access.ADMINISTER), "section": "inboxes"}


@seat(access.ADMINISTER)
def new(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Which channel?"""
    found = sorted(registry.CHANNELS.values(), key=lambda channel: channel.label.lower())
    return render(request, "inbox_channels.html", _frame(agent) | {"channels": found})


@seat(access.ADMINISTER, READS)
def connect(request: HttpRequest, agent: Agent, channel: str) -> HttpResponse:
    """The form of a channel, from what it declares; what was typed stays, but for secrets."""
    found = _channel(channel)
    if request.method != "POST":
        return _form(request, agent, found, {}, {})
    given = {setting.name: request.POST.get(setting.name, "")[:20_000] for setting in found.settings}
    made = actions.made_up(found, given)
    brand, name = _brand(request), one_line(request.POST.get("inbox_name", ""), 80).strip()
    wrong = ({} if brand else {"brand": "Which brand is it?"}) | ({} if name else {"inbox_name": "A name is needed."})
    try:
        values = actions.checked_settings(found, given | made)
    except actions.WrongSettings as error:
        wrong |= error.fields
    else:
        if other := actions.same_account(found, values):
            said = f"“{other.name}” is connected to this account already: all would come in twice."
            wrong.setdefault(found.account_by[0], said)
    if not wrong:
        try:
            inbox = actions.connect_inbox(channel, brand, name, given | made)
        except ValueError as error:
            wrong = {"inbox_name": str(error)}
        else:
            _fill_webhook(inbox, found, given)
            return _told(request, inbox.pk, said=_next_words(found, inbox, made), made=made)
    return _form(request, agent, found, given, wrong, status=422)


def _next_words(channel: Channel, inbox: Inbox, made: Collection[str]) -> str:
    once = any(one.secret and one.name in made for one in channel.settings)
    if not (once or any(one.make for one in channel.settings) or channel.to_copy(queries.config(inbox), "")):
        return "Saved. Now test the connection."
    copied = "Copy what is to be copied below" + (" now: a secret is shown only this once." if once else ".")
    return f"Saved. {copied} Then test the connection."


def _fill_webhook(inbox: Inbox, channel: Channel, given: Mapping[str, str]) -> None:
    """Its webhook's address is known only now."""
    empty = [one.name for one in channel.settings if one.fill == "webhook" and not given.get(one.name, "").strip()]
    if empty and (base := _public()):
        actions.update_settings(inbox.pk, dict.fromkeys(empty, base + inbox.webhook_path))


def _public() -> str:
    """This desk's address where platforms can reach it, '' when it is not known."""
    return settings.PUBLIC_URL if settings.PUBLIC_URL.startswith("https://") else ""


def _channel(name: str) -> Channel:
    try:
        return registry.get(name)
    except LookupError as error:
        raise Http404 from error


def _brand(request: HttpRequest) -> str:
    chosen = request.POST.get("brand", "")
    return one_line(request.POST.get("new_brand", "") if chosen in {"", NEW_BRAND} else chosen, 80).strip()


def _form(
    request: HttpRequest,
    agent: Agent,
    channel: Channel,
    given: dict[str, str],
    wrong: dict[str, str],
    *,
    inbox: Inbox | None = None,
    status: int = 200,
) -> HttpResponse:
    names = [brand.name for brand in queries.brands()]
    filled = {"desk": _public(), "webhook": _public() + inbox.webhook_path if inbox and _public() else ""}
    first = request.method != "POST"
    shown = {
        "channel": channel,
        "inbox": inbox,
        "given": {
            one.name: "" if one.secret else given.get(one.name, "") or (filled.get(one.fill, "") if first else "")
            for one in channel.settings
        },
        "kept": [one.name for one in channel.settings if inbox and one.secret and inbox.settings.get(one.name)],
        "later": channel.oauth.settings if channel.oauth else (),
        "asked_with": {one.name: actions.asked_with(channel, one) for one in channel.settings},
        "typed": request.POST,
        "wrong": wrong,
        "brands": names,
    }
    return render(request, "inbox_form.html", _frame(agent) | shown, status=status)


@seat(access.LEAD)
def inbox(request: HttpRequest, agent: Agent, inbox_id: int) -> HttpResponse:
    """One inbox: its health, what the platform needs to be told, and what can be done with it."""
    found = queries.inboxes().get(pk=inbox_id)
    once = request.session.pop(TOLD, None) if request.method == "GET" else None
    if not isinstance(once, dict) or once.get("inbox") != inbox_id:
        once = {}
    made = once.get("made", ()) if access.may(agent, access.ADMINISTER) else ()
    return _inbox(request, agent, found, said=once.get("said", ""), trouble=once.get("trouble", ""), made=made)


def _inbox(
    request: HttpRequest, agent: Agent, found: Inbox, *, said: str, trouble: str, made: Collection[str]
) -> HttpResponse:
    channel = _channel(found.channel)
    told = found.settings
    asked = [one for one in channel.settings if one.asked(told) and told.get(one.name)]
    oauth = actions.sign_in_of(channel, told)
    shown = {
        "inbox": found,
        "channel": channel,
        "to_copy": channel.to_copy(queries.config(found), _base(request)),
        "copied": [(one, str(told[one.name])) for one in asked if one.make and (not one.secret or one.name in made)],
        "plain": [(one, one.told(str(told[one.name]))) for one in asked if not one.secret and not one.make],
        "secrets": [one for one in asked if one.secret],
        "parked": traffic.parked_count(found.pk),
        "waits": found.health == Inbox.Health.OK and found.heard_at is None,
        "signs_in": (oauth.at or channel.label) if oauth else "",
        "back": _back(request) if oauth and not oauth.register else "",
        "said": said,
        "trouble": trouble,
    }
    return render(request, "inbox.html", _frame(agent) | shown)


def _base(request: HttpRequest) -> str:
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


def _back(request: HttpRequest) -> str:
    return _base(request) + reverse("inbox-signed-in")


@seat(access.ADMINISTER, READS)
def change(request: HttpRequest, agent: Agent, inbox_id: int) -> HttpResponse:
    """Change settings; a secret left empty stays as it is."""
    found = queries.inboxes().get(pk=inbox_id)
    channel = _channel(found.channel)
    known = {one.name: str(found.settings.get(one.name, "")) for one in channel.settings}
    if request.method != "POST":
        return _form(request, agent, channel, known, {}, inbox=found)
    given = {one.name: request.POST.get(one.name, "")[:20_000].strip() for one in channel.settings}
    changes = {one.name: given[one.name] for one in channel.settings if given[one.name] or not one.secret}
    # What is asked for only now, after a choice was changed, has never been made up.
    kept = {one.name: known[one.name] for one in channel.settings if one.secret}
    made = actions.made_up(channel, kept | changes)
    try:
        actions.update_settings(inbox_id, changes | made)
    except actions.WrongSettings as error:
        return _form(request, agent, channel, given, error.fields, inbox=found, status=422)
    if found.health == Inbox.Health.ATTENTION:
        actions.note_health(inbox_id, Inbox.Health.OK)
    return _told(request, inbox_id, said=_next_words(channel, found, made) if made else "Saved.", made=made)


@seat(access.LEAD, READS)
def test(request: HttpRequest, _: Agent, inbox_id: int) -> HttpResponse:
    """Ask the platform whether the credentials work; the page of the inbox tells what it said."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("inbox", args=[inbox_id]))
    found = queries.inboxes().get(pk=inbox_id)
    try:
        words = _channel(found.channel).check(queries.config(found))
    except ChannelError as error:
        # As if a poll had found it: one that works makes it good again.
        actions.note_health(inbox_id, Inbox.Health.ATTENTION, error.words, by="poll")
        return _told(request, inbox_id, trouble=f"It does not work yet: {error.words}")
    actions.note_health(inbox_id, Inbox.Health.OK)
    return _told(request, inbox_id, said=f"It works: {words}")


@seat(access.ADMINISTER, ("POST",))
def decide(request: HttpRequest, agent: Agent, inbox_id: int) -> HttpResponse:
    """Pause, resume or disconnect."""
    queries.inboxes().get(pk=inbox_id)
    actor, what = access.actor_name(agent), request.POST.get("what", "")
    if what == "disconnect":
        actions.disconnect(inbox_id, actor=actor)
        return HttpResponseRedirect(reverse("inboxes"))
    if what not in {"pause", "resume"}:
        raise BadRequest
    verb = actions.pause if what == "pause" else actions.resume
    verb(inbox_id, actor=actor)
    return _told(request, inbox_id, said="Paused: nothing is sent or fetched." if what == "pause" else "Goes on.")


def _told(
    request: HttpRequest, inbox_id: int, *, said: str = "", trouble: str = "", made: Iterable[str] = ()
) -> HttpResponse:
    """To the page of the inbox, which says this once; a reload posts nothing again. ``made`` names the settings that were made up:
    the page shows them this once, and they themselves never lie in a session."""
    request.session[TOLD] = {"inbox": inbox_id, "said": said, "trouble": trouble, "made": list(made)}
    return HttpResponseRedirect(reverse("inbox", args=[inbox_id]))


@seat(access.ADMINISTER)
def sign_in_there(request: HttpRequest, _: Agent, inbox_id: int) -> HttpResponse:
    """To the platform, where somebody signs in to the brand's account. A link: browsers let no form of ours lead elsewhere."""
    found = queries.inboxes().get(pk=inbox_id)
    oauth = actions.sign_in_of(_channel(found.channel), found.settings)
    if oauth is None:
        raise Http404
    if oauth.register:
        # Anew each time: the desk's address, or the platform's, may be another one since.
        try:
            found = actions.update_settings(
                inbox_id, actions.register_client(oauth, queries.config(found), _back(request))
            )
        except (ChannelError, actions.WrongSettings) as error:
            return _told(request, inbox_id, trouble=f"{found.name}: the platform does not take this desk: {error}")
    journey = actions.begin_sign_in(oauth, queries.config(found), _back(request))
    request.session[JOURNEY] = {"inbox": inbox_id, "state": journey.state, "verifier": journey.verifier}
    return HttpResponseRedirect(journey.address)


@seat(access.ADMINISTER)
def signed_in(request: HttpRequest, _: Agent) -> HttpResponse:
    """Back from the platform: its code becomes credentials."""
    journey = request.session.pop(JOURNEY, None)
    state = request.GET.get("state", "")
    if not isinstance(journey, dict) or not state or state != journey["state"]:
        raise BadRequest("This sign-in did not begin here, or it is over.")
    found = queries.inboxes().get(pk=journey["inbox"])
    oauth = actions.sign_in_of(_channel(found.channel), found.settings)
    code = request.GET.get("code", "")
    if oauth is None or not code:
        words = one_line(request.GET.get("error_description") or request.GET.get("error") or "No code came back.", 300)
        return _told(request, found.pk, trouble=f"The platform did not sign you in: {words}")
    try:
        gained = actions.finish_sign_in(oauth, queries.config(found), _back(request), journey["verifier"], code)
        actions.update_settings(found.pk, gained)
    except (ChannelError, actions.WrongSettings) as error:
        return _told(request, found.pk, trouble=f"The platform did not sign you in: {error}")
    actions.note_health(found.pk, Inbox.Health.OK)
    return _told(request, found.pk, said="Signed in: the account is connected.")
