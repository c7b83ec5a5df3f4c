"""Lists, search and cards."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection

from parlour.cases import actions, queries
from parlour.cases.access import Invalid, get_case, get_message
from parlour.cases.models import Case, Direction, Message, MessageVersion, Status
from parlour.cases.queries import Page
from parlour.cases.tests.rows import START, Rows
from parlour.customers.models import Identity
from parlour.lib import clock
from parlour.lib.rows import insert_rows
from parlour.staff.access import Denied
from parlour.staff.models import Role, Team, Token

pytestmark = pytest.mark.django_db
NOW = START + timedelta(days=1)


@pytest.fixture(autouse=True)
def _next_day():
    with clock.frozen(NOW):
        yield


def walk(page: Callable[[str | None], Page[Any]], between: Callable[[], object] = lambda: None) -> list[int]:
    """Every id of a list, page by page; ``between`` runs after each page."""
    seen: list[int] = []
    cursor: str | None = None
    for _ in range(100):
        part = page(cursor)
        seen += [one.pk for one in part.items]
        if part.next is None:
            return seen
        cursor = part.next
        between()
    raise AssertionError("The list has no end.")


def test_the_queue_is_walked_once_on_ties_while_cases_come(rows: Rows) -> None:
    viewer = rows.agent()
    cases = [rows.case(priority=priority) for priority in (5, 50, 50, 50, 50, 7, 50, 100, 0, 0)]
    expected = [case.pk for case in sorted(cases, key=lambda case: (-case.priority, -case.pk))]
    seen = walk(lambda cursor: queries.queue(viewer, "open", cursor=cursor, limit=3), lambda: rows.case(priority=100))
    assert seen == expected


@pytest.mark.parametrize("tab", ["resolved", "noise"])
def test_calm_tabs_go_by_activity(rows: Rows, tab: str) -> None:
    viewer = rows.agent()
    values = {"status": "resolved"} if tab == "resolved" else {"actionable": False}
    times = [START + timedelta(minutes=minute, microseconds=minute) for minute in (3, 1, 1, 1, 2)]
    cases = [rows.case(updated_at=at, **values) for at in times]
    rows.case()
    expected = [case.pk for case in sorted(cases, key=lambda case: (case.updated_at, case.pk), reverse=True)]
    assert walk(lambda cursor: queries.queue(viewer, tab, cursor=cursor, limit=2)) == expected


def test_the_breaching_tab_shows_what_is_due_first(rows: Rows) -> None:
    viewer = rows.agent()
    minutes = (10, -60, 14, 14, 14, 16, 600)
    cases = {minute: rows.case(response_due_at=NOW + timedelta(minutes=minute)) for minute in (10, -60, 16, 600)}
    ties = [rows.case(response_due_at=NOW + timedelta(minutes=14)) for _ in range(minutes.count(14))]
    rows.case(response_due_at=None)
    rows.case(response_due_at=NOW, status=Status.RESOLVED)
    expected = [cases[-60].pk, cases[10].pk, *(case.pk for case in ties)]
    assert walk(lambda cursor: queries.queue(viewer, "breaching", cursor=cursor, limit=2)) == expected


def test_tabs_hold_what_they_say_and_count_it(rows: Rows) -> None:
    noor, mika = rows.agent("Noor"), rows.agent("Mika")
    mine, theirs, free = rows.case(assignee=noor), rows.case(assignee=mika), rows.case()
    noise = rows.case(actionable=False, assignee=noor)
    done = rows.case(status=Status.RESOLVED, assignee=noor)
    happy = rows.case(actionable=False, purpose="delight")
    expected = {
        "mine": {mine.pk},
        "unassigned": {free.pk},
        "breaching": set(),
        "open": {mine.pk, theirs.pk, free.pk},
        "delight": {happy.pk},
        "marketing": set(),
        "noise": {noise.pk},
        "resolved": {done.pk},
    }
    assert {tab: {case.pk for case in queries.queue(noor, tab).items} for tab in queries.TABS} == expected
    assert queries.tab_counts(noor) == {"mine": 1, "unassigned": 1, "breaching": 0, "open": 3}
    with pytest.raises(Invalid, match="no tab 'everything'"):
        queries.queue(noor, "everything")


@pytest.mark.whole
def test_tabs_are_counted_without_looking_at_a_row(rows: Rows) -> None:
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, *rest)

    with connection.execute_wrapper(note):
        queries.tab_counts(rows.agent())
    asked = [(sql, params) for sql, params in asked if "COUNT" in sql]
    assert len(asked) == len(queries.COUNTED_TABS)
    with connection.cursor() as cursor:
        for sql, params in asked:
            cursor.execute(f"EXPLAIN {sql}", params)
            steps = [(step, opened, key) for _, step, opened, _, _, key, *_ in cursor.fetchall()]
            table = {opened for step, opened, key in steps if step == "OpenRead" and not str(key).startswith("k(")}
            assert any(step.startswith("Idx") or step == "Rewind" for step, _, _ in steps), sql
            assert not [step for step, opened, _ in steps if step == "Column" and opened in table], sql


def test_a_token_has_no_cases_of_its_own(rows: Rows) -> None:
    rows.case()
    token = Token.objects.create(name="script", role=Role.AGENT, digest="d")
    assert queries.queue(token, "mine").items == []
    assert queries.tab_counts(token)["mine"] == 0


def test_a_page_of_the_queue_costs_one_question(rows: Rows, django_assert_num_queries) -> None:
    viewer = rows.agent()
    for _ in range(5):
        rows.case(assignee=viewer)
    with django_assert_num_queries(1):
        for case in queries.queue(viewer, "open").items:
            assert case.customer_name
            assert case.assignee_name == viewer.name


def test_lists_are_filtered_and_walked_once_on_ties_while_cases_change(rows: Rows) -> None:
    viewer = rows.agent()
    cases = [rows.case(category="billing") for _ in range(7)]
    rows.case(category="delivery")

    def touch() -> None:
        # A change lifts a case to the top: what is below is still walked once.
        Case.objects.filter(pk=cases[-1].pk).update(updated_at=clock.now())
        rows.case(category="billing", updated_at=NOW)

    seen = walk(lambda cursor: queries.list_cases(viewer, category="billing", cursor=cursor, limit=2), touch)
    assert seen == [case.pk for case in cases[::-1]]


def test_every_filter_of_the_list(rows: Rows) -> None:
    viewer, team = rows.agent(), Team.objects.create(name="Billing")
    one = rows.case(team=team, assignee=viewer, channel="facebook", updated_at=NOW)
    two = rows.case(status=Status.RESOLVED)
    given: list[tuple[dict[str, object], list[Case]]] = [
        ({}, [one, two]),
        ({"status": "open"}, [one]),
        ({"team": team.pk}, [one]),
        ({"team": "none"}, [two]),
        ({"assignee": viewer.pk}, [one]),
        ({"assignee": "none"}, [two]),
        ({"assignee": 2**70}, []),
        ({"channel": "facebook"}, [one]),
        ({"category": "gossip"}, []),
        ({"updated_since": NOW}, [one]),
        ({"updated_since": START}, [one, two]),
        ({"q": f"#{two.pk}"}, [two]),
        ({"q": "9" * 30}, []),
        ({"team": "none", "status": "open"}, []),
    ]
    for filters, expected in given:
        assert queries.list_cases(viewer, **filters).items == expected, filters  # type: ignore[arg-type]


def _cursor(*values: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        "é",
        "=",
        "W10",
        "\x00",
        "A" * 10_000,
        _cursor({}),
        _cursor(1),
        _cursor("a", "b"),
        _cursor(True, 1),
        _cursor(1, None),
        _cursor(1, 2**63),
        _cursor(1.5, 2),
        _cursor("2026-03-01T09:00:00", 1),
        _cursor("0001-01-01T00:00:00+14:00", 1),
        _cursor("9999-12-31T23:59:59-14:00", 1),
        base64.urlsafe_b64encode(b"[" * 5000).decode(),
    ],
)
def test_a_foreign_cursor_is_refused(rows: Rows, cursor: str) -> None:
    viewer, case = rows.agent(), rows.case()
    for ask in (
        lambda: queries.queue(viewer, "open", cursor=cursor),
        lambda: queries.queue(viewer, "breaching", cursor=cursor),
        lambda: queries.list_cases(viewer, cursor=cursor),
        lambda: queries.messages(case, cursor=cursor),
    ):
        with pytest.raises(Invalid, match="cursor"):
            ask()


def test_a_cursor_of_another_list_is_refused(rows: Rows) -> None:
    viewer = rows.agent()
    for _ in range(3):
        rows.case(response_due_at=NOW)
    cursor = queries.queue(viewer, "open", limit=1).next
    with pytest.raises(Invalid, match="cursor"):
        queries.list_cases(viewer, cursor=cursor)


def test_messages_are_walked_once_on_ties_while_they_come(rows: Rows) -> None:
    case = rows.case()
    times = [START, START, START, START + timedelta(microseconds=1), START - timedelta(days=1)]
    made = [rows.said(case, sent_at=at) for at in times]
    expected = [one.pk for one in sorted(made, key=lambda one: (one.sent_at, one.pk), reverse=True)]
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = queries.messages(case, cursor=cursor, limit=2)
        seen += [one.pk for one in page.items]
        cursor = page.next
        if cursor is None:
            break
        rows.said(case, sent_at=NOW)
    assert seen == expected


def test_a_timeline_reads_downwards_and_goes_on_upwards(rows: Rows, django_assert_max_num_queries) -> None:
    case, noor = rows.case(), rows.agent()
    made = [rows.said(case) for _ in range(5)]
    MessageVersion.objects.create(message=made[0], text="before", until=NOW)
    actions.add_note(case.pk, by=noor, text="Hm.")
    with django_assert_max_num_queries(7):
        latest = queries.timeline(case, limit=4)
        for one in latest.messages:
            assert one.direction == Direction.NOTE or (one.identity and one.thread and one.thread.identity)
            assert queries.delivery(one) is None
            assert not list(one.attachments.all())
    assert [one.pk for one in latest.messages[:3]] == [one.pk for one in made[2:]]
    assert latest.messages[3].agent == noor
    earlier = queries.timeline(case, before=latest.earlier, limit=4)
    assert [one.pk for one in earlier.messages] == [one.pk for one in made[:2]]
    assert earlier.earlier is None
    assert [version.text for version in earlier.messages[0].versions.all()] == ["before"]
    with django_assert_max_num_queries(0):
        assert earlier.messages[0].versions.all()[0].message is earlier.messages[0]


def test_the_delivery_of_an_answer_is_not_that_of_an_act_on_it(rows: Rows) -> None:
    case, noor = rows.case(), rows.agent()
    rows.said(case)
    message = actions.reply(case.pk, by=noor, text="Yes.", visibility="public")
    Message.objects.filter(pk=message.pk).update(external_id="m-ours")
    act = actions.act(message.pk, "delete", by=noor)
    shown = queries.timeline(case).messages[-1]
    found = queries.delivery(shown)
    assert found is not None
    assert found.what == "send"
    assert found.pk != act.pk


def test_the_next_case_is_the_one_below(rows: Rows) -> None:
    viewer = rows.agent()
    low, high, middle = rows.case(priority=1), rows.case(priority=9), rows.case(priority=5)
    assert queries.next_case(viewer, "open", high.pk) == middle
    actions.resolve(middle.pk, by=viewer)
    assert queries.next_case(viewer, "open", middle.pk) == low
    assert queries.next_case(viewer, "open", low.pk) == high
    actions.resolve(high.pk, by=viewer)
    assert queries.next_case(viewer, "open", low.pk) is None
    assert queries.next_case(viewer, "open", 2**70) == low
    assert queries.next_case(viewer, "breaching", low.pk) is None


def test_the_customer_s_card(rows: Rows) -> None:
    case = rows.case()
    for score in (0.5, -0.5):
        rows.said(case, sentiment_score=score)
    rows.said(case)
    before = [rows.case(customer=case.customer, status=Status.RESOLVED) for _ in range(12)]
    card = queries.customer_card(case)
    assert card.customer == case.customer
    assert [identity.name for identity in card.identities] == ["Ana"]
    assert len(card.threads) == 1
    assert card.before == before[:1:-1]
    assert [score for _, score in card.moods] == [0.5, -0.5]


def test_load_counts_what_is_queued(rows: Rows) -> None:
    noor, mika, idle = rows.agent("Noor"), rows.agent("Mika"), rows.agent("Idle")
    for _ in range(2):
        rows.case(assignee=noor)
    rows.case(assignee=mika)
    rows.case(assignee=noor, actionable=False)
    rows.case(assignee=noor, status=Status.RESOLVED)
    assert queries.open_load([noor.pk, mika.pk, idle.pk]) == {noor.pk: 2, mika.pk: 1, idle.pk: 0}
    assert queries.open_load([]) == {}


def test_objects_come_with_their_rights(rows: Rows) -> None:
    case, analyst, nobody = rows.case(), rows.agent(role=Role.ANALYST), rows.agent()
    said = rows.said(case)
    nobody.role = "unheard of"
    assert get_case(analyst, case.pk) == case
    assert get_message(analyst, said.pk) == said
    for ask in (
        lambda: get_case(nobody, case.pk),
        lambda: get_case(analyst, case.pk, "answer"),
        lambda: get_message(analyst, said.pk, "answer"),
        lambda: queries.queue(nobody, "open"),
        lambda: queries.list_cases(nobody),
    ):
        with pytest.raises(Denied):
            ask()
    for number in (2**63, -(2**70), 0):
        with pytest.raises(Case.DoesNotExist):
            get_case(analyst, number)
        with pytest.raises(Message.DoesNotExist):
            get_message(analyst, number)


# Search


@pytest.fixture
def texts(rows: Rows) -> dict[str, Case]:
    said = {
        "café": "Le café était froid, où est Zoë?",
        "order": "My order-77 of 3.50 EUR, see https://shop.example.com/track?id=9",
        "cyrillic": "Где моя посылка?",
        "hangul": "한국어 배송 문의",
        "html": "<script>alert('x')</script> a_b",
        "caps": "WHERE IS MY PARCEL",
    }
    found = {}
    for name, text in said.items():
        found[name] = rows.case()
        rows.said(found[name], text)
    return found


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("cafe", {"café"}),
        ("CAFÉ", {"café"}),
        ("cafe\u0301", {"café"}),
        ("zoe ou", {"café"}),
        ("froi", {"café"}),
        ("cafe etai", {"café"}),
        ("caf etait", set()),
        ("order 77", {"order"}),
        ("77", {"order"}),
        ("example", {"order"}),
        ("shop.example.com", {"order"}),
        ("3.50", {"order"}),
        ("посылк", {"cyrillic"}),
        ("ПОСЫЛКА", {"cyrillic"}),
        ("배송", {"hangul"}),
        ("script", {"html"}),
        ("a_b", {"html"}),
        ("parcel where", {"caps"}),
        ("parcel nowhere", set()),
        ("is", {"caps"}),
    ],
)
def test_words_are_found(rows: Rows, texts: dict[str, Case], q: str, names: set[str]) -> None:
    found = {case.pk for case in queries.list_cases(rows.agent(), q=q).items}
    assert {name for name, case in texts.items() if case.pk in found} == names
    assert len(found) == len(names)


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "*",
        "-",
        "\x00",
        "\ud800",
        "'; DROP TABLE cases_message; --",
        'cafe" OR "a',
        "cafe AND NOT",
        "NEAR(a b)",
        "text:cafe",
        "^cafe*",
        "cafe:*",
        "a & | ! ( <-> )",
        "_",
        "__ _",
        "% _",
        "(" * 500,
        "x" * 10_000,
        "x " * 5_000,
        "é" * 10_000,
        "\\",
        "#",
        "# 1",
        "²",
        "\u202e\u0301\u0301",
    ],
)
def test_hostile_words_find_nothing_strange(rows: Rows, texts: dict[str, Case], q: str) -> None:
    viewer = rows.agent()
    assert len(queries.list_cases(viewer, q=q).items) <= 1
    queries.queue(viewer, "open", q=q)
    assert Message.objects.count() == len(texts)


def test_an_endless_word_is_found_by_its_beginning(rows: Rows) -> None:
    case = rows.case()
    rows.said(case, "look: " + "x" * 1500)
    assert queries.list_cases(rows.agent(), q="x" * 1500).items == [case]


def test_the_index_follows_edits_notes_and_deletions(rows: Rows) -> None:
    case, viewer = rows.case(), rows.agent()
    said = rows.said(case, "alpha")
    Message.objects.filter(pk=said.pk).update(text="beta")
    assert queries.list_cases(viewer, q="alpha").items == []
    assert queries.list_cases(viewer, q="beta").items == [case]
    note = actions.add_note(case.pk, by=viewer, text="gamma")
    assert [one.pk for one in queries.queue(viewer, "open", q="gamma").items] == [case.pk]
    note.delete()
    assert queries.queue(viewer, "open", q="gamma").items == []
    insert_rows(Message, [Message(case=case, direction="in", visibility="public", text="delta", sent_at=START)])
    assert [one.pk for one in queries.queue(viewer, "open", q="delta").items] == [case.pk]


def test_search_is_paged_like_any_list(rows: Rows) -> None:
    viewer = rows.agent()
    cases = [rows.case() for _ in range(5)]
    for case in cases:
        rows.said(case, "the same words")
    seen = walk(lambda cursor: queries.list_cases(viewer, q="same wor", cursor=cursor, limit=2))
    assert seen == [case.pk for case in cases[::-1]]


def test_search_finds_customers_by_name_and_handle(rows: Rows) -> None:
    found, other = rows.case(), rows.case()
    for case, name, handle in ((found, "Zoë Newman", "zed_n"), (other, "Somebody Else", "other")):
        Identity.objects.create(customer=case.customer, realm="x", external_id=handle, name=name, handle=handle)
    viewer = rows.agent()
    for words in ("zoe", "Zoë New", "newman", "zed"):
        assert [case.pk for case in queries.queue(viewer, "open", q=words).items] == [found.pk], words
    Identity.objects.filter(customer=found.customer).update(name="Renamed")
    assert queries.queue(viewer, "open", q="newman").items == []
