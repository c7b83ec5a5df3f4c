"""Moderation: its pages for leads, the list of held messages, and what agents say about messages and authors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from parlour.cases.access import get_message
from parlour.cases.actions import Invalid
from parlour.cases.models import Message
from parlour.channels import queries as channels
from parlour.customers.models import Identity
from parlour.lib.text import storable
from parlour.policy.moderation import actions, backtest, presets, queries
from parlour.policy.moderation.covering import cover_messages
from parlour.policy.moderation.models import Action, Change, Measures, WordList
from parlour.policy.moderation.words import folded, read_list
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.understanding import personal
from parlour.web.views.case import case_page
from parlour.web.views.guard import is_fragment, seat
from parlour.web.views.parts import frame as desk_frame
from parlour.web.views.parts import speaks_in_private
from parlour.web.views.policy import frame
from parlour.web.views.verbs import done

PAGE = "policy-moderation"
POST, READS = ("POST",), ("GET", "HEAD", "POST")
TOLD = "moderation_told"
"""In the session: the change the page offers to undo, once."""
TRIED = "moderation_tried"
"""In the session: what trying a list or measures has found so far."""
SLICE_SECONDS = 2.0
"""How long one answer looks back; the page asks for the next slice by itself."""
LONGEST_TRY = 5000


def _shown(agent: Agent, here: str) -> dict[str, Any]:
    waiting = {"held": len(queries.held()), "suspects": len(queries.suspects())}
    return frame(agent, PAGE) | {"here": here, "waiting": waiting}


def _say(request: HttpRequest, change: Change, address: str = PAGE, *args: object) -> HttpResponse:
    """To a page, which offers once to undo the change."""
    request.session[TOLD] = change.pk
    return HttpResponseRedirect(reverse(address, args=args))


@seat(access.LEAD)
def moderation(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Lists, shipped lists, brands, and what was changed lately."""
    return _home(request, agent)


def _home(request: HttpRequest, agent: Agent, **more: Any) -> HttpResponse:
    told = request.session.pop(TOLD, None)
    lists = list(WordList.objects.select_related("brand"))
    measures = {one.brand_id: one for one in Measures.objects.all()}
    there = {one.preset for one in lists if one.preset}
    shown = {
        "lists": [(one, one.words.count("\n") + 1) for one in lists],
        "brands": [(brand, measures.get(brand.pk)) for brand in channels.brands()],
        "kinds": personal.KINDS,
        "presets": [
            (code, name, len(presets.words_of(code)))
            for code, (_, name) in presets.LANGUAGES.items()
            if code not in there
        ],
        "changes": Change.objects.exclude(what="author").order_by("-id")[:10],
        "told": Change.objects.filter(pk=told, undone=False).first() if isinstance(told, int) else None,
        "actions": Action.choices,
        "languages": {code: name for code, (_, name) in presets.LANGUAGES.items()},
    }
    return render(
        request, "policy/moderation.html", _shown(agent, "home") | shown | more, status=more.get("status", 200)
    )


@seat(access.LEAD, POST)
def try_it(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What would happen to a text, and why. It is kept nowhere."""
    text = storable(request.POST.get("text", ""), LONGEST_TRY)
    number = request.POST.get("brand", "")
    brand_id = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None
    matches = queries.guard().matcher.matches(text, brand_id, "")
    found = queries.spans(text, brand_id, "", queries.guard())
    tried = {
        "text": text,
        "folded": folded(text).strip(),
        "matches": [_excerpt(one) for one in matches],
        "personal": personal.in_words(kind for _, _, kind in found),
        "covered": personal.masked(text, found),
        "brand": brand_id,
    }
    if is_fragment(request):
        return render(request, "policy/moderation_tried.html", {"tried": tried, "action_words": dict(Action.choices)})
    return _home(request, agent, tried=tried, action_words=dict(Action.choices))


def _excerpt(match: queries.Match) -> dict[str, Any]:
    hit = match.hit
    begin, end = max(0, hit.start - 40), min(len(hit.reading), hit.end + 40)
    # The spaces around a word are part of what is matched, but not of what is shown.
    start, stop = hit.start + (hit.reading[hit.start] == " "), hit.end - (hit.reading[hit.end - 1] == " ")
    return {
        "list": match.list,
        "word": match.word,
        "before": ("…" if begin else "") + hit.reading[begin:start].lstrip(),
        "hit": hit.reading[start:stop],
        "after": hit.reading[stop:end].rstrip() + ("…" if end < len(hit.reading) else ""),
    }


@seat(access.LEAD, POST)
def preset(request: HttpRequest, agent: Agent) -> HttpResponse:
    _, change = actions.use_preset(
        request.POST.get("language", ""), by=agent, action=request.POST.get("action", Action.FLAG)
    )
    return _say(request, change)


@seat(access.LEAD, READS)
def word_list(request: HttpRequest, agent: Agent, list_id: int | None = None) -> HttpResponse:
    """The form of a list; what it would have done before it is saved; saving, switching and removing it."""
    row = WordList.objects.get(pk=list_id) if list_id else None
    if request.method != "POST":
        return _list_form(request, agent, row, _given_of(row))
    do = request.POST.get("do", "save")
    if row and do == "remove":
        return _say(request, actions.remove_list(row.pk, by=agent))
    if row and do in ("on", "off"):
        return _say(request, actions.switch_list(row.pk, do == "on", by=agent))
    given = {name: request.POST.get(name, "")[:600_000] for name in ("name", "brand", "language", "action")}
    given |= {name: storable(request.POST.get(name, ""), actions.LONGEST_LIST + 1) for name in ("words", "exceptions")}
    if not (given["brand"].isascii() and given["brand"].isdigit()):
        given["brand"] = ""
    told: dict[str, Any] = {**given, "active": request.POST.get("active", "1") == "1"}
    try:
        if do in ("preview", "more"):
            lists = [actions.checked_list(told)]
            found = _tried(request, [list_id, told], lambda since: backtest.run_lists(lists, SLICE_SECONDS, since))
            return _list_form(
                request, agent, row, given, found=found, examples=backtest.examples_of_lists(lists, found)
            )
        _, change = actions.save_list(row.pk if row else None, told, by=agent)
    except Invalid as error:
        return _list_form(request, agent, row, given, trouble=str(error), status=422)
    return _say(request, change)


def _tried(
    request: HttpRequest, what: object, run: Callable[[backtest.Found | None], backtest.Found]
) -> backtest.Found:
    """Another slice of past traffic. What was found so far lies in the session until something else is tried."""
    which = sha256(orjson.dumps(what, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
    before, since = request.session.get(TRIED), None
    if request.POST.get("do") == "more" and isinstance(before, dict) and before.get("which") == which:
        since = backtest.Found(**before["found"])
    found = run(since)
    request.session[TRIED] = {"which": which, "found": asdict(found)}
    return found


def _given_of(row: WordList | None) -> dict[str, str]:
    if row is None:
        return {"action": Action.FLAG}
    names = ("name", "language", "action", "words", "exceptions")
    return {name: getattr(row, name) for name in names} | {"brand": str(row.brand_id or "")}


def _list_form(
    request: HttpRequest,
    agent: Agent,
    row: WordList | None,
    given: dict[str, str],
    *,
    trouble: str = "",
    found: backtest.Found | None = None,
    examples: Sequence[tuple[Message, queries.Match]] = (),
    status: int = 200,
) -> HttpResponse:
    for message, _ in examples:
        if message.case:
            cover_messages([message], message.case, agent)
    shown = {
        "row": row,
        "given": given,
        "trouble": trouble,
        "tried": found,
        "last": backtest.LAST,
        "examples": [(message, _excerpt(match)) for message, match in examples],
        "brands": channels.brands(),
        "actions": Action.choices,
        "count": len(read_list(given.get("words", ""))[0]),
    }
    return render(request, "policy/moderation_list.html", _shown(agent, "home") | shown, status=status)


NUMBERS = ("flood_messages", "flood_authors", "spam_messages", "window_minutes")


@seat(access.LEAD, READS)
def brand(request: HttpRequest, agent: Agent, brand_id: int) -> HttpResponse:
    """What a brand does besides its lists."""
    found = channels.brands().get(pk=brand_id)
    row = Measures.objects.filter(brand=found).first() or Measures(brand=found)
    trouble, status, tried = "", 200, None
    examples: list[tuple[Message, str]] = []
    if request.method == "POST":
        templates = storable(request.POST.get("templates", ""), 2000).splitlines()
        flags = {name: request.POST.get(name) == "1" for name in ("hide_personal", "recognise", "mute_spammers")}
        given: dict[str, Any] = {
            **flags,
            "templates": [one.strip() for one in templates],
            "region": request.POST.get("region", ""),
            "hide_kinds": request.POST.getlist("hide_kinds"),
            **{name: request.POST.get(name, "") for name in NUMBERS},
        }
        try:
            if request.POST.get("do") not in ("preview", "more"):
                return _say(request, actions.save_measures(found.pk, given, by=agent))
            row = measured = actions.checked_measures(found, given)
            tried = _tried(
                request, [brand_id, given], lambda since: backtest.run_measures(measured, SLICE_SECONDS, since)
            )
            examples = backtest.examples_of_measures(row, tried)
        except Invalid as error:
            trouble, status = str(error), 422
            row = Measures(
                brand=found,
                **flags,
                templates=[one for one in given["templates"] if one],
                region=given["region"][:10],
                hide_kinds=given["hide_kinds"],
            )
            for name in NUMBERS:
                setattr(row, name, given[name][:6])
    shown = {"brand": found, "row": row, "trouble": trouble, "kinds": personal.KINDS, "tried": tried}
    shown |= {"examples": examples, "last": backtest.LAST}
    return render(request, "policy/moderation_brand.html", _shown(agent, "home") | shown, status=status)


@seat(access.LEAD, POST)
def undo(_: HttpRequest, agent: Agent, change_id: int) -> HttpResponse:
    actions.undo(change_id, by=agent)
    return HttpResponseRedirect(reverse(PAGE))


@seat(access.LEAD)
def people(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Who was recognised, who is under something, and floods."""
    shown = {"restricted": queries.restricted(), "suspects": queries.suspects(), "floods": queries.floods()}
    return render(request, "policy/moderation_people.html", _shown(agent, "people") | shown)


@seat(access.LEAD)
def report(request: HttpRequest, agent: Agent) -> HttpResponse:
    """What was hidden, by which word, and how much of it was a real complaint."""
    days = {"7": 7, "90": 90}.get(request.GET.get("days", ""), 30)
    told = queries.report(days)
    for row in told.rows:
        row.message.text = queries.covered_message(row.message, row.brand_id)
    return render(request, "policy/moderation_report.html", _shown(agent, "report") | {"report": told})


@seat(access.ANSWER)
def held(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Messages that wait for a person's look."""
    rows = queries.held()
    for row in rows:
        row.message.text = queries.covered_message(row.message, row.brand_id)
    if access.may(agent, access.LEAD):
        return render(request, "policy/moderation_held.html", _shown(agent, "held") | {"rows": rows})
    return render(request, "held.html", desk_frame(agent) | {"rows": rows, "section": "held"})


def _back(request: HttpRequest, case_id: int | None, words: str) -> HttpResponse:
    """To the case it is about, or to the page the form stands on."""
    pages = {"held": "moderation-held", "report": "policy-moderation-report", "people": "policy-moderation-people"}
    page = pages.get(request.POST.get("page", ""))
    if page is None and case_id is not None:
        return done(request, case_id, words)
    return HttpResponseRedirect(reverse(page or PAGE))


@seat(access.ANSWER, POST)
def held_do(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    through = request.POST.get("do") == "through"
    message = (actions.let_through if through else actions.keep_out)(message_id, by=agent)
    return _back(request, message.case_id, "Let through to the queue." if through else "Kept out of the queue.")


@seat(access.ANSWER, POST)
def complaint(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    real = request.POST.get("complaint") == "1"
    actions.say_complaint(message_id, real, by=agent)
    words = "Noted: a real complaint." if real else "Noted: no complaint."
    return _back(request, Message.objects.get(pk=message_id).case_id, words)


@seat(access.ANSWER, POST)
def author(request: HttpRequest, agent: Agent, identity_id: int) -> HttpResponse:
    """Mute, restrict, block or forgive an author."""
    do, days = request.POST.get("do", ""), request.POST.get("days", "0")
    identity = Identity.objects.get(pk=identity_id)
    if do == "forgive":
        actions.forgive(identity.pk, by=agent)
        words = "Forgiven."
    else:
        reason = storable(request.POST.get("reason", ""), 300)
        row = actions.restrict(
            identity.pk, do, by=agent, reason=reason, days=int(days) if days in ("0", "1", "7", "30") else -1
        )
        words = f"{row.get_kind_display()}: {row.words}."
    case = request.POST.get("case", "")
    return _back(request, int(case) if case.isascii() and case.isdigit() and len(case) < 19 else None, words)


@seat(access.ANSWER, POST)
def suspect(request: HttpRequest, agent: Agent, suspect_id: int) -> HttpResponse:
    actions.dismiss_suspect(suspect_id, by=agent)
    return _back(request, None, "")


@seat(access.LEAD, POST)
def flood(request: HttpRequest, agent: Agent, flood_id: int) -> HttpResponse:
    actions.settle_flood(flood_id, request.POST.get("do") == "hide", by=agent)
    return _back(request, None, "")


@seat(access.ANSWER, POST)
def uncover(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Show personal data in a message to whoever asks, for ten minutes, and note it."""
    message = get_message(agent, message_id, access.ANSWER)
    actions.uncover(message.pk, by=agent)
    return _back(request, message.case_id, "Shown for ten minutes. It is noted on the case.")


@seat(access.ANSWER, POST)
def protect(request: HttpRequest, agent: Agent, message_id: int) -> HttpResponse:
    """Hide a message with personal data from the public, and go on in private."""
    message = get_message(agent, message_id, access.ANSWER)
    hides = actions.protect(message.pk, by=agent)
    words = "It is being hidden." if hides else "It cannot be hidden there."
    if speaks_in_private(message.channel):
        words += " Ask in private."
    if message.case is None:
        return HttpResponseRedirect(reverse("home"))
    if not is_fragment(request):
        message.case.refresh_from_db()
        return case_page(request, agent, message.case, chosen="private")
    return trigger_client_event(done(request, message.case.pk, words), "desk:way", {"way": "private"})
