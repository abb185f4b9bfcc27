"""The section “invitation” of a webinar's options: who speaks, and the poster."""

from django import forms
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import User
from amphi.audience import posters
from amphi.audience.exceptions import PosterError
from amphi.audience.models import Event
from amphi.pages.webinars.options_forms import OptionsForm
from amphi.system.typed import clean_line


class InvitationSection(OptionsForm):
    """What the live page says and shows before the start, besides title and description."""

    speakers = forms.CharField(
        label=_("Speakers"),
        max_length=300,
        required=False,
        help_text=_("Such as “Marie Curie, University of Paris”; empty: the owners’ names."),
    )
    poster = forms.FileField(
        label=_("Poster"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=_("JPEG, PNG or WebP, 8 MB at most; shown 16 to 9, on the live page and in the list."),
    )
    no_poster = forms.BooleanField(label=_("Remove the poster"), required=False)

    def prepare(self) -> None:
        """What is not there can't be removed."""
        if not self.event.poster_mark:
            del self.fields["no_poster"]

    def clean_poster(self) -> posters.Drawn | None:
        """The poster, drawn anew."""
        file = self.cleaned_data["poster"]
        if file is None:
            return None
        try:
            return posters.draw(file)
        except PosterError as error:
            raise forms.ValidationError(str(error)) from error

    def save(self, *, user: User) -> None:
        """Have it be so."""
        del user
        data = self.cleaned_data
        Event.objects.filter(pk=self.event.pk).update(speakers=clean_line(data["speakers"]))
        if data["poster"] is not None or data.get("no_poster"):
            posters.keep(self.event, data["poster"])
