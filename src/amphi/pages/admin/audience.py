"""Broadcasters and events in the administration."""

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from amphi.audience import changes
from amphi.audience.models import Broadcaster, Event


@admin.register(Broadcaster)
class BroadcasterAdmin(admin.ModelAdmin):
    formfield_overrides = {models.URLField: {"form_class": forms.URLField, "assume_scheme": "https"}}
    list_display = ["name", "hls_url", "has_tickets", "site"]
    list_filter = ["has_tickets", "site"]
    list_select_related = ["site"]
    search_fields = ["name", "slug", "hls_url"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Event)
class EventAdmin(admin.ModelAdmin):
    list_display = [
        "title",
        "owner",
        "broadcaster",
        "start_at",
        "end_at",
        "is_draft",
        "is_restricted",
        "enable_chat",
    ]
    list_filter = ["is_draft", "is_restricted", "start_at", "broadcaster"]
    list_select_related = ["owner", "broadcaster"]
    search_fields = ["title", "slug", "owner__username", "owner__last_name"]
    date_hierarchy = "start_at"
    autocomplete_fields = ["owner", "additional_owners", "broadcaster", "access_groups"]

    def save_model(self, request: HttpRequest, obj: Event, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 -- Django’s signature
        if change:
            changes.note(obj, changes.shown(Event.objects.get(pk=obj.pk)))
        super().save_model(request, obj, form, change)
