"""What can be seen again of a live, by whom, and for how long."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.audience.models.attendance import Airing
from amphi.audience.models.events import DEFAULT_REPLAY_DAYS, ReplayFor
from amphi.system.leases import Leased

SHOWN_TO = [choice for choice in ReplayFor.choices if choice[0] != ReplayFor.NOTHING]
"""Of what was recorded."""


class Replay(Leased):
    """One airing, to be seen again. Its picture is in the recordings of its event (`amphi.system.recordings`) of that time.

    Attributes:
        days: how long it is kept after the live.
        delete_at: when it and its recordings are deleted; None while the live runs.
        start_at: what came before is cut off; None for the beginning of the airing.
        end_at: what came after is cut off; None for its end.
        played_at: when somebody played it last, within a minute or so.
        file_state: of the file to download.
        file_name: its name in the folder of the event's files.
        sheets: how many sheets of small pictures it has; None until they are made.
        sheet_name: what their files' names begin with.
    """

    class FileState(models.TextChoices):
        """The file to download, which is made when somebody who presents asks for it."""

        NONE = "", ""
        WANTED = "wanted", pgettext_lazy("file", "being made")
        READY = "ready", pgettext_lazy("file", "ready")
        FAILED = "failed", pgettext_lazy("file", "failed")

    airing = models.OneToOneField(Airing, on_delete=models.CASCADE, related_name="replay")
    shown_to = models.CharField(_("shown to"), max_length=10, choices=SHOWN_TO, default=ReplayFor.PRESENTERS)
    days = models.PositiveSmallIntegerField(_("days kept"), default=DEFAULT_REPLAY_DAYS)
    delete_at = models.DateTimeField(_("deleted at"), null=True, db_index=True)
    start_at = models.DateTimeField(null=True)
    end_at = models.DateTimeField(null=True)
    played_at = models.DateTimeField(null=True, editable=False)
    file_state = models.CharField(
        max_length=6, choices=FileState, default=FileState.NONE, blank=True, editable=False
    )
    file_name = models.CharField(max_length=60, blank=True, editable=False)
    sheets = models.PositiveSmallIntegerField(null=True, editable=False)
    sheet_name = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        ordering = ["-airing__began_at", "-pk"]
        verbose_name = _("replay")
        verbose_name_plural = _("replays")

    def __str__(self) -> str:
        return str(self.airing)


class BucketItem(Leased):
    """One thing of an event's recordings that is, or is to be, in the bucket (`amphi.bucket`).

    Its row outlives the event and the replay: what is in the bucket is deleted when nothing needs it any more.

    Attributes:
        event_id: the event's number.
        name: a recording's, or ``files/`` and the name of a file that was made of one.
        state: what is, or is to be done.
        reason: what the last attempt met with, a code; empty after one that succeeded.
        attempts: how many attempts failed one after the other.
        attempt_at: when to go on; None when nothing is left to do.
        size_bytes: how much of it is in the bucket.
        index_bytes: how much of a recording's index was there when it was uploaded.
        local_until: when the copy in the folder is removed; None when there is none, or nothing is in the bucket yet.
    """

    class State(models.TextChoices):
        """What is, or is to be done."""

        WAITING = "waiting", pgettext_lazy("recording", "to be uploaded")
        STORED = "stored", pgettext_lazy("recording", "in the bucket")
        UNWANTED = "unwanted", pgettext_lazy("recording", "to be deleted")

    event_id = models.BigIntegerField(_("event"))
    name = models.CharField(_("name"), max_length=70)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    reason = models.CharField(_("problem"), max_length=12, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempt_at = models.DateTimeField(_("next attempt"), null=True, db_index=True)
    size_bytes = models.BigIntegerField(_("size"), default=0)
    index_bytes = models.BigIntegerField(default=0)
    local_until = models.DateTimeField(null=True, db_index=True)

    class Meta:
        verbose_name = _("recording in the bucket")
        verbose_name_plural = _("recordings in the bucket")
        constraints = [models.UniqueConstraint(fields=["event_id", "name"], name="one_item_a_name")]

    def __str__(self) -> str:
        return f"{self.event_id}/{self.name}"


class Chapter(models.Model):
    """Where a part of a replay begins."""

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="chapters")
    at = models.DateTimeField()
    title = models.CharField(max_length=120)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["replay", "at"], name="one_chapter_a_moment")]

    def __str__(self) -> str:
        return self.title


class PodTransfer(Leased):
    """A replay that is sent to Esup-Pod, once.

    Attributes:
        state: how far it is.
        reason: why it failed, a code; or what the last attempt met with.
        attempts: how many attempts met with an error.
        attempt_at: when to go on; None when nothing is left to do.
        page_url: the video's page there.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", pgettext_lazy("video", "waiting")
        DONE = "done", pgettext_lazy("video", "sent")
        FAILED = "failed", pgettext_lazy("video", "failed")

    replay = models.OneToOneField(Replay, on_delete=models.CASCADE, related_name="pod_transfer")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempt_at = models.DateTimeField(null=True, db_index=True)
    page_url = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return str(self.replay)
