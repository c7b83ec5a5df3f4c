"""Files of messages, and faces."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse

from parlour.cases.access import possible_id, visible_cases
from parlour.cases.files import get_file
from parlour.cases.models import FileState
from parlour.customers.models import Customer
from parlour.lib import serve
from parlour.lib.files import Unavailable
from parlour.staff.models import Agent
from parlour.web.views.guard import seat


@seat()
def file(request: HttpRequest, agent: Agent, attachment_id: int, name: str) -> HttpResponse:  # noqa: ARG001 - for people
    """A file of a message, for whoever may read its case. What it is called is in the database, not in the address."""
    found = get_file(agent, attachment_id)
    if found.state != FileState.FETCHED:
        raise Http404
    try:
        return serve.answer(request, found.digest, found.name or found.kind)
    except Unavailable:
        raise Http404 from None


@seat()
def face(request: HttpRequest, agent: Agent, customer_id: int, picture: str) -> HttpResponse:
    """A customer's picture. ``picture`` begins its hash: another picture has another address."""
    visible_cases(agent)
    customer = Customer.objects.filter(pk=possible_id(customer_id)).first()
    if customer is None or len(picture) < 12 or not customer.picture.startswith(picture):
        raise Http404
    try:
        return serve.answer(request, customer.picture, "face", lasting=True)
    except Unavailable:
        raise Http404 from None
