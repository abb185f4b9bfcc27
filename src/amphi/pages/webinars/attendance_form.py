"""The section “audience” of a webinar's options: how those who listen are noted."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from amphi.accounts.models import User
from amphi.audience import attendance
from amphi.audience.models import Event
from amphi.meetings.models import Meeting
from amphi.pages.webinars.options_forms import OptionsForm


class AttendanceSection(OptionsForm):
    """Whether names or pseudonyms are kept."""

    pseudonyms = forms.BooleanField(
        label=gettext_lazy("Attendance under pseudonyms"),
        required=False,
        help_text=gettext_lazy(
            "Presenters see a pseudonym in place of each name, for past sessions too. Those names can’t be restored."
        ),
    )

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As it is."""
        del meeting
        return {"pseudonyms": event.attendance_pseudonyms}

    def save(self, *, user: User) -> None:
        """Have it be so."""
        del user
        attendance.set_pseudonyms(self.event, wanted=self.cleaned_data["pseudonyms"])
