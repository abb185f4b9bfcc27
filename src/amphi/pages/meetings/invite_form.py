"""The form for inviting by email."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from amphi.pages.meetings.pasted import addresses_in
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_text
from amphi.webinars.invitations import MOST_ADDRESSES, Letter, Role


class AddressesField(forms.CharField):
    """Email addresses in any form that `pasted` understands: one per line or separated, with or without names."""

    def clean(self, value: str) -> list[str]:
        """The addresses, without duplicates.

        Raises:
            ValidationError: a word is not an address (the message says which), or there are too many.
        """
        found = addresses_in(super().clean(value))
        if found.wrong:
            raise ValidationError(
                ngettext(
                    "Invalid email address: %(words)s", "Invalid email addresses: %(words)s", len(found.wrong)
                ),
                params={"words": ", ".join(found.wrong[:10])},
            )
        if not found.addresses:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(found.addresses) > MOST_ADDRESSES:
            raise ValidationError(
                gettext("At most %(most)s people can be invited at once; you entered %(given)s."),
                params={"most": MOST_ADDRESSES, "given": len(found.addresses)},
            )
        return found.addresses


class InviteForm(PageForm):
    """The people to invite, their role, the language, and a personal message."""

    addresses = AddressesField(
        label=_("Email addresses"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "One per line, or separated by commas or semicolons. You can paste a list from your email program or a spreadsheet, with names."
        ),
    )
    role = forms.ChoiceField(
        label=_("Invited as"),
        widget=forms.RadioSelect,
        choices=[
            (Role.LISTENER, _("listeners: they receive the link to the live page")),
            (Role.PRESENTER, _("presenters: they receive a link to the meeting")),
        ],
        initial=Role.LISTENER,
    )
    word = forms.CharField(
        label=_("Personal message"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    language = forms.ChoiceField(
        label=_("Language of the email"),
        choices=settings.LANGUAGES,
        help_text=_("Users who chose a language on this platform receive it in that language."),
    )

    def __init__(self, data: Any = None, *, roles: list[Role]) -> None:
        """A form that offers `roles`; a single role is not asked for."""
        super().__init__(data, initial={"language": translation.get_language()})
        self._only_role = roles[0] if len(roles) == 1 else None
        if self._only_role:
            del self.fields["role"]
        self.style()

    def letter(self) -> Letter:
        """The invitation to write."""
        data = self.cleaned_data
        role = self._only_role or Role(data["role"])
        return Letter(role=role, language=data["language"], word=clean_text(data["word"]))
