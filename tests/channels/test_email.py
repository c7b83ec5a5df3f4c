"""E-mail against its stand-in: a real SMTP and a real IMAP server, through the real road in and out."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from threading import Timer

import pytest

from parlour.cases import actions as cases
from parlour.cases import files
from parlour.cases.models import Case, Delivery, DeliveryState, Message, Status
from parlour.channels import queries as channels
from parlour.channels import registry
from parlour.channels.contract import ChannelError, ErrorKind, Outbound
from parlour.channels.email import polling
from parlour.channels.models import Inbox
from parlour.lib import clock
from parlour.playground.faults import Fault, FixedWindow
from parlour.playground.places.email import MailStandIn
from parlour.playground.places.email.letters import opened
from parlour.traffic.models import Arrival, ArrivalState
from parlour.web.words import facts
from tests.town import Town

pytestmark = pytest.mark.whole


@pytest.fixture
def place(town: Town) -> MailStandIn:
    town.connect("email")
    found = town.place("email")
    assert isinstance(found, MailStandIn)
    return found


def texts() -> list[str]:
    return list(Message.objects.order_by("sent_at", "id").values_list("text", flat=True))


def reasons() -> list[str]:
    return list(Arrival.objects.filter(state=ArrivalState.IGNORED).order_by("id").values_list("reason", flat=True))


def test_a_conversation_goes_in_and_out(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana Ruiz")
    first = place.say(ana, "Where is my parcel?\n\nHello, it should have come on Friday.")
    town.drive()
    case, asked = Case.objects.get(), Message.objects.get()
    assert (asked.text, asked.external_id) == ("Hello, it should have come on Friday.", first)
    assert asked.thread is not None
    assert (asked.thread.subject, case.customer.name) == ("Where is my parcel?", "Ana Ruiz")
    ours = town.answer(case, "On its way, <b>really</b>.\n\nTomorrow.")
    assert town.delivery(ours).state == DeliveryState.SENT
    mail = opened(place.mailboxes[ana][0])
    assert str(mail["From"]) == "Luma Help <help@luma.example>"
    assert str(mail["Subject"]) == "Re: Where is my parcel?"
    assert (str(mail["In-Reply-To"]), str(mail["References"])) == (f"<{first}>", f"<{first}>")
    assert str(mail["Message-ID"]) == f"<{ours.external_id}>"
    html = mail.get_body(("html",))
    assert html is not None
    assert "&lt;b&gt;really&lt;/b&gt;.</p><p>Tomorrow." in html.get_content()
    assert place.sent[-1].text == "On its way, <b>really</b>.\n\nTomorrow."
    # The copy in the Sent folder is known as ours.
    assert len(place.sent_folder.mails) == 1
    town.drive()
    assert Message.objects.count() == 2
    place.say(ana, "Thank you!")
    town.drive()
    assert texts()[2:] == ["Thank you!"]
    last = Message.objects.latest("id")
    assert last.reply_to == ours.external_id
    assert "> On its way" in last.meta["quoted"]
    assert Message.objects.values("thread").distinct().count() == 1
    assert Case.objects.count() == 1
    second = town.answer(case, "You are welcome.")
    chain = str(opened(place.mailboxes[ana][1])["References"]).split()
    assert chain == [f"<{one}>" for one in (first, ours.external_id, last.external_id)]
    assert second.external_id


def test_an_answer_from_another_mail_program_counts(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    asked = place.say(ana, "Is the shop open today?")
    place.elsewhere(ana, "Yes, until six.\n\n> Is the shop open today?", answers=asked)
    town.drive()
    case = Case.objects.get()
    assert (case.waiting_since, case.messages_out) == (None, 1)
    assert texts() == ["Is the shop open today?", "Yes, until six."]
    place.say(ana, "Great, see you.")
    town.drive()
    assert Message.objects.values("thread").distinct().count() == 1


def test_what_a_provider_saves_by_itself_is_not_doubled(town: Town) -> None:
    place = town.place("email")
    assert isinstance(place, MailStandIn)
    place.saves_sent = True
    town.connect("email", save_sent="no")
    place.say(place.person("Ana"), "Hello?")
    town.drive()
    town.answer(Case.objects.get(), "Hello!")
    town.drive()
    assert len(place.sent_folder.mails) == 1
    assert texts() == ["Hello?", "Hello!"]


def test_an_absence_neither_opens_nor_reopens(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    place.absent[ana] = True
    place.say(ana, "Please send me the contract.")
    town.drive()
    case = Case.objects.get()
    town.answer(case, "Here it is.")
    cases.resolve(case.pk, by=town.agent())
    town.drive()
    case.refresh_from_db()
    assert case.status == Status.RESOLVED
    assert texts() == ["Please send me the contract.", "Here it is."]
    assert reasons() == ["An automatic mail (Auto-Submitted: auto-replied)."]


@pytest.mark.parametrize("marked", [True, False])
def test_a_loop_of_automatic_answers_stops_by_itself(town: Town, place: MailStandIn, marked: bool) -> None:
    """The desk answers every new mail automatically, and so does the customer's mailbox."""
    machine = place.person("Machine")
    place.absent[machine] = marked
    place.say(machine, "A first mail")
    inbox = channels.config(Inbox.objects.get())
    answered, refused = set[int](), list[ErrorKind]()
    for _ in range(10):
        town.drive()
        new = Message.objects.filter(direction="in").exclude(pk__in=answered)
        if not new:
            break
        for message in new:
            answered.add(message.pk)
            thread = message.thread
            assert thread is not None
            words = Outbound(
                "We have received your mail.",
                "private",
                "reply",
                thread.external_id,
                thread.address,
                message.external_id or "",
                machine,
                f"p{message.pk:032x}",
                human=False,
            )
            try:
                registry.get("email").send(inbox, words)
            except ChannelError as error:
                refused.append(error.kind)
    else:
        pytest.fail("The loop goes on.")
    assert len(place.mailboxes[machine]) <= 5
    assert refused == ([] if marked else [ErrorKind.POLICY_BLOCK])
    assert opened(place.mailboxes[machine][0])["Auto-Submitted"] == "auto-replied"


def test_a_bounce_fails_the_answer_it_is_about(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    place.say(ana, "Hello?")
    town.drive()
    place.full[ana] = "failed"
    ours = town.answer(Case.objects.get(), "Hello!")
    assert Case.objects.get().waiting_since is None
    town.drive()
    delivery = town.delivery(ours)
    assert delivery.state == DeliveryState.FAILED
    assert "550 5.2.2 Mailbox full" in delivery.error_words
    assert Case.objects.get().waiting_since is not None
    # A delay is not the end.
    place.full[ana] = "delayed"
    later = town.answer(Case.objects.get(), "Hello again!")
    town.drive()
    assert town.delivery(later).state == DeliveryState.SENT
    assert Case.objects.get().waiting_since is None
    assert Message.objects.filter(direction="in").count() == 1


def test_refusals_of_the_smtp_server(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    place.say(ana, "Hello?")
    town.drive()
    case = Case.objects.get()
    del place.mailboxes[ana]
    ours = town.answer(case, "Hello!")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.FAILED, ErrorKind.RECIPIENT_UNAVAILABLE)
    assert "does not exist" in delivery.error_words
    place.mailboxes[ana] = []
    # 4xx, then accepted.
    place.faults.add(Fault(status=451, words="4.3.0 Try again later", method="SMTP", path="RCPT"))
    ours = town.answer(case, "Once more.")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    Delivery.objects.filter(message=ours).update(due_at=clock.now())
    town.send()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert len(place.mailboxes[ana]) == 1


def test_a_line_that_breaks(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    place.say(ana, "Hello?")
    town.drive()
    case = Case.objects.get()
    place.faults.add(Fault("drop", method="SMTP", path="RCPT"))
    ours = town.answer(case, "First.")
    assert town.delivery(ours).state == DeliveryState.QUEUED
    Delivery.objects.filter(message=ours).update(due_at=clock.now())
    town.send()
    assert [opened(raw)["Message-ID"] for raw in place.mailboxes[ana]] == [
        f"<{Message.objects.get(pk=ours.pk).external_id}>"
    ]
    # After the mail was handed over, nobody knows; the provider's Sent folder tells in the end.
    place.saves_sent = True
    place.faults.add(Fault("drop_after", method="SMTP", path="DATA"))
    ours = town.answer(case, "Second.")
    assert town.delivery(ours).state == DeliveryState.UNCERTAIN
    town.drive()
    assert town.delivery(ours).state == DeliveryState.SENT
    assert len(place.mailboxes[ana]) == 2
    assert texts() == ["Hello?", "First.", "Second."]


def test_a_limit_of_the_provider(town: Town, place: MailStandIn) -> None:
    place.smtp.window = FixedWindow(1, 600)
    ana, bo = place.person("Ana"), place.person("Bo")
    place.say(ana, "Hello?")
    place.say(bo, "Hello?")
    town.drive()
    one, other = Case.objects.order_by("id")
    assert town.delivery(town.answer(one, "Hello!")).state == DeliveryState.SENT
    ours = town.answer(other, "Hello!")
    delivery = town.delivery(ours)
    assert (delivery.state, delivery.error_kind) == (DeliveryState.QUEUED, ErrorKind.RATE_LIMITED)


def test_a_password_that_is_not_taken(town: Town) -> None:
    inbox = town.connect("email", password="wrong")
    town.drive()
    inbox.refresh_from_db()
    assert inbox.health == Inbox.Health.ATTENTION
    with pytest.raises(ChannelError) as caught:
        registry.get("email").check(channels.config(inbox))
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    assert "wrong" not in caught.value.words


def test_signing_in_takes_the_place_of_a_password(town: Town) -> None:
    place = town.place("email")
    assert isinstance(place, MailStandIn)
    inbox = town.connect(
        "email",
        password="",
        access_token="spent",
        login_base=f"{town.stand.base}/api/email",
        sign_in="microsoft",
        client_id="app",
        client_secret="app-secret",
        refresh_token=place.refresh_token,
    )
    place.say(place.person("Ana"), "Hello?")
    town.drive()
    inbox.refresh_from_db()
    assert inbox.settings["access_token"] == place.imap.access_token
    town.drive()
    ours = town.answer(Case.objects.get(), "Hello!")
    assert town.delivery(ours).state == DeliveryState.SENT
    config = channels.config(inbox)
    with pytest.raises(ChannelError) as caught:
        registry.get("email").renew(replace(config, settings={**config.settings, "refresh_token": "old"}))
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED
    with pytest.raises(ChannelError) as caught:
        registry.get("email").send(
            replace(config, settings={**config.settings, "access_token": "spent"}),
            Outbound("x", "private", "reply", "", place.person("Ana"), "", "", "p1"),
        )
    assert caught.value.kind is ErrorKind.AUTH_EXPIRED


def test_of_a_huge_mail_only_the_beginning_is_fetched(
    town: Town, place: MailStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "HUGE", 50_000)
    monkeypatch.setattr(polling, "BEGINNING", 10_000)
    place.write(place.person("Ana"), "Film", "See the film.", files=(("film.mp4", "video/mp4", b"0" * 100_000),))
    town.drive()
    found = Message.objects.get()
    assert found.text == "See the film."
    assert found.meta["cut"] > 100_000
    assert [one.name for one in found.attachments.all()] == ["film.mp4"]


def test_the_test_button(town: Town, place: MailStandIn) -> None:
    place.say(place.person("Ana"), "Hello?")
    words = registry.get("email").check(channels.config(Inbox.objects.get()))
    assert words == (
        "Both servers accept the credentials. INBOX holds 1 mails; answers from other mail programs are seen in 'Sent Items'."
    )


def test_an_hour_away_then_nothing_is_missing_or_doubled(town: Town, place: MailStandIn) -> None:
    people = [place.person(f"Person {number}") for number in range(4)]
    place.say(people[0], "The first.")
    town.drive()
    for turn in range(30):
        for number, person in enumerate(people):
            place.write(person, f"Matter {number}", f"Mail {turn} of {number}.")
        place.faults.add(Fault("drop", method="IMAP", path="UID FETCH"), 1 if turn == 7 else 0)
    town.drive()
    town.drive()
    # The server was restored from a backup: every mail has another number.
    town.call(place.inbox.renumber)
    place.say(people[0], "The last.")
    town.drive()
    town.drive()
    assert Message.objects.count() == 122
    assert len(set(texts())) == 122


def test_replies_that_come_before_what_they_answer(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    raw = b"From: Ana <%s>\r\nTo: help@luma.example\r\nSubject: Late\r\nMessage-ID: <late@mail.example>\r\n\r\nThe question.\r\n"
    place.write(ana, "Re: Late", "Any news?", answers="late@mail.example")
    town.drive()
    place.deliver(raw % ana.encode())
    town.drive()
    assert sorted(texts()) == ["Any news?", "The question."]
    assert Message.objects.values("thread").distinct().count() == 1


def test_mails_with_one_id_or_none(town: Town, place: MailStandIn) -> None:
    same = b"From: %s@mail.example\r\nSubject: %s\r\nMessage-ID: <constant@form.example>\r\n\r\nWords of %s.\r\n"
    place.deliver(same % (b"ana", b"One", b"ana"))
    place.deliver(same % (b"ana", b"One", b"ana"))
    place.deliver(same % (b"bo", b"Two", b"bo"))
    place.deliver(b"From: cy@mail.example\r\nSubject: Three\r\n\r\nWords of cy.\r\n")
    place.deliver(b"From: cy@mail.example\r\nSubject: Three\r\n\r\nOther words of cy.\r\n")
    town.drive()
    assert sorted(texts()) == ["Other words of cy.", "Words of ana.", "Words of bo.", "Words of cy."]
    town.call(place.inbox.renumber)
    town.drive()
    assert Message.objects.count() == 4


def test_a_colleague_in_the_conversation_is_answered_at_their_own_address(town: Town, place: MailStandIn) -> None:
    ana, bo = place.person("Ana"), place.person("Bo")
    asked = place.say(ana, "Our contract?")
    town.drive()
    ours = town.answer(Case.objects.get(), "What about it?")
    place.write(bo, "Re: Our contract?", "I am her colleague.", answers=ours.external_id or "", chain=(asked,))
    town.drive()
    case = Case.objects.get(customer__name="Bo")
    town.answer(case, "Hello Bo.")
    assert [opened(raw)["To"] for raw in place.mailboxes[bo]] == [bo]
    assert len(place.mailboxes[ana]) == 1


def test_news_are_waited_for(town: Town, place: MailStandIn) -> None:
    channel, config = registry.get("email"), channels.config(Inbox.objects.get())
    try:
        assert channel.wait(config, 0.2)
        assert not channel.wait(config, 0.05)
        Timer(0.1, lambda: place.say(place.person("Ana"), "Hello?")).start()
        began = time.monotonic()
        assert channel.wait(config, 5)
        assert time.monotonic() - began < 2
        # What comes between two waits is told by the second.
        place.say(place.person("Ana"), "Are you there?")
        assert channel.wait(config, 0.5)
        place.imap.idles = False
        polling.hang_up()
        channel.wait(config, 0.05)
        place.say(place.person("Ana"), "Anybody?")
        assert channel.wait(config, 0.05)
    finally:
        polling.hang_up()


def test_hostile_mails_are_words_or_parked_and_nothing_else(town: Town, place: MailStandIn) -> None:
    evil = "<script>alert(1)</script>\u202egnp.exe"
    place.write(place.person("Eve"), evil, evil)
    head = b"From: =?utf-8?b?4oCuPGI+RXZlPC9iPg==?= <eve2@mail.example>\r\nMessage-ID: <%s@evil>\r\n"
    place.deliver(
        head % b"h1"
        + b"Content-Type: text/html\r\n\r\n<p onclick=x>Hi<img src=https://track.example/x onerror=y><script>z</script>"
        + b"<a href='javascript:alert(1)'>click</a><iframe src=//e></iframe><form action=//e><input></form>"
    )
    place.deliver(head % b"h2" + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 5000)
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(600))
    place.deliver(head % b"h3" + nested)
    place.deliver(head % b"h4" + b"Content-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe\x00\xe9t\xe9")
    place.deliver(b"\x00\xff" * 1000)
    place.deliver(b"")
    place.deliver(b"From: \r\n\r\nnobody")
    place.deliver(
        head % (b"i" * 5000)
        + b"Subject: "
        + b"=?utf-8?q?" * 3000
        + b"\r\nReferences: "
        + b"<a@b> " * 5000
        + b"\r\n\r\nLong."
    )
    bomb = b"UEsDBAoAAAAAAA==" * 10
    place.deliver(
        head % b"h5"
        + b'Content-Type: application/zip; name="../../etc/42.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + bomb
    )
    town.drive()
    assert Arrival.objects.filter(state=ArrivalState.NEW).count() == 0
    assert Arrival.objects.filter(state=ArrivalState.PARKED).count() == 1
    assert Message.objects.count() == 7
    shown = Message.objects.get(external_id="h1@evil")
    assert shown.text == "Hiclick"
    html = shown.meta["html"]
    for bad in ("script", "onclick", "onerror", "javascript", "src=", "iframe", "form", "track.example"):
        assert bad not in html
    assert Message.objects.get(text=evil).meta["subject"].startswith("<script>")
    assert list(Message.objects.get(external_id="h5@evil").attachments.values_list("name", flat=True)) == ["42.zip"]
    assert Case.objects.filter(customer__name__contains="\u202e").count() == 0


def test_files_come_and_go(town: Town, place: MailStandIn) -> None:
    ana = place.person("Ana")
    place.write(ana, "Photo", "See the photo.", files=(("Größe.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"0" * 200),))
    town.drive()
    (file,) = Message.objects.get().attachments.all()
    assert (file.kind, file.name, file.size) == ("image", "Größe.png", 208)
    agent = town.agent()
    sent = files.upload(agent, "Vertrag.pdf", b"%PDF-1.7 ours")
    town.answer(Case.objects.get(), "Here is the contract.", files=[sent.pk])
    (part,) = opened(place.mailboxes[ana][0]).iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("Vertrag.pdf", b"%PDF-1.7 ours")
    assert [file.name for file in place.sent[-1].files] == ["Vertrag.pdf"]
    town.drive()
    assert Message.objects.count() == 2


def test_history_before_the_connection_is_bounded(town: Town) -> None:
    place = town.place("email")
    assert isinstance(place, MailStandIn)
    ana = place.person("Ana")
    place.write(ana, "Old", "From last month.", ago=timedelta(days=30))
    place.write(ana, "New", "From this morning.")
    town.connect("email")
    town.drive()
    assert texts() == ["From this morning."]


def test_a_mail_in_a_customers_name_does_not_take_the_answer_away(town: Town) -> None:
    town.connect("email", authserv_id="mx.luma.example")
    place = town.place("email")
    assert isinstance(place, MailStandIn)
    vera = place.person("Vera")
    place.say(vera, "My order\n\nWhere is order 77?")
    town.drive()
    place.deliver(
        b"Authentication-Results: mx.luma.example; dmarc=fail\r\nFrom: Vera <%s>\r\nReply-To: evil@evil.example\r\n"
        b"Subject: My order\r\nMessage-ID: <forged@evil.example>\r\n\r\nPlease send me my invoice again."
        % vera.encode()
    )
    place.deliver(
        b"From: help@luma.example\r\nReply-To: %s\r\nMessage-ID: <form@evil.example>\r\n\r\nNo form." % vera.encode()
    )
    town.drive()
    assert "No form." not in texts()
    forged = Message.objects.get(external_id="forged@evil.example")
    assert facts(forged) == ["sender not proven", "wants answers at evil@evil.example"]
    assert forged.case is not None
    town.answer(forged.case, "Here it is.")
    assert len(place.mailboxes[vera]) == 1
    assert not place.mailboxes.get("evil@evil.example")


def test_a_hostile_header_does_not_hold_up_the_others(town: Town, place: MailStandIn) -> None:
    place.deliver(
        b'From: Eve <eve@mail.example>\r\nMessage-ID: <e@evil>\r\nContent-Type: text/plain; name="'
        + b'\\";' * 66_000
        + b"\r\n\r\nBusy?"
    )
    place.say(place.person("Ana"), "Hello?")
    began = time.thread_time()
    town.drive()
    assert time.thread_time() - began < 2
    assert sorted(texts()) == ["Busy?", "Hello?"]
