"""Emails in the administration: their addressees and errors. Not their text, which may contain a key."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from amphi.mails.models import Mail


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    """Emails, read-only."""

    list_display = ["to", "subject", "created_at", "attempts", "attempt_at", "sent_at", "last_error"]
    list_filter = ["created_at", "sent_at"]
    search_fields = ["to", "subject"]
    fields = list_display

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
