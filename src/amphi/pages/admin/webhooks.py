"""Webhooks in the administration: where other systems listen, and what they were told. A secret is shown in the form of a new one only."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from amphi.outbox import domain, signing
from amphi.outbox.models import Delivery, Endpoint, Kind


class EndpointForm(forms.ModelForm):
    """A new endpoint begins with a secret to copy; later it can be replaced, and not read."""

    url = forms.URLField(
        label=_("address"),
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("What it is told"),
        choices=Kind.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: everything."),
    )
    new_secret = forms.CharField(
        label=_("Secret"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "vTextField"}),
        help_text=_(
            "Copy it to the other system: it is not shown again. Later, a new one replaces it; empty keeps it."
        ),
    )

    class Meta:
        model = Endpoint
        fields = ["name", "url", "kinds", "new_secret", "is_active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields["new_secret"].initial = signing.new_secret
            self.fields["new_secret"].required = True

    def clean_new_secret(self) -> str:
        """A secret by the specification."""
        secret = self.cleaned_data["new_secret"].strip()
        try:
            if secret:
                signing.key_of(secret)
        except ValueError:
            raise forms.ValidationError(_("A secret is whsec_ and 24 to 64 bytes in base64.")) from None
        return secret

    def save(self, commit: bool = True) -> Endpoint:  # noqa: FBT001, FBT002 -- Django's signature
        """Keep the secret; one that is switched on again begins anew."""
        if self.cleaned_data["new_secret"]:
            self.instance.secret = self.cleaned_data["new_secret"]
        if self.instance.is_active:
            self.instance.failing_since = self.instance.disabled_at = None
        return super().save(commit)


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin):
    form = EndpointForm
    list_display = ["name", "url", "is_active", "failing_since", "disabled_at"]
    list_filter = ["is_active"]


@admin.register(Delivery)
class DeliveryAdmin(admin.ModelAdmin):
    """What endpoints were told, read-only; it can be sent again."""

    list_display = [
        "kind",
        "endpoint",
        "created_at",
        "attempts",
        "status",
        "delivered_at",
        "attempt_at",
        "last_error",
    ]
    list_filter = ["kind", "endpoint", "created_at", ("delivered_at", admin.EmptyFieldListFilter)]
    list_select_related = ["endpoint"]
    fields = [*list_display, "body"]
    actions = ["send_again"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send the chosen ones again."""
        number = domain.send_again(queryset)
        said = ngettext("%(count)d is sent again.", "%(count)d are sent again.", number)
        messages.success(request, said % {"count": number})

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Those who may change webhooks."""
        return request.user.has_perm("outbox.change_endpoint")
