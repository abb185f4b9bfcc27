"""Meetings in the administration, read-only: they are changed on their own pages, so that planning follows each change."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amphi.meetings.models import Attendance, Meeting, Session


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that can only be read here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Meeting)
class MeetingAdmin(ReadOnlyAdmin):
    """Meetings, read-only: each webinar has a booking and an event, which only the domain keeps in step."""

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
        "is_personal",
        "recurrence",
        "guest_policy",
        "is_recorded",
        "is_restricted",
        "access_groups",
        "bbb_id",
        "started_at",
        "ended_at",
        "site",
    ]


class AttendanceInline(admin.TabularInline):
    """Who came to a session."""

    model = Attendance
    fields = ["name", "user", "is_moderator", "joined_at", "left_at"]
    readonly_fields = fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Sessions of meetings, with who came."""

    list_display = ["meeting", "started_at", "ended_at", "people"]
    list_filter = ["started_at", "meeting__is_webinar"]
    list_select_related = ["meeting"]
    search_fields = ["meeting__name", "attendances__name", "attendances__user__username"]
    date_hierarchy = "started_at"
    fields = ["meeting", "started_at", "ended_at"]
    inlines = [AttendanceInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(number=Count("attendances"))

    @admin.display(description=_("people"), ordering="number")
    def people(self, session: Session) -> int:
        """The number of people who came."""
        return session.number
