"""Customers whom the brand's own id shows to be one person: what a forum's single sign-on and a site's signed token prove alike."""

from __future__ import annotations

from collections.abc import Iterable

from parlour.cases import actions as cases
from parlour.cases.models import Case, Status
from parlour.customers import actions as customers
from parlour.customers.actions import Claim, Same
from parlour.spine import actions as spine


def prove(claims: Iterable[Claim]) -> bool:
    """Note what is proven and join who is one; whether anybody was joined. In the caller's transaction, and before it holds rows of
    these customers in memory."""
    found = customers.prove(claims)
    for same in found:
        _join(same)
    return bool(found)


def _join(same: Same) -> None:
    reason = f"{same.claim.where} proves that they are the customer you know as {same.claim.own_id}."
    open_cases = Case.objects.filter(customer_id__in=(same.into, same.other), status=Status.OPEN)
    brands = list(open_cases.values_list("brand_id", flat=True))
    cases.join_customers(same.into, same.other, reason=reason)
    if len(brands) == len(set(brands)):
        # No two cases became one, which would have told it.
        latest = Case.objects.filter(customer_id=same.into).order_by("-id").values_list("pk", flat=True).first()
        spine.write("customer.joined", case_id=latest, reason=reason)
