"""What moderation does with customers' new words, before anything else is decided about them.

A hidden complaint is still a customer: hiding, deleting and flagging change nothing about the case. A held message keeps its case from
the queue only when it asks for nothing, or looks like spam; messages of muted authors never bring a case into the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from parlour.cases.actions import act_by_desk, can_act
from parlour.cases.models import Case, Message
from parlour.channels import registry
from parlour.lib.rows import insert_rows
from parlour.policy.judging import Judging
from parlour.policy.moderation import queries
from parlour.policy.moderation.models import Action, Flood, Handled, Kind, Restriction, Standing, WordList
from parlour.policy.moderation.queries import GRAVITY, Guard
from parlour.policy.moderation.recognise import recognise
from parlour.understanding import personal

MUTE = "mute"
SPAM = 0.8
DONE = {
    Action.FLAG: "Flagged",
    Action.HOLD: "Held",
    Action.HIDE: "Hidden",
    Action.DELETE: "Deleted",
    MUTE: "Kept from the queue",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing to do with a message, and why."""

    kind: str
    action: str
    reason: str
    word: str = ""
    list_id: int | None = None
    flood: Flood | None = None


def moderate(judging: Judging) -> None:
    """Judge new words by lists, personal data, authors and floods."""
    if not judging.said:
        return
    guard = queries.guard()
    if guard.idle:
        return
    said = [(case, message) for case in judging.cases for message in judging.said.get(case.pk, ())]
    floods = recognise(said, guard, judging)
    verdicts = {message.pk: _verdicts(case, message, guard, judging, floods) for case, message in said}
    verdicts = _new_ones({pk: found for pk, found in verdicts.items() if found})
    if verdicts:
        _carry_out([(case, message) for case, message in said if message.pk in verdicts], verdicts, judging)
    for case in judging.cases:
        if case.pk in judging.said:
            _keep_back(case, judging.said[case.pk], guard, judging)


def _verdicts(case: Case, message: Message, guard: Guard, judging: Judging, floods: dict[int, Flood]) -> list[Verdict]:
    found = [
        Verdict(Kind.WORD, one.list.action, f"“{one.word}” of the list “{one.list.name}”.", one.word, one.list.pk)
        for one in guard.matcher.matches(message.text, case.brand_id, message.language)
    ]
    public = message.visibility == "public"
    measures = guard.measures.get(case.brand_id)
    if public and measures and measures.hide_personal:
        kinds = [kind for _, _, kind in message.personal if kind in measures.hide_kinds]
        if kinds:
            found.append(Verdict(Kind.PERSONAL, Action.HIDE, f"It shows {personal.in_words(kinds)} in public."))
    standing = guard.standing(message.identity_id, judging.now)
    if standing:
        if public and standing.kind in (Standing.RESTRICTED, Standing.BLOCKED):
            found.append(Verdict(Kind.AUTHOR, Action.HIDE, _of_author(standing)))
        if standing.kind in (Standing.MUTED, Standing.BLOCKED):
            found.append(Verdict(Kind.AUTHOR, MUTE, _of_author(standing)))
    flood = floods.get(message.pk)
    if flood:
        action = Action.HIDE if flood.state == "hidden" and public else Action.FLAG
        words = f"{flood.messages} messages of {flood.authors} authors say nearly the same."
        found.append(Verdict(Kind.FLOOD, action, words, flood=flood))
    return found


def _of_author(standing: Restriction) -> str:
    return f"The author is {standing.get_kind_display().lower()}: {standing.reason}"[:300]


def _new_ones(verdicts: dict[int, list[Verdict]]) -> dict[int, list[Verdict]]:
    """Without what was done before: an edited message comes a second time."""
    if not verdicts:
        return {}
    before = set(
        Handled.objects.filter(message_id__in=list(verdicts)).values_list(
            "message_id", "kind", "action", "word", "list_id"
        )
    )
    kept = {
        pk: [one for one in found if (pk, one.kind, one.action, one.word, one.list_id) not in before]
        for pk, found in verdicts.items()
    }
    return {pk: found for pk, found in kept.items() if found}


def _carry_out(said: Iterable[tuple[Case, Message]], verdicts: dict[int, list[Verdict]], judging: Judging) -> None:
    rows: list[Handled] = []
    acts: list[tuple[Message, str]] = []
    holding: list[Message] = []
    lists = {one.list_id for found in verdicts.values() for one in found if one.list_id}
    standing_lists = set(WordList.objects.filter(pk__in=lists).values_list("pk", flat=True)) if lists else set()
    for case, message in said:
        found = verdicts[message.pk]
        wanted = {one.action for one in found}
        act = _possible(message, wanted)
        if act:
            acts.append((message, act))
        if Action.HOLD in wanted and not message.held:
            holding.append(message)
            message.held = True
        for one in found:
            acted = act is not None and GRAVITY.get(one.action, -1) >= GRAVITY[Action.HIDE]
            rows.append(
                Handled(
                    message=message,
                    brand_id=case.brand_id,
                    kind=one.kind,
                    action=one.action,
                    list_id=one.list_id if one.list_id in standing_lists else None,
                    flood=one.flood,
                    word=one.word,
                    reason=one.reason,
                    acted=acted,
                    at=judging.now,
                    complaint_guess=queries.looks_like_complaint(message),
                )
            )
            judging.tell(
                "message.moderated",
                case,
                message,
                did=_told(one.action, message, act),
                action=one.action,
                reason=one.reason,
            )
    insert_rows(Handled, rows)
    act_by_desk(acts)
    if holding:
        Message.objects.filter(pk__in=[message.pk for message in holding]).update(held=True)


def _possible(message: Message, wanted: set[str]) -> str | None:
    """The act its platform knows: what is to be deleted is at least hidden."""
    if Action.DELETE in wanted and can_act(message, Action.DELETE):
        return Action.DELETE
    return Action.HIDE if wanted & {Action.DELETE, Action.HIDE} and can_act(message, Action.HIDE) else None


def _told(action: str, message: Message, act: str | None) -> str:
    """What was done, honestly: not every platform can hide."""
    label = registry.CHANNELS[message.channel].label if message.channel in registry.CHANNELS else message.channel
    if action in (Action.HIDE, Action.DELETE):
        if act is None:
            return (
                "Already hidden" if message.hidden or message.deleted_at else f"Flagged, as {label} cannot {action} it"
            )
        return f"{'Hidden' if act == Action.HIDE else 'Deleted'} on {label}"
    return DONE[action]


def _keep_back(case: Case, words: Iterable[Message], guard: Guard, judging: Judging) -> None:
    """Keep a case out of the queue where these words are all there is, and nobody has to answer them."""
    words = list(words)
    if not case.actionable or not all(_needs_nobody(message, guard, judging) for message in words):
        return
    earlier = case.messages_in > len(words) and (case.assignee_id is not None or _asked_before(case, words))
    if earlier:
        return
    case.actionable = False
    case.waiting_since = case.response_due_at = case.response_warn_at = None


def _needs_nobody(message: Message, guard: Guard, judging: Judging) -> bool:
    standing = guard.standing(message.identity_id, judging.now)
    if standing and standing.kind in (Standing.MUTED, Standing.BLOCKED):
        return True
    return message.held and (not message.actionable or (message.spam or 0) >= SPAM)


def _asked_before(case: Case, words: Iterable[Message]) -> bool:
    """Whether the customer waits for an answer to something said before."""
    first = min(message.sent_at for message in words)
    return case.waiting_since is not None and case.waiting_since < first
