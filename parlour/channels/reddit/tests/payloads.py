"""The recorded payloads of Reddit: what the poll hands over of them, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from parlour.channels.reddit.parsing import framed
from parlour.channels.reddit.reading import children
from parlour.channels.social import mapping

ME = "LumaHelp"


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every event in the recorded files, of the channel's folder or the one above, as (name, body), in the order of the files' names."""
    folder = folder / "reddit" if (folder / "reddit").is_dir() else folder
    for path in sorted(folder.glob("*.json")):
        number = 0
        for exchange in orjson.loads(path.read_bytes().replace(b"<USERNAME>", b"blackened")):
            told = exchange["response"].get("json")
            conversation = mapping(mapping(told).get("conversation"))
            for thing in children(told):
                yield f"{path.stem}#{number}", framed("thing", thing["kind"], thing["data"], ME).body
                number += 1
            for message in mapping(mapping(told).get("messages")).values():
                yield f"{path.stem}#{number}", framed("modmail", "message", message, ME, conversation=conversation).body
                number += 1


PAYLOADS: dict[str, str] = {
    "TestInbox.test_mark_read#0": "message",
    "TestInbox.test_mark_read#1": "message",
    "TestInbox.test_mark_read#2": "message",
    "TestInbox.test_mark_read#3": "message",
    "TestInbox.test_mark_read#4": "message",
    "TestInbox.test_mark_read#5": "message",
    "TestInbox.test_mark_read#6": "message",
    "TestInbox.test_mark_read#7": "message",
    "TestInbox.test_mark_read#8": "message",
    "TestInbox.test_mark_read#9": "message",
    "TestInbox.test_mark_read#10": "message",
    "TestInbox.test_mark_read#11": "message",
    "TestInbox.test_mark_read#12": "message",
    "TestInbox.test_mark_read#13": "message",
    "TestInbox.test_mark_read#14": "message",
    "TestInbox.test_mark_read#15": "message",
    "TestInbox.test_mark_read#16": "message",
    "TestInbox.test_mark_read#17": "message",
    "TestInbox.test_mark_read#18": "message",
    "TestInbox.test_mark_read#19": "message",
    "TestInbox.test_mentions#0": "message",
    "TestInbox.test_mentions#1": "message",
    "TestInbox.test_mentions#2": "message",
    "TestInbox.test_mentions#3": "message",
    "TestInbox.test_mentions#4": "message",
    "TestInbox.test_mentions#5": "message",
    "TestInbox.test_mentions#6": "message",
    "TestInbox.test_mentions#7": "message",
    "TestInbox.test_mentions#8": "message",
    "TestInbox.test_mentions#9": "message",
    "TestInbox.test_mentions#10": "message",
    "TestInbox.test_mentions#11": "message",
    "TestInbox.test_mentions#12": "message",
    "TestInbox.test_mentions#13": "message",
    "TestInbox.test_mentions#14": "message",
    "TestInbox.test_mentions#15": "message",
    "TestInbox.test_message#0": "ignored: Messages to or from moderators come by modmail.",
    "TestModmailConversation.test_reply__internal#0": "ignored: Notes of moderators among themselves are not kept.",
    "TestModmailConversation.test_reply__internal#1": "message in private",
    "TestModmailConversation.test_reply__internal#2": "ignored: Notes of moderators among themselves are not kept.",
}
