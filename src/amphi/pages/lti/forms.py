"""The form of a webinar that is made from a course."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.meetings.models import shortened, validate_name
from amphi.pages.meetings.forms import DURATIONS_MIN, duration_label, next_half_hour
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_line


class NewWebinarForm(PageForm):
    """What must be known to make a webinar; the rest is on its own pages."""

    name = forms.CharField(label=_("Name"), max_length=250)
    start_at = forms.DateTimeField(
        label=_("Start"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    duration = forms.TypedChoiceField(label=_("Duration"), coerce=int)
    only_course = forms.BooleanField(
        label=_("Only for this course"),
        required=False,
        help_text=_("Only people who come from the course can watch."),
    )

    def __init__(self, *args: Any, name: str = "", **kwargs: Any) -> None:
        initial = {"name": shortened(name), "only_course": True, "duration": 60}
        initial["start_at"] = next_half_hour(timezone.localtime())
        super().__init__(*args, initial=initial, **kwargs)
        field = self.fields["duration"]
        assert isinstance(field, forms.TypedChoiceField)  # noqa: S101 -- as it is declared above
        field.choices = [(minutes, duration_label(minutes)) for minutes in DURATIONS_MIN]
        self.style()

    def clean_name(self) -> str:
        """A name as meetings have it."""
        name = clean_line(self.cleaned_data["name"])
        validate_name(name)
        return name

    def clean(self) -> dict[str, Any]:
        """Hours that are not over."""
        given = super().clean() or {}
        if "start_at" in given and "duration" in given:
            end = given["start_at"].astimezone(UTC) + timedelta(minutes=given["duration"])
            if end <= timezone.now():
                self.add_error(
                    "start_at", ValidationError(gettext("This time is in the past. Choose a later one."))
                )
        return given

    def no_gateway(self, nearest: Iterable[datetime]) -> None:
        """Say that no gateway is free, and when one is."""
        hours = ", ".join(
            date_format(timezone.localtime(start), "SHORT_DATETIME_FORMAT") for start in nearest
        )
        said = gettext("No live gateway is free at this time.")
        if hours:
            said += " " + gettext("Free times: %(hours)s.") % {"hours": hours}
        self.add_error("start_at", said)
