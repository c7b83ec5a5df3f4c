"""The words of a mail: what is quoted and signed is folded, HTML is made safe, and no mail keeps us busy."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from parlour.channels.email import quoting
from parlour.channels.email.envelope import Envelope, split_of
from parlour.channels.email.headers import mailboxes
from parlour.channels.email.tests.letters import CHECKED, mail, parsed
from parlour.channels.email.tests.sample import ARRIVED, FIXTURES
from parlour.lib import html_text


def test_what_is_quoted_and_signed_is_folded() -> None:
    first, reply = parsed(FIXTURES["first"]), parsed(FIXTURES["reply"])
    assert first.text.endswith("Where is it?")
    assert first.meta["signature"] == "--\nAna Ruiz\n+34 555 0100"
    assert reply.text == "Thank you, it has come!"
    assert reply.meta["quoted"].startswith("On Sun, 22 Nov 2026")
    assert (
        reply.meta["html"]
        == "<div>Thank you, it has <b>come</b>!<img></div><blockquote>It will come tomorrow.</blockquote>"
    )


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Yes.\n\nAm 22.11.2026 um 10:05 schrieb Luma:\n> Sind Sie da?", "Yes."),
        ("Oui.\n\nLe dim. 22 nov. 2026 à 10:05, Luma <help@luma.example> a\nécrit :\n\n> Êtes-vous là ?", "Oui."),
        ("Ja\n\nOp 22 nov. 2026 om 10:05 schreef Luma <help@luma.example>:\n> Bent u er?", "Ja"),
        ("Sí\n\nEl dom, 22 nov 2026 a las 10:05, Luma (<help@luma.example>) escribió:\n> ¿Está?", "Sí"),
        (
            "Yes\n\nVon: Luma <help@luma.example>\nGesendet: Sonntag, 22. November 2026 10:05\nAn: Ana\nBetreff: Re: x\n\nText",
            "Yes",
        ),
        ("Yes\n\n-----Original Message-----\nFrom: Luma\nSent: today\nTo: Ana\n\nText", "Yes"),
        ("> Are you there?\n\nYes, I am.", "Yes, I am."),
        ("> one?\nYes.\n> two?\nNo.", "Yes.\n\nNo."),
        ("> Only quoted.", "> Only quoted."),
        ("Name: Ana\nOrder: 12\nPhone: 34", "Name: Ana\nOrder: 12\nPhone: 34"),
        ("Thanks, but it is still broken.\nWhat now?", "Thanks, but it is still broken.\nWhat now?"),
        ("I want:\n- one\n- two", "I want:\n- one\n- two"),
        ("On Monday I wrote:\nnothing came.", "On Monday I wrote:\nnothing came."),
        ("Ok\n\nKind regards,\nAna Ruiz", "Ok"),
        ("Ok\n\nSent from my phone", "Ok"),
    ],
)
def test_new_words_are_told_from_old_ones(text: str, new: str) -> None:
    assert quoting.apart(text).new == new


def test_odd_charsets_and_encodings() -> None:
    def body(charset: str, raw: bytes) -> str:
        head = f"From: a@b.example\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode()
        return parsed(split_of(Envelope("inbox", head + raw, 1, 1, ARRIVED, 0)).body).text

    assert body("iso-2022-jp", "こんにちは".encode("iso-2022-jp")) == "こんにちは"
    assert body("gb2312", "您好，囍".encode("gb18030")) == "您好，囍"
    assert body("no-such-thing", "Grüße".encode()) == "Grüße"
    assert body("us-ascii", "Grüße".encode("cp1252")) == "Grüße"
    assert body("windows-1251", "Привет".encode("cp1251")) == "Привет"
    assert body("idna", b"x" * 100) == "x" * 100
    head = "From: =?iso-8859-1?q?J=F6rg?= =?utf-8?b?w6k=?= <a@b.example>\r\nSubject: Grüße\r\n\r\nx".encode("cp1252")
    found = parsed(split_of(Envelope("inbox", head, 1, 1, ARRIVED, 0)).body)
    assert found.author is not None
    assert found.thread is not None
    assert (found.author.name, found.thread.subject) == ("Jörgé", "Grüße")


def test_files_are_kept_closed() -> None:
    found = parsed(FIXTURES["files"])
    assert found.text == "Grüße, see the photo (https://shop.example/a)"
    assert found.meta["subject"] == "Foto für Sie"
    assert [(one.kind, one.name, one.size, bool(one.content)) for one in found.attachments] == [
        ("image", "Bild €.png", 8, True),
        ("file", "archive.zip", 10, True),
    ]


def test_of_a_huge_mail_the_beginning_is_read() -> None:
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nSee the film.\r\n--x\r\n"
        b'Content-Type: video/mp4; name="film.mp4"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA'
    )
    found = parsed(split_of(Envelope("inbox", raw, 1, 1, ARRIVED, 90_000_000)).body)
    assert (found.text, found.meta["cut"]) == ("See the film.", 90_000_000)
    (film,) = found.attachments
    assert (film.name, film.size, film.content) == ("film.mp4", None, b"")


def test_soft_line_ends_are_joined() -> None:
    found = mail("A long \r\nline.\r\nAnother.\r\n-- \r\nAna", Content_Type="text/plain; format=flowed")
    assert found.text == "A long line.\nAnother."


def test_time_is_the_mailboxes_own() -> None:
    found = mail(Date="Mon, 1 Jan 1990 00:00:00 +0000")
    assert found.at == datetime.fromtimestamp(ARRIVED, UTC) + timedelta(milliseconds=999)


# HTML


def test_html_is_made_safe() -> None:
    evil: dict[str, Any] = {
        "<p style='position:fixed' onclick=x>a</p>": "<p>a</p>",
        "<img src='https://track.example/1.gif' alt='Logo'>": '<img alt="Logo">',
        "<a href='javascript:x'>b</a>": '<a rel="noopener noreferrer nofollow">b</a>',
        "<style>p{}</style><script>x</script>c": "c",
        "<iframe src=//e></iframe><form><input name=q></form>d": "d",
        "<svg><a xlink:href='javascript:x'>e</a></svg>": "",
        "<base href='https://evil.example'><meta http-equiv=refresh content=0>f": "f",
    }
    for html, safe in evil.items():
        assert html_text.safe(html) == safe


def test_html_becomes_text() -> None:
    html = (
        "<head><title>t</title></head><h1>Hello</h1><p>One<br>two &lt;3</p><ul><li>a</li><li>b</li></ul>"
        "<blockquote>old<blockquote>older</blockquote></blockquote><table><tr><td>x</td><td>y</td></tr></table>"
        "<pre>  keep\n   this</pre><a href='https://shop.example/a'>shop.example/a</a>"
    )
    assert html_text.plain(html) == (
        "Hello\n\nOne\ntwo <3\n\n- a\n- b\n\n> old\n> > older\n\nx y\n\n  keep\n   this\n\nshop.example/a"
    )
    assert html_text.from_plain("a < b\nc\n\nd") == "<p>a &lt; b<br>c</p><p>d</p>"


@pytest.mark.timeout(20)
def test_endless_html_costs_little() -> None:
    for html in ("<div>" * 200_000, "<" * 300_000, "<!--" * 50_000, "<a href='" * 20_000):
        html_text.plain(html)
        html_text.safe(html)


# Mails made to keep us busy

_SIZE = 200_000


def _parts(kind: str, part: str, boundary: str = "b") -> str:
    return f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n" + part * (_SIZE // len(part))


@pytest.mark.parametrize(
    "rest",
    [
        'Content-Type: text/plain; name="' + '\\";' * 66_000 + "\r\n\r\nHello",
        "Content-Type: text/plain" + ";" * _SIZE + "\r\n\r\nHello",
        "Content-Type: text/plain" + ";\r\n a=b" * 28_000 + "\r\n\r\nHello",
        "Content-Type: text/plain" + "".join(f"; name*{n}=a" for n in range(15_000)) + "\r\n\r\nHello",
        _parts("mixed", '--b\r\nContent-Disposition: attachment; filename="' + '\\";' * 700 + "\r\n\r\nx\r\n"),
        _parts("mixed", "--b\r\n\r\nx\r\n"),
        _parts("mixed", "--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n"),
        _parts("report; report-type=delivery-status", "--b\r\nContent-Type: message/delivery-status\r\n\r\na:\r\n\r\n"),
        "Content-Type: text/rfc822-headers\r\n\r\n" + "a:b\n\n" * 40_000,
        "Content-Type: message/delivery-status\r\n\r\n" + "a:b\n\n" * 40_000,
        "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n" + "YTpiCgphOmIK" * 16_000,
        "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(250)) + "\n" * _SIZE,
        "".join(
            f"{name}: {'a' * 19_990}\r\n"
            for name in ("Cc", "To", "Sender", "Reply-To", "Return-Path", "Delivered-To", "X-Original-To", "References")
        )
        + "\r\nHello",
        "".join(
            f"{name}: {'a' * 9_000}@{'b.' * 5000}\r\n"
            for name in ("Cc", "To", "Sender", "Reply-To", "Return-Path", "Delivered-To", "X-Original-To", "References")
        )
        + "\r\nHello",
        "Subject: " + "=?a?q?a " * 25_000 + "\r\n\r\nHello",
        "Cc: " + "=?a?q?a <a@b.example>, " * 8_000 + "\r\n\r\nHello",
        "Authentication-Results: mx.luma.example" + "(" * 100_000 + ")" * 100_000 + "; dmarc=pass\r\n\r\nHello",
        "Authentication-Results: mx.luma.example" + "(" * 9_000 + ")" * 9_000 + "; dmarc=pass\r\n\r\nHello",
        "Content-Type: text/plain; format=flowed\r\n\r\n" + "a \n" * 66_000,
    ],
    ids=range(19),
)
def test_no_mail_keeps_us_busy(rest: str) -> None:
    raw = b"From: Ana <ana@mail.example>\r\nMessage-ID: <m@mail.example>\r\n" + rest.encode()
    began = time.thread_time()
    parsed(split_of(Envelope("inbox", raw, 1, 7, ARRIVED, len(raw))).body, CHECKED)
    assert time.thread_time() - began < 0.5


def test_long_names_of_files_and_addresses_are_still_read() -> None:
    pieces = "".join(f"; filename*{n}={'a' * 20}" for n in range(8))
    part = f"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment{pieces}\r\n\r\nx\r\n"
    found = mail(part, Content_Type="multipart/mixed; boundary=b")
    assert found.attachments[0].name == "a" * 160
    address = f"reply+{'A' * 90}@mail.example".lower()
    for sender in (address, f"]broken <{address}", f"a@b, {address}"):
        assert address in [one.address for one in mailboxes([sender])], sender
    assert [one.address for one in mailboxes([f"x,{'a' * 191}@b.example;;<c@d.example"])] == ["c@d.example"]
