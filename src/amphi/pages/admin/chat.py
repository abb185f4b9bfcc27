"""The chat in the administration: to read, and to delete messages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from amphi.audience import moderation
from amphi.audience.models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["created_at", "event", "role", "author_name", "text", "visibility", "delivery"]
    list_filter = ["role", "visibility", "delivery", "created_at"]
    list_select_related = ["event"]
    search_fields = ["text", "author_name", "event__title"]
    date_hierarchy = "created_at"
    fields = [
        "event",
        "source",
        "author",
        "author_name",
        "role",
        "text",
        "created_at",
        "visibility",
        "moderated_by",
        "delivery",
        "delivery_error",
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def delete_model(self, request: HttpRequest, obj: Message) -> None:  # noqa: ARG002
        moderation.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:  # noqa: ARG002
        moderation.delete(queryset)
