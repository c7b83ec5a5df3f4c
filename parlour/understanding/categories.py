"""Each brand's category tree: what there is, in which order, and what a category is called."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, transaction

from parlour.lib import clock
from parlour.lib.text import one_line, storable
from parlour.spine import actions as spine
from parlour.staff.access import Actor, actor_name
from parlour.understanding.heads import CATEGORIES, CATEGORY_NAMES
from parlour.understanding.models import Category, Learned

NAME_LIMIT: Final = 60
MOST: Final = 200
MOST_EXAMPLES: Final = 100
EXAMPLE_LIMIT: Final = 500
DEEPEST: Final = 4
FALLBACK: Final = "other"
"""What nothing else fits; it can be renamed, and not archived."""


@dataclass(frozen=True, slots=True)
class Node:
    """One category. ``stands_for`` is its own slug, or that of the category it was merged into; ``depth`` is 0 at the top."""

    slug: str
    name: str
    parent: str | None = None
    archived: bool = False
    stands_for: str = ""
    examples: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """A brand's categories, parents before their children, archived ones too. ``own`` is False while it is the tree that ships."""

    nodes: tuple[Node, ...]
    own: bool = False
    by_slug: dict[str, Node] = field(default_factory=dict)

    @property
    def live(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if not node.archived)

    def options(self) -> list[tuple[str, str]]:
        """What can be chosen, children set in below their parents."""
        return [(node.slug, "\u2003" * node.depth + node.name) for node in self.live]

    def name(self, slug: str) -> str:
        found = self.by_slug.get(slug)
        return found.name if found else slug.replace("-", " ").capitalize()

    def path(self, slug: str) -> tuple[str, ...]:
        """The category and those above it, the nearest first."""
        found: list[str] = []
        node = self.by_slug.get(slug)
        while node is not None and node.slug not in found:
            found.append(node.slug)
            node = self.by_slug.get(node.parent or "")
        return tuple(found) or (slug,)

    def meaning(self, slug: str) -> str | None:
        """The live category a label counts for: itself, or what it was merged into; None for one that is archived or unknown."""
        node = self.by_slug.get(slug)
        node = self.by_slug.get(node.stands_for) if node else None
        return node.slug if node and not node.archived else None


def _grown(nodes: list[Node], *, own: bool) -> Tree:
    below: dict[str | None, list[Node]] = {}
    there = {node.slug for node in nodes}
    for node in nodes:
        below.setdefault(node.parent if node.parent in there else None, []).append(node)

    def walk(parent: str | None, depth: int) -> Iterator[Node]:
        for node in below.get(parent, ()):
            yield Node(
                node.slug,
                node.name,
                node.parent,
                node.archived,
                node.stands_for or node.slug,
                node.examples,
                depth,
            )
            yield from walk(node.slug, depth + 1)

    found = tuple(walk(None, 0))
    return Tree(found, own, {node.slug: node for node in found})


SHIPPED: Final = _grown([Node(slug, CATEGORY_NAMES[slug]) for slug in CATEGORIES], own=False)


def tree(brand_id: int) -> Tree:
    """The brand's categories as they are now; the shipped ones while it has none of its own."""
    rows = list(Category.objects.filter(brand_id=brand_id))
    return _tree(rows) if rows else SHIPPED


def trees(brand_ids: Iterable[int]) -> dict[int, Tree]:
    """The trees of these brands, read at once and in this order."""
    ids = list(brand_ids)
    rows: dict[int, list[Category]] = {pk: [] for pk in ids}
    for row in Category.objects.filter(brand_id__in=ids):
        rows[row.brand_id].append(row)
    return {pk: _tree(own) if own else SHIPPED for pk, own in rows.items()}


def names(of: Iterable[Tree], *, archived: bool = False) -> dict[str, str]:
    """Every category of these trees, parents before children, with its name; of the shipped tree where there is none. What brands
    call otherwise has all its names: “Technical / Help desk”."""
    found: dict[str, list[str]] = {}
    for one in tuple(of) or (SHIPPED,):
        for node in one.nodes if archived else one.live:
            called = found.setdefault(node.slug, [])
            if node.name not in called:
                called.append(node.name)
    return {slug: " / ".join(called) for slug, called in found.items()}


def _tree(rows: list[Category]) -> Tree:
    slugs = {row.pk: row.slug for row in rows}
    merged = {row.slug: slugs.get(row.merged_into_id or 0) for row in rows}

    def stands_for(slug: str) -> str:
        seen = [slug]
        while (further := merged.get(seen[-1])) and further not in seen:
            seen.append(further)
        return seen[-1]

    return _grown(
        [
            Node(
                row.slug,
                row.name,
                slugs.get(row.parent_id or 0),
                row.archived_at is not None,
                stands_for(row.slug),
                tuple(row.examples),
            )
            for row in rows
        ],
        own=True,
    )


_names: dict[tuple[str, int], tuple[float, dict[str, str]]] = {}
_NAMES_LAST: Final = 1.0


def name(slug: str, brand_id: int | None = None) -> str:
    """What a category is called, for lists of many cases: at most a second behind a change."""
    if brand_id is not None and slug:
        key = (str(connection.settings_dict["NAME"]), brand_id)
        read, known = _names.get(key, (0.0, {}))
        if time.monotonic() - read > _NAMES_LAST:
            known = dict(Category.objects.filter(brand_id=brand_id).values_list("slug", "name"))
            _names[key] = time.monotonic(), known
        if slug in known:
            return known[slug]
    return CATEGORY_NAMES.get(slug) or slug.replace("-", " ").capitalize()


# Verbs. All raise ValueError with a sentence for what cannot be.


def _rows(brand_id: int) -> dict[str, Category]:
    """The brand's own rows, held; made of the shipped tree at the first change."""
    found = {row.slug: row for row in Category.objects.select_for_update().filter(brand_id=brand_id)}
    if not found:
        for order, slug in enumerate(CATEGORIES):
            Category.objects.get_or_create(
                brand_id=brand_id, slug=slug, defaults={"name": CATEGORY_NAMES[slug], "order": order}
            )
        found = {row.slug: row for row in Category.objects.filter(brand_id=brand_id)}
    return found


def _one(rows: dict[str, Category], slug: str) -> Category:
    if slug not in rows:
        raise ValueError(f"There is no category {slug[:40]!r}; there are {', '.join(rows)}.")
    return rows[slug]


def _told(brand_id: int, by: Actor | None, verb: str, **data: Any) -> None:
    Learned.changed(brand_id)
    _names.clear()
    spine.write(verb, actor=actor_name(by), brand=brand_id, **data)


def _fitting_name(rows: dict[str, Category], name: str, but: str = "") -> str:
    name = one_line(name, NAME_LIMIT + 1).strip()
    if not name or len(name) > NAME_LIMIT:
        raise ValueError(f"A category needs a name of at most {NAME_LIMIT} characters.")
    if any(row.name.casefold() == name.casefold() and row.slug != but and not row.archived_at for row in rows.values()):
        raise ValueError(f"There is a category called “{name}” already.")
    return name


def _new_slug(name: str, taken: dict[str, Category]) -> str:
    begin = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-") or "category"
    numbers = (f"{begin}-{number}" for number in range(2, MOST + 2))
    return begin if begin not in taken else next(slug for slug in numbers if slug not in taken)


def _under(rows: dict[str, Category], row: Category | None, parent: str | None) -> Category | None:
    """The parent, if ``row`` may stand below it."""
    if not parent:
        return None
    above = _one(rows, parent)
    if above.archived_at:
        raise ValueError(f"“{above.name}” is archived.")
    by_id = {one.pk: one for one in rows.values()}
    depth = 1
    step: Category | None = above
    while step is not None:
        if row is not None and step.pk == row.pk:
            raise ValueError(f"“{row.name}” cannot stand below itself.")
        depth += 1
        step = by_id.get(step.parent_id or 0)
    if depth + (_height(rows, row) if row is not None else 0) > DEEPEST:
        raise ValueError(f"The tree is at most {DEEPEST} deep.")
    return above


def _height(rows: dict[str, Category], row: Category) -> int:
    """How many levels stand below it."""
    below = [one for one in rows.values() if one.parent_id == row.pk]
    return 1 + max(_height(rows, one) for one in below) if below else 0


def add_category(
    brand_id: int, name: str, *, parent: str | None = None, examples: str = "", by: Actor | None
) -> Category:
    """A new category at the end of its parent's list. ``examples``: a sentence per line."""
    with transaction.atomic():
        rows = _rows(brand_id)
        if len(rows) >= MOST:
            raise ValueError(f"A brand has at most {MOST} categories, archived ones among them.")
        name = _fitting_name(rows, name)
        made = Category.objects.create(
            brand_id=brand_id,
            slug=_new_slug(name, rows),
            name=name,
            parent=_under(rows, None, parent),
            order=max((row.order for row in rows.values()), default=0) + 1,
            examples=_sentences(examples),
        )
        _told(brand_id, by, "category.added", category=made.slug, name=name)
    return made


def rename_category(brand_id: int, slug: str, name: str, *, by: Actor | None) -> Category:
    """Called otherwise from now on, in every case that has it too."""
    with transaction.atomic():
        rows = _rows(brand_id)
        row = _one(rows, slug)
        was, row.name = row.name, _fitting_name(rows, name, slug)
        row.save(update_fields=["name"])
        _told(brand_id, by, "category.renamed", category=slug, was=was, now=row.name)
    return row


def move_category(
    brand_id: int, slug: str, *, parent: str | None, before: str | None = None, by: Actor | None
) -> Category:
    """Below another parent (None: the top), before one of its children or at the end."""
    with transaction.atomic():
        rows = _rows(brand_id)
        row = _one(rows, slug)
        above = _under(rows, row, parent)
        sisters = [one for one in rows.values() if one.parent_id == (above.pk if above else None) and one.pk != row.pk]
        sisters.sort(key=lambda one: (one.order, one.pk))
        at = next((i for i, one in enumerate(sisters) if one.slug == before), len(sisters))
        row.parent = above
        for order, one in enumerate([*sisters[:at], row, *sisters[at:]]):
            one.order = order
            one.save(update_fields=["order", "parent"])
        _told(brand_id, by, "category.moved", category=slug, parent=parent)
    return row


def archive_category(brand_id: int, slug: str, *, by: Actor | None) -> Category:
    """Given to no further message. Cases keep it; what stands below it moves up."""
    with transaction.atomic():
        rows = _rows(brand_id)
        row = _one(rows, slug)
        _refuse_last(rows, row)
        Category.objects.filter(parent=row).update(parent_id=row.parent_id)
        row.archived_at = clock.now()
        row.save(update_fields=["archived_at"])
        _told(brand_id, by, "category.archived", category=slug)
    return row


def restore_category(brand_id: int, slug: str, *, by: Actor | None) -> Category:
    """Back from the archive, at the top when its parent is archived; what was merged is its own again."""
    with transaction.atomic():
        rows = _rows(brand_id)
        row = _one(rows, slug)
        row.name = _fitting_name(rows, row.name, slug)
        row.archived_at, row.merged_into = None, None
        if row.parent is not None and row.parent.archived_at:
            row.parent = None
        row.save()
        _told(brand_id, by, "category.restored", category=slug)
    return row


def merge_category(brand_id: int, slug: str, into: str, *, by: Actor | None) -> Category:
    """Its corrections and examples count for ``into``; it is archived. Cases are moved by ``cases.corrections.merge_category``."""
    with transaction.atomic():
        rows = _rows(brand_id)
        row, target = _one(rows, slug), _one(rows, into)
        if target.archived_at or target.pk == row.pk:
            raise ValueError("A category can be merged into another one that is not archived.")
        _refuse_last(rows, row)
        above: Category | None = target
        while above is not None:
            if above.pk == row.pk:
                raise ValueError(f"“{target.name}” stands below “{row.name}”; move it first.")
            above = above.parent
        Category.objects.filter(parent=row).update(parent=target)
        row.archived_at, row.merged_into = clock.now(), target
        row.save(update_fields=["archived_at", "merged_into"])
        _told(brand_id, by, "category.merged", category=slug, into=into)
    return row


def set_examples(brand_id: int, slug: str, examples: str, *, by: Actor | None) -> Category:
    """What customers write who mean this category, a sentence per line. Counts at once, as corrections do."""
    with transaction.atomic():
        row = _one(_rows(brand_id), slug)
        row.examples = _sentences(examples)
        row.save(update_fields=["examples"])
        _told(brand_id, by, "category.examples", category=slug, count=len(row.examples))
    return row


def _refuse_last(rows: dict[str, Category], row: Category) -> None:
    if row.slug == FALLBACK:
        raise ValueError(f"“{row.name}” is what nothing else fits: it can be renamed, and not taken away.")
    if row.archived_at:
        raise ValueError(f"“{row.name}” is archived already.")
    if sum(not one.archived_at for one in rows.values()) < 3:
        raise ValueError("Two categories have to stay.")


def _sentences(examples: str) -> list[str]:
    lines = [storable(line, EXAMPLE_LIMIT + 1).strip() for line in examples.splitlines()]
    found = list(dict.fromkeys(line for line in lines if line))
    if len(found) > MOST_EXAMPLES or any(len(line) > EXAMPLE_LIMIT for line in found):
        raise ValueError(f"A category has at most {MOST_EXAMPLES} examples of {EXAMPLE_LIMIT} characters.")
    return found
