"""Questions, polls and raised hands in the administration: to read, and to delete."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from amphi.audience import polls, questions
from amphi.audience.models import Hand, Poll, Question, QuestionState
from amphi.pages.admin.read_only import ReadOnly


@admin.register(Question)
class QuestionAdmin(ReadOnly):
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

    def delete_model(self, request: HttpRequest, obj: Question) -> None:
        # Told first: then it is on no page any more.
        questions.set_state(obj.event, obj.pk, QuestionState.HIDDEN)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Question]) -> None:
        for question in queryset:
            self.delete_model(request, question)


@admin.register(Poll)
class PollAdmin(ReadOnly):
    list_display = ["created_at", "event", "question", "state", "results_shown"]
    list_filter = ["state", "created_at"]
    search_fields = ["question", "event__title"]
    fields = ["event", "question", "is_multiple", "state", "results_shown", "created_at"]

    def delete_model(self, request: HttpRequest, obj: Poll) -> None:  # noqa: ARG002 -- Django's signature
        polls.delete_poll(obj.event, obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Poll]) -> None:
        for poll in queryset:
            self.delete_model(request, poll)


@admin.register(Hand)
class HandAdmin(ReadOnly):
    list_display = ["raised_at", "event", "name", "word", "state"]
    list_filter = ["state", "raised_at"]
    search_fields = ["name", "event__title"]
    fields = ["event", "user", "name", "word", "state", "raised_at"]
