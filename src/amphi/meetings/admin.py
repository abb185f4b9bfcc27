"""Meetings in the administration: read here, changed on their pages, where planning follows each change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from amphi.meetings.models import Meeting


@admin.register(Meeting)
class MeetingAdmin(admin.ModelAdmin):
    """Nothing is saved or deleted here: a booking and an event hang on each webinar, and the domain keeps them in step."""

    list_display = ["name", "owner", "start_at", "duration", "is_webinar", "started_at", "ended_at"]
    list_filter = ["is_webinar", "is_restricted", "start_at", "site"]
    list_select_related = ["owner"]
    search_fields = ["name", "slug", "owner__username", "owner__last_name", "owner__email"]
    date_hierarchy = "start_at"
    fields = [
        "name",
        "description",
        "owner",
        "additional_owners",
        "start_at",
        "duration",
        "is_webinar",
        "enable_chat",
        "is_restricted",
        "access_groups",
        "bbb_id",
        "started_at",
        "ended_at",
        "site",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
