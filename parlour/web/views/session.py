"""Coming in, going out, and the agent's own page."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Any

from django.contrib import auth
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from parlour.lib import clock
from parlour.lib.text import one_line, storable
from parlour.policy.routing import actions as routing
from parlour.staff import actions as staff
from parlour.staff import queries as staff_queries
from parlour.staff.models import Agent, Presence, SignInLink
from parlour.web.views import parts
from parlour.web.views.guard import is_fragment, refuse, seat

TRIES, WITHIN, REMEMBERED = 10, 600, 10_000
THEMES = {"auto": "As the system", "light": "Light", "dark": "Dark"}

BACKEND = "django.contrib.auth.backends.ModelBackend"


class FailedTries:
    """Failed sign-ins of this process, by address and place: ten in ten minutes, then no more for the rest of them."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = Lock()

    def spent(self, email: str, place: str) -> bool:
        with self._lock:
            return len(self._recent((email.lower(), place))) >= TRIES

    def note(self, email: str, place: str) -> None:
        key = (email.lower(), place)
        with self._lock:
            self._tries[key] = [*self._recent(key), time.monotonic()]
            self._tries.move_to_end(key)
            while len(self._tries) > REMEMBERED:
                self._tries.popitem(last=False)

    def forget(self, email: str, place: str) -> None:
        with self._lock:
            self._tries.pop((email.lower(), place), None)

    def clear(self) -> None:
        with self._lock:
            self._tries.clear()

    def _recent(self, key: tuple[str, str]) -> list[float]:
        return [at for at in self._tries.get(key, []) if time.monotonic() - at < WITHIN]


failed_tries = FailedTries()


def _after(request: HttpRequest) -> str:
    """Where to go once signed in: only ever within the desk."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if safe and wanted.startswith("/") else reverse("home")


def _enter(request: HttpRequest, agent: Agent) -> None:
    """Signed in, and present unless they have chosen to be away."""
    auth.login(request, agent, backend=BACKEND)
    if agent.presence == Presence.OFFLINE:
        staff.set_presence(agent, Presence.ONLINE)


def sign_in(request: HttpRequest) -> HttpResponse:
    """By e-mail address and password."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(_after(request))
    context: dict[str, Any] = {"email": "", "trouble": "", "next": _after(request)}
    if request.method != "POST":
        return render(request, "sign_in.html", context)
    email, place = storable(request.POST.get("email", ""), 254).strip(), request.META.get("REMOTE_ADDR", "")
    context["email"] = email
    if failed_tries.spent(email, place):
        context["trouble"] = "Too many tries. Wait ten minutes, or ask an administrator for a sign-in link."
        return render(request, "sign_in.html", context, status=429)
    agent = auth.authenticate(request, username=email, password=request.POST.get("password", "")[:4096])
    if not isinstance(agent, Agent):
        failed_tries.note(email, place)
        context["trouble"] = "This address and password do not belong together."
        return render(request, "sign_in.html", context, status=401)
    failed_tries.forget(email, place)
    _enter(request, agent)
    return HttpResponseRedirect(_after(request))


def sign_in_link(request: HttpRequest, secret: str) -> HttpResponse:
    """A one-time link. Looking at it does not use it up, so that a mail programme's preview takes nobody's way in."""
    if request.method in {"GET", "HEAD"}:
        if not _is_open(secret):
            return _link_is_over(request)
        return render(request, "sign_in_link.html", {"secret": secret})
    if request.method != "POST":
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    place = request.META.get("REMOTE_ADDR", "")
    if failed_tries.spent("", place):
        return refuse(request, 429, "Wait ten minutes, then open the link again.")
    agent = staff.use_sign_in_link(secret)
    if agent is None:
        failed_tries.note("", place)
        return _link_is_over(request)
    _enter(request, agent)
    request.session["by_link"] = True
    return HttpResponseRedirect(reverse("home") if agent.has_usable_password() else reverse("me"))


def _is_open(secret: str) -> bool:
    """Whether a link would still let somebody in."""
    unused = SignInLink.objects.filter(digest=staff.digest(secret), used_at=None, expires_at__gt=clock.now())
    return unused.filter(agent__is_active=True).exists()


def _link_is_over(request: HttpRequest) -> HttpResponse:
    """The same words for used, expired and unknown ones: they tell nothing to somebody who guesses."""
    return render(request, "sign_in_link_over.html", status=403)


@seat(methods=("POST",))
def sign_out(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Away chosen by hand stays for the next time; it is given no cases either."""
    if agent.presence != Presence.AWAY:
        routing.set_presence(agent, Presence.OFFLINE)
    auth.logout(request)
    return HttpResponseRedirect(reverse("sign-in"))


@seat()
def me(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Name, look, password, presence."""
    return _me(request, agent)


def _me(request: HttpRequest, agent: Agent, *, status: int = 200, trouble: str = "", said: str = "") -> HttpResponse:
    shown = {
        "themes": THEMES,
        "needs_password": agent.has_usable_password() and not request.session.get("by_link"),
        "trouble": trouble,
        "said": said or request.session.pop("said", ""),
        "section": "me",
        "teams": list(agent.teams.all()),
    }
    return render(request, "me.html", parts.frame(agent) | shown, status=status)


def _saved(request: HttpRequest, words: str) -> HttpResponse:
    if is_fragment(request):
        return HttpResponse(status=204)
    request.session["said"] = words
    return HttpResponseRedirect(reverse("me"))


@seat(methods=("POST",))
def set_profile(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Name and theme; either may be sent alone."""
    name = one_line(request.POST.get("name", agent.name), 80)
    theme = request.POST.get("theme", agent.theme)
    if not name:
        return _me(request, agent, status=422, trouble="A name is needed: customers and colleagues see it.")
    if theme not in THEMES:
        return _me(request, agent, status=422, trouble="There is no such look.")
    agent.name, agent.theme = name, theme
    agent.save(update_fields=["name", "theme"])
    return _saved(request, "Saved.")


@seat(methods=("GET", "HEAD", "POST"))
def set_presence(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Come, go, or wrap up; asked with GET, the presence as it stands at the top of each page."""
    if request.method != "POST":
        if not is_fragment(request):
            return HttpResponseRedirect(reverse("me"))
        agent.presence = staff_queries.present(agent, clock.now())
        return render(request, "parts/presence.html", parts.frame(agent))
    presence = request.POST.get("presence", "")
    if presence not in Presence.values:
        return refuse(request, 422, "There is no such presence.")
    routing.set_presence(agent, presence)
    if is_fragment(request):
        return render(request, "parts/presence.html", parts.frame(agent))
    return HttpResponseRedirect(reverse("me"))


@seat(methods=("POST",))
def set_password(request: HttpRequest, agent: Agent) -> HttpResponse:
    """A new password; the old one is asked for unless the agent came by a one-time link."""
    old, new = request.POST.get("old", "")[:4096], request.POST.get("new", "")[:4096]
    if agent.has_usable_password() and not request.session.get("by_link") and not agent.check_password(old):
        return _me(request, agent, status=422, trouble="The present password is not right.")
    if new != request.POST.get("again", ""):
        return _me(request, agent, status=422, trouble="The two new passwords differ.")
    try:
        validate_password(new, agent)
    except ValidationError as error:
        return _me(request, agent, status=422, trouble=" ".join(error.messages))
    staff.set_password(agent, new)
    auth.update_session_auth_hash(request, agent)
    request.session.pop("by_link", None)
    return _saved(request, "Your password is set.")
