"""Broadcasters and events in the administration."""

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from amphi.audience import changes
from amphi.audience.models import (
    Airing,
    Broadcaster,
    BucketItem,
    Event,
    Presence,
    Registration,
    Reminder,
    Replay,
)
from amphi.audience.replays import library
from amphi.pages.admin.read_only import ReadOnly
from amphi.system import recordings


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


@admin.register(Replay)
class ReplayAdmin(admin.ModelAdmin):
    """What can be seen again, and how much of the disk it takes; presenters prepare it on the webinar's page."""

    list_display = ["airing", "title", "shown_to", "delete_at", "size"]
    list_filter = ["shown_to", "delete_at"]
    list_select_related = ["airing__event"]
    list_per_page = 50
    search_fields = ["airing__event__title"]
    readonly_fields = ["airing", "start_at", "end_at"]
    fields = ["airing", "shown_to", "days", "delete_at", "start_at", "end_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Replay | None = None) -> bool:  # noqa: ARG002 -- its files go with it, on the webinar's page
        return False

    @admin.display(description=_("title"))
    def title(self, replay: Replay) -> str:
        """The event's title."""
        return replay.airing.event.title

    @admin.display(description=_("size"))
    def size(self, replay: Replay) -> str:
        """How much its recordings take: of the bucket where they are there, else of the disk."""
        folders = library.folders_of(replay.airing)
        away = dict(
            BucketItem.objects.filter(
                event_id=replay.airing.event_id, name__in=[one.name for one in folders]
            ).values_list("name", "size_bytes")
        )
        return filesizeformat(sum(away.get(one.name) or recordings.size_bytes(one) for one in folders))


@admin.register(BucketItem)
class BucketItemAdmin(ReadOnly):
    """What is in the bucket, or is to be; a deleted row would leave it there for ever."""

    list_display = ["event_id", "name", "state", "reason", "attempt_at", "size"]
    list_filter = ["state", "reason"]
    list_select_related = False
    search_fields = ["event_id", "name"]
    fields = ["event_id", "name", "state", "reason", "attempts", "attempt_at", "size_bytes", "local_until"]

    def has_delete_permission(self, request: HttpRequest, obj: BucketItem | None = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    @admin.display(description=_("size"))
    def size(self, item: BucketItem) -> str:
        """How much of the bucket it takes."""
        return filesizeformat(item.size_bytes)


@admin.register(Reminder)
class ReminderAdmin(admin.ModelAdmin):
    """Addresses are not typed in here: who has them confirms them. They can be deleted."""

    list_display = ["address", "event", "language", "created_at"]
    list_select_related = ["event"]
    search_fields = ["address", "event__title"]
    readonly_fields = ["event", "address", "language", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False


@admin.register(Registration)
class RegistrationAdmin(admin.ModelAdmin):
    """Who registered; moderators accept and refuse on the webinar's page, where mails are written."""

    list_display = ["name", "address", "event", "status", "created_at"]
    list_filter = ["status"]
    list_select_related = ["event"]
    search_fields = ["name", "address", "event__title"]
    readonly_fields = ["event", "address", "language", "status", "user", "answers", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False


@admin.register(Airing)
class AiringAdmin(ReadOnly):
    list_display = ["event", "began_at", "ended_at"]
    search_fields = ["event__title"]
    date_hierarchy = "began_at"
    fields = ["event", "began_at", "ended_at"]


@admin.register(Presence)
class PresenceAdmin(ReadOnly):
    """Who listened, as tickets name them; names are on the webinar's page “Audience”."""

    list_display = ["airing", "viewer", "minutes"]
    list_select_related = ["airing"]
    search_fields = ["viewer", "airing__event__title"]
    fields = ["airing", "viewer", "minutes"]
