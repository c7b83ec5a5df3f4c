"""The table of contents of policy."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from parlour.cases.tests.rows import Rows
from parlour.staff.models import Role
from parlour.web.views.policy import PARTS

pytestmark = pytest.mark.django_db


def test_team_leads_find_every_part_of_policy_and_agents_none(client: Client) -> None:
    rows = Rows()
    client.force_login(rows.agent("Lead", role=Role.LEAD))
    page = client.get("/policy").content.decode()
    for part in PARTS:
        assert f'href="{reverse(part.address)}"' in page
        assert client.get(reverse(part.address)).status_code == 200
    client.force_login(rows.agent("Agent"))
    assert client.get("/policy").status_code == 403
