"""Addresses that other services call."""

from django.urls import path

from amphi.pages.webinars import hooks

app_name = "hooks"
urlpatterns = [
    path("meetings/<str:nonce>/events", hooks.events, name="events"),
    path("meetings/<str:nonce>/ended", hooks.ended, name="ended"),
    path("meetings/<str:nonce>/recording", hooks.recording, name="recording"),
    path("on-publish", hooks.on_publish, name="on_publish"),
    path("on-publish-done", hooks.on_publish_done, name="on_publish_done"),
]
