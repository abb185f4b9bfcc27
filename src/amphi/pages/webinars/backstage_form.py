"""The section “backstage” of a webinar's options: when listeners begin to see."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.accounts.models import User
from amphi.audience.models import Event
from amphi.meetings.models import Meeting
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.webinars import domain

AT_ONCE, BY_HAND = "at_once", "by_hand"


class BackstageSection(OptionsForm):
    """Whether listeners see the live as soon as it starts."""

    opening = forms.ChoiceField(
        label=gettext_lazy("Start of the live"),
        choices=[
            (AT_ONCE, gettext_lazy("Listeners see the live as soon as it starts")),
            (BY_HAND, gettext_lazy("I go live myself, after preparing backstage")),
        ],
        help_text=gettext_lazy(
            "Backstage, the meeting runs and is filmed, but listeners keep seeing the waiting page until you press “Go live”."
        ),
    )

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As the live is."""
        del event
        return {"opening": BY_HAND if meeting.livestream.starts_backstage else AT_ONCE}

    def clean_opening(self) -> str:
        """Backstage needs a live server that asks viewers for a ticket: else whoever knows the stream's address sees it."""
        opening: str = self.cleaned_data["opening"]
        if opening == BY_HAND and not self.event.broadcaster.has_tickets:
            raise forms.ValidationError(
                _(
                    "The live server of this webinar does not check its viewers, so nothing could be prepared unseen. Ask an administrator."
                )
            )
        return opening

    def save(self, *, user: User) -> None:
        """Have it be so from the next start on.

        Raises:
            MeetingError: it is no webinar any more.
        """
        backstage = self.cleaned_data["opening"] == BY_HAND
        domain.set_starts_backstage(self.meeting, backstage=backstage, user=user)
