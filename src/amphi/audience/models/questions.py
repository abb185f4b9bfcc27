"""Questions of listeners, and the votes for them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.events import Event
from amphi.audience.models.viewers import VIEWER_LENGTH


class QuestionState(models.TextChoices):
    """The state of a question. Listeners see the states in `QUESTION_SHOWN`."""

    WAITING = "waiting", _("awaiting approval")
    OPEN = "open", pgettext_lazy("question", "open")
    CURRENT = "current", _("being answered")
    ANSWERED = "answered", _("answered")
    HIDDEN = "hidden", pgettext_lazy("question", "hidden")


QUESTION_SHOWN = frozenset({QuestionState.OPEN, QuestionState.CURRENT, QuestionState.ANSWERED})


class Question(models.Model):
    """One question. `votes` is the number of its `QuestionVote` rows, written in the same transaction."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, related_name="questions", verbose_name=_("event")
    )
    viewer = models.CharField(max_length=VIEWER_LENGTH, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    author_name = models.CharField(_("author’s name"), max_length=255)
    is_anonymous = models.BooleanField(_("anonymous to listeners"), default=False)
    text = models.TextField(_("text"))
    answer = models.TextField(_("answer"), blank=True)
    state = models.CharField(_("state"), max_length=8, choices=QuestionState, default=QuestionState.OPEN)
    votes = models.PositiveIntegerField(_("votes"), default=0)
    created_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, editable=False)
    # When it was sent into the meeting; it is sent only once.
    passed_on_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        ordering = ["created_at", "pk"]
        indexes = [
            models.Index(fields=["event", "created_at"]),
            models.Index(fields=["event", "-votes", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:40]}"


class QuestionVote(models.Model):
    """One viewer's vote for a question."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="voters")
    viewer = models.CharField(max_length=VIEWER_LENGTH)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["question", "viewer"], name="one_vote_a_viewer_a_question")
        ]

    def __str__(self) -> str:
        return f"{self.question_id} {self.viewer}"
