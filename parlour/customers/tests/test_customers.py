from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from parlour.customers.actions import resolve_identities
from parlour.customers.models import Customer, Identity

pytestmark = pytest.mark.django_db


def told(external_id: str = "1", realm: str = "x", **values: object) -> Identity:
    return Identity(realm=realm, external_id=external_id, **values)


def test_new_people_get_a_customer_each(django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(8):
        known = resolve_identities([told(str(number), name=f"Person {number}") for number in range(50)])
    assert {identity.customer.name for identity in known.values()} == {f"Person {number}" for number in range(50)}
    assert Customer.objects.count() == Identity.objects.count() == 50
    assert known["x", "7"].pk == Identity.objects.get(external_id="7").pk


def test_known_people_stay_who_they_are(django_assert_num_queries) -> None:
    first = resolve_identities([told(name="Ana")])["x", "1"]
    with django_assert_num_queries(1):
        again = resolve_identities([told(name="Ana"), told()])["x", "1"]
    assert (again, again.customer) == (first, first.customer)


def test_the_same_id_in_another_realm_is_another_person() -> None:
    known = resolve_identities([told(), told(realm="meta:1"), told(realm="meta:2")])
    assert len({identity.customer_id for identity in known.values()}) == 3


def test_what_is_told_anew_is_taken_over_and_what_is_left_out_is_kept() -> None:
    resolve_identities([told(name="Ana", handle="ana", followers=5, avatar_url="https://a.example/1")])
    known = resolve_identities([told(name="Ana Prado", followers=9, verified=True)])["x", "1"]
    known.refresh_from_db()
    assert (known.name, known.handle, known.followers, known.verified) == ("Ana Prado", "ana", 9, True)
    assert known.avatar_url == "https://a.example/1"


def test_nobody_is_nobody() -> None:
    assert resolve_identities([]) == {}


@pytest.mark.django_db(transaction=True)
def test_people_met_by_two_workers_at_once_are_made_once() -> None:
    start = threading.Barrier(4)
    got: list[dict[tuple[str, str], int]] = []
    faults: list[Exception] = []

    def work(place: int) -> None:
        ids = [str(number) for number in range(30)]
        start.wait()
        try:
            for part in range(0, 30, 5):
                with transaction.atomic():
                    wanted = ids[part : part + 5][:: 1 if place % 2 else -1]
                    known = resolve_identities([told(one, name=f"Person {one}") for one in wanted])
                got.append({key: identity.customer_id for key, identity in known.items()})
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    assert Identity.objects.count() == Customer.objects.count() == 30
    stored = {(one.realm, one.external_id): one.customer_id for one in Identity.objects.all()}
    assert all(stored[key] == customer for known in got for key, customer in known.items())
