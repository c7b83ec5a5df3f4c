"""Addresses of the desk."""

from __future__ import annotations

from django.urls import path

from parlour.web.views import arrivals, case, inboxes, queue, say, service, session, verbs

urlpatterns = [
    path("", queue.home, name="home"),
    path("queue/<slug:tab>", queue.queue, name="queue"),
    path("case/<int:case_id>", case.case, name="case"),
    path("case/<int:case_id>/live", case.live, name="case-live"),
    path("case/<int:case_id>/head", case.head, name="case-head"),
    path("case/<int:case_id>/timeline", case.timeline, name="case-timeline"),
    path("case/<int:case_id>/composer", case.composer, name="case-composer"),
    path("case/<int:case_id>/customer", case.customer, name="case-customer"),
    path("case/<int:case_id>/say", say.say, name="say"),
    path("case/<int:case_id>/take", verbs.take, name="take"),
    path("case/<int:case_id>/assign", verbs.assign, name="assign"),
    path("case/<int:case_id>/team", verbs.set_team, name="set-team"),
    path("case/<int:case_id>/level", verbs.set_level, name="set-level"),
    path("case/<int:case_id>/category", verbs.set_category, name="set-category"),
    path("case/<int:case_id>/actionable", verbs.set_actionable, name="set-actionable"),
    path("case/<int:case_id>/resolve", verbs.resolve, name="resolve"),
    path("case/<int:case_id>/reopen", verbs.reopen, name="reopen"),
    path("message/<int:message_id>/undo", verbs.undo, name="undo"),
    path("message/<int:message_id>/retry", verbs.retry, name="retry"),
    path("message/<int:message_id>/arrived", verbs.arrived, name="arrived"),
    path("message/<int:message_id>/act", verbs.act, name="act"),
    path("message/<int:message_id>/sentiment", verbs.set_sentiment, name="set-sentiment"),
    path("sign-in", session.sign_in, name="sign-in"),
    path("sign-in/<str:secret>", session.sign_in_link, name="sign-in-link"),
    path("sign-out", session.sign_out, name="sign-out"),
    path("me", session.me, name="me"),
    path("me/profile", session.set_profile, name="set-profile"),
    path("me/presence", session.set_presence, name="set-presence"),
    path("me/password", session.set_password, name="set-password"),
    path("inboxes", inboxes.inboxes, name="inboxes"),
    path("inboxes/new", inboxes.new, name="inbox-new"),
    path("inboxes/new/<slug:channel>", inboxes.connect, name="inbox-connect"),
    path("inboxes/signed-in", inboxes.signed_in, name="inbox-signed-in"),
    path("inboxes/<int:inbox_id>", inboxes.inbox, name="inbox"),
    path("inboxes/<int:inbox_id>/change", inboxes.change, name="inbox-change"),
    path("inboxes/<int:inbox_id>/test", inboxes.test, name="inbox-test"),
    path("inboxes/<int:inbox_id>/decide", inboxes.decide, name="inbox-decide"),
    path("inboxes/<int:inbox_id>/sign-in", inboxes.sign_in_there, name="inbox-sign-in"),
    path("arrivals", arrivals.arrivals, name="arrivals"),
    path("arrivals/<int:arrival_id>/replay", arrivals.replay, name="replay"),
    path("arrivals/<int:arrival_id>/dismiss", arrivals.dismiss, name="dismiss"),
    path("health", service.health, name="health"),
    path("static/<str:edition>/<path:name>", service.static, name="static"),
]
