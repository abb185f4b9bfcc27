"""Learning platforms in the administration: what they must be told of us, and what we of them."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from amphi.lti import registering
from amphi.lti.models import Course, Invitation, Link, Platform
from amphi.pages.admin.read_only import ReadOnly


def _address(label: Promise) -> forms.URLField:
    widget = forms.URLInput(attrs={"class": "vURLField"})
    return forms.URLField(label=label, max_length=500, assume_scheme="https", widget=widget)


class PlatformForm(forms.ModelForm):
    """A platform, with its deployment ids one a line."""

    auth_url = _address(_("Authentication request URL"))
    token_url = _address(_("Access token URL"))
    jwks_url = _address(_("Public keyset URL"))

    deployments = forms.CharField(
        label=_("Deployment IDs"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_("One a line, as the platform shows them."),
    )

    class Meta:
        model = Platform
        fields = [
            *("name", "issuer", "client_id", "deployments"),
            *("auth_url", "token_url", "jwks_url", "teachers_group", "is_active"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["deployments"] = "\n".join(self.instance.deployments)

    def clean_deployments(self) -> list[str]:
        """The lines that say something."""
        lines = [line.strip() for line in self.cleaned_data["deployments"].splitlines()]
        return list(dict.fromkeys(line for line in lines if line))

    def clean_issuer(self) -> str:
        """To the letter, but for what is typed around it."""
        return str(self.cleaned_data["issuer"]).strip()


@admin.register(Platform)
class PlatformAdmin(admin.ModelAdmin):
    form = PlatformForm
    list_display = ["name", "issuer", "client_id", "is_active"]
    list_filter = ["is_active"]
    autocomplete_fields = ["teachers_group"]
    readonly_fields = ["addresses"]
    fields = [
        *("addresses", "name", "issuer", "client_id", "deployments"),
        *("auth_url", "token_url", "jwks_url", "teachers_group", "is_active"),
    ]

    @admin.display(description=_("What the platform asks for"))
    def addresses(self, _platform: Platform | None = None) -> SafeString:
        """The addresses to copy into the platform."""
        rows = (
            (_("Tool URL, redirection URI"), "lti:launch"),
            (_("Initiate login URL"), "lti:login"),
            (_("Public keyset URL"), "lti:keys"),
        )
        return format_html_join(
            "\n",
            "<div>{}: <code>{}</code></div>",
            ((what, settings.AMPHI_URL + reverse(name)) for what, name in rows),
        )


class InvitationForm(forms.ModelForm):
    """An invitation, whose site is an address without a path."""

    site = forms.URLField(
        label=_("Site"),
        max_length=250,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vURLField"}),
        help_text=_("The address of the platform, as https://moodle.univ.fr."),
    )

    class Meta:
        model = Invitation
        fields = ["name", "site", "teachers_group"]

    def clean_site(self) -> str:
        """Scheme, host and port."""
        return registering.site_of(self.cleaned_data["site"])


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Who may change them sees the link, which counts once and for a week."""

    form = InvitationForm
    list_display = ["name", "site", "created_at", "used_at"]
    autocomplete_fields = ["teachers_group"]
    readonly_fields = ["link", "used_at"]
    fields = ["name", "site", "teachers_group", "link", "used_at"]

    @admin.display(description=_("Registration link"))
    def link(self, invitation: Invitation | None = None) -> SafeString:
        """The address to paste into the platform."""
        if invitation is None or invitation.pk is None:
            return format_html("{}", _("Shown once this is saved."))
        if registering.is_over(invitation):
            return format_html("{}", _("It was used, or is older than a week. Make another one."))
        path = reverse("lti:register", args=[registering.key_of(invitation)])
        return format_html("<code>{}</code>", settings.AMPHI_URL + path)


@admin.register(Link)
class LinkAdmin(ReadOnly):
    """Webinars in courses; one that is deleted here no longer opens there."""

    list_display = ["meeting", "course", "made_by", "created_at"]
    list_select_related = ["meeting", "course", "made_by"]
    list_filter = ["course__platform"]
    search_fields = ["meeting__name", "course__title"]


@admin.register(Course)
class CourseAdmin(ReadOnly):
    """Courses that somebody came from."""

    list_display = ["title", "context_id", "platform"]
    list_select_related = ["platform"]
    list_filter = ["platform"]
    search_fields = ["title", "context_id"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False
