"""Addresses of what moderators do with a live."""

from django.urls import URLPattern

app_name = "webinars"
urlpatterns: list[URLPattern] = []
