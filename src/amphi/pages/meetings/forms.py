"""The form of a meeting, and the filters of the list."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup
from amphi.meetings import slides
from amphi.meetings.domain import OPTIONS, RECURRENCE, MeetingFields
from amphi.meetings.models import GuestPolicy, Meeting, shortened, validate_name
from amphi.meetings.recurrence import MOST
from amphi.pages.meetings.people_field import PeopleField, names_of
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_line, clean_text

DURATIONS_MIN = (30, 45, 60, 90, 120, 150, 180, 240, 300)
WEBINAR_FIELDS = ("is_webinar", "enable_chat")
LOCKS = tuple(name for name in OPTIONS if name.startswith(("lock_", "hide_")))


def duration_label(minutes: int) -> str:
    """`minutes` in words: 45 min, 1 h, 1 h 30."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(minutes)s min") % {"minutes": rest}
    if not rest:
        return gettext("%(hours)s h") % {"hours": hours}
    return gettext("%(hours)s h %(minutes)02d") % {"hours": hours, "minutes": rest}


def next_half_hour(now: datetime) -> datetime:
    """The next full or half hour after `now`."""
    floor = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0)
    return floor + timedelta(minutes=30)


class MeetingForm(PageForm):
    """The form of a meeting. It has the webinar's fields only for people who may make webinars."""

    name = forms.CharField(label=_("Name"), max_length=250)
    description = forms.CharField(
        label=_("Description"),
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Introduce the topic (shown on the live page)."),
    )
    additional_owners = PeopleField(
        label=_("Additional owners"),
        max_length=20_000,
        required=False,
        help_text=_(
            "They have the same rights as you: start, change, end. User names or email addresses, separated by commas."
        ),
    )
    start_at = forms.DateTimeField(
        label=_("Start"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    duration = forms.TypedChoiceField(label=_("Duration"), coerce=int)
    recurrence = forms.ChoiceField(
        label=_("Repeats"),
        required=False,
        choices=[
            ("", _("never")),
            ("daily", _("every day")),
            ("weekly", _("every week")),
            ("monthly", _("every month")),
            ("yearly", _("every year")),
        ],
    )
    recurrence_days = forms.MultipleChoiceField(
        label=_("Also on"),
        required=False,
        choices=[(str(number), name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    recurrence_until = forms.DateField(
        label=_("Until"),
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    recurrence_times = forms.IntegerField(
        label=_("Or number of sessions"),
        required=False,
        min_value=2,
        max_value=MOST,
    )
    is_webinar = forms.BooleanField(
        label=_("Webinar mode"),
        required=False,
        help_text=_("A few people present in the meeting; everyone else watches live in their browser."),
    )
    stops_live = forms.BooleanField(
        label=_("Stop the live now"),
        required=False,
        help_text=_("Listeners see that it is over; the meeting goes on without them."),
    )
    enable_chat = forms.BooleanField(
        label=_("Enable the chat"),
        required=False,
        initial=True,
        help_text=_("Listeners can write; their messages appear in the meeting’s public chat."),
    )
    is_restricted = forms.BooleanField(
        label=_("Restricted access"),
        required=False,
        help_text=_("Only people who are logged in can watch."),
    )
    access_groups = forms.ModelMultipleChoiceField(
        label=_("Groups allowed"),
        queryset=AccessGroup.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("If none selected, anyone logged in."),
    )
    password = forms.CharField(
        label=_("Participants’ password"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Asked of those who join by the link or, for a webinar, watch the live. Email invitations include it."
        ),
    )
    new_slides = forms.FileField(
        label=_("Slides"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".pdf,application/pdf"}),
        help_text=_("A PDF, shown from the start. 30 MB at most."),
    )
    remove_slides = forms.BooleanField(label=_("Remove the slides"), required=False)
    guest_policy = forms.ChoiceField(
        label=_("People without an account"),
        choices=[
            (GuestPolicy.ALWAYS_ACCEPT, _("direct access")),
            (GuestPolicy.ASK_MODERATOR, _("waiting room")),
            (GuestPolicy.ALWAYS_DENY, _("are refused")),
        ],
        initial=GuestPolicy.ALWAYS_ACCEPT,
    )
    is_recorded = forms.BooleanField(
        label=_("Allow recording"),
        required=False,
        help_text=_("Moderators get a recording button in the meeting."),
    )
    lock_cam = forms.BooleanField(label=_("Show their camera"), required=False)
    lock_mic = forms.BooleanField(label=_("Speak"), required=False)
    lock_public_chat = forms.BooleanField(label=_("Write in the public chat"), required=False)
    lock_private_chat = forms.BooleanField(label=_("Write in private"), required=False)
    lock_notes = forms.BooleanField(label=_("Write in the shared notes"), required=False)
    hide_user_list = forms.BooleanField(label=_("See the list of participants"), required=False)

    def __init__(
        self,
        data: Any = None,
        files: Any = None,
        *,
        meeting: Meeting | None,
        webinars: bool,
        initial: dict[str, Any] | None = None,
    ) -> None:
        """A form for `meeting`, or a new one.

        Args:
            data: the posted data.
            files: the uploaded files.
            meeting: the meeting to edit; None for a new one.
            webinars: whether the person may make webinars.
            initial: initial values of a new meeting.
        """
        self.meeting = meeting
        begin = (
            _initial_of(meeting) if meeting else {"start_at": next_half_hour(timezone.now()), "duration": 60}
        )
        super().__init__(data, files, initial={**begin, **(initial or {})})
        self._keep_webinar_fields(webinars=webinars)
        self._offer_durations()
        if meeting and meeting.is_personal:
            for name in ("start_at", "duration", *RECURRENCE, *WEBINAR_FIELDS):
                self.fields.pop(name, None)
        if not self.meeting or not self.meeting.slides:
            del self.fields["remove_slides"]
        if settings.MEETING_DISABLE_RECORD:
            del self.fields["is_recorded"]
        if "start_at" in self.fields:
            zone = timezone.get_current_timezone_name()
            self.fields["start_at"].help_text = gettext("Time zone: %(zone)s") % {"zone": zone}
        if not self.fields["access_groups"].queryset.exists():
            del self.fields["access_groups"]
        self.style()

    def _keep_webinar_fields(self, *, webinars: bool) -> None:
        for name in WEBINAR_FIELDS:
            if not webinars or name not in settings.MEETING_WEBINAR_FIELDS:
                del self.fields[name]
        livestream = getattr(self.meeting, "livestream", None)
        if "is_webinar" not in self.fields or livestream is None or not livestream.is_running:
            del self.fields["stops_live"]

    def _offer_durations(self) -> None:
        minutes = {*DURATIONS_MIN}
        if self.meeting:
            minutes.add(_minutes(self.meeting.duration))
        self.fields["duration"].choices = [(minute, duration_label(minute)) for minute in sorted(minutes)]

    def clean_password(self) -> str:
        """The password without the spaces that copying may add."""
        return self.cleaned_data["password"].strip()

    def clean_new_slides(self) -> UploadedFile | None:
        """Check that the file's content is a PDF, and its size."""
        file = self.cleaned_data["new_slides"]
        if file and file.size > slides.LARGEST_BYTES:
            raise ValidationError(gettext("This file is larger than 30 MB. Choose a smaller one."))
        if file and not slides.is_pdf(file):
            raise ValidationError(gettext("This file isn’t a PDF. Export your slides as PDF."))
        return file

    def clean_name(self) -> str:
        """The name on one line, if BBB accepts its length."""
        name = clean_line(self.cleaned_data["name"])
        validate_name(name)
        return name

    def clean_description(self) -> str:
        """The description without characters that can't be shown."""
        return clean_text(self.cleaned_data["description"])

    def clean(self) -> dict[str, Any]:
        """Refuse a meeting that would already be over, and contradictions between fields."""
        data = super().clean()
        start_at, duration = data.get("start_at"), data.get("duration")
        moved = self.meeting is None or start_at != self.meeting.start_at
        if "stops_live" in self.fields and not data["is_webinar"] and not data["stops_live"]:
            self.add_error(
                "stops_live",
                gettext(
                    "The webinar is running. Tick this box too to stop its live, or tick webinar mode again."
                ),
            )
        if data.get("recurrence") and not data.get("is_webinar"):
            self._clean_recurrence(data)
        elif (
            start_at
            and duration
            and moved
            and start_at.astimezone(UTC) + timedelta(minutes=duration) <= timezone.now()
        ):
            self.add_error("start_at", gettext("This time is in the past. Choose a later one."))
        return data

    def _clean_recurrence(self, data: dict[str, Any]) -> None:
        start_at, until = data.get("start_at"), data.get("recurrence_until")
        if until and data.get("recurrence_times"):
            self.add_error(
                "recurrence_times", gettext("Choose an end date or a number of sessions, not both.")
            )
        elif not until and not data.get("recurrence_times"):
            if not {"recurrence_until", "recurrence_times"} & self.errors.keys():
                self.add_error("recurrence_until", gettext("Enter an end date or a number of sessions."))
        elif until and start_at and until < timezone.localtime(start_at).date():
            self.add_error("recurrence_until", gettext("This date is before the first session."))

    def _recurrence(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "recurrence" not in self.fields or not data["recurrence"] or data.get("is_webinar"):
            return {}
        days = data["recurrence_days"] if data["recurrence"] == "weekly" else []
        return {name: data[name] for name in RECURRENCE} | {"recurrence_days": ",".join(sorted(days))}

    def meeting_fields(self) -> MeetingFields:
        """The meeting's new fields. Those that the form does not show keep their values."""
        data = self.cleaned_data
        meeting = self.meeting
        return MeetingFields(
            name=data["name"],
            description=data["description"],
            start_at=data.get("start_at") or meeting.start_at,
            duration=timedelta(minutes=data["duration"]) if "duration" in data else meeting.duration,
            **self._recurrence(),
            is_webinar=data.get("is_webinar", meeting.is_webinar if meeting else False),
            enable_chat=data.get("enable_chat", meeting.enable_chat if meeting else True),
            is_restricted=data["is_restricted"],
            access_groups=list(data.get("access_groups", [])),
            additional_owners=data["additional_owners"],
            new_slides=data.get("new_slides"),
            remove_slides=data.get("remove_slides", False),
            **{name: data.get(name, getattr(meeting or Meeting(), name)) for name in OPTIONS},
        )

    @property
    def locks(self) -> list[BoundField]:
        """The fields for rights that participants can be denied."""
        return [self[name] for name in LOCKS]

    @property
    def has_options(self) -> bool:
        """Whether an advanced option is set or has an error, so that the page must show the options."""
        plain = Meeting()
        if "new_slides" in self.errors:
            return True
        return any(
            name in self.errors or (self[name].value() or "") not in {getattr(plain, name), ""}
            for name in OPTIONS
            if name in self.fields
        )


def _minutes(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() / 60))


def _initial_of(meeting: Meeting) -> dict[str, Any]:
    return {
        "name": meeting.name,
        "description": meeting.description,
        "start_at": meeting.start_at,
        "duration": _minutes(meeting.duration),
        **{name: getattr(meeting, name) for name in RECURRENCE},
        "recurrence_days": meeting.recurrence_days.split(",") if meeting.recurrence_days else [],
        "is_webinar": meeting.is_webinar,
        "enable_chat": meeting.enable_chat,
        "is_restricted": meeting.is_restricted,
        "access_groups": list(meeting.access_groups.all()),
        "additional_owners": names_of(list(meeting.additional_owners.all())),
        **{name: getattr(meeting, name) for name in OPTIONS},
    }


def copy_of(meeting: Meeting, now: datetime) -> dict[str, Any]:
    """The initial values of a copy of `meeting`: the same weekday and time, in the first week in which that is in the future."""
    local = timezone.localtime(meeting.start_at)
    weeks = max(0, (now - local) // timedelta(weeks=1) + 1)
    # Added to the local time, so that the hour stays the same when clocks change in between.
    start_at = timezone.make_aware(local.replace(tzinfo=None) + timedelta(weeks=weeks))
    name = gettext("Copy of %(name)s") % {"name": meeting.name}
    return {**_initial_of(meeting), "name": shortened(name), "start_at": start_at}


class FilterForm(forms.Form):
    """The filters of the list; unknown values count as not chosen."""

    kind = forms.ChoiceField(choices=[("", ""), ("webinars", ""), ("meetings", "")], required=False)
    when = forms.ChoiceField(choices=[("", ""), ("past", "")], required=False)
    q = forms.CharField(max_length=100, required=False)

    def chosen(self, name: str) -> str:
        """The value of one filter, or an empty string."""
        return self.cleaned_data.get(name, "") if self.is_valid() or name not in self.errors else ""


class MoveForm(forms.Form):
    """A new start for a webinar: one of the offered starts."""

    start_at = forms.DateTimeField(input_formats=["%Y-%m-%dT%H:%M:%S%z"])

    def __init__(self, data: Any, *, offered: list[datetime]) -> None:
        """A form that accepts only the times in `offered`."""
        super().__init__(data)
        self._offered = {start.replace(microsecond=0): start for start in offered}

    def clean_start_at(self) -> datetime:
        """The offered time that was chosen, to the microsecond.

        Raises:
            ValidationError: it is not among the offered times.
        """
        start = self._offered.get(self.cleaned_data["start_at"])
        if start is None:
            raise ValidationError(gettext("This time was not offered."))
        return start
