"""Rules: the list of sentences, the form that makes one, trying it on past traffic, and carrying rules from desk to desk."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

import orjson
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases.access import Conflict, Invalid
from parlour.policy.rules import actions, backtest, choices, language, queries
from parlour.policy.rules.examples import EXAMPLES
from parlour.policy.rules.language import Spec
from parlour.policy.rules.models import Rule
from parlour.policy.rules.sentences import act_words, sentence
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.web import rule_form
from parlour.web.views.guard import seat
from parlour.web.views.policy import frame

READS = ("GET", "HEAD", "POST")
PAGE = "policy-rules"
TRIED = "rule_tried"
"""In the session: what trying a rule has found so far."""
LASTS = (10_000, 100_000, 1_000_000)
SLICE_SECONDS = 2.5
"""How long one answer looks back; the page asks for the next slice by itself."""
IMPORT_BYTES = 1_000_000


@seat(access.LEAD)
def rules(request: HttpRequest, agent: Agent) -> HttpResponse:
    """All rules in their order, as sentences."""
    return _page(request, agent)


def _page(request: HttpRequest, agent: Agent, trouble: str = "", status: int = 200, brought: str = "") -> HttpResponse:
    names = choices.lists()
    shown = {
        "rules": queries.rules(),
        "editions": queries.editions(),
        "examples": [(number, one["name"], sentence(language.read(one), names)) for number, one in enumerate(EXAMPLES)],
        "people": dict(Agent.objects.values_list("pk", "name")),
        "trouble": trouble,
        "brought": brought,
    }
    return render(request, "policy/rules.html", frame(agent, PAGE) | shown, status=status)


@seat(access.LEAD, ("POST",))
def do(request: HttpRequest, agent: Agent, rule_id: int) -> HttpResponse:
    """Move, switch, copy or remove one."""
    verbs: dict[str, Any] = {
        "up": lambda: actions.move(rule_id, -1, by=agent),
        "down": lambda: actions.move(rule_id, 1, by=agent),
        "on": lambda: actions.switch(rule_id, True, by=agent),
        "off": lambda: actions.switch(rule_id, False, by=agent),
        "copy": lambda: actions.duplicate(rule_id, by=agent),
        "remove": lambda: actions.remove(rule_id, by=agent),
    }
    verb = verbs.get(request.POST.get("do", ""))
    if verb is None:
        raise BadRequest
    verb()
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.LEAD, ("POST",))
def undo(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Take back the last change, or go back to before the one that is named."""
    edition = request.POST.get("edition", "")
    actions.undo(by=agent, edition_id=int(edition) if edition.isascii() and edition.isdigit() else None)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.LEAD)
def export(_: HttpRequest, __: Agent) -> HttpResponse:
    """Every rule in one readable file."""
    body = orjson.dumps(queries.export(), option=orjson.OPT_INDENT_2)
    headers = {"Content-Disposition": 'attachment; filename="parlour-rules.json"'}
    return HttpResponse(body, content_type="application/json", headers=headers)


@seat(access.LEAD, ("POST",))
def bring(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Import what ``export`` has given: a file, or pasted."""
    file = request.FILES.get("file")
    given = file.read(IMPORT_BYTES + 1) if file else request.POST.get("document", "").encode()
    text = given.decode("utf-8", "replace")[:IMPORT_BYTES]
    try:
        if len(given) > IMPORT_BYTES:
            raise Invalid("That is too large for an export of rules.")
        try:
            document = orjson.loads(given)
        except orjson.JSONDecodeError:
            raise Invalid("This cannot be read: it is not JSON.") from None
        actions.bring(document, by=agent, replace=request.POST.get("replace") == "1")
    except Invalid as error:
        return _page(request, agent, f"Nothing was imported. {error}", 422, "" if file else text)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.LEAD, READS)
def edit(request: HttpRequest, agent: Agent, rule_id: int | None = None) -> HttpResponse:
    """Make or change a rule. ``change`` says which button was pressed: a row to add or drop, ``try``, ``more``, ``see`` or ``save``."""
    kept = queries.shown(rule_id) if rule_id is not None else None
    if request.method != "POST":
        return _form(request, agent, kept, _first(request, kept.rule if kept else None))
    form, change = rule_form.typed(request.POST), request.POST.get("change", "save")
    trouble, tried = "", None
    try:
        if change == "save":
            revision = request.POST.get("revision", "")
            number = int(revision) if revision.isascii() and revision.isdigit() else None
            actions.save(rule_form.data(form), by=agent, rule_id=rule_id, revision=number)
            return HttpResponseRedirect(reverse(PAGE))
        if change in ("try", "more"):
            tried = _tried(request, form, goes_on=change == "more")
        else:
            rule_form.changed(form, change)
    except (Invalid, Conflict) as error:
        trouble = str(error)
    status = 422 if trouble and change == "save" else 200
    return _form(request, agent, kept, form, trouble=trouble, tried=tried, status=status)


def _first(request: HttpRequest, rule: Rule | None) -> rule_form.Node:
    if rule is not None:
        try:
            language.read(rule.data)
        except Invalid:
            return rule_form.empty() | {"name": rule.name, "on": False}
        return rule_form.of_data(rule.data)
    example = request.GET.get("example", "")
    if example.isascii() and example.isdigit() and int(example) < len(EXAMPLES):
        return rule_form.of_data(EXAMPLES[int(example)])
    return rule_form.empty()


def _form(
    request: HttpRequest,
    agent: Agent,
    kept: queries.Shown | None,
    form: rule_form.Node,
    *,
    trouble: str = "",
    tried: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    names = choices.lists()
    words = ""
    try:
        words = sentence(language.read(rule_form.data(form)), names)
    except Invalid as error:
        words = "" if request.method != "POST" else f"Not whole yet: {error}"
    shown = {
        "kept": kept,
        "form": form,
        "trouble": trouble,
        "tried": tried,
        "words": words,
        "lists": names,
        "language": language,
        "kinds": rule_form.KINDS,
        "deepest": rule_form.DEEPEST,
        "zones": sorted(language.zones()),
        "lasts": LASTS,
        "last": _last(request),
        "firings": queries.lately(kept.rule.pk) if kept else [],
        "nobody": choices.NOBODY,
    }
    return render(request, "policy/rule.html", frame(agent, PAGE) | shown, status=status)


def _last(request: HttpRequest) -> int:
    wanted = request.POST.get("last", "")
    return int(wanted) if wanted in map(str, LASTS) else LASTS[1]


def _tried(request: HttpRequest, form: rule_form.Node, *, goes_on: bool) -> dict[str, Any]:
    """Run the rule over another slice of past traffic. What was found so far lies in the session until the rule is another one."""
    spec, last = language.read({**rule_form.data(form), "name": form["name"] or "New rule"}), _last(request)
    choices.check(spec)
    which = sha256(orjson.dumps([language.write(spec, on=True), last])).hexdigest()
    before = request.session.get(TRIED)
    since = None
    if goes_on and isinstance(before, dict) and before.get("which") == which:
        since = _found(before["found"])
    found = backtest.run(spec, last, SLICE_SECONDS, since)
    request.session[TRIED] = {"which": which, "found": asdict(found) | {"cases": list(found.cases)}}
    return _told(spec, found, last)


def _found(kept: dict[str, Any]) -> backtest.Found:
    return backtest.Found(
        **{**kept, "cases": dict.fromkeys(kept["cases"]), "examples": [tuple(one) for one in kept["examples"]]}
    )


def _told(spec: Spec, found: backtest.Found, last: int) -> dict[str, Any]:
    names = choices.lists()
    return {
        "found": found,
        "cases": len(found.cases),
        "most": len(found.cases) >= backtest.KEPT_CASES,
        "examples": backtest.examples(found),
        "changes": [(act_words(act, names), count) for act, count in backtest.changes(spec, found)],
        "last": last,
        "words": sentence(spec, names),
        "unit": "messages" if spec.event in ("message", "opened", "unanswered", "silent") else "events",
    }
