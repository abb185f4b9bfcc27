"""The section “registration” of a webinar's options: who may, how many, and what is asked."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.accounts.models import User
from amphi.audience import registration
from amphi.audience.models import Event, RegistrationRules
from amphi.meetings.models import Meeting
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.system.typed import clean_line, clean_text

_DOMAIN = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
NONE, OFFERED, REQUIRED = "none", "offered", "required"


class RegistrationSection(OptionsForm):
    """The rules of one event."""

    mode = forms.ChoiceField(
        label=gettext_lazy("Registration"),
        choices=[
            (NONE, gettext_lazy("none: whoever has the link watches")),
            (OFFERED, gettext_lazy("offered: the registered receive reminders, others may watch too")),
            (REQUIRED, gettext_lazy("required: only the registered watch")),
        ],
    )
    capacity = forms.IntegerField(
        label=gettext_lazy("Number of places"),
        required=False,
        min_value=1,
        max_value=registration.MOST_OF_AN_EVENT,
        help_text=gettext_lazy("Empty: no limit."),
    )
    needs_approval = forms.BooleanField(label=gettext_lazy("I approve each registration"), required=False)
    domains = forms.CharField(
        label=gettext_lazy("Domains of email addresses"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Such as univ.fr etu.univ.fr; empty: every address."),
    )
    asks_organisation = forms.BooleanField(label=gettext_lazy("Ask for the organisation"), required=False)
    questions = forms.CharField(
        label=gettext_lazy("Your questions"),
        max_length=1200,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "One per line, five at most. A star at the end means that an answer is required."
        ),
    )
    thanks = forms.CharField(
        label=gettext_lazy("Email to those who came"),
        max_length=3000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Sent an hour after the end; empty: nothing is sent."),
    )
    missed = forms.CharField(
        label=gettext_lazy("Email to those who did not come"),
        max_length=3000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Sent an hour after the end; empty: nothing is sent."),
    )

    @classmethod
    def initial_of(cls, meeting: Meeting, event: Event) -> dict[str, Any]:
        """As the rules are."""
        del meeting
        rules = RegistrationRules.objects.filter(event=event).first() or RegistrationRules()
        return {
            "mode": (REQUIRED if event.needs_registration else OFFERED) if rules.is_open else NONE,
            "capacity": rules.capacity,
            "needs_approval": rules.needs_approval,
            "domains": rules.domains,
            "asks_organisation": rules.asks_organisation,
            "questions": "\n".join(rules.questions),
            "thanks": rules.thanks,
            "missed": rules.missed,
        }

    def prepare(self) -> None:
        """Other sections of the page have fields of these names."""
        self.auto_id = "registration-%s"

    def clean_domains(self) -> str:
        """The domains, in small letters, separated by spaces."""
        found = [
            word.lower().lstrip("@*.") for word in re.split(r"[\s,;]+", self.cleaned_data["domains"]) if word
        ]
        if wrong := [word for word in found if not _DOMAIN.fullmatch(word)]:
            raise forms.ValidationError(
                _("This is not a domain: %(words)s.") % {"words": ", ".join(wrong[:5])}
            )
        return " ".join(dict.fromkeys(found))

    def clean_questions(self) -> list[str]:
        """The questions."""
        lines = [clean_line(line) for line in self.cleaned_data["questions"].splitlines()]
        asked = [line for line in dict.fromkeys(lines) if line.rstrip("*").strip()]
        if len(asked) > registration.MOST_QUESTIONS:
            raise forms.ValidationError(_("Five questions at most."))
        if any(len(line) > 200 for line in asked):  # noqa: PLR2004 -- said in the message
            raise forms.ValidationError(_("A question has 200 characters at most."))
        return asked

    def save(self, *, user: User) -> None:
        """Write the rules."""
        del user
        data = dict(self.cleaned_data)
        mode = data.pop("mode")
        data |= {"thanks": clean_text(data["thanks"]), "missed": clean_text(data["missed"])}
        registration.set_rules(self.event, is_required=mode == REQUIRED, is_open=mode != NONE, **data)
