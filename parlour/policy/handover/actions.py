"""Verbs on other systems and on what is handed over to them. Each is one transaction and one line in the event log.

All raise Denied without the right, what does not exist, Invalid for what cannot be, Conflict when it is too late.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction

from parlour.cases import actions as cases
from parlour.cases.access import Conflict, Invalid, possible_id
from parlour.cases.models import Case
from parlour.channels.models import Brand
from parlour.lib import clock, safe_http, secretbox
from parlour.lib.text import one_line, storable
from parlour.policy.handover.models import Handover, State, System, Update
from parlour.spine import actions as spine
from parlour.spine import bus
from parlour.staff import access as staff
from parlour.staff.access import Actor, Robot, actor_name
from parlour.staff.actions import TOKEN_PREFIX, digest

NAME_LIMIT, URL_LIMIT, COMMENT_LIMIT = 80, 500, 5_000
TAKES_BACK = {"open": State.HANDED, "closed": State.CLOSED, "refused": State.REFUSED}
"""What another system may say it is -> the state."""


def save_system(values: Mapping[str, Any], *, by: Actor, system_id: int | None = None) -> System:
    """Make another system, or change one: ``name``, ``url``, ``brand`` (an id or None), ``secret`` (empty: as it was, or a new one) and
    ``authorization`` (None: as it was)."""
    staff.require(by, staff.ADMINISTER)
    name = one_line(str(values.get("name") or ""), NAME_LIMIT + 1).strip()
    if not 0 < len(name) <= NAME_LIMIT:
        raise Invalid(f"The system needs a name of at most {NAME_LIMIT} characters.")
    url = _address(str(values.get("url") or "").strip())
    brand_id = values.get("brand")
    brand = Brand.objects.filter(pk=possible_id(brand_id)).first() if isinstance(brand_id, int) else None
    if brand_id is not None and brand is None:
        raise Invalid("There is no such brand.")
    given = _secret(str(values.get("secret") or "").strip())
    with transaction.atomic():
        system = System()
        if system_id is not None:
            system = System.objects.select_for_update().get(pk=possible_id(system_id), removed_at=None)
        kept = secretbox.unseal(system.sealed) if system.sealed else {}
        authorization = values.get("authorization")
        if authorization is not None:
            kept["authorization"] = _header(str(authorization).strip())
        kept["secret"] = given or kept.get("secret") or base64.b64encode(secrets.token_bytes(32)).decode()
        system.name, system.url, system.brand, system.sealed = name, url, brand, secretbox.seal(kept)
        system.save()
        verb = "system.saved" if system_id is not None else "system.made"
        spine.write(verb, actor=actor_name(by), system=system.pk, name=name)
    return system


def _address(url: str) -> str:
    if len(url) > URL_LIMIT:
        raise Invalid(f"The address has at most {URL_LIMIT} characters.")
    try:
        safe_http.check(url)
    except safe_http.Refused as error:
        raise Invalid(f"The address cannot be used. {error}") from error
    if not url.lower().startswith("https://") and not settings.OWN_NETWORKS:
        raise Invalid("The address must begin with https://: customers' words go there.")
    return url


def _secret(given: str) -> str:
    if not given:
        return ""
    try:
        raw = base64.b64decode(given.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("A secret looks like whsec_ and letters of base64.") from error
    if not 24 <= len(raw) <= 64:
        raise Invalid("A secret holds 24 to 64 bytes.")
    return base64.b64encode(raw).decode()


def _header(given: str) -> str:
    if len(given) > 2000 or not given.isascii() or (given and not given.isprintable()):
        raise Invalid("The header holds at most 2,000 plain characters.")
    return given


def new_token(system_id: int, *, by: Actor) -> str:
    """A token for the way back; the former one ends. This is the only time its text is known."""
    staff.require(by, staff.ADMINISTER)
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        system = System.objects.select_for_update().get(pk=possible_id(system_id), removed_at=None)
        system.digest = digest(token)
        system.save(update_fields=["digest"])
        spine.write("system.token", actor=actor_name(by), system=system.pk, name=system.name)
    return token


def remove_system(system_id: int, *, by: Actor) -> System:
    """Nothing more is handed over to it, and its token ends; what waits is not sent."""
    staff.require(by, staff.ADMINISTER)
    with transaction.atomic():
        system = System.objects.select_for_update().get(pk=possible_id(system_id), removed_at=None)
        now = clock.now()
        system.removed_at = now
        system.save(update_fields=["removed_at"])
        for one in system.handovers.select_for_update().filter(state=State.WAITING):
            settle(one, State.FAILED, "The system was removed before it was asked.")
        spine.write("system.removed", actor=actor_name(by), system=system.pk, name=system.name)
    return system


def restore_system(system_id: int, *, by: Actor) -> System:
    """Take a removal back."""
    staff.require(by, staff.ADMINISTER)
    with transaction.atomic():
        system = System.objects.select_for_update().get(pk=possible_id(system_id))
        system.removed_at = None
        system.save(update_fields=["removed_at"])
        spine.write("system.saved", actor=actor_name(by), system=system.pk, name=system.name)
    return system


def hand_over(case: Case, system: System, summary: str, *, by: Actor) -> Handover:
    """Put a case on its way to another system; ``sending`` brings it there. In the caller's transaction."""
    made = Handover(system=system, case=case, key=f"msg_{secrets.token_hex(12)}", by=actor_name(by))
    made.save()
    made.body = orjson.dumps(_told(made, case, summary, by)).decode()
    made.save(update_fields=["body"])
    bus.wake("handovers")
    return made


def _told(one: Handover, case: Case, summary: str, by: Actor) -> dict[str, Any]:
    """What the other system gets."""
    name = getattr(by, "name", "") or actor_name(by)
    return {
        "type": "case.escalated",
        "timestamp": one.created_at.isoformat(),
        "data": {
            "escalation": one.pk,
            "updates": f"{settings.PUBLIC_URL}/api/v1/escalations/{one.pk}/updates",
            "summary": summary,
            "by": name,
            "case": {
                "id": case.pk,
                "url": f"{settings.PUBLIC_URL}/case/{case.pk}",
                "brand": case.brand.name,
                "channel": case.channel,
                "customer": case.customer.name,
                "category": case.category,
                "level": case.level,
                "opened_at": case.opened_at.isoformat(),
            },
        },
    }


def again(handover_id: int, *, by: Actor) -> Handover:
    """Try once more what was not taken."""
    staff.require(by, staff.ANSWER)
    with transaction.atomic():
        one = _held(handover_id)
        if one.state != State.FAILED:
            raise Conflict(f"It is {State(one.state).label.lower()} already.")
        if one.system.removed_at is not None:
            raise Invalid(f"{one.system.name} was removed.")
        one.state, one.attempts, one.due_at, one.settled_at = State.WAITING, 0, clock.now(), None
        one.save(update_fields=["state", "attempts", "due_at", "settled_at"])
        spine.write("handover.again", actor=actor_name(by), case_id=one.case_id, name=one.system.name)
        bus.wake("handovers")
    return one


def settle(one: Handover, state: str, words: str, *, reference: str = "", link: str = "") -> None:
    """How a handover went. In the caller's transaction, with the row held or claimed."""
    one.state, one.words, one.settled_at = state, words, clock.now()
    one.reference, one.link = reference or one.reference, link or one.link
    one.save(update_fields=["state", "words", "settled_at", "reference", "link"])
    verb = "handover.failed" if state == State.FAILED else "handover.taken"
    told: dict[str, Any] = {"name": one.system.name, "reference": one.reference, "reason": words}
    spine.write(verb, actor=f"system:{one.system_id}", case_id=one.case_id, **told)


def take_word(
    handover_id: int,
    *,
    by: Actor,
    state: str = "",
    comment: str = "",
    reference: str = "",
    url: str = "",
    key: str = "",
) -> Handover:
    """What another system says of a case it was handed: how it stands there (``open``, ``closed``, ``refused``), a comment, which becomes
    a note, what it is called there and where it is to be seen. The same ``key`` again says nothing twice."""
    staff.require(by, staff.ANSWER)
    if state and state not in TAKES_BACK:
        raise Invalid(f"A case is {', '.join(TAKES_BACK)} there, not {one_line(state, 20)!r}.")
    comment = storable(comment, COMMENT_LIMIT).strip()
    reference, url = one_line(reference, 120), checked_link(url)
    if not (state or comment or reference or url):
        raise Invalid("There is nothing in it: give a state, a comment, a reference or a url.")
    with transaction.atomic():
        one = _held(handover_id)
        if isinstance(by, Robot) and by.kind == "system" and by.pk != one.system_id:
            raise Handover.DoesNotExist
        if key and not _first_time(one, key):
            return one
        # Whatever says something of it has it, also when its first answer was lost.
        one.state = TAKES_BACK.get(state, State.HANDED if one.state in (State.WAITING, State.FAILED) else one.state)
        one.reference, one.link = reference or one.reference, url or one.link
        one.words, one.settled_at = one_line(comment, 500) or one.words, clock.now()
        one.save(update_fields=["state", "reference", "link", "words", "settled_at"])
        note = None
        if comment:
            called = f" ({one.reference})" if one.reference else ""
            note = cases.add_note(one.case_id, by=by, text=f"{one.system.name}{called}: {comment}").pk
        told = {"name": one.system.name, "state": State(one.state).label, "reference": one.reference}
        spine.write("handover.told", actor=actor_name(by), case_id=one.case_id, message_id=note, **told)
    return one


def _first_time(one: Handover, key: str) -> bool:
    try:
        with transaction.atomic():
            Update.objects.create(handover=one, key=key[:128])
    except IntegrityError:
        return False
    return True


def checked_link(url: str) -> str:
    """An address that may stand as a link on a page; empty for anything else."""
    url = url.strip()
    return url if len(url) <= URL_LIMIT and url.lower().startswith(("https://", "http://")) else ""


def _held(handover_id: int) -> Handover:
    case = Handover.objects.values_list("case_id", flat=True).get(pk=possible_id(handover_id))
    # Cases are held before anything else everywhere, so that nobody waits in a ring.
    Case.objects.select_for_update().get(pk=case)
    return Handover.objects.select_for_update(of=("self",)).select_related("system").get(pk=handover_id)
