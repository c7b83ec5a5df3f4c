"""The last step of policy: what customers say is kept for a while so that waves can be seen, and cases join the incidents they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from parlour.cases.models import Case, Message
from parlour.lib.rows import insert_rows
from parlour.policy.incidents import joining
from parlour.policy.incidents.models import Heard
from parlour.policy.incidents.waves import CATEGORY
from parlour.policy.incidents.words import stems
from parlour.policy.judging import Judging


def gather(judging: Judging) -> None:
    """One row per case with new words that need an answer; recordings are not listened to."""
    said = {
        case.pk: asked
        for case in judging.cases
        if case.pk in judging.said and not case.brand.recorded and (asked := _asked(judging.said[case.pk]))
    }
    if not said:
        return
    cases = {case.pk: case for case in judging.cases if case.pk in said}
    names = {brand.pk: frozenset(stems([brand.name])) for brand in {case.brand for case in cases.values()}}
    heard = [_heard(cases[pk], words, names[cases[pk].brand_id]) for pk, words in said.items()]
    insert_rows(Heard, heard)
    joining.join(judging, cases, {row.case_id: row for row in heard})


def _asked(words: Sequence[Message]) -> list[Message]:
    return [one for one in words if one.actionable is not False and one.text]


def _heard(case: Case, words: Sequence[Message], named: frozenset[str]) -> Heard:
    # The brand's own name is in everything.
    found = [stem for stem in stems(one.text for one in words) if stem not in named]
    if case.category != "other":
        found.append(CATEGORY + case.category)
    return Heard(brand_id=case.brand_id, case_id=case.pk, at=words[-1].sent_at, stems=" ".join(found))
