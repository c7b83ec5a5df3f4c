"""The OpenAPI document and the page made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

ENDPOINTS = {
    ("get", "/api/v1/inboxes"),
    ("get", "/api/v1/agents"),
    ("get", "/api/v1/teams"),
    ("patch", "/api/v1/agents/{agent_id}"),
    ("patch", "/api/v1/teams/{team_id}"),
    ("get", "/api/v1/me"),
    ("get", "/api/v1/service-levels"),
    ("get", "/api/v1/moderation/lists"),
    ("post", "/api/v1/moderation/lists"),
    ("put", "/api/v1/moderation/lists/{list_id}"),
    ("post", "/api/v1/moderation/try"),
    ("get", "/api/v1/moderation/report"),
    ("post", "/api/v1/messages/{message_id}/uncover"),
    ("get", "/api/v1/rules"),
    ("post", "/api/v1/rules"),
    ("get", "/api/v1/rules/export"),
    ("post", "/api/v1/rules/import"),
    ("post", "/api/v1/rules/undo"),
    ("post", "/api/v1/rules/try"),
    ("get", "/api/v1/rules/{rule_id}"),
    ("put", "/api/v1/rules/{rule_id}"),
    ("delete", "/api/v1/rules/{rule_id}"),
    ("get", "/api/v1/cases"),
    ("get", "/api/v1/cases/{case_id}"),
    ("patch", "/api/v1/cases/{case_id}"),
    ("get", "/api/v1/cases/{case_id}/messages"),
    ("get", "/api/v1/cases/{case_id}/events"),
    ("post", "/api/v1/cases/{case_id}/replies"),
    ("get", "/api/v1/cases/{case_id}/templates"),
    ("post", "/api/v1/cases/{case_id}/template"),
    ("post", "/api/v1/cases/{case_id}/notes"),
    ("get", "/api/v1/incidents"),
    ("post", "/api/v1/incidents"),
    ("put", "/api/v1/incidents/{incident_id}/status"),
    ("post", "/api/v1/incidents/{incident_id}/cases"),
    ("delete", "/api/v1/incidents/{incident_id}/cases/{case_id}"),
    ("post", "/api/v1/cases/{case_id}/escalations"),
    ("get", "/api/v1/cases/{case_id}/escalations"),
    ("post", "/api/v1/escalations/{escalation_id}/updates"),
    ("post", "/api/v1/files"),
    ("get", "/api/v1/files/{file_id}"),
    ("get", "/api/v1/brands/{brand_id}/categories"),
    ("post", "/api/v1/brands/{brand_id}/categories"),
    ("patch", "/api/v1/brands/{brand_id}/categories/{slug}"),
    ("get", "/api/v1/corrections"),
    ("get", "/api/v1/corrections/export"),
    ("delete", "/api/v1/corrections/{correction_id}"),
    ("post", "/api/v1/messages/{message_id}/corrections"),
}


@pytest.fixture
def document(client: Client) -> Any:
    response = client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    return response.json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_names_every_endpoint_and_no_other(document):
    assert {(method, path) for method, path, _ in operations(document)} == ENDPOINTS


def test_is_whole(document):
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Parlour"
    seen = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(seen) == len(set(seen))
    for reference in references(document):
        where = document
        for part in reference.removeprefix("#/").split("/"):
            where = where[part]
    for _, path, operation in operations(document):
        declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert all(one["required"] for one in operation["parameters"] if one["in"] == "path")
        assert any(status.startswith("2") for status in operation["responses"])
        assert all(one["description"] for one in operation["responses"].values())


def test_says_how_to_sign_in_and_what_goes_wrong(document):
    (name, scheme), *others = document["components"]["securitySchemes"].items()
    assert not others
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for method, path, operation in operations(document):
        assert operation["security"] == [{name: []}]
        assert {"401", "403", "422", "500"} <= operation["responses"].keys()
        assert ("404" in operation["responses"]) == ("{" in path)
        assert ("409" in operation["responses"]) == (method != "get")
        problem = operation["responses"]["401"]["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}


def test_names_filters_and_the_idempotency_key(document):
    listing = document["paths"]["/api/v1/cases"]["get"]["parameters"]
    assert {one["name"] for one in listing} == {
        *("status", "team", "assignee", "category", "channel", "updated_since", "q", "cursor", "limit")
    }
    replying = document["paths"]["/api/v1/cases/{case_id}/replies"]["post"]["parameters"]
    assert [(one["name"], one["required"]) for one in replying if one["in"] == "header"] == [("Idempotency-Key", False)]


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                assert value not in self.ids
                self.ids.add(str(value))
            if name in {"href", "src"}:
                self.links.append(str(value))
            if name == "style" or name.startswith("on"):
                self.inline.append(name)


def test_page_shows_every_call_without_script_or_strangers(client, document):
    response = client.get("/api/v1/docs")
    assert response.status_code == 200
    text = response.content.decode()
    page = Page(text)
    assert not {"script", "style", "iframe"} & set(page.tags)
    assert not page.inline
    for link in page.links:
        assert link.removeprefix("#") in page.ids if link.startswith("#") else link.startswith("/api/v1/")
        if not link.startswith("#"):
            assert client.get(link).status_code == 200
    for method, path, operation in operations(document):
        assert operation["operationId"] in page.ids
        assert path in text
        assert method.upper() in text
    assert "http://" not in text.replace("http://testserver", "")
    assert "https://" not in text


def test_style_sheet(client):
    response = client.get("/api/v1/docs.css")
    assert response.headers["Content-Type"] == "text/css"
    assert b"http" not in response.content


def test_root_leads_to_the_page(client):
    assert client.get("/api/v1/").headers["Location"] == "/api/v1/docs"
