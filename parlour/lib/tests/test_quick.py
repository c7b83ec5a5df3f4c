"""Objects of a QuickModel are what Django's own would be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from parlour.lib.clock import frozen
from parlour.lib.quick import QuickModel

AT = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
QUICK = [one for one in apps.get_models() if issubclass(one, QuickModel)]
Brand, Case = apps.get_model("channels.Brand"), apps.get_model("cases.Case")
Customer, Event = apps.get_model("customers.Customer"), apps.get_model("spine.Event")


def told(one: Any) -> dict[str, Any]:
    values = {name: value for name, value in one.__dict__.items() if name != "_state"}
    # Of a value the database gives there is one object for each row in Django.
    return {name: type(value) if name == "tx" else value for name, value in values.items()}


def by_django(model: Any, **given: Any) -> Any:
    made = model.__new__(model)
    models.Model.__init__(made, **given)
    return made


@pytest.mark.parametrize("model", QUICK, ids=lambda one: one.__name__)
def test_a_new_object_has_the_defaults_django_gives(model: Any) -> None:
    with frozen(AT):
        quick, plain = model(), by_django(model)
    assert told(quick) == told(plain)
    assert quick._state.adding
    assert quick._state.db is None


def test_each_object_has_its_own_lists_and_dicts() -> None:
    first, second = Case(), Case()
    first.tags.append("vip")
    assert second.tags == []


def test_relations_may_be_given_as_objects_or_ids() -> None:
    brand = Brand(pk=3, name="Acme")
    by_object, by_id = Case(brand=brand, customer_id=7), Case(brand_id=3, customer_id=7)
    assert by_object.brand is brand
    assert (by_object.brand_id, by_object.customer_id) == (by_id.brand_id, by_id.customer_id) == (3, 7)
    by_object.brand_id = 4
    assert "brand" not in by_object._state.fields_cache
    assert Case(pk=5).id == 5


def test_names_that_are_no_field_are_refused() -> None:
    with pytest.raises(TypeError, match="colour"):
        Case(colour="blue")
    with pytest.raises(ValueError, match="must be a"):
        Case(brand="Acme")


@pytest.mark.django_db
def test_what_was_stored_comes_back_and_can_be_changed() -> None:
    made = Event.objects.create(verb="case.opened", at=AT, data={"a": [1]})
    read = Event.objects.get(pk=made.pk)
    assert (read.at, read.data, read.case_id, read == made) == (AT, {"a": [1]}, None, True)
    assert (read._state.adding, read._state.db) == (False, "default")
    read.actor = "agent:1"
    read.save()
    some = Event.objects.only("verb").get(pk=made.pk)
    assert some.get_deferred_fields() >= {"actor", "data"}
    assert some.actor == "agent:1"


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite keeps times as texts")
@pytest.mark.parametrize(
    "text", ["2026-03-01 09:00:00.123456", "2026-03-01 09:00:00", "2026-03-01 10:00:00+01:00", "2026-03-01T09:00:00"]
)
def test_times_are_read_from_sqlite_as_django_reads_them(text: str) -> None:
    made = Customer.objects.create(name="Ana")
    with connection.cursor() as cursor:
        cursor.execute('UPDATE "customers_customer" SET "created_at" = %s WHERE "id" = %s', [text, made.pk])
    assert Customer.objects.get(pk=made.pk).created_at == AT.replace(microsecond=123456 if "." in text else 0)
