"""The section “captions” of a webinar's options."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from amphi.accounts.models import User
from amphi.audience.captions import choosing
from amphi.audience.models import CaptionsFrom, Event
from amphi.meetings.models import Meeting
from amphi.pages.webinars.options_forms import OptionsForm

NOBODY = "nobody"
"""How a form says that there are none: a list to choose from has a value for each."""


class CaptionsSection(OptionsForm):
    """Where captions come from, and in which language they are."""

    source = forms.ChoiceField(label=gettext_lazy("Captions come from"))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        help_text=gettext_lazy("The one that is spoken: captions are not translated."),
    )

    def prepare(self) -> None:
        """What this platform offers, and what is chosen already."""
        chosen = self.event.captions_from
        offered = choosing.sources()
        if chosen not in dict(offered):
            offered.append((chosen, str(CaptionsFrom(chosen).label)))
        self.fields["source"].choices = [(value or NOBODY, label) for value, label in offered]  # type: ignore[attr-defined]
        self.fields["language"].choices = [  # type: ignore[attr-defined]
            (code, choosing.language_name(code)) for code in choosing.LANGUAGES
        ]

    @staticmethod
    def initial_of(meeting: Meeting, event: Event) -> dict[str, Any]:
        """As they are."""
        del meeting
        return {"source": event.captions_from or NOBODY, "language": event.captions_language}

    def clean_source(self) -> CaptionsFrom:
        """As the event has it."""
        chosen: str = self.cleaned_data["source"]
        return CaptionsFrom("" if chosen == NOBODY else chosen)

    def clean(self) -> dict[str, Any]:
        """The platform's engine may know some languages only."""
        cleaned: dict[str, Any] = super().clean() or {}
        known = choosing.engine_languages()
        language = cleaned.get("language")
        if cleaned.get("source") == CaptionsFrom.ENGINE and language and language not in known:
            names = ", ".join(choosing.language_name(code) for code in known if code in choosing.LANGUAGES)
            self.add_error(
                "language", gettext("This platform recognises: %(languages)s.") % {"languages": names}
            )
        return cleaned

    def save(self, *, user: User) -> None:
        """Have them be so."""
        del user
        choosing.choose(
            self.event, source=self.cleaned_data["source"], language=self.cleaned_data["language"]
        )
