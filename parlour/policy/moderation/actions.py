"""Verbs of moderation. Each is one transaction with its line in the log; what changes settings can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.db import transaction
from django.db.models import Q, QuerySet
from django.forms.models import model_to_dict

from parlour.cases import actions as cases
from parlour.cases import corrections
from parlour.cases.access import Invalid
from parlour.cases.models import Case, Direction, Message, Status
from parlour.channels.models import Brand
from parlour.customers.models import Identity
from parlour.lib import clock
from parlour.lib.text import one_line
from parlour.policy.moderation import queries
from parlour.policy.moderation.models import (
    Action,
    Change,
    Flood,
    Handled,
    Kind,
    Measures,
    Restriction,
    Standing,
    Suspect,
    WordList,
)
from parlour.policy.moderation.presets import LANGUAGES, words_of
from parlour.policy.moderation.words import read_list
from parlour.spine import actions as spine
from parlour.staff import access
from parlour.staff.access import Actor, actor_name
from parlour.understanding import personal
from parlour.understanding.personal import template_problem

MOST_WORDS = 20_000
LONGEST_LIST = 500_000
MOST_TEMPLATES = 20
DAYS = (1, 7, 30, 0)
"""How long an author may be put under something; 0: until somebody forgives."""
BY_AGENTS = (Standing.MUTED,)
"""What agents may do to an author; the rest is for leads."""


def checked_list(given: Mapping[str, Any]) -> WordList:
    """A list from what was typed, not saved. Raises Invalid with a sentence for what is wrong."""
    name = one_line(str(given.get("name", "")), 80).strip()
    if not name:
        raise Invalid("A list needs a name.")
    if given.get("action") not in Action.values:
        raise Invalid("Say what is to happen to messages with these words.")
    language = str(given.get("language", "")).strip().lower()
    if language and not (2 <= len(language) <= 3 and language.isascii() and language.isalpha()):
        raise Invalid(f"“{language[:20]}” is no language code; German is de.")
    brand_id = given.get("brand")
    brand = Brand.objects.filter(pk=brand_id).first() if brand_id else None
    if brand_id and brand is None:
        raise Invalid("There is no such brand.")
    words, exceptions = str(given.get("words", "")), str(given.get("exceptions", ""))
    for text in (words, exceptions):
        if len(text) > LONGEST_LIST:
            raise Invalid(f"A list holds at most {LONGEST_LIST:,} characters.")
    patterns, wrong = read_list(words)
    spared, wrong_too = read_list(exceptions)
    if wrong or wrong_too:
        raise Invalid(" ".join([*wrong, *wrong_too][:5]))
    if not patterns:
        raise Invalid("A list needs at least one word.")
    if len(patterns) > MOST_WORDS:
        raise Invalid(f"A list holds at most {MOST_WORDS:,} words.")
    return WordList(
        brand=brand,
        name=name,
        language=language,
        action=given["action"],
        words="\n".join(patterns),
        exceptions="\n".join(spared),
        active=bool(given.get("active", True)),
        preset=str(given.get("preset", ""))[:40],
    )


def _kept(row: WordList | Measures | None) -> dict[str, Any] | None:
    return model_to_dict(row) if row is not None else None


def _changed(what: str, ref: int, before: Any, after: Any, words: str, by: Actor | None) -> Change:
    queries.read_anew()
    spine.write("moderation.changed", actor=actor_name(by), what=what, ref=ref, reason=words)
    return Change.objects.create(what=what, ref=ref, before=before, after=after, words=words[:300], by=actor_name(by))


def save_list(list_id: int | None, given: Mapping[str, Any], *, by: Actor | None) -> tuple[WordList, Change]:
    """Make a list, or change one. Raises Invalid and WordList.DoesNotExist."""
    if by is not None:
        access.require(by, access.LEAD)
    wanted = checked_list(given)
    with transaction.atomic():
        old = WordList.objects.select_for_update().get(pk=list_id) if list_id else None
        before = _kept(old)
        wanted.pk = old.pk if old else None
        wanted.preset = wanted.preset or (old.preset if old else "")
        wanted.save()
        count = wanted.words.count("\n") + 1
        words = f"The list “{wanted.name}” {'was changed' if old else 'was made'}: {count:,} words."
        return wanted, _changed("list", wanted.pk, before, _kept(wanted), words, by)


def switch_list(list_id: int, active: bool, *, by: Actor) -> Change:
    """Switch a list on or off."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        row = WordList.objects.select_for_update().get(pk=list_id)
        before = _kept(row)
        row.active = active
        row.save(update_fields=["active"])
        return _changed(
            "list", row.pk, before, _kept(row), f"The list “{row.name}” was switched {'on' if active else 'off'}.", by
        )


def remove_list(list_id: int, *, by: Actor) -> Change:
    """Remove a list. What it did stays told."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        row = WordList.objects.select_for_update().get(pk=list_id)
        before, name = _kept(row), row.name
        row.delete()
        return _changed("list", list_id, before, None, f"The list “{name}” was removed.", by)


def use_preset(language: str, *, by: Actor, action: str = Action.FLAG) -> tuple[WordList, Change]:
    """Begin a list with the shipped one of a language; it can be changed as any other. Raises Invalid for a language without one."""
    if language not in LANGUAGES:
        raise Invalid(f"There is no shipped list for “{language[:10]}”.")
    if WordList.objects.filter(preset=language).exists():
        raise Invalid("That list is there already; switch it on below.")
    name = f"Profanity, {LANGUAGES[language][1]}"
    given = {
        "name": name,
        "language": language,
        "action": action,
        "words": "\n".join(words_of(language)),
        "preset": language,
    }
    return save_list(None, given, by=by)


def checked_measures(brand: Brand, given: Mapping[str, Any]) -> Measures:
    """What a brand is to do, from what was typed, not saved. Raises Invalid with a sentence for what is wrong."""
    templates = list(dict.fromkeys(filter(None, (one.strip() for one in given.get("templates", ())))))
    for template in templates:
        if words := template_problem(template):
            raise Invalid(words)
    if len(templates) > MOST_TEMPLATES:
        raise Invalid(f"At most {MOST_TEMPLATES} patterns of numbers.")
    region = str(given.get("region", "")).strip().upper()
    if region and region not in _regions():
        raise Invalid(f"“{region[:10]}” is no country; Germany is DE.")
    limits = {
        "flood_messages": (2, 1000),
        "flood_authors": (1, 1000),
        "spam_messages": (2, 100),
        "window_minutes": (1, 1440),
    }
    numbers = {name: _number(given, name, *between) for name, between in limits.items()}
    return Measures(
        brand=brand,
        region=region,
        templates=templates,
        hide_personal=bool(given.get("hide_personal")),
        hide_kinds=[kind for kind in personal.KINDS if kind in given.get("hide_kinds", ())],
        recognise=bool(given.get("recognise")),
        mute_spammers=bool(given.get("mute_spammers")),
        **numbers,
    )


def save_measures(brand_id: int, given: Mapping[str, Any], *, by: Actor | None) -> Change:
    """Set what a brand does besides its lists. Raises Invalid with a sentence, Brand.DoesNotExist."""
    if by is not None:
        access.require(by, access.LEAD)
    brand = Brand.objects.get(pk=brand_id)
    row = checked_measures(brand, given)
    with transaction.atomic():
        old = Measures.objects.select_for_update().filter(brand=brand).first()
        row.pk = old.pk if old else None
        row.save()
        return _changed(
            "measures", brand.pk, _kept(old), _kept(row), f"What {brand.name} does by itself was changed.", by
        )


def _regions() -> set[str]:
    return set(phonenumbers.SUPPORTED_REGIONS)


def _number(given: Mapping[str, Any], name: str, least: int, most: int) -> int:
    text = str(given.get(name, getattr(Measures(), name))).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
    if not least <= number <= most:
        raise Invalid(f"{name.replace('_', ' ').capitalize()} is a number from {least} to {most}.")
    return number


def undo(change_id: int, *, by: Actor) -> Change:
    """Put back what a change of a list or of measures has replaced. Raises Invalid when something has changed it since."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        change = Change.objects.select_for_update().get(pk=change_id)
        if change.what == "author":
            raise Invalid("An author is forgiven on the list of authors.")
        if change.what not in ("list", "measures"):
            raise Invalid("What was hidden stays so; say on the list of floods that it is none.")
        if change.undone:
            raise Invalid("That was undone already.")
        if Change.objects.filter(what=change.what, ref=change.ref, pk__gt=change.pk).exists():
            raise Invalid("It was changed again since; undo the later change first.")
        _put_back(change)
        Change.objects.filter(pk=change.pk).update(undone=True)
        undone = _changed(change.what, change.ref or 0, change.after, change.before, f"Undone: {change.words}", by)
        # Not a change of its own: what was changed before may be undone next.
        Change.objects.filter(pk=undone.pk).update(undone=True, ref=None)
        return undone


def _put_back(change: Change) -> None:
    ref = change.ref or 0
    rows: QuerySet[WordList] | QuerySet[Measures]
    rows = WordList.objects.filter(pk=ref) if change.what == "list" else Measures.objects.filter(brand_id=ref)
    if change.before is None:
        rows.delete()
        return
    values = dict(change.before)
    values["brand_id"] = values.pop("brand")
    rows.model(**values).save()


def restrict(
    identity_id: int, kind: str, *, by: Actor | None, reason: str, days: int = 0, now: datetime | None = None
) -> Restriction:
    """Mute, restrict or block an author; what they were under before ends. Agents may mute, leads do the rest.

    No platform we know lets a desk block somebody through the rights it has: blocking hides what it can and mutes.
    """
    if kind not in Standing.values:
        raise Invalid(f"An author is {', '.join(Standing.values)}.")
    if by is not None:
        access.require(by, access.ANSWER if kind in BY_AGENTS else access.LEAD)
    reason = one_line(reason, 300).strip()
    if not reason:
        raise Invalid("Say why, for whoever forgives them one day.")
    if days not in DAYS:
        raise Invalid("An author is put under something for 1, 7 or 30 days, or until somebody forgives.")
    now = now or clock.now()
    with transaction.atomic():
        identity = Identity.objects.select_for_update().get(pk=identity_id)
        stricter = Restriction.objects.filter(identity=identity, lifted_at__isnull=True).exclude(kind__in=BY_AGENTS)
        if by is not None and stricter.filter(Q(until__isnull=True) | Q(until__gt=now)).exists():
            # What a lead has decided is not made milder by whoever could not have decided it.
            access.require(by, access.LEAD)
        _lift(identity_id, by, now)
        queries.read_anew()
        row = Restriction.objects.create(
            identity=identity,
            kind=kind,
            reason=reason,
            by=actor_name(by),
            at=now,
            until=now + timedelta(days=days) if days else None,
        )
        Suspect.objects.filter(identity=identity, settled_at__isnull=True).update(
            settled_at=now, settled_by=actor_name(by)
        )
        words = f"{row.get_kind_display()}: {reason}"
        Change.objects.create(what="author", ref=row.pk, words=words[:300], by=actor_name(by))
        case = _open_case(identity)
        spine.write(
            "author.restricted",
            actor=actor_name(by),
            case_id=case.pk if case else None,
            kind=kind,
            until=row.until.isoformat() if row.until else None,
            reason=reason,
        )
        if case and kind != Standing.RESTRICTED and case.assignee_id is None and _only_speaker(case, identity):
            cases.set_aside(case.pk, by=by)
    return row


def forgive(identity_id: int, *, by: Actor) -> None:
    """End what an author is under. Whoever may put them under it may end it."""
    now = clock.now()
    with transaction.atomic():
        standing = (
            Restriction.objects.select_for_update().filter(identity_id=identity_id, lifted_at__isnull=True).first()
        )
        if standing is None:
            return
        access.require(by, access.ANSWER if standing.kind in BY_AGENTS else access.LEAD)
        _lift(identity_id, by, now)
        case = _open_case(standing.identity)
        spine.write("author.forgiven", actor=actor_name(by), case_id=case.pk if case else None, was=standing.kind)
        Change.objects.create(
            what="author", ref=standing.pk, words=f"Forgiven, was {standing.kind}.", by=actor_name(by)
        )


def dismiss_suspect(suspect_id: int, *, by: Actor) -> None:
    """Say that somebody who was recognised does no harm."""
    access.require(by, access.ANSWER)
    with transaction.atomic():
        suspect = Suspect.objects.select_for_update().get(pk=suspect_id)
        Suspect.objects.filter(pk=suspect.pk).update(settled_at=clock.now(), settled_by=actor_name(by))
        case = _open_case(suspect.identity)
        spine.write("author.cleared", actor=actor_name(by), case_id=case.pk if case else None)


def _lift(identity_id: int, by: Actor | None, now: datetime) -> None:
    running = Restriction.objects.filter(identity_id=identity_id, lifted_at__isnull=True)
    running.update(lifted_at=now, lifted_by=actor_name(by))


def _open_case(identity: Identity) -> Case | None:
    return Case.objects.filter(customer_id=identity.customer_id, status=Status.OPEN).order_by("-id").first()


def _only_speaker(case: Case, identity: Identity) -> bool:
    others = Message.objects.filter(case=case, direction=Direction.IN).exclude(identity=identity)
    return not others.exists()


def let_through(message_id: int, *, by: Actor) -> Message:
    """A held message needs an answer after all: its case goes to the queue, the message is the same as any other."""
    message = _look(message_id, by, "message.released")
    if message.case_id is not None:
        cases.call_back(message.case_id, message.sent_at, by=by)
    return message


def keep_out(message_id: int, *, by: Actor) -> Message:
    """A held message needs no answer: it stays with its case as noise, and leaves the list of held ones."""
    return _look(message_id, by, "message.kept_out")


def _look(message_id: int, by: Actor, verb: str) -> Message:
    access.require(by, access.ANSWER)
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        if not message.held:
            raise Invalid("Somebody has looked at this message already.")
        Message.objects.filter(pk=message.pk).update(held=False)
        message.held = False
        queries.read_anew()
        Handled.objects.filter(message=message, looked_at__isnull=True).update(
            looked_at=clock.now(), looked_by=actor_name(by)
        )
        spine.write(verb, actor=actor_name(by), case_id=message.case_id, message_id=message.pk)
    return message


def say_complaint(message_id: int, complaint: bool, *, by: Actor) -> None:
    """Say whether a hidden message was a real complaint, which the brand's models learn as well. One that was is called back to the
    queue."""
    access.require(by, access.ANSWER)
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=message_id)
        rows = Handled.objects.filter(message=message)
        kinds = set(rows.values_list("kind", flat=True))
        if not kinds:
            raise Invalid("Moderation did nothing to this message.")
        for field in _taught_by(message, kinds):
            _teach(message.pk, field, not complaint, by)
        rows.update(complaint=complaint, complaint_by=actor_name(by))
        spine.write(
            "message.complaint",
            actor=actor_name(by),
            case_id=message.case_id,
            message_id=message.pk,
            complaint=complaint,
        )
        if complaint and message.case_id is not None:
            cases.call_back(message.case_id, message.sent_at, by=by)


def _taught_by(message: Message, kinds: set[str]) -> list[str]:
    """What a verdict on a hidden message says something about: what the models took it for; else what hid it."""
    read = [field for field in ("offensive", "spam") if corrections.value_of(message, field) == "true"]
    return read or [field for kind, field in ((Kind.WORD, "offensive"), (Kind.FLOOD, "spam")) if kind in kinds]


def _teach(message_id: int, field: str, so: bool, by: Actor) -> None:
    """A person has said that a message is, or is not, offensive or spam."""
    value = str(so).lower()
    if corrections.value_of(Message.objects.get(pk=message_id), field) == value:
        corrections.confirm(message_id, field, by=by)
    else:
        corrections.correct(message_id, field, value, by=by)


def settle_flood(flood_id: int, hide: bool, *, by: Actor) -> int:
    """Hide what belongs to a flood, now and from now on, or say that it is none; returns how many messages are being hidden."""
    access.require(by, access.LEAD)
    with transaction.atomic():
        flood = Flood.objects.select_for_update().get(pk=flood_id)
        Flood.objects.filter(pk=flood.pk).update(state="hidden" if hide else "none", by=actor_name(by))
        words = f"The flood “{flood.sample[:60]}” {'is hidden' if hide else 'is none'}."
        _changed("flood", flood.pk, None, None, words, by)
        if not hide:
            return 0
        found = Message.objects.filter(handled__flood=flood, hidden=False, deleted_at=None).distinct()
        hidden = [(one, str(Action.HIDE)) for one in found if cases.can_act(one, Action.HIDE)]
        cases.act_by_desk(hidden, actor=actor_name(by), reason="It belongs to a flood.")
        Handled.objects.filter(flood=flood, message__in=[one.pk for one, _ in hidden]).update(
            action=Action.HIDE, acted=True
        )
    return len(hidden)


def uncover(message_id: int, *, by: Actor) -> Message:
    """Show somebody the personal data in a message for some minutes. Told on the case: whoever looks is known."""
    access.require(by, access.ANSWER)
    with transaction.atomic():
        message = Message.objects.get(pk=message_id)
        kinds = [kind for _, _, kind in message.personal]
        spine.write("personal.shown", actor=actor_name(by), case_id=message.case_id, message_id=message.pk, kinds=kinds)
    return message


def protect(message_id: int, *, by: Actor) -> bool:
    """Hide a public message that shows personal data, where its platform can; returns whether it is being hidden."""
    access.require(by, access.ANSWER)
    message = Message.objects.get(pk=message_id, direction=Direction.IN)
    if not cases.can_act(message, Action.HIDE):
        return False
    cases.act(message_id, Action.HIDE, by=by)
    return True
