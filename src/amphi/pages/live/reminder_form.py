"""The form for requesting a reminder."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amphi.pages.page_form import PageForm


class ReminderForm(PageForm):
    """An email address, filled in for people who are logged in."""

    address = forms.EmailField(
        label=_("Your email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text=_("Used for this reminder only, and deleted a week after the live event."),
    )

    def __init__(self, request: HttpRequest) -> None:
        """The form, with the posted data if `request` is a POST."""
        known = getattr(request.user, "email", "")
        super().__init__(
            request.POST if request.method == "POST" else None,
            initial={"address": known},
            auto_id="reminder-%s",
        )
        self.style()
