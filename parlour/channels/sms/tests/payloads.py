"""The recorded webhooks of Twilio, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import orjson

from parlour.channels.contract import DoorRequest
from parlour.channels.sms.channel import channel


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and decoded body of every inbound payload in ``folder``: forms, recorded as objects."""
    here = folder / "sms_twilio" if (folder / "sms_twilio").is_dir() else folder
    for path in sorted(here.glob("*_form.json")):
        form = urlencode(orjson.loads(path.read_bytes())).encode()
        yield path.stem, channel.decode(DoorRequest("POST", {}, {}, form))


PAYLOADS: dict[str, str] = {
    "incoming_mms_form": "message, image",
    "incoming_sms_form": "message",
    "opt_out_form": "message",
}
