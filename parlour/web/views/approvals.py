"""The second pair of eyes: what waits for it, and the rules by which answers wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Conflict, Invalid, get_message
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.models import Brand
from parlour.policy.approvals import actions, queries
from parlour.policy.approvals.models import ApprovalRule, ApprovedWords
from parlour.policy.incidents import approving
from parlour.policy.rules.models import Rule
from parlour.staff import access
from parlour.staff import queries as staff
from parlour.staff.models import Agent
from parlour.understanding import categories
from parlour.web.views import parts
from parlour.web.views.guard import seat
from parlour.web.views.policy import frame
from parlour.web.views.verbs import done

READS = ("GET", "HEAD", "POST")
PAGE = "policy-approvals"


@seat(access.ANSWER)
def waiting(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The answers this agent may let go out: to everybody in an incident, and to one customer each."""
    return _waiting(request, agent)


def _waiting(request: HttpRequest, agent: Agent, trouble: str = "", status: int = 200) -> HttpResponse:
    found = queries.together(queries.to_review(agent))
    shown = {
        "waiting": found,
        "others": queries.for_others(agent),
        "rounds": approving.to_approve(agent),
        "rules": _rules(one.message.meta.get(queries.SOURCE) for one in found),
        "section": "approvals",
        "trouble": trouble,
    }
    return render(request, "approvals.html", parts.frame(agent) | shown, status=status)


def _rules(sources: Iterable[str | None]) -> dict[str, str]:
    """The names of rules, by what the event log calls them."""
    wanted = {int(one[5:]) for one in sources if one and one.startswith("rule:") and one[5:].isdigit()}
    return {f"rule:{pk}": name for pk, name in Rule.objects.filter(pk__in=wanted).values_list("pk", "name")}


@seat(access.ANSWER, ("POST",))
def approve_round(request: HttpRequest, agent: Agent, round_id: int) -> HttpResponse:
    """Let an answer to everybody go out, as it was shown."""
    seen = request.POST.get("wording", "")
    return _decided(request, agent, lambda: approving.approve(round_id, by=agent, seen=seen))


@seat(access.ANSWER, ("POST",))
def refuse_round(request: HttpRequest, agent: Agent, round_id: int) -> HttpResponse:
    words = request.POST.get("words", "")
    return _decided(request, agent, lambda: approving.refuse(round_id, by=agent, words=words))


def _decided(request: HttpRequest, agent: Agent, do: Callable[[], object]) -> HttpResponse:
    """To the list again, with the reason when it was refused."""
    try:
        do()
    except (Conflict, Invalid) as error:
        return _waiting(request, agent, str(error), 409 if isinstance(error, Conflict) else 422)
    return HttpResponseRedirect(reverse("approvals"))


@seat(access.ANSWER, ("POST",))
def approve_words(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Approve what a rule says once for all: what waits with the same words, and what is still to come."""
    message = get_message(agent, message_id, access.ANSWER)
    count = actions.approve_words(message.pk, by=agent)
    words = "Approved. These words go out by themselves from now on."
    if count > 1:
        words = f"Approved. {count} answers go out now, and these words by themselves from now on."
    return _settled(request, message.case_id, words)


@seat(access.LEAD, ("POST",))
def forget_words(_: HttpRequest, agent: Agent, words_id: int) -> HttpResponse:
    actions.forget_words(words_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.ANSWER, ("POST",))
def approve(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    message = actions.approve(get_message(agent, message_id, access.ANSWER).pk, by=agent)
    return _settled(request, message.case_id, "Approved. It goes out now.")


@seat(access.ANSWER, ("POST",))
def send_back(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    words = request.POST.get("words", "")
    message = actions.send_back(get_message(agent, message_id, access.ANSWER).pk, by=agent, words=words)
    return _settled(request, message.case_id, "Sent back, with your note on the case.")


def _settled(request: HttpRequest, case_id: int | None, words: str) -> HttpResponse:
    if request.POST.get("from") == "list" or case_id is None:
        return HttpResponseRedirect(reverse("approvals"))
    return done(request, case_id, words)


@seat(access.LEAD)
def rules(request: HttpRequest, agent: Agent) -> HttpResponse:
    """All rules, as sentences."""
    names = _names()
    told = [(rule, sentence(rule, names)) for rule in queries.rules()]
    gone = request.GET.get("undo", "")
    undoable = ApprovalRule.objects.filter(pk=int(gone)).first() if gone.isascii() and gone.isdigit() else None
    approved = list(ApprovedWords.objects.all()[:200])
    named = _rules(one.source for one in approved)
    people = {f"agent:{pk}": name for pk, name in names["agents"].items()}
    words = [(one, named.get(one.source, "a former rule"), people.get(one.by, "a program")) for one in approved]
    shown = {"rules": told, "undoable": undoable, "words": words}
    return render(request, "policy/approvals.html", frame(agent, PAGE) | shown)


@seat(access.LEAD, READS)
def edit(request: HttpRequest, agent: Agent, rule_id: int | None = None) -> HttpResponse:
    """A new rule, or a change of one: ``do=preview`` shows what it would have held, ``do=save`` keeps it."""
    kept = queries.rules().get(pk=rule_id) if rule_id is not None else None
    rule, preview, trouble = kept or ApprovalRule(name=""), None, ""
    if request.method == "POST":
        try:
            rule = actions.read(_given(request))
            if request.POST.get("do") != "preview":
                saved = actions.save(rule, by=agent, instead_of=rule_id)
                return HttpResponseRedirect(reverse(PAGE) + "?" + urlencode({"undo": saved.pk}))
            preview = queries.preview(rule)
        except Invalid as error:
            trouble = str(error)
    shown = {
        "rule": rule,
        "kept": kept,
        "preview": preview,
        "trouble": trouble,
        "typed": request.POST,
        "told": sentence(rule, _names()),
        "agents": staff.agents(),
        "teams": staff.teams(),
        "brands": Brand.objects.all(),
        "categories": _category_options(rule.categories),
        "channels": sorted({one.channel for one in channels.inboxes()}),
    }
    return render(request, "policy/approval.html", frame(agent, PAGE) | shown, status=422 if trouble else 200)


def _given(request: HttpRequest) -> dict[str, Any]:
    lists = ("agents", "teams", "brands", "channels", "categories")
    given: dict[str, Any] = {name: request.POST.getlist(name) for name in lists}
    words = request.POST.get("words", "")[:20_000].splitlines()
    single = {name: request.POST.get(name, "") for name in ("name", "visibility", "reviewers")}
    return given | single | {"words": words, "on": request.POST.get("on") == "1"}


@seat(access.LEAD, ("POST",))
def delete(_: HttpRequest, agent: Agent, rule_id: int) -> HttpResponse:
    actions.delete(rule_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE) + "?" + urlencode({"undo": rule_id}))


@seat(access.LEAD, ("POST",))
def undo(_: HttpRequest, agent: Agent, rule_id: int) -> HttpResponse:
    actions.undo(rule_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE))


Names = dict[str, dict[Any, str]]


def _names() -> Names:
    return {
        "agents": {one.pk: one.name for one in staff.agents()},
        "teams": {one.pk: one.name for one in staff.teams()},
        "brands": dict(Brand.objects.values_list("pk", "name")),
        "channels": {name: channel.label for name, channel in registry.CHANNELS.items()},
        "categories": _category_names(archived=True),
    }


def _category_names(*, archived: bool = False) -> dict[str, str]:
    """The categories of all brands."""
    ids = Brand.objects.order_by("pk").values_list("pk", flat=True)
    return categories.names(categories.trees(ids).values(), archived=archived)


def _category_options(chosen: Sequence[str]) -> list[tuple[str, str]]:
    """What can be chosen; what is chosen already stays to be seen, though every brand has archived it."""
    live, known = _category_names(), _category_names(archived=True)
    gone = [(slug, f"{known.get(slug, slug)} (archived)") for slug in chosen if slug not in live]
    return [*live.items(), *gone]


def sentence(rule: ApprovalRule, names: Names) -> str:
    """The rule in words: whose answers, about what, where, and who looks at them."""
    who = [*_of(names, "agents", rule.agents), *(f"the team {name}" for name in _of(names, "teams", rule.teams))]
    said = f"{rule.visibility.capitalize()} answers" if rule.visibility else "Answers"
    said += f" of {_or(who)}" if who else " of everybody"
    said += f" on {_or(_of(names, 'channels', rule.channels))}" if rule.channels else ""
    said += f" for {_or(_of(names, 'brands', rule.brands))}" if rule.brands else ""
    said += f" about {_or(_of(names, 'categories', rule.categories))}" if rule.categories else ""
    said += f" that say {_or([f'“{word}”' for word in rule.words[:4]])}" if rule.words else ""
    said += f" or {len(rule.words) - 4} more words" if len(rule.words) > 4 else ""
    team = names["teams"].get(rule.reviewers)
    return f"{said} wait for a team lead{f' or somebody of {team}' if team else ''}."


def _of(names: Names, what: str, keys: Sequence[Any]) -> list[str]:
    return [names[what].get(key, "somebody who has left" if what == "agents" else str(key)) for key in keys]


def _or(words: Sequence[str]) -> str:
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"
