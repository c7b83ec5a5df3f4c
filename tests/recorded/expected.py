"""What becomes of each recording: kind, whose, when and how its words begin. What the file itself tells is not repeated here.

``private message from 42 on 2025-04-11: Hello`` is a customer's message in the database, ``words of ours`` are the brand's. Equal ones are
counted.
"""

from __future__ import annotations

EXPECTED: dict[str, dict[str, str]] = {
    "api": {
        "standard_webhooks_spec_payload": "ignored: Events of the type contact.created are not known.",
        "standard_webhooks_vector": "refused: The field external_id is missing.",
    },
    "bluesky": {
        "listNotifications": "public message",
        "chat_getLog": "private message",
    },
    "email": {
        "postmark-inbound-test-payload-with-raw.json": "private message at once: This is a test text body.",
        "postmark-inbound-test-payload.json": "private message at once: This is a test text body.",
        "sample_email.txt": "ignored: A mail to many (List-Unsubscribe).",
        "OLK_SRC_BODY_SECTION.html": "private message at once: Reply",
        "html_replies__gmail.html": "private message at once: Hi. I am fine.",
        "html_replies__hotmail.html": "private message at once: Hi. I am fine.",
        "html_replies__mail_ru.html": "private message at once: Hi. I am fine.",
        "html_replies__ms_outlook_2003.html": "private message at once: Hi. I am fine.",
        "html_replies__ms_outlook_2007.html": "private message at once: Hi. I am fine.",
        "html_replies__ms_outlook_2010.html": "private message at once: Hi. I am fine.",
        "html_replies__thunderbird.html": "private message at once: Hi. I am fine.",
        "html_replies__windows_mail.html": "private message at once: Hi. I am fine.",
        "html_replies__yandex_ru.html": "private message at once: Hi. I am fine.",
        "reply-quotations-share-block.eml": "private message at once: Hi Katharine. Sounds great. Are there an… (410)",
        "reply-separated-by-hr.html": "private message at once: Hi there Bob",
        "signature__emails__P__102682_R_S": "private message at once: #reply#rickc@example.com (xxx xxx) write… (676)",
        "signature__emails__P__johndoeexamplecom_body": (
            "private message at once: (Please accept our apologies if you've a… (1557)"
        ),
        "signature__emails__P__johndoeexamplecom_sender": "private message at once: john@example.com",
        "signature__emails__P__unicode_msg": "private message at once: From: Сергей Обухов Добрый день. Мы явля… (260)",
        "signature__emails__stripped__camel_case_body": (
            "private message at once: Martin, can we get: 1 L Male 1 M Male 1 … (130)"
        ),
        "signature__emails__stripped__camel_case_sender": "private message at once: Recorded",
        "signature__emails__stripped__camel_case_signature": "private message at once: Recorded",
        "signature__emails__stripped__jeff_body": (
            "private message at once: Thanks Sasha, I can't go any higher and … (103)"
        ),
        "signature__emails__stripped__jeff_sender": "private message at once: Stavros Xxxxxx",
        "signature__emails__stripped__jeff_signature": "private message at once: Stavros Xxxxxx via mobile",
        "signature__emails__stripped__johndoeexamplecom_body": (
            "private message at once: (Please accept our apologies if you've a… (1557)"
        ),
        "signature__emails__stripped__johndoeexamplecom_sender": "private message at once: john@example.com",
        "signature__emails__stripped__johndoeexamplecom_signature": (
            "private message at once: #sig#John E. Doe, Ph.D. #sig#President #… (99)"
        ),
        "signature__emails__stripped__long_body": (
            "private message at once: Lorem ipsum dolor sit amet, consectetur … (633)"
        ),
        "signature__emails__stripped__long_sender": "private message at once: Gina Xxxxxxxxx",
        "signature__emails__stripped__long_signature": (
            "private message at once: Gina Xxxxxxxxx gina@example.com (555) 34… (62)"
        ),
        "signature__emails__stripped__short_url_body": (
            "private message at once: Simone, It is 'example.com'. Please let … (62)"
        ),
        "signature__emails__stripped__short_url_sender": "private message at once: Noam",
        "signature__emails__stripped__short_url_signature": "private message at once: Thank you, Noam",
        "signature__emails__stripped__sparse_body": (
            "private message at once: Lorem ipsum dolor sit amet, consectetur … (763)"
        ),
        "signature__emails__stripped__sparse_sender": "private message at once: John Doe",
        "signature__emails__stripped__sparse_signature": (
            "private message at once: ---------------- AM_LOGO_CLR Me John Doe… (192)"
        ),
        "signature__tmp__extraction.data": "private message at once: 0,0,0,1,0,0,0,0,0,0,0,0,1 0,0,1,0,0,0,0,… (855)",
        "standard_replies__android.eml": "private message at once: Hello",
        "standard_replies__aol.eml": "private message at once: Hello",
        "standard_replies__apple_mail.eml": "private message at once: Hello",
        "standard_replies__apple_mail_2.eml": "private message at once: Hello",
        "standard_replies__comcast.eml": "private message at once: Hello",
        "standard_replies__gmail.eml": "private message at once: Hello",
        "standard_replies__hotmail.eml": "private message at once: Hello",
        "standard_replies__iphone.eml": "private message at once: Hello",
        "standard_replies__iphone_reply_text": "private message at once: Hello",
        "standard_replies__outlook.eml": "private message at once: Hello",
        "standard_replies__sparrow.eml": "private message at once: Hello",
        "standard_replies__sparrow_reply_text": "private message at once: Hello",
        "standard_replies__thunderbird.eml": "private message at once: Hello",
        "standard_replies__yahoo.eml": "private message at once: Hello",
    },
    "facebook": {
        "inbox_labels_change": "ignored: Events of the field 'inbox_labels' are not kept.",
    },
    "instagram": {
        "comment_facebook_login_changes": "public message from <INSTAGRAM_SCOPED_USER_ID> on 2019-09-23: <COMMENT_TEXT>",
        "comment_instagram_login_flat": "public message from <INSTAGRAM_SCOPED_USER_ID> on 2019-09-23: <COMMENT_TEXT>",
        "dashboard_test_event_quirks": "ignored: A test of Meta's dashboard: it arrived.",
        "ephemeral_media": "private message with other from 1122334455 on 2019-09-23:",
        "live_comment": "public message from <INSTAGRAM_SCOPED_USER_ID> on 2019-09-23: <COMMENT_TEXT>",
        "message_attachments": "private message with image, video from 1122334455 on 2019-09-23:",
        "message_deleted": "deletion",
        "message_echo": "private words of ours to 1122334455 on 2019-09-23: MESSAGE-TEXT",
        "message_text": "private message from 1122334455 on 2019-09-23: MESSAGE-TEXT",
        "message_unsupported": "private message with other from 1122334455 on 2019-09-23:",
        "messaging_seen": "read receipt",
        "reaction": "reaction by 1122334455 ❤️",
        "standby": "private message from 1122334455 on 2019-09-23: This is the first standby message from t… (68)",
        "story_reply": "private message with file from 1122334455 on 2019-09-23: This is the story reply",
    },
    "mastodon": {
        "entities_conversation-example": "nothing: Direct messages are told by their notifications.",
        "entities_notification-favourite": "reaction by 297420 ⭐",
        "entities_notification-mention": "public message",
        "methods_notifications-200-ok-2": "public message",
        "methods_notifications-200-ok": "reaction by 297420 ⭐; public message",
        "streaming_sse_events#0 update": "public message",
        "streaming_sse_events#1 notification": "public message",
        "streaming_sse_events#2 filters_changed": "ignored: The stream tells of it, and nothing is fetched.",
        "streaming_sse_events#3 announcement": "ignored: The stream tells of it, and nothing is fetched.",
        "streaming_sse_events#4 announcement.reaction": "ignored: The stream tells of it, and nothing is fetched.",
        "streaming_sse_events#5 announcement.delete": "ignored: The stream tells of it, and nothing is fetched.",
        "streaming_sse_events#6 status.update": "edit",
        "streaming_sse_events#8 update": "public message",
        "streaming_sse_events#9 delete": "deletion",
        "streaming_sse_events#10 status.update": "edit",
        "streaming_sse_events#11 update": "ignored: The brand's own post that answers nobody.",
        "streaming_sse_events#12 delete": "deletion",
        "streaming_sse_events#13 status.update": "edit",
        "streaming_sse_events#17 update": "ignored: The brand's own post that answers nobody.",
        "streaming_sse_events#18 delete": "deletion",
        "streaming_sse_events#22 status.update": "nothing: Mastodon tells of new previews like this, too, and no edit is noted.",
        "vcr_test_media_post of 123456": "ignored: The brand's own post that answers nobody.",
        "vcr_test_media_post_multiple of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_notifications_exclude_and_types": "public message",
        "vcr_test_notifications_exclude_types of 042393": "ignored: The brand's own post that answers nobody.",
        "vcr_test_notifications_mentions_only": "public message",
        "vcr_test_status_post[Content warning-direct] of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_post[None-None] of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_post[None-direct] of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_post[None-public] of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_post[None-unlisted] of 227399": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_reply of 731823": "ignored: The brand's own post that answers nobody.",
        "vcr_test_status_reply of 042393": "public words of ours to 117440810673731823 on 2026-10-14: @mastodonpy_test_2 same!",
        "vcr_test_status_reply_with_quote of 227399": "3 × ignored: The brand's own post that answers nobody.",
        "vcr_test_stream_user_direct of 227399": (
            "private words of ours to 117440810673731823 on 2026-10-14: @mastodonpy_test_2 pssssst; "
            "ignored: The brand's own post that answers nobody."
        ),
        "vcr_test_stream_user_direct of 042393": "2 × ignored: The brand's own post that answers nobody.",
        "vcr_test_stream_user_direct of 731823": (
            "private words of ours to 117440810532227399 on 2026-10-14: @mastodonpy_test pssssst!"
        ),
        "vcr_test_stream_user_direct edited": "edit",
        "vcr_test_stream_websocket_user_direct of 375418": "ignored: The brand's own post that answers nobody.",
        "vcr_test_stream_websocket_user_direct of 630898": (
            "private words of ours to 117446458590375418 on 2026-10-15: @mastodonpy_test WebSocket direct stream… (45)"
        ),
    },
    "messenger": {
        "delivery": "delivered receipt",
        "echo_template_standby": "private words of ours with other to 2348927398743287 on 2019-10-02:",
        "echo_text": "private words of ours to 2348927398743287 on 2016-03-12: hello, world!",
        "handover_pass": "ignored: The thread was passed between apps.",
        "message_attachment_image": "private message with image from 2348927398743287 on 2016-03-23:",
        "message_edit": "edit to: <TEXT>",
        "message_fallback_link": (
            "private message with link from 2348927398743287 on 2020-03-02: This is where I want to go: https://yout… (56)"
        ),
        "message_sticker_transition": "private message with sticker from 2348927398743287 on 2016-03-23:",
        "message_text": "private message from 2348927398743287 on 2016-03-23: hello, world!",
        "postback_changes_style_doc": "private message from user_ref:USER-REF-ID on 2018-05-27: TITLE-FOR-THE-CTA",
        "postback_get_started_with_ref": "private message from 2348927398743287 on 2016-03-23: Get Started",
        "referral_mme": "ignored: The customer came back through a link or an advertisement, without words.",
    },
    "reddit": {
        "TestInbox.test_mark_read": "20 × public message",
        "TestInbox.test_mentions": "16 × public message",
        "TestInbox.test_message": "ignored: Messages to or from moderators come by modmail.",
        "TestModmailConversation.test_reply__internal": (
            "private message; 2 × ignored: Notes of moderators among themselves are not kept."
        ),
    },
    "reviews": {
        "google_play_reviews_list": "2 × public message",
    },
    "sms": {
        "incoming_mms_form": "private message with image from +15552223333 at once:",
        "incoming_sms_form": "private message from +15552223333 at once: Test SMS message",
        "opt_out_form": "private message from +15552223333 at once: STOP",
    },
    "telegram": {
        "business_message": "private message from 1111111 on 2026-05-28: Hi",
        "message_forwarded_old_shape": "private message from 1111111 on 2015-09-07: /start",
        "message_text": "private message from 1111111 on 2015-09-07: /start",
        "my_chat_member_blocked": "ignored: The customer blocked the bot: nothing reaches them until they start it again.",
    },
    "whatsapp": {
        "docs_send/address-messages-feature-not-supported": "failed receipt: WhatsApp could not deliver it: Receiver Incapable. (1026)",
        "docs_send/address-messages-receive-notifications-for-address-submissions-2": (
            "private message from <PHONE_NUMBER> on 2022-12-20: CUSTOMER_NAME +91xxxxxxxxxx 400063, Gore… (92)"
        ),
        "docs_send/address-messages-receive-notifications-for-address-submissions": (
            "private message from <PHONE_NUMBER> at once: <body text from client>"
        ),
        "docs_send/business-scoped-user-ids-business-initiated-calls-status-webhooks": "ignored: Calls are not kept.",
        "docs_send/business-scoped-user-ids-business-initiated-connected-calls-webhooks": "ignored: Calls are not kept.",
        "docs_send/business-scoped-user-ids-business-initiated-terminated-calls-webhooks": "ignored: Calls are not kept.",
        "docs_send/business-scoped-user-ids-incoming-messages-webhooks-2": (
            "private message from user.93737... on 2025-06-08: Does it come in another color?"
        ),
        "docs_send/business-scoped-user-ids-incoming-messages-webhooks": (
            "private message from <BSUID> on 2025-06-18: <MESSAGE_TEXT_BODY>"
        ),
        "docs_send/business-scoped-user-ids-smb_app_state_sync-webhooks": (
            "ignored: The address book of the WhatsApp Business app is not kept."
        ),
        "docs_send/business-scoped-user-ids-status-messages-webhooks-2": "delivered receipt",
        "docs_send/business-scoped-user-ids-status-messages-webhooks": "delivered receipt",
        "docs_send/business-scoped-user-ids-system-status-messages-webhooks": (
            "ignored: A notice of WhatsApp's (<SYSTEM_CHANGE_TYPE>), not words of the customer."
        ),
        "docs_send/business-scoped-user-ids-user-initiated-connected-calls-webhooks": "ignored: Calls are not kept.",
        "docs_send/interactive-list-messages-webhooks": "private message from 16505551234 on 2024-04-08: Priority Mail Express",
        "docs_send/interactive-reply-buttons-messages-example-webhook": "private message from 16505551234 on 2024-04-30: Change",
        "docs_send/location-request-messages-example-webhook": (
            "private message with location from 16505551234 on 2023-12-18: Solomon R. Guggenheim Museum, 1071 5th A… (62)"
        ),
        "docs_webhooks/account_alerts-example": "ignored: An alert about the account.",
        "docs_webhooks/account_review_update-example-payload": "ignored: The account was reviewed.",
        "docs_webhooks/account_update-account-deleted": "the inbox needs attention: The WhatsApp Business account was deleted.",
        "docs_webhooks/account_update-account-violation": (
            "ignored: Something about the account changed that does not concern its messages. (ACCOUNT_VIOLATION)"
        ),
        "docs_webhooks/account_update-ad-account-linked": (
            "ignored: Something about the account changed that does not concern its messages. (AD_ACCOUNT_LINKED)"
        ),
        "docs_webhooks/account_update-authentication-international-eligibility": (
            "ignored: Something about the account changed that does not concern its messages. "
            "(AUTH_INTL_PRICE_ELIGIBILITY_UPDATE)"
        ),
        "docs_webhooks/account_update-disabled-update": (
            "ignored: Something about the account changed that does not concern its messages. (DISABLED_UPDATE)"
        ),
        "docs_webhooks/account_update-mm-api-for-whatsapp-terms-of-service": (
            "ignored: Something about the account changed that does not concern its messages. (MM_LITE_TERMS_SIGNED)"
        ),
        "docs_webhooks/account_update-partner-added": (
            "ignored: Something about the account changed that does not concern its messages. (PARTNER_ADDED)"
        ),
        "docs_webhooks/account_update-partner-app-installed": (
            "ignored: Something about the account changed that does not concern its messages. (PARTNER_APP_INSTALLED)"
        ),
        "docs_webhooks/account_update-partner-app-uninstalled": (
            "the inbox needs attention: The business has removed this app from its WhatsApp Business account."
        ),
        "docs_webhooks/account_update-partner-led-business-verification-status": (
            "ignored: Something about the account changed that does not concern its messages. "
            "(PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE)"
        ),
        "docs_webhooks/account_update-pricing-tiering-update": (
            "ignored: Something about the account changed that does not concern its messages. "
            "(VOLUME_BASED_PRICING_TIER_UPDATE)"
        ),
        "docs_webhooks/account_update-primary-business-location-set": (
            "ignored: Something about the account changed that does not concern its messages. "
            "(BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE)"
        ),
        "docs_webhooks/audio-example": "private message with audio from 16505551234 on 2025-04-11:",
        "docs_webhooks/business_capability_update-payload-example": "ignored: The sending limits of the business changed.",
        "docs_webhooks/button-example": "private message from 16505551234 on 2025-06-16: Unsubscribe",
        "docs_webhooks/button-syntax": "private message from 16505551234 on 2025-06-18: <BUTTON_LABEL_TEXT>",
        "docs_webhooks/contacts-example": (
            "private message with other from 16505551234 on 2025-04-11: Barbara J. Johnson · Social Tsunami · +1… (55)"
        ),
        "docs_webhooks/contacts-syntax": (
            "private message with other from 16505551234 on 2025-06-18: <CONTACT_FORMATTED_NAME> · <CONTACT_ORG_… (100)"
        ),
        "docs_webhooks/document-example": "private message with file from 16505551234 on 2025-04-11: my receipt",
        "docs_webhooks/document-syntax": "private message with file from 16505551234 on 2025-06-18: <MEDIA_ASSET_CAPTION>",
        "docs_webhooks/errors-example": (
            "ignored: WhatsApp reports a problem: Rate limit hit. Message failed to send because there were too many "
            "messages sent from this phone number in a short period of time. (130429)"
        ),
        "docs_webhooks/group-example": "private message from 16505551234 on 2025-04-11: What does everyone think about this?",
        "docs_webhooks/group-syntax": "private message from 16505551234 on 2025-06-18: A message of a kind that WhatsApp does n… (92)",
        "docs_webhooks/history-example": "ignored: Past conversations, passed on when the number was connected, are not kept.",
        "docs_webhooks/history-examples-2": "ignored: Past conversations, passed on when the number was connected, are not kept.",
        "docs_webhooks/history-examples": "ignored: Past conversations, passed on when the number was connected, are not kept.",
        "docs_webhooks/history-syntax": "ignored: Past conversations, passed on when the number was connected, are not kept.",
        "docs_webhooks/image-example": "private message with image from 16505551234 on 2025-04-11: Taj Mahal",
        "docs_webhooks/image-syntax": "private message with image from 16505551234 on 2025-06-18: <MEDIA_ASSET_CAPTION>",
        "docs_webhooks/location-example": (
            "private message with location from 16505551234 on 2025-04-11: Philz Coffee, 101 Forest Ave, Palo Alto,… (49)"
        ),
        "docs_webhooks/message_template_components_update-example": "ignored: The text of a template changed.",
        "docs_webhooks/message_template_quality_update-example": "ignored: A template was approved, refused or paused.",
        "docs_webhooks/message_template_status_update-example": "ignored: A template was approved, refused or paused.",
        "docs_webhooks/messages-outgoing-messages": "delivered receipt",
        "docs_webhooks/order-example": "private message from 16505551234 on 2025-06-16: Love these! 2 × di9ozbzfi4 (30 USD) 1 × … (59)",
        "docs_webhooks/partner_solutions-example": "ignored: A solution of partners changed.",
        "docs_webhooks/payment_configuration_update-example-payload": "ignored: The settings of payments changed.",
        "docs_webhooks/phone_number_name_update-example": "ignored: The shown name of the number was decided on.",
        "docs_webhooks/phone_number_quality_update-example": "ignored: The quality or the sending limit of the number changed.",
        "docs_webhooks/security-example": "ignored: The security settings of the number changed.",
        "docs_webhooks/smb_app_state_sync-example": "ignored: The address book of the WhatsApp Business app is not kept.",
        "docs_webhooks/smb_app_state_sync-syntax": "ignored: The address book of the WhatsApp Business app is not kept.",
        "docs_webhooks/status-examples-2": "ignored: WhatsApp has taken a message.",
        "docs_webhooks/status-examples-3": (
            "failed receipt: WhatsApp could not deliver it: This message was not delivered to maintain healthy ecosystem "
            "engagement. In order to maintain a healthy ecosystem engagement, the message failed to be delivered. (131049)"
        ),
        "docs_webhooks/status-examples": "ignored: WhatsApp has taken a message.",
        "docs_webhooks/sticker-example": "private message with sticker from 16505551234 on 2025-04-11:",
        "docs_webhooks/system-example": "ignored: The customer has changed their phone number.",
        "docs_webhooks/system-syntax": "ignored: The customer has changed their phone number.",
        "docs_webhooks/template_category_update-examples-2": "ignored: The category of a template changed.",
        "docs_webhooks/template_category_update-examples": "ignored: The category of a template changed.",
        "docs_webhooks/text-click-to-whatsapp-ad": "private message from 16505551234 on 2025-06-18: Can I get more info about this?",
        "docs_webhooks/text-message-business-button": "private message from 16505551234 on 2025-06-15: Is this still available?",
        "docs_webhooks/text-syntax": "private message from 16505551234 on 2025-06-18: <MESSAGE_TEXT_BODY>",
        "docs_webhooks/unsupported-example": (
            "private message from 16505551234 on 2025-06-16: A message of a kind that WhatsApp does n… (92)"
        ),
        "docs_webhooks/user_preferences-example": "ignored: The customer changed which marketing messages they want.",
        "docs_webhooks/video-example": "private message with video from 16505551234 on 2025-04-11: Timelapse of growth",
    },
    "x": {
        "account_activity/direct-message-events": "private message from 3001969357 on 2018-01-19: Hello World!",
        "account_activity/direct-message-indicate-typing-events": "ignored: Typing is not kept.",
        "account_activity/tweet-delete-events": "deletion",
        "activity_api/broadcast.end": "ignored: Broadcasts are not kept.",
        "activity_api/broadcast.start": "ignored: Broadcasts are not kept.",
        "activity_api/chat.received": (
            "private message from 2222222222222222222 on 2026-07-23: Encrypted message: it can only be read i… (52)"
        ),
        "activity_api/dm.received": "private message from 2222222222222222222 on 2026-07-24: hello!",
        "activity_api/follow.unfollow": "ignored: Follows are not kept.",
        "activity_api/news.new": "ignored: News are not kept.",
        "activity_api/post.create": "public words of ours to nobody on 2026-07-24: Hello from the Activity API",
        "activity_api/post.mention.create": "public message from 2222222222222222222 on 2026-07-24: hey @ExampleUser",
        "activity_api/post.repost.create": "ignored: A repost says nothing of its own.",
        "activity_api/profile.update.banner-picture": "ignored: Changes of a profile are not kept.",
        "activity_api/profile.update.geo": "ignored: Changes of a profile are not kept.",
        "activity_api/profile.update.url": "ignored: Changes of a profile are not kept.",
        "activity_api/spaces.end": "ignored: Spaces are not kept.",
        "activity_api/top": "ignored: X sent post.create without content.",
        "docs/activity_quickstart-getting-the-events": "ignored: Changes of a profile are not kept.",
        "docs/real-time-events-payload-shape-live": (
            "private message from 1843439638876491776 at once: Encrypted message: it can only be read i… (52)"
        ),
        "docs/direct-messages_lookup_quickstart-response-with-expansion": "private message",
        "docs/direct-messages_lookup_quickstart-response": "private message",
        "docs/posts_timelines_quickstart_user-mention-quickstart-get-user-mentions": "public message",
        "dm_v2/example-events-2": "ignored: Somebody joined or left a group conversation.",
        "dm_v2/example-events-3": "ignored: Somebody joined or left a group conversation.",
        "dm_v2/example-events": "private message",
    },
}
