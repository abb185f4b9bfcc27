"""The form for registering: name, address, and answers to the owner's questions."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.accounts.models import User
from amphi.audience.models import RegistrationRules
from amphi.audience.registration import Application
from amphi.pages.page_form import PageForm
from amphi.system.typed import clean_line


class RegistrationForm(PageForm):
    """Name and address, and one field for each question of the rules."""

    name = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text=gettext_lazy("The presenters see it, and it is shown with what you write."),
    )
    address = forms.EmailField(
        label=gettext_lazy("Your email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    organisation = forms.CharField(
        label=gettext_lazy("Your organisation"),
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def __init__(self, request: HttpRequest, rules: RegistrationRules) -> None:
        """The form, with the posted data if `request` is a POST."""
        user = request.user if isinstance(request.user, User) else None
        known: dict[str, Any] = {"name": str(user), "address": user.email} if user else {}
        super().__init__(request.POST if request.method == "POST" else None, initial=known)
        if not rules.asks_organisation:
            del self.fields["organisation"]
        if rules.domains:
            listed = ", ".join(rules.domains.split())
            self.fields["address"].help_text = _("An address of: %(domains)s.") % {"domains": listed}
        self._questions = {f"answer{number}": question for number, question in enumerate(rules.questions)}
        for name, question in self._questions.items():
            # As on paper, a star marks a question that must be answered.
            self.fields[name] = forms.CharField(
                label=question.removesuffix("*").strip(), max_length=300, required=question.endswith("*")
            )
        self.style()

    def clean_name(self) -> str:
        """The name, which must have a visible character."""
        name = clean_line(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError(_("Enter your name."))
        return name

    def application(self) -> Application:
        """What was entered."""
        data = self.cleaned_data
        answers = [
            (question.removesuffix("*").strip(), clean_line(data[name]))
            for name, question in self._questions.items()
        ]
        return Application(
            name=data["name"],
            address=data["address"],
            organisation=clean_line(data.get("organisation", "")),
            answers=answers,
        )
