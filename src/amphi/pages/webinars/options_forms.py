"""The sections of a webinar's options: each a form of its own."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import User
from amphi.audience.models import ChatMode, Event, ToMeeting
from amphi.audience.options import (
    LONGEST_WORD,
    MOST_WORDS,
    DiscussionOptions,
    change_discussion,
    set_moderators,
)
from amphi.meetings.models import Meeting
from amphi.pages.meetings.people_field import PeopleField, names_of
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_line
from amphi.webinars.models import Livestream
from amphi.webinars.opening import open_chat

CLOSED = "closed"


class OptionsForm(PageForm):
    """One section. It shows the present options, and `save` changes them."""

    def __init__(self, data: Any, meeting: Meeting, event: Event, files: Any = None) -> None:
        """The section as it stands for a webinar, or as `data` fills it in."""
        super().__init__(data, files, initial=self.initial_of(meeting, event))
        self.meeting = meeting
        self.event = event
        self.prepare()
        self.style()

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """The present values of the fields: most are columns of the event, by the same name."""
        del meeting
        return forms.model_to_dict(event, fields=list(cls.base_fields))

    @classmethod
    def is_offered(cls, livestream: Livestream) -> bool:
        """Whether this platform, and the webinar's gateway, have what it is about."""
        del livestream
        return True

    def prepare(self) -> None:
        """Leave out what this platform does not offer."""

    def save(self, *, user: User) -> None:
        """Save the options.

        Raises:
            MeetingError: it is no longer possible.
        """
        raise NotImplementedError


class DiscussionForm(OptionsForm):
    """Who may write in the discussion, and which messages go into the meeting."""

    chat_mode = forms.ChoiceField(
        label=_("Discussion"),
        choices=[*ChatMode.choices, (CLOSED, pgettext_lazy("discussion", "Closed"))],
        help_text=_("Presenters and moderators always write, unless it is closed."),
    )
    slow_s = forms.IntegerField(
        label=_("Slow mode: seconds between two messages of one listener"), min_value=5, max_value=600
    )
    guests_may_write = forms.BooleanField(
        label=_("People without an account may write"),
        required=False,
        help_text=_("They choose a name, which is shown as that of an unverified guest."),
    )
    names_hidden = forms.BooleanField(
        label=_("Hide listeners’ names"),
        required=False,
        help_text=_(
            "Only presenters and moderators see who wrote, on this site; names are not sent into the meeting."
        ),
    )
    held_words = forms.CharField(
        label=_("Words that hold a message back"),
        required=False,
        max_length=MOST_WORDS * (LONGEST_WORD + 2),
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line. A message that contains one waits for a moderator’s approval."),
    )
    to_meeting = forms.ChoiceField(
        label=_("Sent into the meeting"),
        choices=ToMeeting.choices,
        help_text=_("So that thousands of listeners do not flood the presenters’ chat."),
    )
    to_meeting_votes = forms.IntegerField(
        label=_("Votes that a question needs to be sent"), min_value=1, max_value=1000
    )

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As the event is; one that is closed remembers how it went."""
        values = super().initial_of(meeting, event)
        return values if event.enable_chat else {**values, "chat_mode": CLOSED}

    def prepare(self) -> None:
        """A platform without the field of the chat decides itself whether it is open."""
        if "enable_chat" not in settings.MEETING_WEBINAR_FIELDS:
            choices = (
                ChatMode.choices
                if self.event.enable_chat
                else [(CLOSED, pgettext_lazy("discussion", "Closed"))]
            )
            self.fields["chat_mode"].choices = choices  # type: ignore[attr-defined]

    def clean_held_words(self) -> str:
        """The words, one a line, each once."""
        words = list(
            dict.fromkeys(
                word for line in self.cleaned_data["held_words"].splitlines() if (word := clean_line(line))
            )
        )
        if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
            raise ValidationError(
                gettext("At most %(words)s words, each of at most %(length)s characters."),
                params={"words": MOST_WORDS, "length": LONGEST_WORD},
            )
        return "\n".join(words)

    def save(self, *, user: User) -> None:
        """Change the discussion, and open or close it."""
        values = dict(self.cleaned_data)
        is_open = values["chat_mode"] != CLOSED
        if not is_open:
            values["chat_mode"] = self.event.chat_mode
        change_discussion(self.event, DiscussionOptions(**values))
        open_chat(self.event, is_open=is_open, user=user)


class ModeratorsForm(OptionsForm):
    """The moderators of the discussion."""

    moderators = PeopleField(
        label=_("Moderators"),
        max_length=20_000,
        required=False,
        help_text=_("User names or email addresses, separated by commas. They need not be in the meeting."),
    )

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As they are."""
        del meeting
        return {"moderators": names_of(list(event.moderators.all()))}

    def save(self, *, user: User) -> None:
        """Name them."""
        del user
        set_moderators(self.event, self.cleaned_data["moderators"])
