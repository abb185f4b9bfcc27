"""What presenters choose of replays: for lives to come, in the options; for one that was, on its own page."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import User
from amphi.audience.models import SHOWN_TO, Event, Replay, ReplayFor
from amphi.audience.replays import editing
from amphi.audience.replays.editing import LONGEST_TITLE, Mark
from amphi.meetings.models import Meeting
from amphi.pages.page_form import PageForm
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.webinars.models import Livestream

FREE_ROWS = 3
"""Empty rows for chapters, besides those that are there."""


def _days_field() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Days kept after the live"),
        min_value=1,
        max_value=settings.RECORDINGS_DAYS,
        help_text=_("Then it is deleted, and can’t be restored."),
    )


class ReplaySection(OptionsForm):
    """Whether lives to come are recorded, who sees them again, and for how long."""

    replay_for = forms.ChoiceField(
        label=_("Who sees the live again"),
        choices=ReplayFor.choices,
        help_text=_("“Nobody” counts when chosen before the live. Listeners are told that it is recorded."),
    )

    @classmethod
    def is_offered(cls, livestream: Livestream) -> bool:
        """Whether this platform records."""
        del livestream
        return settings.RECORDINGS is not None

    def prepare(self) -> None:
        """The longest is a setting."""
        self.fields["replay_days"] = _days_field()

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As it is."""
        del meeting
        return {"replay_for": event.replay_for, "replay_days": event.replay_days}

    def save(self, *, user: User) -> None:
        """Have it be so."""
        del user
        shown_to = ReplayFor(self.cleaned_data["replay_for"])
        editing.plan(self.event, shown_to=shown_to, days=self.cleaned_data["replay_days"])


class ShownForm(PageForm):
    """Who sees a replay, and for how long."""

    shown_to = forms.ChoiceField(label=pgettext_lazy("replay", "Who sees it"), choices=SHOWN_TO)

    def __init__(self, data: Any, replay: Replay) -> None:
        super().__init__(data, initial={"shown_to": replay.shown_to, "days": replay.days})
        self.fields["days"] = _days_field()
        self.replay = replay
        self.style()

    def save(self) -> None:
        """Have it be so."""
        shown_to = ReplayFor(self.cleaned_data["shown_to"])
        editing.show(self.replay, shown_to=shown_to, days=self.cleaned_data["days"])


class ClockField(forms.TimeField):
    """A time of the day, to the second."""

    widget = forms.TimeInput(attrs={"type": "time", "step": "1"}, format="%H:%M:%S")


def _clock(at: datetime | None) -> time | None:
    return timezone.localtime(at).time().replace(microsecond=0) if at is not None else None


def _moment(replay: Replay, clock: time) -> datetime:
    """The moment of a replay that a clock showed: of a live past midnight, on the next day."""
    began = timezone.localtime(replay.airing.began_at).replace(microsecond=0)
    moment = began.replace(hour=clock.hour, minute=clock.minute, second=clock.second)
    return moment if moment >= began else moment + timedelta(days=1)


class TrimForm(PageForm):
    """Where a replay begins and ends, by the clock of the day."""

    start = ClockField(label=_("Begins at"), required=False)
    end = ClockField(label=_("Ends at"), required=False)

    def __init__(self, data: Any, replay: Replay) -> None:
        super().__init__(data, initial={"start": _clock(replay.start_at), "end": _clock(replay.end_at)})
        self.replay = replay
        self.style()

    def clean(self) -> dict[str, Any]:
        """Within the live."""
        cleaned: dict[str, Any] = super().clean() or {}
        ended_at = self.replay.airing.ended_at
        for name in ("start", "end"):
            given = cleaned.get(name)
            cleaned[name] = _moment(self.replay, given) if given is not None else None
            if cleaned[name] is not None and ended_at is not None and cleaned[name] > ended_at:
                self.add_error(name, _("Choose a time within the live."))
        return cleaned

    def save(self) -> None:
        """Have it be so.

        Raises:
            ReplayError: nothing would be left.
        """
        editing.trim(self.replay, self.cleaned_data["start"], self.cleaned_data["end"])


class ChapterForm(PageForm):
    """One chapter; without a title it is none."""

    at = ClockField(label=_("Time"), required=False)
    title = forms.CharField(label=pgettext_lazy("chapter", "Title"), required=False, max_length=LONGEST_TITLE)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.style()

    def clean(self) -> dict[str, Any]:
        """A title needs a time."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("title") and cleaned.get("at") is None and "at" not in self.errors:
            raise ValidationError({"at": gettext("Enter a time.")})
        return cleaned


Chapters = forms.formset_factory(
    ChapterForm, extra=FREE_ROWS, max_num=editing.MOST_CHAPTERS, absolute_max=editing.MOST_CHAPTERS
)


def chapters_form(data: Any, replay: Replay) -> Any:
    """All chapters of a replay as a form."""
    rows = [{"at": _clock(one.at), "title": one.title} for one in replay.chapters.all()]
    return Chapters(data, initial=rows, prefix="chapter")


def save_chapters(replay: Replay, filled: Any) -> None:
    """Replace the chapters by those of a valid form.

    Raises:
        ReplayError: they can't be so.
    """
    rows = [one.cleaned_data for one in filled.forms if one.cleaned_data.get("title")]
    editing.set_chapters(replay, [Mark(_moment(replay, row["at"]), row["title"]) for row in rows])
