"""What the desk's pages tell by themselves: that a case was read, and that an answer is being written."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from parlour.cases import actions
from parlour.cases.access import get_case
from parlour.cases.models import Message
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.traffic import signals
from parlour.web.views.guard import seat
from parlour.web.views.say import number


@seat(access.ANSWER, ("POST",))
def seen(_: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """The newest words are before an agent's eyes."""
    actions.mark_seen(get_case(agent, case_id, access.ANSWER).pk, by=agent)
    return HttpResponse(status=204)


@seat(access.ANSWER, ("POST",))
def typing(request: HttpRequest, agent: Agent, case_id: int) -> HttpResponse:
    """An answer to the message ``answers`` is being written. Never fails: it is a courtesy."""
    case = get_case(agent, case_id, access.ANSWER)
    answers = number(request.POST.get("answers", ""))
    said = Message.objects.select_related("inbox").filter(pk=answers, case=case).first() if answers else None
    if said is not None:
        signals.typing(said)
    return HttpResponse(status=204)
