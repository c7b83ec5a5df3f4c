"""What is shown of every channel against its stand-in: a table of tests, rendered into docs/CHANNELS.md by ``tests/test_matrix.py``.

A cell names the test in ``tests/channels/test_<channel>.py``, or says (``no(...)``) what about the platform makes it empty.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("in", "out", "error", "rate limit", "window closed", "duplicate", "reordered", "downtime", "old signature")
NO = "no: "


def no(why: str) -> str:
    return NO + why


NO_WINDOW = no("the platform closes no window")
UNTIMED = no("its signature covers no time; the same event again is a duplicate")
ASKED = no("nothing is posted: it is asked")
BAD_MAIL = "bad_mail_loses_and_doubles_nothing"
GIVEN_UP = "what_meta_gave_up_on_is_fetched"
AGAIN = "repeated_and_reordered_events_change_nothing"

MATRIX: dict[str, tuple[str, ...]] = {
    "api": (
        "a_form_comes_in_and_the_answer_goes_out",
        "a_form_comes_in_and_the_answer_goes_out",
        "refusals",
        "refusals",
        no("the brand's own system closes none"),
        "duplicates_and_reordering_make_one_message_each",
        "duplicates_and_reordering_make_one_message_each",
        "after_an_hour_of_silence_what_was_repeated_comes_in_once",
        "forged_old_and_odd_requests_are_refused",
    ),
    "bluesky": (
        "in_public_and_out",
        "chats_both_ways",
        "who_takes_no_messages_cannot_be_reached",
        "limits_and_expired_sessions",
        NO_WINDOW,
        AGAIN,
        AGAIN,
        "an_hour_of_downtime_is_filled",
        ASKED,
    ),
    "chat": (
        "words_come_in_and_answers_are_read",
        "words_come_in_and_answers_are_read",
        no("an answer is stored where the widget reads it: nobody is asked who could refuse"),
        "test_chat_guard:floods_are_refused_and_others_are_heard",
        no("it is our own: an answer is read whenever the visitor comes back"),
        "the_same_words_twice_are_kept_once",
        "twice_and_out_of_order",
        "an_hour_without_the_desk_loses_nothing",
        "test_chat_guard:forged_and_foreign_tokens_open_nothing",
    ),
    "discourse": (
        "a_topic_is_answered_in_public",
        "public_words_are_answered_in_private_and_go_on_there",
        "what_the_forum_does_not_take",
        "a_rate_limit_waits_and_a_lost_answer_is_found_by_its_echo",
        "a_deleted_topic_a_closed_one_and_somebody_who_takes_no_messages",
        "twice_and_out_of_order",
        "twice_and_out_of_order",
        "an_hour_without_a_door_is_made_up_for",
        UNTIMED,
    ),
    "email": (
        "a_conversation_goes_in_and_out",
        "a_conversation_goes_in_and_out",
        "refusals_of_the_smtp_server",
        "a_limit_of_the_provider",
        NO_WINDOW,
        "mails_with_one_id_or_none",
        "replies_that_come_before_what_they_answer",
        "an_hour_away_then_nothing_is_missing_or_doubled",
        ASKED,
    ),
    "facebook": (
        "a_comment_is_answered_edited_and_taken_back",
        "a_comment_is_answered_edited_and_taken_back",
        "refusals",
        "refusals",
        "the_one_private_reply",
        BAD_MAIL,
        BAD_MAIL,
        GIVEN_UP,
        UNTIMED,
    ),
    "feed": (
        "what_is_published_comes_in_once",
        no("nothing can be answered"),
        "what_is_no_feed_is_told",
        "an_hour_without_the_feed_is_made_up_for",
        no("nothing can be answered"),
        "what_is_published_comes_in_once",
        "entries_in_any_order_come_in_once",
        "an_hour_without_the_feed_is_made_up_for",
        ASKED,
    ),
    "instagram": (
        "a_direct_message_in_and_out",
        "comments_in_both_shapes_answers_and_moderation",
        "refusals_and_the_rate",
        "refusals_and_the_rate",
        "the_windows",
        BAD_MAIL,
        BAD_MAIL,
        GIVEN_UP,
        UNTIMED,
    ),
    "mastodon": (
        "in_public_and_out",
        "a_private_answer_to_public_words_and_back",
        "refusals",
        "a_rate_limit_waits_for_its_end",
        NO_WINDOW,
        AGAIN,
        AGAIN,
        "an_hour_of_downtime_is_filled",
        ASKED,
    ),
    "messenger": (
        "words_in_an_answer_out_and_its_receipts",
        "words_in_an_answer_out_and_its_receipts",
        "refusals_are_told_in_the_platforms_words",
        "refusals_are_told_in_the_platforms_words",
        "the_windows",
        BAD_MAIL,
        BAD_MAIL,
        GIVEN_UP,
        UNTIMED,
    ),
    "reddit": (
        "in_public_and_out",
        "modmail_both_ways",
        "errors_inside_200_and_limits",
        "errors_inside_200_and_limits",
        no("the platform closes no window; what is locked or archived is an error"),
        AGAIN,
        AGAIN,
        "an_hour_of_downtime_is_filled",
        ASKED,
    ),
    "reviews": (
        "a_review_is_answered_and_the_answer_replaced",
        "a_review_is_answered_and_the_answer_replaced",
        "an_answer_google_holds_back_has_failed",
        "limits_and_refused_tokens",
        NO_WINDOW,
        "repeated_and_reordered_lists_change_nothing",
        "repeated_and_reordered_lists_change_nothing",
        "a_month_of_reviews_and_an_hour_without_the_desk",
        ASKED,
    ),
    "sms": (
        "in_out_and_delivered",
        "in_out_and_delivered",
        "refusals_and_rate_limits",
        "refusals_and_rate_limits",
        no("the network closes none; who has said STOP is not written to"),
        "duplicates_and_reordering_lose_and_double_nothing",
        "duplicates_and_reordering_lose_and_double_nothing",
        "an_hour_without_the_desk_is_read_from_the_list",
        UNTIMED,
    ),
    "telegram": (
        "private_words_are_answered",
        "words_in_the_group_are_answered_there_then_in_private",
        "a_blocked_bot_and_a_long_answer",
        "a_rate_limit_waits_and_a_lost_answer_is_uncertain",
        no("the platform closes none; a person must have begun, and may block the bot"),
        "twice_and_out_of_order",
        "twice_and_out_of_order",
        "an_hour_without_a_door_is_made_up_for",
        no("it sends a secret, and signs nothing"),
    ),
    "whatsapp": (
        "in_out_delivered_and_read",
        "in_out_delivered_and_read",
        "refusals_and_rate_limits",
        "refusals_and_rate_limits",
        "after_24_hours_only_a_template_goes_out",
        "duplicates_and_reordering_lose_and_double_nothing",
        "duplicates_and_reordering_lose_and_double_nothing",
        "an_hour_without_the_desk_is_delivered_afterwards",
        UNTIMED,
    ),
    "x": (
        "a_mention_is_answered_in_public",
        "a_message_is_answered_and_read",
        "refusals_keep_the_words",
        "a_limit_puts_the_answer_off_and_nothing_is_sent_twice",
        NO_WINDOW,
        "twice_delivered_and_out_of_order",
        "twice_delivered_and_out_of_order",
        "what_was_missed_is_asked_for",
        UNTIMED,
    ),
}


def missing() -> list[str]:
    """Cells that name no test there is, in words."""
    wrong: list[str] = []
    for channel, cells in MATRIX.items():
        if len(cells) != len(COLUMNS):
            wrong.append(f"{channel} has {len(cells)} cells, not {len(COLUMNS)}.")
        for column, cell in zip(COLUMNS, cells, strict=False):
            if not cell.startswith(NO) and _named(channel, cell) not in _tests(_file(channel, cell)):
                wrong.append(
                    f"{channel}, {column}: there is no test {_named(channel, cell)} in {_file(channel, cell)}."
                )
    return wrong


def _file(channel: str, cell: str) -> str:
    return cell.partition(":")[0] if ":" in cell else f"test_{channel}"


def _named(channel: str, cell: str) -> str:
    return "test_" + cell.removeprefix(_file(channel, cell) + ":")


@cache
def _tests(name: str) -> set[str]:
    """The tests of a file that are run: of those with a mark that skips, none."""
    path = ROOT / "tests" / "channels" / f"{name}.py"
    functions = [one for one in ast.parse(path.read_text()).body if isinstance(one, ast.FunctionDef)]
    return {one.name for one in functions if not any("skip" in ast.unparse(mark) for mark in one.decorator_list)}


def table() -> str:
    """A row a channel, which leads to its tests; a cell is a tick, or a number of the notes below."""
    notes: list[str] = []
    rows = ["| channel | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for channel, cells in sorted(MATRIX.items()):
        shown = [f"[`{channel}`](../tests/channels/test_{channel}.py)"]
        for cell in cells:
            if cell.startswith(NO):
                why = cell.removeprefix(NO)
                if why not in notes:
                    notes.append(why)
                shown.append(f"– ({notes.index(why) + 1})")
            else:
                shown.append("✓")
        rows.append("| " + " | ".join(shown) + " |")
    told = [f"{number}. {why[0].upper()}{why[1:]}." for number, why in enumerate(notes, 1)]
    return "\n".join([*rows, "", *told])
