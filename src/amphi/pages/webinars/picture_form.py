"""The picture: a section of a webinar's options, and what the desk chooses during the live."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amphi.accounts.models import User
from amphi.audience.models import Event
from amphi.meetings.models import Meeting
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.webinars import picture
from amphi.webinars.models import Layout, Livestream

AUTOMATIC, SHOWN, HIDDEN = "automatic", "shown", "hidden"
FILMED = {AUTOMATIC: None, SHOWN: True, HIDDEN: False}


class PictureSection(OptionsForm):
    """What of the meeting listeners see."""

    layout = forms.ChoiceField(
        label=pgettext_lazy("live", "Picture"),
        choices=Layout.choices,
        help_text=_("You can change it during the live, at the desk. A shared screen counts as slides."),
    )
    chat = forms.ChoiceField(
        label=_("The meeting’s chat in the picture"),
        choices=[
            (AUTOMATIC, _("Only if its messages can’t be shown beside the picture")),
            (SHOWN, pgettext_lazy("chat in the picture", "Always")),
            (HIDDEN, pgettext_lazy("chat in the picture", "Never")),
        ],
    )

    @classmethod
    def is_offered(cls, livestream: Livestream) -> bool:
        """Whether the gateway lets presenters choose."""
        return picture.is_chosen_here(livestream)

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As the live has them."""
        del event
        chosen = meeting.livestream.chat_filmed
        return {
            "layout": meeting.livestream.layout,
            "chat": next(name for name, filmed in FILMED.items() if filmed is chosen),
        }

    def save(self, *, user: User) -> None:
        """Save both."""
        layout, filmed = Layout(self.cleaned_data["layout"]), FILMED[self.cleaned_data["chat"]]
        picture.choose(self.meeting, {"layout": layout, "chat_filmed": filmed}, user=user)


class PictureForm(forms.Form):
    """What was pressed at the desk: one of the two."""

    layout = forms.ChoiceField(choices=Layout.choices, required=False)
    chat = forms.ChoiceField(choices=[(SHOWN, SHOWN), (HIDDEN, HIDDEN)], required=False)

    def clean(self) -> None:
        """Something must have been pressed."""
        if not any(self.cleaned_data.values()):
            raise forms.ValidationError("nothing was chosen")

    def save(self, meeting: Meeting, *, user: User) -> None:
        """Have it in the picture.

        Raises:
            TransitionRefusedError: the meeting is no longer a webinar.
        """
        chosen: picture.Choice = {}
        if layout := self.cleaned_data["layout"]:
            chosen["layout"] = Layout(layout)
        if chat := self.cleaned_data["chat"]:
            chosen["chat_filmed"] = FILMED[chat]
        picture.choose(meeting, chosen, user=user)
