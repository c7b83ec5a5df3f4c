"""Talking to mail servers that refuse, hang up, or are not what they should be."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from parlour.channels.contract import ChannelError, ErrorKind, File, InboxConfig
from parlour.channels.email import composing, sending, servers
from parlour.channels.email.channel import channel
from parlour.channels.email.tests.sample import CONFIG, outbound


def opened(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def told(**settings: str) -> InboxConfig:
    return replace(CONFIG, settings={**CONFIG.settings, "save_sent": "no", **settings})


@contextmanager
def smtp(answers: dict[str, str], tls: ssl.SSLContext | None = None) -> Iterator[InboxConfig]:
    """A server that answers each command as told, ``250 OK`` else; an empty answer hangs up. ``.`` is the end of the mail."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        if tls is not None:
            try:
                connection = tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        with connection, connection.makefile("rb") as lines:
            connection.sendall(answers.get("hello", "220 Hi").encode() + b"\r\n")
            in_mail = False
            for line in lines:
                said = line.strip().decode("latin-1")
                if in_mail and said != ".":
                    continue
                verb = "." if in_mail else said.split(":")[0].split(" ")[0].upper()
                answer = answers.get(verb, "354 Go on" if verb == "DATA" else "250 OK")
                if not answer:
                    return
                in_mail = verb == "DATA" and answer.startswith("354")
                connection.sendall(answer.encode() + b"\r\n")

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield told(smtp_port=str(listener.getsockname()[1]))
    finally:
        listener.close()
        thread.join(5)


AUTH = {"EHLO": "250-x\r\n250 AUTH PLAIN"}


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"hello": "421 4.3.2 Not now"}, ErrorKind.TRANSIENT),
        ({"hello": "554 No SMTP service here"}, ErrorKind.POLICY_BLOCK),
        ({**AUTH, "AUTH": "535 5.7.8 Username and Password not accepted"}, ErrorKind.AUTH_EXPIRED),
        ({**AUTH, "AUTH": "454 4.7.0 Temporary authentication failure"}, ErrorKind.TRANSIENT),
        ({"MAIL": "530 5.7.0 Authentication Required"}, ErrorKind.AUTH_EXPIRED),
        ({"MAIL": "553 5.7.1 Sender address rejected: not owned by user"}, ErrorKind.POLICY_BLOCK),
        ({"MAIL": "552 5.3.4 Message size exceeds fixed limit"}, ErrorKind.TOO_LONG),
        ({"MAIL": "451 4.7.1 Greylisted, come back later"}, ErrorKind.TRANSIENT),
        ({"MAIL": "421 4.7.28 Our system has detected an unusual rate of mail"}, ErrorKind.RATE_LIMITED),
        ({"RCPT": "550 5.1.1 User unknown"}, ErrorKind.RECIPIENT_UNAVAILABLE),
        ({"RCPT": "550 No such user here"}, ErrorKind.RECIPIENT_UNAVAILABLE),
        ({"RCPT": "552 5.2.2 Mailbox full"}, ErrorKind.RECIPIENT_UNAVAILABLE),
        ({"RCPT": "550 5.7.1 Blocked by policy"}, ErrorKind.POLICY_BLOCK),
        ({"RCPT": "452 4.2.2 Over quota"}, ErrorKind.RATE_LIMITED),
        ({"RCPT": ""}, ErrorKind.TRANSIENT),
        ({"DATA": "451 4.3.0 Try again"}, ErrorKind.TRANSIENT),
        ({"DATA": ""}, ErrorKind.TRANSIENT),
        ({".": "554 5.7.1 Message rejected as spam"}, ErrorKind.POLICY_BLOCK),
        ({".": "451 4.3.0 Try again"}, ErrorKind.TRANSIENT),
        ({".": "552 5.3.4 Message too large"}, ErrorKind.TOO_LONG),
        ({".": ""}, ErrorKind.UNKNOWN_OUTCOME),
        ({"EHLO": "250-x\r\n250 OK", "STARTTLS": "502 No"}, None),
    ],
    ids=str,
)
def test_refusals_map_to_kinds(answers: dict[str, str], kind: ErrorKind | None) -> None:
    with smtp(answers) as config:
        if kind is None:
            assert channel.send(config, outbound("private")).external_id == f"parlour-p{'0' * 32}@luma.example"
            return
        with pytest.raises(ChannelError) as caught:
            channel.send(config, outbound("private"))
    assert caught.value.kind is kind, caught.value.words
    assert "password-of-the-sample" not in caught.value.words


def test_a_server_that_repeats_the_password_is_not_believed_to_be_discreet() -> None:
    with (
        smtp({**AUTH, "AUTH": "535 5.7.8 Wrong: password-of-the-sample"}) as config,
        pytest.raises(ChannelError) as caught,
    ):
        channel.send(config, outbound("private"))
    assert "password-of-the-sample" not in caught.value.words


def test_a_server_without_tls_is_refused_before_the_password() -> None:
    with smtp(AUTH) as config, pytest.raises(ChannelError) as caught:
        channel.send(replace(config, settings={**config.settings, "smtp_security": "starttls"}), outbound("private"))
    assert caught.value.kind is ErrorKind.INVALID


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


def test_certificates_are_checked(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    with smtp(AUTH, tls) as config, pytest.raises(ChannelError) as caught:
        channel.send(replace(config, settings={**config.settings, "smtp_security": "ssl"}), outbound("private"))
    assert caught.value.kind is ErrorKind.INVALID
    assert "certificate is not valid" in caught.value.words
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with smtp({**AUTH, "AUTH": "235 Welcome"}, tls) as config:
        channel.send(replace(config, settings={**config.settings, "smtp_security": "ssl"}), outbound("private"))


@pytest.mark.parametrize("name", ["imap", "smtp"])
def test_plain_text_goes_to_this_machine_only(name: str) -> None:
    config = told(**{f"{name}_host": "mail.example", f"{name}_security": "none"})
    with pytest.raises(ChannelError) as caught:
        servers.open_imap(config) if name == "imap" else servers.open_smtp(config)
    assert caught.value.kind is ErrorKind.INVALID
    assert "TLS" in caught.value.words
    assert servers.is_local("localhost")
    assert servers.is_local("[::1]")
    assert not servers.is_local("localhost.example")


def test_a_server_that_is_not_there_is_transient() -> None:
    with pytest.raises(ChannelError) as caught:
        channel.poll(told(imap_port="1"), {})
    assert caught.value.kind is ErrorKind.TRANSIENT


def test_whom_an_answer_goes_to() -> None:
    usual = outbound("private")
    assert composing.recipient(usual) == "ana@mail.example"
    assert composing.recipient(replace(usual, address="office@mail.example ana@mail.example")) == "office@mail.example"
    assert composing.recipient(replace(usual, author="bo@mail.example")) == "bo@mail.example"
    assert composing.recipient(replace(usual, author="24500012345")) == "ana@mail.example"
    with pytest.raises(ChannelError):
        composing.recipient(replace(usual, author="", address="24500012345"))


def test_how_an_answer_is_written() -> None:
    said = replace(
        outbound("private"),
        text="Grüße\n.\nfrom us",
        subject="AW: Re: Paket für Ana\r\nBcc: evil@mail.example",
        references=("none:abc", *(f"m{number}@mail.example" for number in range(40)), "parlour-p1@luma.example"),
        target="m39@mail.example",
        attachments=(
            File("Rechnung „Mai“.pdf", "application/pdf", 3, lambda: b"%PDF"),
            File("../a\r\nb", "odd", 1, lambda: b"x"),
        ),
    )
    raw = composing.compose(told(plus_address="yes"), said).content
    mail = opened(raw)
    assert mail["Subject"] == "Re: Paket für Ana Bcc: evil@mail.example"
    assert mail["Bcc"] is None
    chain = str(mail["References"]).split()
    assert len(chain) == 20
    assert (chain[0], chain[-1]) == ("<m0@mail.example>", "<m39@mail.example>")
    assert str(mail["In-Reply-To"]) == "<m39@mail.example>"
    assert str(mail["Reply-To"]) == f"help+p{'0' * 32}@luma.example"
    assert mail["Auto-Submitted"] is None
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == "Grüße\n.\nfrom us"
    assert [(one.get_filename(), one.get_content_type()) for one in mail.iter_attachments()] == [
        ("Rechnung „Mai“.pdf", "application/pdf"),
        ("..-a b", "application/octet-stream"),
    ]
    assert all(len(line) < 999 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_too_many_files_are_refused_before_anything_is_sent() -> None:
    large = File("film.mp4", "video/mp4", 1, lambda: b"x" * 20_000_000)
    with pytest.raises(ChannelError) as caught:
        channel.send(told(), replace(outbound("private"), attachments=(large,)))
    assert caught.value.kind is ErrorKind.TOO_LONG


def test_an_automatic_answer_says_so_and_ends() -> None:
    said = replace(outbound("private"), human=False)
    mail = opened(composing.compose(told(), said).content)
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    earlier = tuple(f"parlour-auto-p{number}@luma.example" for number in range(3))
    with pytest.raises(ChannelError) as caught:
        sending.send(told(), replace(said, references=earlier))
    assert caught.value.kind is ErrorKind.POLICY_BLOCK


def test_settings_are_checked_in_words() -> None:
    checks = {setting.name: setting.check for setting in channel.settings}
    wrong = {
        "address": "help",
        "aliases": "a@b.example, nonsense",
        "imap_host": "https://imap.example/",
        "smtp_port": "0",
        "history_days": "-1",
    }
    for name, value in wrong.items():
        assert checks[name](value), name
    assert checks["aliases"]("a@b.example; c@d.example") is None
