from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from parlour.lib.rows import insert_rows, update_rows

# Rows of the rooms above, without leaning on them.
Brand, Inbox = apps.get_model("channels.Brand"), apps.get_model("channels.Inbox")
Customer, Identity = apps.get_model("customers.Customer"), apps.get_model("customers.Identity")
Event, Team = apps.get_model("spine.Event"), apps.get_model("staff.Team")

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


def people(*names: str) -> list[Any]:
    return insert_rows(Customer, [Customer(name=name) for name in names])


def test_rows_are_inserted_with_their_ids_and_read_back_the_same() -> None:
    made = people("Ana", "Ben", "Cleo")
    assert [one.name for one in Customer.objects.order_by("pk")] == ["Ana", "Ben", "Cleo"]
    assert [one.pk for one in made] == list(Customer.objects.order_by("pk").values_list("pk", flat=True))
    assert not made[0]._state.adding
    made[0].name = "Anna"
    made[0].save()
    assert Customer.objects.get(pk=made[0].pk).name == "Anna"


def test_nothing_is_inserted_for_nothing() -> None:
    assert insert_rows(Customer, []) == []
    update_rows(Customer, ["name"], [])
    assert not Customer.objects.exists()


def test_ids_go_on_where_django_left_off_and_the_other_way_round() -> None:
    first = Customer.objects.create(name="by Django")
    second = people("by rows")[0]
    third = Customer.objects.create(name="by Django again")
    assert first.pk < second.pk < third.pk
    Customer.objects.all().delete()
    assert people("after all were deleted")[0].pk > third.pk


def test_every_kind_of_value_comes_back_as_it_went_in() -> None:
    brand = Brand.objects.create(name="Acme")
    cursor = {"text": 'é ☹ "quoted"', "list": [1, 2.5, None, True], "deep": {"a": {}}}
    east = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    inbox = insert_rows(
        Inbox,
        [Inbox(brand=brand, channel="x", name="it's", key="k", cursor=cursor, created_at=east, polled_at=None)],
    )[0]
    read = Inbox.objects.get(pk=inbox.pk)
    assert (read.cursor, read.created_at, read.polled_at, read.brand_id) == (cursor, AT, None, brand.pk)
    identity = insert_rows(
        Identity, [Identity(customer=people("Ana")[0], realm="x", external_id="1", verified=True, followers=None)]
    )[0]
    stored = Identity.objects.get(pk=identity.pk)
    assert stored.verified is True
    assert stored.followers is None


def test_times_written_here_compare_with_those_django_writes() -> None:
    whole = AT.replace(microsecond=0)
    people_then = insert_rows(Customer, [Customer(name="a", created_at=AT), Customer(name="b", created_at=whole)])
    Customer.objects.create(name="c", created_at=whole)
    assert Customer.objects.filter(created_at=whole).count() == 2
    assert Customer.objects.filter(created_at__gt=whole).get() == people_then[0]


def test_a_foreign_key_follows_an_object_that_got_its_id_later() -> None:
    customer = Customer(name="Ana")
    identity = Identity(customer=customer, realm="x", external_id="1")
    insert_rows(Customer, [customer])
    insert_rows(Identity, [identity])
    assert Identity.objects.get().customer_id == customer.pk


def test_defaults_of_the_database_are_filled_in_by_it() -> None:
    with transaction.atomic():
        insert_rows(Event, [Event(verb="a"), Event(verb="b")])
    first, second = Event.objects.order_by("id")
    assert first.tx == second.tx
    assert first.tx >= 0


def test_updates_set_each_row_to_its_own_values() -> None:
    ana, ben, cleo = people("Ana", "Ben", "Cleo")
    update_rows(Customer, ["name", "vip", "created_at"], [("A", True, AT, ana.pk), ("B", False, AT, ben.pk)])
    rows = {one.pk: (one.name, one.vip) for one in Customer.objects.all()}
    assert rows == {ana.pk: ("A", True), ben.pk: ("B", False), cleo.pk: ("Cleo", False)}
    assert Customer.objects.get(pk=ana.pk).created_at == AT


def test_updates_take_json_none_and_foreign_keys_by_attribute_name() -> None:
    team = Team.objects.create(name="Billing")
    update_rows(Team, ["categories"], [(["billing", "ü"], team.pk)])
    assert Team.objects.get().categories == ["billing", "ü"]
    one, other = people("Ana", "Ben")
    identity = Identity.objects.create(customer=one, realm="x", external_id="1", followers=5, asked_at=AT)
    update_rows(Identity, ["customer_id", "followers", "asked_at"], [(other.pk, None, None, identity.pk)])
    identity.refresh_from_db()
    assert (identity.customer_id, identity.followers, identity.asked_at) == (other.pk, None, None)


def test_a_refused_row_takes_the_whole_insert_with_it() -> None:
    customer = people("Ana")[0]
    doubled = [Identity(customer=customer, realm="x", external_id="1") for _ in range(2)]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Identity, doubled)
    assert not Identity.objects.exists()
    assert insert_rows(Identity, doubled[:1])[0].pk == Identity.objects.get().pk


def test_values_are_never_read_as_sql() -> None:
    hostile = "'); DROP TABLE customers_customer; -- %s %(x)s"
    people(hostile)
    update_rows(Customer, ["language"], [("%s", Customer.objects.get().pk)])
    assert (Customer.objects.get().name, Customer.objects.get().language) == (hostile, "%s")
