"""Questions, polls and raised hands in the administration: to read, and to delete."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from amphi.audience.models import Hand, Poll, Question


class _ReadOnly(admin.ModelAdmin):
    """They are written by listeners, and by those who present."""

    list_select_related = ["event"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Question)
class QuestionAdmin(_ReadOnly):
    list_display = ["created_at", "event", "author_name", "text", "votes", "state"]
    list_filter = ["state", "created_at"]
    search_fields = ["text", "author_name", "event__title"]
    fields = [
        "event",
        "author",
        "author_name",
        "is_anonymous",
        "text",
        "answer",
        "state",
        "votes",
        "created_at",
    ]


@admin.register(Poll)
class PollAdmin(_ReadOnly):
    list_display = ["created_at", "event", "question", "state", "results_shown"]
    list_filter = ["state", "created_at"]
    search_fields = ["question", "event__title"]
    fields = ["event", "question", "is_multiple", "state", "results_shown", "created_at"]


@admin.register(Hand)
class HandAdmin(_ReadOnly):
    list_display = ["raised_at", "event", "name", "word", "state"]
    list_filter = ["state", "raised_at"]
    search_fields = ["name", "event__title"]
    fields = ["event", "user", "name", "word", "state", "raised_at"]
