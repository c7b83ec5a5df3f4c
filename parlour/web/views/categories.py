"""A brand's category tree: add, rename, move, merge, archive, and examples to learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from parlour.cases import corrections
from parlour.cases.access import Invalid
from parlour.cases.models import Case, Status
from parlour.staff import access
from parlour.staff.models import Agent
from parlour.understanding import actions as understanding
from parlour.understanding import categories as trees
from parlour.understanding.models import Category
from parlour.web.views.guard import seat
from parlour.web.views.policy import frame
from parlour.web.views.understanding import brand_asked

PAGE = "policy-categories"
TOLD = "categories_told"


@seat(access.LEAD)
def categories(request: HttpRequest, agent: Agent) -> HttpResponse:
    """The tree with how many open cases each category has."""
    brand, brands = brand_asked(request)
    tree = trees.tree(brand) if brand else trees.SHIPPED
    shown: dict[str, Any] = {
        "brands": brands,
        "brand": brand,
        "tree": tree,
        "open": _open(brand),
        "archived": [node for node in tree.nodes if node.archived],
        "told": request.session.pop(TOLD, None),
        "fallback": trees.FALLBACK,
    }
    return render(request, "policy/categories.html", frame(agent, PAGE) | shown)


def _open(brand: int) -> dict[str, int]:
    rows = Case.objects.filter(brand_id=brand, status=Status.OPEN).values_list("category", flat=True)
    found: dict[str, int] = {}
    for slug in rows.iterator():
        found[slug] = found.get(slug, 0) + 1
    return found


@seat(access.LEAD, ("POST",))
def change(request: HttpRequest, agent: Agent) -> HttpResponse:
    """One change of the tree; ``do`` names it."""
    brand = brand_asked(request)[0]
    do, slug = request.POST.get("do", ""), request.POST.get("slug", "")
    given = {name: request.POST.get(name, "") for name in ("name", "parent", "into", "examples", "before")}
    was = trees.tree(brand)
    verbs: dict[str, Callable[[], Category]] = {
        "add": lambda: understanding.add_category(
            brand, given["name"], parent=given["parent"] or None, examples=given["examples"], by=agent
        ),
        "rename": lambda: understanding.rename_category(brand, slug, given["name"], by=agent),
        "move": lambda: understanding.move_category(
            brand, slug, parent=given["parent"] or None, before=given["before"] or None, by=agent
        ),
        "archive": lambda: understanding.archive_category(brand, slug, by=agent),
        "restore": lambda: understanding.restore_category(brand, slug, by=agent),
        "examples": lambda: understanding.set_examples(brand, slug, given["examples"], by=agent),
    }
    if do == "merge":
        row = corrections.merge_category(brand, slug, given["into"], by=agent)
        words = f"“{row.name}” is part of “{was.name(given['into'])}” now, with its cases."
    elif do in verbs:
        row = corrections.change_categories(verbs[do], by=agent)
        words = _words(do, row, was)
    else:
        raise Invalid("There is no such change.")
    request.session[TOLD] = {"words": words, "undo": _undo(do, row, was, slug)}
    return HttpResponseRedirect(f"{reverse(PAGE)}?brand={brand}")


def _words(do: str, row: Category, was: trees.Tree) -> str:
    return {
        "add": f"“{row.name}” was added. The next messages like its examples get it; corrections teach the rest.",
        "rename": f"“{was.name(row.slug)}” is called “{row.name}” now.",
        "move": f"“{row.name}” was moved.",
        "archive": f"“{row.name}” is archived. Cases keep it, and no further message gets it.",
        "restore": f"“{row.name}” is back.",
        "examples": f"“{row.name}” has {len(row.examples)} examples, which count at once.",
    }[do]


def _undo(do: str, row: Category, was: trees.Tree, slug: str) -> dict[str, str] | None:
    """The form that takes a change back; None where it cannot be (a merge has moved cases)."""
    before = was.by_slug.get(slug)
    back: dict[str, dict[str, str]] = {
        "add": {"do": "archive"},
        "archive": {"do": "restore"},
        "restore": {"do": "archive"},
    }
    if before is not None:
        back |= {
            "rename": {"do": "rename", "name": before.name},
            "move": {"do": "move", "parent": before.parent or ""},
            "examples": {"do": "examples", "examples": "\n".join(before.examples)},
        }
    return {**back[do], "slug": row.slug} if do in back else None
