"""Rows that are made and read by the thousand, as objects that cost a fifth of Django's own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute


class QuickModel(models.Model):
    """A model whose objects are filled in one go: Django sets one field after the other and tells signals, of which Parlour has none.
    That was an eighth of the road from an arrival to a case (``make bench``). Everything else is as with any model."""

    class Meta:
        abstract = True

    # Django looks the name of the key up each time.
    pk = property(attrgetter("id"), models.Model._set_pk_val)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **given: Any) -> None:
        if args:
            super().__init__(*args, **given)
            return
        shape = _shape(type(self))
        values = self.__dict__
        state = values["_state"] = ModelState()
        values.update(shape.defaults)
        for name, make in shape.made:
            if name not in given:
                values[name] = make()
        for name, value in given.items():
            if name in shape.plain:
                values[name] = value
            elif name in shape.keys and isinstance(value, shape.keys[name].model):
                state.fields_cache[name] = value
                values[shape.keys[name].column] = value.pk
            elif name in shape.others:
                setattr(self, name, value)
            else:
                raise TypeError(f"{type(self).__name__}() got unexpected keyword arguments: {name!r}")

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Self:
        shape = _shape(cls)
        if len(values) != len(shape.names) or not shape.all_plain:
            return super().from_db(db, field_names, values)
        new = cls.__new__(cls)
        state = ModelState()
        state.adding, state.db = False, db
        new.__dict__["_state"] = state
        new.__dict__.update(zip(shape.names, values, strict=True))
        return new


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key that holds the other row's primary key."""

    column: str
    model: type[models.Model]


@dataclass(frozen=True, slots=True)
class _Shape:
    names: Sequence[str]
    """Of all columns, in order."""
    plain: frozenset[str]
    """Those whose values just lie in the object."""
    defaults: dict[str, Any]
    made: Sequence[tuple[str, Callable[[], Any]]]
    """Defaults that are another object each time."""
    keys: dict[str, _Key]
    """By the relation's name."""
    others: frozenset[str]
    """What else may be given by name: relations and properties."""

    @property
    def all_plain(self) -> bool:
        return len(self.plain) == len(self.names)


@cache
def _shape(model: type[models.Model]) -> _Shape:
    meta = model._meta
    plain = frozenset(
        one.attname
        for one in meta.concrete_fields
        if type(getattr(model, one.attname)) in (DeferredAttribute, ForeignKeyDeferredAttribute)
    )
    made = [(one.attname, one.default) for one in meta.concrete_fields if one.has_default() and callable(one.default)]
    again = {name for name, _ in made}
    defaults = {one.attname: one.get_default() for one in meta.concrete_fields if one.attname not in again}
    keys = {
        one.name: _Key(one.attname, one.remote_field.model)
        for one in meta.concrete_fields
        if type(one) is models.ForeignKey and one.attname in plain and one.target_field.primary_key
    }
    others = {one.name for one in meta.get_fields()} | {one.attname for one in meta.concrete_fields} - plain
    names = [one.attname for one in meta.concrete_fields]
    return _Shape(names, plain, defaults, made, keys, frozenset(others | meta._property_names))  # type: ignore[attr-defined]
