"""Who may call a view, and what a refusal looks like. Every view of the desk goes through ``seat``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.actions import Conflict, Invalid
from parlour.staff import access
from parlour.staff.models import Agent

P = ParamSpec("P")
Seated = Callable[Concatenate[HttpRequest, Agent, P], HttpResponse]
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

READING = ("GET", "HEAD")


def is_fragment(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for. Going back in the browser's history asks for whole pages."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def seat(right: str = access.READ, methods: tuple[str, ...] = READING) -> Callable[[Seated[P]], View[P]]:
    """For agents who hold ``right``; the view gets the agent as its second argument. Others are asked to sign in, or refused.

    Denied becomes 403, what does not exist 404, Conflict 409 and Invalid 422, each with its sentence.
    """

    def decorate(view: Seated[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            agent = request.user
            if not isinstance(agent, Agent):
                return ask_to_sign_in(request)
            try:
                access.require(agent, right)
                response = view(request, agent, *args, **kwargs)
            except access.Denied as error:
                return refuse(request, 403, str(error))
            except (ObjectDoesNotExist, Http404):
                return refuse(
                    request, 404, "There is nothing here. It may have been removed, or the address is mistyped."
                )
            except Conflict as error:
                return refuse(request, 409, str(error))
            except Invalid as error:
                return refuse(request, 422, str(error))
            # One address answers with a page or with a part of it.
            response.headers.setdefault("Vary", "HX-Request, Cookie")
            return response

        return guarded

    return decorate


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """A page goes to the sign-in page and back afterwards; a fragment makes the browser do so (401 with HX-Redirect)."""
    if request.headers.get("HX-Request") == "true":
        came_from = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = came_from.path + (f"?{came_from.query}" if came_from.query else "")
        return HttpResponse(status=401, headers={"HX-Redirect": _sign_in(back)})
    return HttpResponseRedirect(_sign_in(request.get_full_path() if request.method in READING else ""))


def _sign_in(back: str) -> str:
    return reverse("sign-in") + ("?" + urlencode({"next": back}) if back not in {"", "/"} else "")


TITLES = {
    403: "That is not yours to do",
    404: "Nothing here",
    409: "Somebody was faster",
    422: "That cannot be done",
    429: "Too many tries",
}


def refuse(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    """The sentence alone for a fragment (the desk shows it as a toast), else a page that holds it."""
    if is_fragment(request):
        return HttpResponse(sentence, status=status, content_type="text/plain; charset=utf-8")
    context: dict[str, Any] = {"title": TITLES.get(status, "Something went wrong"), "sentence": sentence}
    return render(request, "problem.html", context, status=status)
