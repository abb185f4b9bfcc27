"""The chat in the administration: to read, and to delete messages."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from amphi.audience import moderation
from amphi.audience.models import Guest, Message, Restraint
from amphi.pages.admin.read_only import ReadOnly


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = ["created_at", "event", "role", "author_name", "text", "visibility", "delivery"]
    list_filter = ["role", "visibility", "delivery", "created_at"]
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

    def delete_model(self, request: HttpRequest, obj: Message) -> None:  # noqa: ARG002
        moderation.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:  # noqa: ARG002
        moderation.delete(queryset)


@admin.register(Guest)
class GuestAdmin(ReadOnly):
    list_display = ["name", "event", "created_at"]
    search_fields = ["name", "event__title"]
    fields = ["event", "name", "created_at"]


@admin.register(Restraint)
class RestraintAdmin(ReadOnly):
    """Whom a moderator muted or excluded; deleted, it is lifted."""

    list_display = ["name", "kind", "event", "by", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["event", "by"]
    search_fields = ["name", "event__title"]
    fields = ["event", "name", "kind", "by", "created_at"]
