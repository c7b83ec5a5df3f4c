"""Tables of the documents that are made from the code: ``PARLOUR_TABLES=1 make test ARGS=tests/test_tables.py`` writes them anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import orjson

from parlour.channels import registry
from parlour.channels.contract import Channel, Inbound, InboxConfig, Kind, Limit, Refused
from parlour.channels.tests.samples import sample

ROOT = Path(__file__).resolve().parent.parent
RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BYTES = 1024 * 1024


def replaced(text: str, name: str, table: str) -> str:
    """``text`` with ``table`` between the markers of ``name``."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def channels() -> str:
    """One row a channel: what it declares."""
    rows = [
        "| channel | public answer | private answer | window | files | acts | comes in by |",
        "|---|---|---|---|---|---|---|",
    ]
    for channel in sorted(registry.CHANNELS.values(), key=lambda one: one.label.lower()):
        can = channel.capabilities
        cells = [
            f"[{channel.label}](channels/{channel.name}.md) `{channel.name}`",
            _limit(can.public) + (", one, overwritable" if can.one_answer else ""),
            _limit(can.private) + (_private_reply(channel) if can.private_reply else ""),
            _window(channel),
            _files(channel),
            ", ".join(sorted(can.acts_public | can.acts_private)),
            _ways_in(channel),
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _limit(limit: Limit | None) -> str:
    if limit is None:
        return "no"
    units = {"weighted": "weighted characters", "bytes": "bytes", "utf16": "UTF-16 units"}
    return f"{limit.length:,} {units.get(limit.unit, limit.unit)}"


def _private_reply(channel: Channel) -> str:
    days = channel.capabilities.private_reply_days
    return "; also to a public message" + (f" within {days} days" if days else "")


def _window(channel: Channel) -> str:
    can = channel.capabilities
    parts = [f"{can.window_hours} h"] if can.window_hours else []
    parts += [f"{can.human_agent_hours // 24} d by a person"] if can.human_agent_hours else []
    parts += ["then templates"] if can.templates else []
    return ", ".join(parts)


def _files(channel: Channel) -> str:
    can = channel.capabilities
    most: dict[str, int] = {}
    for kind, size in [*can.media_public.items(), *can.media_private.items()]:
        most[kind] = max(most.get(kind, 0), size)
    return ", ".join(f"{kind} {size / BYTES:.3g} MB" for kind, size in most.items())


def _ways_in(channel: Channel) -> str:
    can = channel.capabilities
    parts = ["webhook"] if can.webhook else []
    parts += ["told, then asked"] if can.waits else []
    parts += [f"asked every {can.poll_seconds} s"] if can.poll_seconds else []
    return ", ".join(parts)


def settings(channel: Channel) -> str:
    """The settings of one channel, as its page lists them."""
    rows = ["| setting | | |", "|---|---|---|"]
    for one in channel.settings:
        parts = [f"with `{one.when[0]}` {' or '.join(f'`{value}`' for value in one.when[1:])}"] if one.when else []
        parts += ["needed" if one.required and not one.default else "optional"]
        parts += ["filled in by signing in"] if channel.oauth and one.name in channel.oauth.settings else []
        parts += ["secret"] if one.secret else []
        parts += [f"of {', '.join(f'`{value}`' for value, _ in one.options)}"] if one.options else []
        default = "" if not one.default or "://" in one.default else f" Without it: `{one.default}`."
        rows.append(f"| `{one.name}` | {one.label}; {', '.join(parts)} | {_cell(one.help + default, 400)} |")
    return "\n".join(rows)


def payloads(shared: Path) -> Iterator[tuple[str, str, str]]:
    """(channel, payload, what it becomes) for every recorded inbound payload."""
    for name in sorted(registry.CHANNELS):
        module = f"parlour.channels.{name}.tests.payloads"
        if find_spec(module) is None:
            continue
        config = sample(name).CONFIG
        for title, body in import_module(module).payloads(shared / "payloads"):
            yield name, title, becomes(registry.get(name), body, config)


def becomes(channel: Channel, body: bytes, config: InboxConfig) -> str:
    """What one payload turns into, in words."""
    try:
        splits = channel.split(orjson.loads(body), body, config)
        inbounds = [inbound for one in splits for inbound in channel.parse(one.body, config, RECEIVED)]
    except Refused as refused:
        return f"refused: {refused.reason}"
    except ValueError as error:
        return f"parked: {error}"
    told = Counter(_told(inbound) for inbound in inbounds)
    return "; ".join(words if count == 1 else f"{count} × {words}" for words, count in told.items()) or "nothing"


def _told(inbound: Inbound) -> str:
    if inbound.kind is Kind.IGNORED:
        return f"ignored: {inbound.reason}"
    where = f"{inbound.thread.visibility} " if inbound.thread and inbound.kind is Kind.MESSAGE else ""
    files = Counter(one.kind for one in inbound.attachments)
    more = (
        f" with {', '.join(f'{count} {kind}' if count > 1 else kind for kind, count in files.items())}" if files else ""
    )
    return f"{where}{inbound.kind}{more}"


def payload_page(shared: Path) -> str:
    """The table of PAYLOADS.md."""
    rows = ["| channel | payload | becomes |", "|---|---|---|"]
    for name, title, told in payloads(shared):
        rows.append(f"| {name} | {_cell(title)} | {_cell(told)} |")
    return "\n".join(rows)


def _cell(text: str, most: int = 160) -> str:
    return " ".join(text.replace("|", "\\|").split())[:most]
