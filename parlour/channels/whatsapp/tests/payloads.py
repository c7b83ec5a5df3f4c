"""The recorded webhooks of WhatsApp, and what each becomes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from parlour.channels.whatsapp.envelope import OBJECT
from parlour.channels.whatsapp.tests.sample import ACCOUNT, NUMBER

_SENT = ("*webhooks*.json", "*example-webhook*.json", "*notifications*.json", "*feature-not-supported*.json")
_NOT_INBOUND = "override-"
"""Requests and answers about the webhook's address, filed among the webhooks."""


def recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and body of every inbound payload in ``folder``, as it was recorded; a file that holds several gives each a number."""
    folder = folder / "whatsapp" if (folder / "whatsapp").is_dir() else folder
    files = [path for path in folder.glob("docs_webhooks/*.json") if not path.name.startswith(_NOT_INBOUND)]
    files += [path for pattern in _SENT for path in folder.glob(f"docs_send/{pattern}")]
    files += folder.glob("pywa_tests/updates__*.json")
    for path in sorted(set(files)):
        body, name = path.read_bytes(), f"{path.parent.name}/{path.stem}"
        inside = list(_envelopes(orjson.loads(body))) if path.parent.name == "pywa_tests" else []
        if not inside:
            yield name, body
        for number, envelope in enumerate(inside, 1):
            yield f"{name}#{number}", orjson.dumps(envelope)


def payloads(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The same as if they were for the number of the sample."""
    for name, body in recordings(folder):
        yield name, body.replace(_NUMBER, NUMBER.encode()).replace(_ACCOUNT_ID, ACCOUNT.encode())


def _envelopes(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and value.get("object") == OBJECT:
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _envelopes(one)


_NUMBER, _ACCOUNT_ID = b"106540352242922", b"102290129340398"
"""What most of them are about; those with placeholders in place of values are about nothing."""
_OTHER = "ignored: It belongs to another number of the same app."
_ACCOUNT = "ignored: Something about the account changed that does not concern its messages. ({})"
_ELSEWHERE = "ignored: It is about another WhatsApp Business account."

PAYLOADS: dict[str, str] = {
    "docs_send/address-messages-feature-not-supported": "failure: WhatsApp could not deliver it: Receiver Incapable. (1026)",
    "docs_send/address-messages-receive-notifications-for-address-submissions": "message",
    "docs_send/address-messages-receive-notifications-for-address-submissions-2": "message",
    "docs_send/business-scoped-user-ids-business-initiated-calls-status-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-business-initiated-connected-calls-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-business-initiated-terminated-calls-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-incoming-messages-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-incoming-messages-webhooks-2": "message",
    "docs_send/business-scoped-user-ids-smb_app_state_sync-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-status-messages-webhooks": "receipt: delivered",
    "docs_send/business-scoped-user-ids-status-messages-webhooks-2": "receipt: delivered",
    "docs_send/business-scoped-user-ids-system-status-messages-webhooks": _OTHER,
    "docs_send/business-scoped-user-ids-user-initiated-connected-calls-webhooks": _OTHER,
    "docs_send/interactive-list-messages-webhooks": "message",
    "docs_send/interactive-reply-buttons-messages-example-webhook": "message",
    "docs_send/location-request-messages-example-webhook": "message, location",
    "docs_webhooks/account_alerts-example": "ignored: An alert about the account.",
    "docs_webhooks/account_review_update-example-payload": "ignored: The account was reviewed.",
    "docs_webhooks/account_update-account-deleted": "access withdrawn: The WhatsApp Business account was deleted.",
    "docs_webhooks/account_update-account-violation": _ACCOUNT.format("ACCOUNT_VIOLATION"),
    "docs_webhooks/account_update-ad-account-linked": _ELSEWHERE,
    "docs_webhooks/account_update-authentication-international-eligibility": _ACCOUNT.format(
        "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE"
    ),
    "docs_webhooks/account_update-disabled-update": _ACCOUNT.format("DISABLED_UPDATE"),
    "docs_webhooks/account_update-mm-api-for-whatsapp-terms-of-service": _ELSEWHERE,
    "docs_webhooks/account_update-partner-added": _ELSEWHERE,
    "docs_webhooks/account_update-partner-app-installed": _ELSEWHERE,
    "docs_webhooks/account_update-partner-app-uninstalled": _ELSEWHERE,
    "docs_webhooks/account_update-partner-led-business-verification-status": _ACCOUNT.format(
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE"
    ),
    "docs_webhooks/account_update-pricing-tiering-update": _ACCOUNT.format("VOLUME_BASED_PRICING_TIER_UPDATE"),
    "docs_webhooks/account_update-primary-business-location-set": _ACCOUNT.format(
        "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE"
    ),
    "docs_webhooks/audio-example": "message, audio",
    "docs_webhooks/business_capability_update-payload-example": "ignored: The sending limits of the business changed.",
    "docs_webhooks/button-example": "message",
    "docs_webhooks/button-syntax": _OTHER,
    "docs_webhooks/contacts-example": "message, other",
    "docs_webhooks/contacts-syntax": _OTHER,
    "docs_webhooks/document-example": "message, file",
    "docs_webhooks/document-syntax": _OTHER,
    "docs_webhooks/errors-example": "ignored: WhatsApp reports a problem: Rate limit hit. Message failed to send because there were"
    " too many messages sent from this phone number in a short period of time. (130429)",
    "docs_webhooks/group-example": "message",
    "docs_webhooks/group-syntax": _OTHER,
    "docs_webhooks/history-example": "ignored: Past conversations, passed on when the number was connected, are not kept.",
    "docs_webhooks/history-examples": "ignored: Past conversations, passed on when the number was connected, are not kept.",
    "docs_webhooks/history-examples-2": "ignored: Past conversations, passed on when the number was connected, are not kept.",
    "docs_webhooks/history-syntax": _OTHER,
    "docs_webhooks/image-example": "message, image",
    "docs_webhooks/image-syntax": _OTHER,
    "docs_webhooks/location-example": "message, location",
    "docs_webhooks/message_template_components_update-example": "ignored: The text of a template changed.",
    "docs_webhooks/message_template_quality_update-example": "ignored: A template was approved, refused or paused.",
    "docs_webhooks/message_template_status_update-example": "ignored: A template was approved, refused or paused.",
    "docs_webhooks/messages-outgoing-messages": "receipt: delivered",
    "docs_webhooks/order-example": "message",
    "docs_webhooks/partner_solutions-example": "ignored: A solution of partners changed.",
    "docs_webhooks/payment_configuration_update-example-payload": "ignored: The settings of payments changed.",
    "docs_webhooks/phone_number_name_update-example": "ignored: The shown name of the number was decided on.",
    "docs_webhooks/phone_number_quality_update-example": "ignored: The quality or the sending limit of the number changed.",
    "docs_webhooks/security-example": "ignored: The security settings of the number changed.",
    "docs_webhooks/smb_app_state_sync-example": "ignored: The address book of the WhatsApp Business app is not kept.",
    "docs_webhooks/smb_app_state_sync-syntax": _OTHER,
    "docs_webhooks/status-examples": "ignored: WhatsApp has taken a message.",
    "docs_webhooks/status-examples-2": "ignored: WhatsApp has taken a message.",
    "docs_webhooks/status-examples-3": "failure: WhatsApp could not deliver it: This message was not delivered to maintain healthy"
    " ecosystem engagement. In order to maintain a healthy ecosystem engagement, the message failed to be delivered. (131049)",
    "docs_webhooks/sticker-example": "message, sticker",
    "docs_webhooks/system-example": "ignored: The customer has changed their phone number.",
    "docs_webhooks/system-syntax": _OTHER,
    "docs_webhooks/template_category_update-examples": "ignored: The category of a template changed.",
    "docs_webhooks/template_category_update-examples-2": "ignored: The category of a template changed.",
    "docs_webhooks/text-click-to-whatsapp-ad": "message",
    "docs_webhooks/text-message-business-button": "message",
    "docs_webhooks/text-syntax": _OTHER,
    "docs_webhooks/unsupported-example": "message",
    "docs_webhooks/user_preferences-example": "ignored: The customer changed which marketing messages they want.",
    "docs_webhooks/video-example": "message, video",
}
"""Those of ``pywa_tests`` are told by their content in the test."""
