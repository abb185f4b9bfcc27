"""Two sections of a webinar's options: questions; reactions and hands."""

from django import forms
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import User
from amphi.audience import voice_options
from amphi.pages.webinars.options_forms import OptionsForm


class QuestionsSection(OptionsForm):
    """Whether listeners ask, and who sees it."""

    enable_questions = forms.BooleanField(
        label=_("Listeners may ask questions"),
        required=False,
        help_text=_("They vote for those that they want answered: the most wanted come first."),
    )
    questions_anonymous = forms.BooleanField(
        label=_("Questions may be anonymous"),
        required=False,
        help_text=_("Listeners don’t see who asks; presenters and moderators do."),
    )
    questions_approved = forms.BooleanField(
        label=_("Show questions once approved"),
        required=False,
        help_text=_("A presenter or moderator approves each question before listeners see it."),
    )

    def save(self, *, user: User) -> None:
        """Save them, and tell the listeners."""
        del user
        voice_options.change(self.event, self.cleaned_data)


class ParticipationSection(OptionsForm):
    """Whether listeners react and raise their hand."""

    enable_reactions = forms.BooleanField(
        label=_("Listeners may react"),
        required=False,
        help_text=_("Applause and the like, over the picture."),
    )
    enable_hands = forms.BooleanField(
        label=_("Listeners may raise their hand"),
        required=False,
        help_text=_(
            "You invite one on stage: that person joins the meeting with a microphone, then returns to the live."
        ),
    )
    stage_places = forms.IntegerField(
        label=_("Listeners on stage at once"), min_value=1, max_value=voice_options.MOST_PLACES
    )

    def save(self, *, user: User) -> None:
        """Save them, and tell the listeners."""
        del user
        voice_options.change(self.event, self.cleaned_data)
