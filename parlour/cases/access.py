"""Objects are handed out here together with their rights check."""

from __future__ import annotations

from django.db.models import QuerySet

from parlour.cases.models import Case, Message
from parlour.staff import access as staff
from parlour.staff.access import Actor


class Invalid(ValueError):
    """What was asked cannot be done; its text is a sentence for the person who asked."""


class Conflict(Exception):
    """Somebody else was faster, or it is too late; its text is a sentence for the person who asked."""


def visible_cases(actor: Actor) -> QuerySet[Case]:
    """The cases ``actor`` may read. Raises Denied when that is none at all."""
    staff.require(actor, staff.READ)
    return Case.objects.all()


def get_case(actor: Actor, case_id: int, right: str = staff.READ) -> Case:
    """One case with its people. Raises Denied, or Case.DoesNotExist."""
    staff.require(actor, right)
    return visible_cases(actor).select_related("brand", "customer", "team", "assignee").get(pk=possible_id(case_id))


def get_message(actor: Actor, message_id: int, right: str = staff.READ) -> Message:
    """One message. Raises Denied, or Message.DoesNotExist."""
    staff.require(actor, right)
    return Message.objects.select_related("case", "thread", "inbox").get(pk=possible_id(message_id))


def possible_id(number: int) -> int:
    """Ids beyond 64 bits exist nowhere, and SQLite refuses even to be asked for them."""
    return number if -(2**63) <= number < 2**63 else -1
