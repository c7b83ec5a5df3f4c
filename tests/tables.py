"""Tables of the documents that are made from the code; ``PARLOUR_TABLES=1`` with the tests that use them writes them anew."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from parlour.channels import registry
from parlour.channels.contract import Channel, Limit

ROOT = Path(__file__).resolve().parent.parent
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
            _limit(can.private) + _parts(channel) + (_private_reply(channel) if can.private_reply else ""),
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


def _parts(channel: Channel) -> str:
    parts = channel.capabilities.parts
    return f", longer as up to {parts} messages" if parts > 1 else ""


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


def payloads(rows: Sequence[tuple[str, str]]) -> str:
    """What each recorded payload of a channel became."""
    return "\n".join(
        ["| payload | becomes |", "|---|---|", *(f"| {_cell(name)} | {_cell(told)} |" for name, told in rows)]
    )


def kept(path: Path, name: str, table: str) -> None:
    """Assert that the document holds the table; with ``PARLOUR_TABLES`` write it there first. Tests write side by side, so one at a time."""
    with path.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = path.read_text()
        assert f"<!-- {name} -->" in text, f"{path.name} has no place for its {name}."
        wanted = replaced(text, name, table)
        if os.environ.get("PARLOUR_TABLES") and wanted != text:
            path.write_text(wanted)
        assert path.read_text() == wanted, f"{path.name} is not what the code does; PARLOUR_TABLES=1 writes it anew."


def _cell(text: str, most: int = 160) -> str:
    return " ".join(text.replace("|", "\\|").split())[:most]
