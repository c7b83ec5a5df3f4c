"""What a mail becomes: messages, threads, reports, and what is knowingly not kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from parlour.channels.contract import Inbound, Kind
from parlour.channels.email.envelope import Envelope, split_of
from parlour.channels.email.tests.letters import CHECKED, mail, parsed
from parlour.channels.email.tests.payloads import payloads
from parlour.channels.email.tests.sample import ARRIVED, CONFIG, FIXTURES

OURS = "parlour-p00000000000000000000000000000001@luma.example"


LISTED = replace(CONFIG, settings={**CONFIG.settings, "form_senders": "help@luma.example"})


@pytest.mark.parametrize(
    ("name", "kind", "about"),
    [
        ("first", Kind.MESSAGE, "m1@mail.example"),
        ("reply", Kind.MESSAGE, "m2@mail.example"),
        ("files", Kind.MESSAGE, "m3@mail.example"),
        ("form", Kind.MESSAGE, "f1@luma-shop.example"),
        ("absence", Kind.IGNORED, "m4@mail.example"),
        ("newsletter", Kind.IGNORED, "n1@shop.example"),
        ("bounce", Kind.FAILED, OURS),
        ("delivered", Kind.DELIVERED, OURS),
        ("delayed", Kind.IGNORED, None),
        ("read", Kind.READ, OURS),
        ("own_answer", Kind.ECHO, OURS),
        ("other_program", Kind.ECHO, "t1@laptop.luma.example"),
    ],
)
def test_what_each_kind_of_mail_becomes(name: str, kind: Kind, about: str | None) -> None:
    found = parsed(FIXTURES[name])
    assert found.kind is kind
    assert about is None or found.external_id == about


def test_every_recorded_mail_is_read(shared: Path) -> None:
    found = list(payloads(shared / "payloads" / "email"))
    assert len(found) > 40
    for name, body in found:
        inbound = parsed(body)
        assert inbound.kind in (Kind.MESSAGE, Kind.IGNORED), name
        assert inbound.text or inbound.reason or inbound.attachments, name
    replies = {
        name: parsed(body) for name, body in found if name.startswith("standard_replies") and name.endswith(".eml")
    }
    assert len(replies) > 8
    for name, reply in replies.items():
        assert reply.text == "Hello", name
        assert reply.meta["quoted"], name


# Threads


def test_what_a_mail_follows_is_told_nearest_first() -> None:
    found = mail(In_Reply_To="<c@x> <b@x>", References="<a@x>\r\n <b@x> <c@x>")
    assert found.follows == ("c@x", "b@x", "a@x")
    assert found.reply_to == "c@x"
    assert found.thread is not None
    assert found.thread.external_id.startswith("a@x ")
    begun = mail(Message_ID="<a@x>")
    assert begun.thread is not None
    assert begun.follows == ()
    assert begun.thread.external_id == found.thread.external_id
    assert mail(In_Reply_To="Your message of Monday <q@x>").follows == ("q@x",)
    assert mail(In_Reply_To="bare@x").follows == ("bare@x",)
    assert mail(In_Reply_To="<m@mail.example>", References="<m@mail.example>").follows == ()


def test_two_customers_who_answer_one_mail_have_threads_of_their_own() -> None:
    one, other = mail(References="<news@x>"), mail(References="<news@x>", From="bo@mail.example")
    assert one.thread is not None
    assert other.thread is not None
    assert one.thread.external_id != other.thread.external_id


def test_a_subject_alone_joins_only_answers_of_one_sender() -> None:
    threads = [
        mail(Subject="AW: Re: Meine Rechnung", Message_ID="<1@x>"),
        mail(Subject="Re: Meine Rechnung", Message_ID="<2@x>"),
        mail(Subject="Re: Meine Rechnung", Message_ID="<3@x>", From="bo@mail.example"),
        mail(Subject="Meine Rechnung", Message_ID="<4@x>"),
        mail(Subject="Re: Hi", Message_ID="<5@x>"),
    ]
    keys = [one.thread.external_id for one in threads if one.thread]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
    assert threads[0].thread is not None
    assert threads[0].thread.subject == "Meine Rechnung"


def test_a_tagged_address_finds_its_conversation_whatever_became_of_the_ids() -> None:
    tag = "p" + "ab" * 16
    found = mail(To=f"Luma <help+{tag}@luma.example>", In_Reply_To="<rewritten@relay.example>")
    assert found.follows == (f"parlour-{tag}@luma.example", "rewritten@relay.example")
    assert mail(To=f"someone+{tag}@other.example").follows == ()


def test_ids_that_are_missing_endless_or_used_twice() -> None:
    none = mail(Message_ID="", Date="Sun, 22 Nov 2026 10:00:00 +0000")
    assert none.external_id.startswith("none:")
    assert none.key == f"in:{none.external_id}"
    assert none.key != mail("Other words.", Message_ID="", Date="Sun, 22 Nov 2026 10:00:00 +0000").key
    assert mail(Message_ID=f"<{'x' * 900}@y>").external_id.startswith("sha256:")
    one, other = mail(copy=True, Subject="A"), mail(copy=True, Subject="B")
    assert len({one.external_id, other.external_id, mail().external_id}) == 3
    assert mail(Message_ID=f"<{OURS}>").external_id.startswith("copy:"), "nobody else may use an id of ours"


# Nobody wrote it


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied (vacation)"},
        {"Auto-Submitted": "auto-generated"},
        {"Precedence": "auto_reply"},
        {"Precedence": "bulk"},
        {"X-Autoreply": "yes"},
        {"X-Autorespond": "x"},
        {"X-AutoReply-From": "a@b.example"},
        {"Return-Path": "<>"},
        {"List-Id": "<news.shop.example>"},
        {"List-Unsubscribe": "<mailto:x@y.example>"},
        {"From": "noreply@shop.example"},
        {"From": "do-not-reply@shop.example"},
        {"From": "mailer-daemon@shop.example"},
        {"From": "help@luma.example"},
        {"From": "Sales <sales+x@luma.example>"},
        {"X-Parlour-Loop": "help@luma.example"},
        {"Subject": "Automatic reply: Hello"},
        {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique=C2=A0:_Hello?="},
        {"Subject": "Abwesenheitsnotiz"},
        {"Subject": "自動返信: Hello"},
        {"From": ""},
    ],
    ids=str,
)
def test_automatic_mails_are_ignored_with_a_reason(headers: dict[str, str]) -> None:
    found = mail(**headers)
    assert found.kind is Kind.IGNORED
    assert found.reason


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "no"},
        {"Subject": "Automatic reply is broken"},
        {"Subject": "Re: Automatic reply: Hello"},
        {"From": "replyall@shop.example"},
        {"X-Auto-Response-Suppress": "All"},
        {"List-Unsubscribe": "<mailto:x@y.example>", "In-Reply-To": f"<{OURS}>"},
        {"X-Parlour-Loop": "desk@other-brand.example"},
        {"List-Id": "Help <help.luma.example>", "Precedence": "list"},
    ],
    ids=str,
)
def test_what_a_person_may_have_written_is_kept(headers: dict[str, str]) -> None:
    assert mail(**headers).kind is Kind.MESSAGE


def test_a_mark_tells_that_no_machine_should_answer() -> None:
    assert mail(X_Auto_Response_Suppress="OOF").meta["automatic"] == "X-Auto-Response-Suppress"
    assert "automatic" not in mail().meta


def test_forms_and_groups_speak_for_somebody() -> None:
    form = parsed(FIXTURES["form"])
    assert form.author is not None
    assert (form.author.external_id, form.author.name) == ("layla@mail.example", "ليلى")
    rewritten = {
        "From": "\"'Ana Ruiz' via Help\" <help@luma.example>",
        "X-Original-From": "Ana Ruiz <ana@mail.example>",
        "List-Id": "<help.luma.example>",
        "Precedence": "list",
    }
    unproven = mail(**rewritten)
    assert (unproven.kind, "settings" in unproven.reason) == (Kind.IGNORED, True)
    assert mail(**rewritten, config=LISTED).kind is Kind.MESSAGE
    group = mail(**rewritten, Authentication_Results="mx.luma.example; dmarc=pass", config=CHECKED)
    assert group.author is not None
    assert (group.author.external_id, group.author.name) == ("ana@mail.example", "Ana Ruiz")
    assert mail(From="help@luma.example", Reply_To="x@y.example", Message_ID=f"<{OURS}>").kind is Kind.IGNORED


def test_only_the_brands_own_server_is_believed_about_a_sender() -> None:
    def told(*results: str) -> object:
        headers = "\r\n".join(f"Authentication-Results: {one}" for one in results)
        raw = f"From: a@b.example\r\n{headers}\r\n\r\nHello".encode()
        body = split_of(Envelope("inbox", raw, 1, 1, ARRIVED, 0)).body
        return parsed(body, CHECKED).meta["authentication"]

    assert told("mx.luma.example; spf=pass; dkim=pass header.d=b.example; dmarc=pass") == "pass"
    assert told("mx.luma.example 1; dmarc=fail (p=none)") == "fail"
    assert told("mx.evil.example; dmarc=pass") == "none"
    assert told("mx.other.example; dmarc=none", "mx.luma.example; dmarc=pass") == "none"
    assert told("mx.luma.example.evil.example; dmarc=pass") == "none"
    # What the server quotes of the mail is no result.
    for quoted in ('smtp.mailfrom="x; dmarc=pass "@evil.example', "(a (b; dmarc=pass) c)", "smtp.helo=dmarc=pass"):
        assert told(f"mx.luma.example; spf=pass {quoted}; dmarc=fail") == "fail"
        assert told(f"mx.luma.example; spf=pass {quoted}") == "none"
    assert told("mx.luma.example; spf=pass (dmarc=pass; dmarc=pass") == "none"
    assert told("mx.luma.example; dmarc=pass header.from=b.example") == "pass"
    assert told("mx.luma.example; dmarc=pass header.from=evil.example") == "none"
    assert told("mx.luma.example; dmarc=pass\r\nFrom: Eve <eve@evil.example>") == "none"
    assert "authentication" not in mail().meta


def test_a_forged_sender_does_not_get_the_answer() -> None:
    for config, result in ((CONFIG, "pass"), (CHECKED, "fail"), (CHECKED, "none")):
        found = mail(
            Reply_To="evil@evil.example", Authentication_Results=f"mx.luma.example; dmarc={result}", config=config
        )
        assert found.thread is not None
        assert (found.thread.address, found.meta["reply_to"]) == ("ana@mail.example", "evil@evil.example")
        assert ("unproven" in found.meta) is (result == "fail")
    # A listed form speaks for its visitors, but does not send the answer to somebody else.
    form = mail(
        From="help@luma.example", X_Original_From="ana@mail.example", Reply_To="evil@evil.example", config=LISTED
    )
    assert form.thread is not None
    assert form.thread.address == "ana@mail.example"


def test_answers_go_where_they_are_wanted_by_a_proven_sender() -> None:
    found = mail(
        Reply_To="Ana's office <office@mail.example>",
        Authentication_Results="mx.luma.example; dmarc=pass",
        config=CHECKED,
    )
    assert "reply_to" not in found.meta
    assert found.thread is not None
    assert found.author is not None
    assert (found.thread.address, found.author.external_id) == (
        "office@mail.example ana@mail.example",
        "ana@mail.example",
    )


# Reports


def report(body: str, **headers: str) -> Inbound:
    return mail(
        body, **{"From": "MAILER-DAEMON@mx.example", "Subject": "Undelivered Mail Returned to Sender", **headers}
    )


def test_bounces_without_a_standard_name_their_mail_all_the_same() -> None:
    exim = report(
        "A message that you sent could not be delivered:\n\n  ana@mail.example\n    550 5.1.1 User unknown\n\n"
        f"------ This is a copy of the message's headers. ------\n\nMessage-ID: <{OURS}>\nSubject: x\n",
        X_Failed_Recipients="ana@mail.example",
    )
    assert (exim.kind, exim.external_id) == (Kind.FAILED, OURS)
    assert "550 5.1.1 User unknown" in exim.reason
    qmail = report(
        "Hi. This is the qmail-send program. I'm afraid I wasn't able to deliver your message.\n\n<ana@mail.example>:\n"
        f"Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <{OURS}>\n",
        Subject="failure notice",
        Return_Path="<>",
    )
    assert (qmail.kind, qmail.external_id) == (Kind.FAILED, OURS)
    gmail = report("Address not found", Subject="Delivery Status Notification (Failure)", In_Reply_To=f"<{OURS}>")
    assert (gmail.kind, gmail.external_id, gmail.our_reference) == (
        Kind.FAILED,
        OURS,
        "p00000000000000000000000000000001",
    )
    assert report("Nothing to go by.").kind is Kind.IGNORED
    assert report("", Subject="Warning: message delayed 4 hours", In_Reply_To=f"<{OURS}>").kind is Kind.IGNORED
    assert mail("My parcel was returned.", Subject="Undelivered Mail").kind is Kind.MESSAGE


def test_a_bounce_keeps_the_servers_words() -> None:
    assert parsed(FIXTURES["bounce"]).reason == "It could not be delivered. ana@mail.example 550 5.1.1 No such user"


def test_calls_of_spam_are_not_messages() -> None:
    text = (
        "--f\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n--f\r\nContent-Type: message/feedback-report\r\n\r\n"
        "Feedback-Type: abuse\r\n--f--"
    )
    found = mail(
        text, From="fbl@provider.example", Content_Type="multipart/report; report-type=feedback-report; boundary=f"
    )
    assert (found.kind, found.reason) == (Kind.IGNORED, "A provider passes on that a mail was called spam.")


# The brand's own


def test_the_brands_mails_elsewhere() -> None:
    told = {"From": "help@luma.example", "To": "Ana <ana@mail.example>"}
    found = mail(folder="sent", **told)
    assert found.kind is Kind.ECHO
    assert found.counterpart is not None
    assert found.counterpart.external_id == "ana@mail.example"
    assert mail(folder="sent", From="help@luma.example", To="help@luma.example").kind is Kind.IGNORED
    assert mail(folder="sent", **told, Auto_Submitted="auto-replied").kind is Kind.IGNORED
    many = ", ".join(f"p{number}@mail.example" for number in range(30))
    assert mail(folder="sent", From="help@luma.example", To=many).kind is Kind.IGNORED
    assert parsed(FIXTURES["own_answer"]).our_reference == "p00000000000000000000000000000001"
    # A mail to oneself lies in both folders: neither hides the other.
    assert mail(folder="sent", **told).key != mail(**told).key
