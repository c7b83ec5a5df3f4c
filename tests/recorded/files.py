"""Recorded files that nobody sends to an inbox, and what they are instead. First pattern that fits; all others are walked."""

from __future__ import annotations

from fnmatch import fnmatchcase

ANSWER = "An answer of the platform's API to a request of ours."
REQUEST = "A request of ours to the platform's API."
ERROR = "An error of the platform's API."
SPECIFICATION = "A specification."
VECTOR = "A vector, which a test of its own checks."
NOT_INBOUND = {
    "SOURCES.md": "Where the files come from.",
    "bluesky/chat_sendMessage_request.json": REQUEST,
    "bluesky/error.json": ERROR,
    "discourse/openapi_subset.json": SPECIFICATION,
    "facebook_page/comments_with_can_reply_privately_response.json": ANSWER,
    "facebook_page/private_reply_request.json": REQUEST,
    "generic_webhook/signature_vectors_computed.json": VECTOR,
    "instagram/error_*": ERROR,
    "mastodon/docs/admin_webhooks-*": "Webhooks for whoever runs the server, which a brand's account does not get.",
    "mastodon/docs/entities_*": ANSWER,
    "mastodon/docs/methods_*": ANSWER,
    "mastodon/vcr_test_account_lookup.json": ANSWER,
    "mastodon/vcr_test_blocks.json": ANSWER,
    "mastodon/vcr_test_media_post_*.json": ANSWER,
    "mastodon/vcr_test_stream_*.json": "A session in which nobody said anything.",
    "messenger/error_*": ERROR,
    "reddit/TestCommentModeration.*": ANSWER,
    "reddit/TestRedditor.*": ANSWER,
    "reddit/TestSubmission.test_reply__none.json": ANSWER,
    "reviews/gbp_review_updateReply.json": ANSWER,
    "reviews/google_play_reply.json": ANSWER,
    "sms_twilio/error_*": ERROR,
    "sms_twilio/signature_vector.json": VECTOR,
    "telegram/bot_api_*": SPECIFICATION,
    "telegram/error_*": ERROR,
    "whatsapp/docs_send/*": "A request of ours, or what WhatsApp answers to it.",
    "whatsapp/docs_webhooks/override-*": "A request about the webhook's address, or its answer.",
    "whatsapp/meta_openapi_examples/*": "A request of ours, or what WhatsApp answers to it.",
    "x/dm_v2_send/*": REQUEST,
    "x/docs/activity_quickstart-*": ANSWER,
    "x/docs/direct-messages_manage_*": ANSWER,
    "x/docs/fundamentals_response-codes-*": ERROR,
    "x/docs/posts_manage-tweets_*": ANSWER,
    "x/docs/webhooks_quickstart-*": ANSWER,
    "x/openapi_subset.json": SPECIFICATION,
    "x/twitter_text/*": VECTOR,
}


def explained(file: str) -> str:
    """The pattern in NOT_INBOUND that fits ``file``; '' for none."""
    return next((pattern for pattern in NOT_INBOUND if fnmatchcase(file, pattern)), "")
