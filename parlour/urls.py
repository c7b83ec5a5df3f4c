"""Addresses of everything Django serves. The webhook door and the live stream are in ``asgi``, in front of it."""

from __future__ import annotations

from django.urls import include, path

from parlour.api.rest import api

urlpatterns = [
    path("api/v1/", api.urls),
    path("chat/", include("parlour.chat.urls")),
    path("", include("parlour.web.urls")),
]
