"""Addresses of the chat. ``/chat/<key>/stream`` is in ``asgi``, in front of them."""

from __future__ import annotations

from django.urls import path

from parlour.chat import views

urlpatterns = [
    path("static/<str:edition>/<str:name>", views.static, name="chat-static"),
    path("<str:key>", views.frame, name="chat-frame"),
    path("<str:key>/widget.js", views.script, name="chat-script"),
    path("<str:key>/session", views.session, name="chat-session"),
    path("<str:key>/hours", views.hours_now, name="chat-hours"),
    path("<str:key>/file/<int:number>", views.file, name="chat-file"),
    path("<str:key>/messages", views.messages, name="chat-messages"),
]
