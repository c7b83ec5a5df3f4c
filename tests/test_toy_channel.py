"""A channel from outside the package, end to end: one folder, an entry point, and no change in Parlour."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from pathlib import Path

import httpx
import orjson
import pytest

from parlour.channels.tests.platform import platform
from tests.desk import Desk, eventually

pytestmark = pytest.mark.whole
TOY = Path(__file__).parent / "toy"


def test_a_channel_of_another_package_works_end_to_end(desk: Desk) -> None:
    desk.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TOY), os.environ.get("PYTHONPATH", "")]))
    desk.warm_up()
    assert "pigeon (Carrier pigeon)" in desk.cli("inbox", "channels")
    with platform() as loft, httpx.Client(base_url=desk.url, trust_env=False, timeout=20) as client:
        loft.answers(200, {"id": "letter-2"})
        told = ["--set", "ring=gold", "--set", f"loft={loft.base}"]
        inbox = orjson.loads(desk.cli("inbox", "add", "pigeon", "--brand", "Loftair", "--name", "Roof", *told))
        token = desk.cli("token", "add", "--name", "t", "--role", "agent").strip()
        desk.start()
        client.headers["authorization"] = f"Bearer {token}"

        letter = {"id": "letter-1", "from": "ada", "name": "Ada", "at": time.time(), "text": "Where is my parcel?"}
        body = orjson.dumps({"letters": [letter]})
        ring = hmac.new(b"gold", body, hashlib.sha256).hexdigest()
        assert client.post(inbox["webhook_path"], content=body, headers={"x-ring": "tin"}).status_code == 403
        for _ in range(2):
            assert client.post(inbox["webhook_path"], content=body, headers={"x-ring": ring}).status_code == 200

        case = eventually(lambda: next(iter(client.get("/api/v1/cases").json()["items"]), None))
        assert (case["channel"], case["customer"]["name"]) == ("pigeon", "Ada")
        too_long = client.post(f"/api/v1/cases/{case['id']}/replies", json={"text": "x" * 161, "visibility": "private"})
        assert too_long.status_code == 422
        answer = {"text": "It is on its way.", "visibility": "private"}
        assert client.post(f"/api/v1/cases/{case['id']}/replies", json=answer).status_code in {200, 201, 202}
        sent = eventually(lambda: loft.asked)[0]
        assert (sent.json["to"], sent.json["text"]) == ("ada", "It is on its way.")

        def messages() -> list[dict[str, object]]:
            found: list[dict[str, object]] = client.get(f"/api/v1/cases/{case['id']}/messages").json()["items"]
            return found

        eventually(lambda: any(one["external_id"] == "letter-2" for one in messages()))
        assert len(messages()) == 2
