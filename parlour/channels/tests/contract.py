"""What every registered channel promises, whatever its platform. See ``samples.Sample`` for what a channel brings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parlour.channels.contract import (
    Channel,
    ChannelError,
    DoorRequest,
    ErrorKind,
    Inbound,
    InboxConfig,
    Kind,
    Refused,
    Visibility,
)
from parlour.channels.tests.fuzz import spoilt
from parlour.channels.tests.platform import Platform, platform
from parlour.channels.tests.samples import Sample

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ADDRESSES = ("api_base", "callback_url", "auth_base")
VISIBILITIES: tuple[Visibility, Visibility] = ("public", "private")


def parsed(channel: Channel, body: bytes, config: InboxConfig) -> list[Inbound]:
    return list(channel.parse(body, config, RECEIVED))


def at(config: InboxConfig, base: str) -> InboxConfig:
    """``config`` with the platform's address replaced."""
    return replace(
        config, settings={**config.settings, **{name: base for name in ADDRESSES if name in config.settings}}
    )


def wired(sample: Sample, body: bytes) -> bytes:
    """A body as it comes over the wire: a sample's ``wire`` writes it where that is not JSON."""
    wire = getattr(sample, "wire", None)
    return body if wire is None else bytes(wire(body))


class ChannelContract:
    """Subclasses give the fixtures ``channel`` and ``sample``."""

    @pytest.fixture
    def server(self) -> Iterator[Platform]:
        with platform() as running:
            yield running

    @pytest.fixture(autouse=True)
    def signed_in(self, sample: Sample) -> None:
        """A sample's ``ready`` gives the channel the session it would have to ask for otherwise."""
        if (ready := getattr(sample, "ready", None)) is not None:
            ready()

    # The door

    def _door(self, channel: Channel, sample: Sample) -> None:
        """Skip where nothing is posted, after a look that nothing is taken either."""
        if not channel.capabilities.webhook:
            assert channel.capabilities.poll_seconds is not None
            self._refused(channel, sample, {}, sample.BODIES[0], "polled")
            pytest.skip(f"{channel.label} is polled.")

    def test_an_authentic_request_passes(self, channel: Channel, sample: Sample) -> None:
        self._door(channel, sample)
        for body in (wired(sample, body) for body in sample.BODIES):
            request = DoorRequest("POST", sample.sign(body), {}, body)
            channel.verify(request, sample.CONFIG)
            orjson.loads(channel.decode(request))

    def test_every_header_is_needed(self, channel: Channel, sample: Sample) -> None:
        self._door(channel, sample)
        body = wired(sample, sample.BODIES[0])
        headers = sample.sign(body)
        assert headers
        for name in headers:
            without = {other: value for other, value in headers.items() if other != name}
            self._refused(channel, sample, without, body, f"without {name}")

    def test_truncated_and_forged_signatures_are_refused(self, channel: Channel, sample: Sample) -> None:
        self._door(channel, sample)
        body = wired(sample, sample.BODIES[0])
        headers = sample.sign(body)
        for name, value in headers.items():
            middle = len(value) // 2
            other = "0" if value[middle] != "0" else "1"
            forged = value[:middle] + other + value[middle + 1 :]
            for wrong in ("", value[:-1], value[:middle], forged, "é" + value, value + value, "sha256=", "\udcff"):
                self._refused(channel, sample, {**headers, name: wrong}, body, f"{name}: {wrong!r}")

    def test_a_changed_body_is_refused(self, channel: Channel, sample: Sample) -> None:
        self._door(channel, sample)
        if not getattr(sample, "BODY_SIGNED", True):
            pytest.skip(f"{channel.label} proves who sends, not what is sent.")
        body = wired(sample, sample.BODIES[0])
        headers = sample.sign(body)
        for wrong in (b"", body[:-1], body + b" ", body.replace(b"{", b"{ ", 1)):
            if wrong != body:
                self._refused(channel, sample, headers, wrong, "changed body")

    def _refused(self, channel: Channel, sample: Sample, headers: Mapping[str, str], body: bytes, what: str) -> None:
        with pytest.raises(Refused) as caught:  # noqa: PT012
            channel.verify(DoorRequest("POST", headers, {}, body), sample.CONFIG)
            pytest.fail(f"Not refused: {what}")
        assert caught.value.status == 403, what
        assert caught.value.reason, what

    def test_what_is_no_envelope_is_refused_with_a_reason(self, channel: Channel, sample: Sample) -> None:
        payloads: list[Any] = [None, 5, "x", [], [{}], True, 1.5]
        for payload in payloads:
            with pytest.raises(Refused) as caught:
                channel.split(payload, orjson.dumps(payload), sample.CONFIG)
            assert caught.value.status == 400
            assert len(caught.value.reason) > 10

    # Splitting and parsing

    def test_each_body_splits_and_parses(self, channel: Channel, sample: Sample) -> None:
        assert sample.BODIES
        for body in sample.BODIES:
            splits = channel.split(orjson.loads(body), body, sample.CONFIG)
            assert splits, body
            for event in splits:
                assert 0 < len(event.key) <= 200
                assert event.key.isprintable()
                assert not event.key.startswith("odd:"), body
                inbounds = parsed(channel, event.body, sample.CONFIG)
                assert inbounds, body
                for inbound in inbounds:
                    self._well_formed(inbound)
                if len(inbounds) == 1:
                    assert inbounds[0].key == event.key

    def test_whole_or_split_gives_the_same(self, channel: Channel, sample: Sample) -> None:
        for body in sample.BODIES:
            splits = channel.split(orjson.loads(body), body, sample.CONFIG)
            apart = [inbound for event in splits for inbound in parsed(channel, event.body, sample.CONFIG)]
            assert parsed(channel, body, sample.CONFIG) == apart
            for event in splits:
                again = channel.split(orjson.loads(event.body), event.body, sample.CONFIG)
                assert [(one.key, one.lane) for one in again] == [(event.key, event.lane)]

    def test_parsing_is_pure(self, channel: Channel, sample: Sample) -> None:
        for body in sample.BODIES:
            assert parsed(channel, body, sample.CONFIG) == parsed(channel, body, sample.CONFIG)

    def test_keys_are_unique_and_outlive_redelivery(self, channel: Channel, sample: Sample) -> None:
        for body in sample.BODIES:
            keys = [event.key for event in channel.split(orjson.loads(body), body, sample.CONFIG)]
            assert len(set(keys)) == len(keys)
            later = [inbound.key for inbound in channel.parse(body, sample.CONFIG, RECEIVED + timedelta(hours=30))]
            assert later == [inbound.key for inbound in parsed(channel, body, sample.CONFIG)]
            assert len(set(later)) == len(later)
            rewritten = json.dumps(json.loads(body), indent=1).encode()
            assert [event.key for event in channel.split(json.loads(body), rewritten, sample.CONFIG)] == keys

    def test_our_own_echo_is_recognised(self, channel: Channel, sample: Sample) -> None:
        if sample.OUR_ECHO is None:
            pytest.skip(f"{channel.label} sends no echo of our own words.")
        (echo,) = parsed(channel, sample.OUR_ECHO, sample.CONFIG)
        assert echo.kind is Kind.ECHO
        assert echo.external_id or echo.our_reference

    @pytest.mark.timeout(60)
    def test_wrong_types_give_inbounds_or_value_errors(self, channel: Channel, sample: Sample) -> None:
        @settings(
            max_examples=60,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(spoilt(sample.BODIES) | st.builds(orjson.dumps, st.sampled_from([None, 1, "x", [], {}])))
        def check(body: bytes) -> None:
            splits, status = [], 400
            try:
                splits = channel.split(orjson.loads(body), body, sample.CONFIG)
            except Refused as refused:
                status = refused.status
            assert status == 400
            for event in splits:
                assert 0 < len(event.key) <= 200
                assert event.key.isprintable()
                inbounds: list[Inbound] = []
                with suppress(ValueError):
                    inbounds = parsed(channel, event.body, sample.CONFIG)
                for inbound in inbounds:
                    self._well_formed(inbound)

        check()

    def _well_formed(self, inbound: Inbound) -> None:
        """Whatever it holds can be stored."""
        assert 0 < len(inbound.key) <= 200
        assert inbound.at.tzinfo is not None
        assert inbound.at.year >= 1990
        assert inbound.watermark is None or inbound.watermark.tzinfo is not None
        assert len(inbound.external_id) <= 200
        assert len(inbound.reply_to) <= 200
        orjson.dumps(dict(inbound.meta))
        strings = [
            inbound.key,
            inbound.external_id,
            inbound.reply_to,
            inbound.text,
            inbound.reason,
            inbound.our_reference,
        ]
        for author in filter(None, (inbound.author, inbound.counterpart)):
            assert author.realm
            assert 0 < len(author.external_id) <= 200
            assert len(author.name) <= 120
            assert len(author.handle) <= 80
            strings += [author.external_id, author.name, author.handle, author.avatar_url, author.email]
        if inbound.thread:
            assert 0 < len(inbound.thread.external_id) <= 250
            assert len(inbound.thread.address) <= 200
            assert len(inbound.thread.url) <= 500
            strings += [inbound.thread.external_id, inbound.thread.address, inbound.thread.subject, inbound.thread.url]
        strings += [text for each in inbound.attachments for text in (each.kind, each.url, each.name, each.mime)]
        for text in strings:
            assert "\x00" not in text
            text.encode()
        if inbound.kind is Kind.MESSAGE:
            assert inbound.author
            assert inbound.thread
            assert inbound.external_id
        if inbound.kind in (Kind.IGNORED, Kind.FAILED, Kind.REVOKED):
            assert inbound.reason

    # Sending

    def test_too_long_text_is_refused_before_any_request(
        self, channel: Channel, sample: Sample, server: Platform
    ) -> None:
        limits = {visibility for visibility in VISIBILITIES if getattr(channel.capabilities, visibility)}
        assert {visibility for visibility, _ in sample.LONG} == limits
        for visibility, text in sample.LONG:
            limit = getattr(channel.capabilities, visibility)
            assert channel.length(text, visibility) > limit.length
            with pytest.raises(ChannelError) as caught:
                channel.send(at(sample.CONFIG, server.base), replace(sample.outbound(visibility), text=text))
            assert caught.value.kind is ErrorKind.TOO_LONG
            assert caught.value.permanent
        assert server.asked == []

    def _platform(self, channel: Channel, sample: Sample) -> None:
        if channel.capabilities.public is None and channel.capabilities.private is None:
            with pytest.raises(ChannelError) as caught:
                channel.send(sample.CONFIG, sample.outbound("public"))
            assert caught.value.permanent
            pytest.skip(f"{channel.label} only listens.")
        if not getattr(sample, "PLATFORM", True):
            assert channel.send(sample.CONFIG, sample.outbound(self._first(channel))).external_id
            pytest.skip(f"{channel.label} asks nobody when an answer goes out.")

    def _over_http(self, channel: Channel, sample: Sample) -> None:
        """A sample's ``HTTP`` is False where another protocol is spoken: its channel's own tests have the refusals, then."""
        if not getattr(sample, "HTTP", True):
            pytest.skip(f"{channel.label} is not spoken to over HTTP.")

    def test_refusals_map_to_kinds(self, channel: Channel, sample: Sample, server: Platform) -> None:
        self._platform(channel, sample)
        self._over_http(channel, sample)
        assert sample.ERRORS
        config = at(sample.CONFIG, server.base)
        for status, body, kind in sample.ERRORS:
            server.answers(status, body)
            with pytest.raises(ChannelError) as caught:
                channel.send(config, sample.outbound(self._first(channel)))
            assert caught.value.kind is kind, (status, body, caught.value.words)
            assert caught.value.words

    def test_a_hung_up_line_is_an_unknown_outcome(self, channel: Channel, sample: Sample, server: Platform) -> None:
        self._platform(channel, sample)
        self._over_http(channel, sample)
        server.status = 0
        with pytest.raises(ChannelError) as caught:
            channel.send(at(sample.CONFIG, server.base), sample.outbound(self._first(channel)))
        # A sample's HUNG_UP says otherwise where the platform itself knows repetitions.
        assert caught.value.kind is getattr(sample, "HUNG_UP", ErrorKind.UNKNOWN_OUTCOME)
        assert len(server.asked) == 1

    def test_an_unreachable_platform_is_transient(self, channel: Channel, sample: Sample) -> None:
        self._platform(channel, sample)
        with platform() as gone:
            base = gone.base
        with pytest.raises(ChannelError) as caught:
            channel.send(at(sample.CONFIG, base), sample.outbound(self._first(channel)))
        assert caught.value.kind is ErrorKind.TRANSIENT

    def test_no_secret_is_in_an_address_or_an_error(self, channel: Channel, sample: Sample, server: Platform) -> None:
        self._platform(channel, sample)
        self._over_http(channel, sample)
        secret_names = [setting.name for setting in channel.settings if setting.secret]
        secrets = [str(sample.CONFIG.settings.get(name, "")) for name in secret_names]
        # A sample's IN_ADDRESSES names secrets the platform itself takes nowhere but in addresses.
        in_addresses = {str(sample.CONFIG.settings.get(name, "")) for name in getattr(sample, "IN_ADDRESSES", ())}
        server.answers(400, {"error": {"message": "no"}})
        with pytest.raises(ChannelError) as caught:
            channel.send(at(sample.CONFIG, server.base), sample.outbound(self._first(channel)))
        assert server.asked
        for secret in filter(None, secrets):
            assert secret in in_addresses or all(secret not in asked.path for asked in server.asked)
            assert secret not in caught.value.words

    def _first(self, channel: Channel) -> Visibility:
        return "public" if channel.capabilities.public else "private"

    # What it says about itself

    def test_settings_are_coherent(self, channel: Channel, sample: Sample) -> None:
        names = [setting.name for setting in channel.settings]
        assert len(set(names)) == len(names)
        assert set(sample.CONFIG.settings) <= set(names)
        for setting in channel.settings:
            assert setting.label
            assert setting.name.isidentifier()
            assert not (setting.secret and setting.default)
            assert setting.check(setting.default) is None or setting.required
            value = str(sample.CONFIG.settings.get(setting.name, ""))
            if value:
                assert setting.check(value) is None, setting.name
            elif setting.required and setting.asked(sample.CONFIG.settings):
                pytest.fail(f"The sample has no {setting.name}.")
            if setting.when:
                earlier = channel.settings[: channel.settings.index(setting)]
                options = {value for one in earlier if one.name == setting.when[0] for value, _ in one.options}
                assert set(setting.when[1:]) < options, setting.name

    def test_capabilities_are_coherent(self, channel: Channel, sample: Sample) -> None:
        can = channel.capabilities
        assert channel.name == channel.name.lower()
        assert channel.label
        assert sample.CONFIG.channel == channel.name
        for limit in filter(None, (can.public, can.private)):
            assert limit.length > 0
        assert not (can.private_reply and can.public is None)
        assert can.window_hours is None or can.human_agent_hours is None or can.human_agent_hours > can.window_hours
        assert can.poll_seconds is None or can.poll_seconds > 0
        known = {"hide", "unhide", "delete", "like", "unlike", "seen", "typing"}
        assert can.acts_public <= known
        assert can.acts_private <= known
        assert not can.acts_public or can.public
        assert not can.acts_private or can.private
        assert can.parts == 1 or (can.parts > 1 and can.private)
        assert can.beside is None or (can.private and can.media_private and 0 < can.beside < can.private.length)

    def test_acts_it_cannot_do_are_refused(self, channel: Channel, sample: Sample, server: Platform) -> None:
        for act in ("hide", "unhide", "delete", "like", "unlike", "seen", "typing"):
            for visibility in VISIBILITIES:
                if act not in getattr(channel.capabilities, f"acts_{visibility}"):
                    with pytest.raises(ChannelError):
                        channel.act(at(sample.CONFIG, server.base), act, "1", visibility)
        assert server.asked == []

    def test_the_icon_is_a_small_svg(self, channel: Channel) -> None:
        root = ElementTree.fromstring(channel.icon)  # noqa: S314
        assert root.tag.rpartition("}")[2] == "svg"
        assert root.get("viewBox") == "0 0 24 24"
        assert "currentColor" in channel.icon
        assert "<script" not in channel.icon
        assert len(channel.icon) < 4000
