"""What an agent does to a case. Each is a form; the desk is then told what changed and asks again."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, HttpResponseLocation, trigger_client_event

from parlour.cases import actions, corrections, queries
from parlour.cases.access import get_case, get_message
from parlour.cases.actions import Invalid
from parlour.cases.models import FileState, Message
from parlour.policy.routing import actions as routing
from parlour.staff import access
from parlour.staff.models import Agent, Presence
from parlour.understanding.models import Correction
from parlour.web.views import parts
from parlour.web.views.guard import is_fragment, seat

POST = ("POST",)
NONE = ""


UNDO_SECONDS = 10
"""How long the line that tells of a correction offers to take it back; the reading of the message always does."""


def done(request: HttpRequest, case_id: int, words: str, correction: Correction | None = None) -> HttpResponse:
    """To the desk: 204, which case changed and a sentence to say aloud, with Undo where a ``correction`` can be taken back. To a
    browser without scripts: back to the case."""
    if is_fragment(request):
        told: dict[str, object] = {"case": case_id, "say": words}
        if correction is not None:
            told |= {"undo": reverse("unfix", args=[correction.pk]), "seconds": UNDO_SECONDS}
        return trigger_client_event(HttpResponse(status=204), "desk:changed", told)
    return HttpResponseRedirect(_back(request, case_id))


def _back(request: HttpRequest, case_id: int) -> str:
    tab = request.POST.get("tab", "")
    return reverse("case", args=[case_id]) + (
        parts.query_of(tab, parts.words_of(request)) if tab in queries.TABS else ""
    )


def _number(request: HttpRequest, name: str) -> int | None:
    """A number from the form, None for none. Raises Invalid for anything else."""
    value = request.POST.get(name, "").strip()
    if value == NONE:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise Invalid(f"“{name}” must be a number.")
    return int(value)


@seat(access.ANSWER, POST)
def take(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    actions.take(case_id, by=agent)
    return done(request, case_id, "The case is yours.")


@seat(access.ANSWER, POST)
def assign(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    case = actions.assign(case_id, _number(request, "assignee"), by=agent)
    return done(request, case_id, f"Given to {case.assignee.name}." if case.assignee else "Given to nobody.")


@seat(access.ANSWER, POST)
def set_team(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    case = actions.set_team(case_id, _number(request, "team"), by=agent)
    return done(request, case_id, f"Handed to {case.team.name}." if case.team else "Taken from its team.")


@seat(access.ANSWER, POST)
def set_level(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    actions.set_level(case_id, request.POST.get("level") or None, by=agent)
    return done(request, case_id, "Priority set.")


@seat(access.ANSWER, POST)
def set_category(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    before = corrections.latest_of(case_id, "category")
    actions.set_category(case_id, request.POST.get("category", ""), by=agent)
    return _corrected(request, case_id, "category", "Category set. The model will learn from it.", before)


@seat(access.ANSWER, POST)
def set_purpose(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    actions.set_purpose(case_id, request.POST.get("purpose", ""), by=agent)
    return done(request, case_id, "Purpose set.")


@seat(access.ANSWER, POST)
def set_actionable(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    actionable = request.POST.get("actionable") == "1"
    before = corrections.latest_of(case_id, "actionable")
    actions.set_actionable(case_id, actionable, by=agent)
    words = "Called back to the queue." if actionable else "Marked as noise."
    return _corrected(request, case_id, "actionable", words, before)


def _corrected(request: HttpRequest, case_id: int, field: str, words: str, before: Correction | None) -> HttpResponse:
    """Told with Undo where a message of the customer's was corrected with the case. ``before``: the last correction until then."""
    kept = corrections.latest_of(case_id, field)
    return done(request, case_id, words, kept if kept != before else None)


@seat(access.ANSWER, POST)
def reopen(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    actions.reopen(case_id, by=agent)
    return done(request, case_id, "Reopened.")


@seat(access.ANSWER, POST)
def resolve(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """Resolve; with ``then=next`` go on to the case below it in the tab."""
    return resolve_and(request, agent, case_id, request.POST.get("then", ""))


def resolve_and(request: HttpRequest, agent: Agent, case_id: int, then: str) -> HttpResponse:
    """Resolve the case and stay, or go to the next one (to the queue when there is none)."""
    response = _resolved(request, agent, case_id, then)
    if agent.presence == Presence.WRAP_UP and is_fragment(request):
        # The presence at the top tells until when, with a button to end it.
        trigger_client_event(response, "desk:presence", {})
    return response


def _resolved(request: HttpRequest, agent: Agent, case_id: int, then: str) -> HttpResponse:
    tab = parts.tab_of(request, get_case(agent, case_id, access.ANSWER), agent)
    following = queries.next_case(agent, tab, case_id) if then == "next" else None
    routing.resolve(case_id, by=agent)
    if then != "next":
        return done(request, case_id, "Resolved.")
    if following is None:
        address = reverse("queue", args=[tab])
        return HttpResponseClientRedirect(address) if is_fragment(request) else HttpResponseRedirect(address)
    address = reverse("case", args=[following.pk]) + parts.query_of(tab, parts.words_of(request))
    if not is_fragment(request):
        return HttpResponseRedirect(address)
    response = HttpResponseLocation(address, target="#case", swap="outerHTML")
    return trigger_client_event(response, "desk:changed", {"case": case_id, "say": "Resolved. Here is the next one."})


def _on_message(
    request: HttpRequest, agent: Agent, message_id: int, do: Callable[[], object], words: str
) -> HttpResponse:
    message = get_message(agent, message_id, access.ANSWER)
    do()
    if message.case_id is not None:
        return done(request, message.case_id, words)
    back = request.headers.get("Referer", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(back if safe else reverse("home"))


@seat(access.ANSWER, POST)
def undo(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Take an answer back before it leaves. The desk gets its words as JSON (``case``, ``way``, ``text``), to be written on."""
    undone: list[Message] = []
    cancel = lambda: undone.extend(actions.cancel_reply(message_id, by=agent))  # noqa: E731
    response = _on_message(request, agent, message_id, cancel, "Taken back. It was not sent.")
    if not is_fragment(request):
        return response
    message = get_message(agent, message_id)
    # In the body, not in a header: an answer may be longer than what proxies take as headers.
    words, along = queries.whole_text(undone).strip(), [file for part in undone for file in _files(part)]
    back = {"case": message.case_id, "way": message.visibility, "text": words, "files": along}
    given = JsonResponse(back)
    given["HX-Trigger"] = response["HX-Trigger"]
    return given


def _files(message: Message) -> list[dict[str, object]]:
    """The files of an answer, as the composer shows them again."""
    found = message.attachments.filter(state=FileState.FETCHED).order_by("id")
    return [{"id": one.pk, "name": one.name or one.kind, "size": one.size, "kind": one.kind} for one in found]


@seat(access.ANSWER, POST)
def retry(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    return _on_message(request, agent, message_id, lambda: actions.retry_reply(message_id, by=agent), "Sending again.")


@seat(access.ANSWER, POST)
def arrived(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """A person has looked: the uncertain answer did arrive."""
    settle = lambda: actions.settle_reply(message_id, by=agent, arrived=True)  # noqa: E731
    return _on_message(request, agent, message_id, settle, "Noted as sent.")


@seat(access.ANSWER, POST)
def act(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Hide, unhide, delete or like on the platform."""
    what = request.POST.get("act", "")
    return _on_message(
        request, agent, message_id, lambda: actions.act(message_id, what, by=agent), "Asked the platform."
    )
