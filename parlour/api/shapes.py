"""Rows as the plain values the API sends (see ``schemas``). They read only what the queries have already fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from parlour.cases.files import media
from parlour.cases.models import Attachment, Case, Delivery, FileState, Message
from parlour.cases.queries import delivery
from parlour.channels import registry
from parlour.channels.contract import Capabilities, Limit
from parlour.channels.models import Inbox
from parlour.policy.moderation.queries import covered
from parlour.policy.routing.changes import TEAM_FIELDS
from parlour.spine.models import Event
from parlour.staff.access import RIGHTS
from parlour.staff.models import Agent, Team, Token


def _named(row: Any) -> dict[str, Any]:
    return {"id": row.pk, "name": str(row)}


def case_shape(case: Case, clocks: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {
        "id": case.pk,
        "brand": _named(case.brand),
        "customer": _named(case.customer),
        "status": case.status,
        "channel": case.channel,
        "visibility": case.visibility,
        "category": case.category,
        "intent": case.intent or None,
        "purpose": case.purpose,
        "tags": case.tags,
        "level": case.level,
        "priority": case.priority,
        "priority_reasons": [{"points": points, "words": words} for points, words in case.priority_reasons],
        "team": _named(case.team) if case.team else None,
        "assignee": _named(case.assignee) if case.assignee else None,
        "routing_reason": case.routing_reason,
        "sentiment": case.sentiment or None,
        "sentiment_first": case.sentiment_first or None,
        "sentiment_lowest": case.sentiment_lowest or None,
        "language": case.language or None,
        "urgency": case.urgency,
        "actionable": case.actionable,
        "snippet": covered(case.snippet, case.brand_id, case.language),
        "opened_at": case.opened_at,
        "updated_at": case.updated_at,
        "waiting_since": case.waiting_since,
        "first_response_at": case.first_response_at,
        "response_due_at": case.response_due_at,
        "due_what": case.due_what,
        "breached_at": case.breached_at,
        "clocks": list(clocks),
        "resolved_at": case.resolved_at,
        "reopened": case.reopened,
        "messages_in": case.messages_in,
        "messages_out": case.messages_out,
    }


def message_shape(message: Message) -> dict[str, Any]:
    return {
        "id": message.pk,
        "case_id": message.case_id,
        "thread_id": message.thread_id,
        "channel": message.channel or None,
        "visibility": message.visibility,
        "direction": message.direction,
        "author": _author(message),
        "text": message.text,
        "sent_at": message.sent_at,
        "external_id": message.external_id,
        "reply_to": message.reply_to or None,
        "delivery": _delivery(delivery(message)),
        "language": message.language or None,
        "sentiment": message.sentiment or None,
        "category": message.category or None,
        "intent": message.intent or None,
        "urgency": message.urgency,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
        "hidden": message.hidden,
        "attachments": [attachment_shape(one) for one in message.attachments.all()],
        "meta": message.meta,
    }


def attachment_shape(one: Attachment) -> dict[str, Any]:
    return {
        "id": one.pk,
        "kind": one.kind,
        "state": one.state,
        "url": f"/api/v1/files/{one.pk}" if one.state == FileState.FETCHED else one.url,
        "name": one.name,
        "mime": one.mime,
        "size": one.size,
        "error": one.error or None,
    }


def _author(message: Message) -> dict[str, Any]:
    identity, agent = message.identity, message.agent
    return {
        "name": str(agent) if agent else str(identity) if identity else None,
        "external_id": identity.external_id if identity else None,
        "agent_id": message.agent_id,
    }


def _delivery(sending: Delivery | None) -> dict[str, Any] | None:
    if sending is None:
        return None
    return {"state": sending.state, "error": sending.error_words or sending.error_kind or None}


def event_shape(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "at": event.at,
        "verb": event.verb,
        "actor": event.actor,
        "message_id": event.message_id,
        "reason": event.data.get("reason") or None,
        "data": event.data,
    }


def inbox_shape(inbox: Inbox, *, whole: bool) -> dict[str, Any]:
    """``whole`` tells how the inbox is reached and what ails it as well."""
    channel = registry.CHANNELS.get(inbox.channel)
    return {
        "id": inbox.pk,
        "brand": _named(inbox.brand),
        "channel": inbox.channel,
        "name": inbox.name,
        "webhook_path": inbox.webhook_path if whole else "",
        "health": inbox.health,
        "health_note": inbox.health_note if whole else "",
        "capabilities": _capabilities(channel.capabilities) if channel else None,
    }


def _limit(limit: Limit | None) -> dict[str, Any] | None:
    return {"length": limit.length, "unit": limit.unit} if limit else None


def _capabilities(can: Capabilities) -> dict[str, Any]:
    return {
        "public": _limit(can.public),
        "private": _limit(can.private),
        "private_reply": can.private_reply,
        "window_hours": can.window_hours,
        "acts_public": sorted(can.acts_public),
        "acts_private": sorted(can.acts_private),
        "edits": can.edits,
        "receipts": can.receipts,
        "media_public": media(can, "public"),
        "media_private": media(can, "private"),
        "media_count": can.media_count,
        "parts": can.parts,
    }


def agent_shape(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.pk,
        "name": agent.name,
        "email": agent.email,
        "role": agent.role,
        "presence": agent.presence,
        "presence_until": agent.presence_until,
        "capacity": agent.capacity,
        "skills": agent.skills,
        "languages": agent.languages,
        "teams": [_named(team) for team in agent.teams.all()],
    }


def team_shape(team: Team) -> dict[str, Any]:
    return {"id": team.pk, **{name: getattr(team, name) for name in TEAM_FIELDS}}


def token_shape(token: Token) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "role": token.role,
        "rights": sorted(RIGHTS.get(token.role, ())),
        "created_at": token.created_at,
    }
