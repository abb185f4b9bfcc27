"""Live gateways and livestreams in the administration."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from amphi.checkup.live_gateways import check_gateway, check_rtmp, services_of
from amphi.meetings.exceptions import MeetingError
from amphi.pages.webinars import wording
from amphi.system.terminal import speaking
from amphi.webinars import domain
from amphi.webinars.models import LiveGateway, Livestream, Transition
from amphi.webinars.starting import start_meeting

MOST_TESTED = 10
"""The most live gateways to test in one request, since each may take some seconds to answer."""
LEVELS = {"OK": messages.SUCCESS, "WARN": messages.WARNING, "FAIL": messages.ERROR}


def _server_of(url: str) -> str:
    """The server that an address names; an empty address means the one in the settings."""
    scheme, _, rest = (url or settings.MEETING_WEBINAR_SIPMEDIAGW_URL).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}".lower()


class LiveGatewayForm(forms.ModelForm):
    """A form that never shows the token. Left empty, the field keeps the stored token."""

    sipmediagw_token = forms.CharField(
        label=capfirst(_("SIPMediaGW token")),
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    standby_token = forms.CharField(
        label=capfirst(_("token of the second gateway")),
        max_length=500,
        required=False,
        help_text=_("Leave empty to keep the one that is kept."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
    )
    forget_token = forms.BooleanField(
        label=_("Forget the token: use the one of the settings"), required=False
    )

    class Meta:
        model = LiveGateway
        fields: list[str] = []  # the administration names them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sipmediagw_token"].help_text = (
            _("A token is kept. Leave empty to keep it.")
            if self.instance.sipmediagw_token
            else _("Empty: the one of the settings, for an address on the same host as theirs.")
        )
        self.kept_token, self.kept_url = self.instance.sipmediagw_token, self.instance.sipmediagw_url
        self.kept_standby = self.instance.standby_url, self.instance.standby_token

    def clean_sipmediagw_token(self) -> str:
        """The typed token, else the stored one."""
        return self.cleaned_data["sipmediagw_token"] or self.kept_token

    def clean(self) -> dict[str, Any]:
        """Drop the token if that is ticked, and never send a stored token to another server than the one it was typed for."""
        data = super().clean()
        if data.get("forget_token"):
            data["sipmediagw_token"] = ""
        elif self._goes_elsewhere(data):
            self.add_error(
                "sipmediagw_token",
                _("The address has changed: type the token of the new one, or have the kept one forgotten."),
            )
        self._clean_standby(data)
        return data

    def _clean_standby(self, data: dict[str, Any]) -> None:
        """Keep the second gateway's token for the server that it was typed for, and for no other."""
        url, token = data.get("standby_url") or "", data.get("standby_token") or ""
        before, kept = self.kept_standby
        if before and url != before and self.instance.standby_jobs.exists():
            # Nobody else could have it leave: it would film on, and the stream would go on with it when the live is stopped.
            self.add_error(
                "standby_url", _("A webinar uses this gateway at the moment. Change it once that is over.")
            )
        if url and not token and kept:
            if _server_of(before) == _server_of(url):
                data["standby_token"] = kept
            else:
                self.add_error("standby_token", _("The address has changed: type the token of the new one."))

    def _goes_elsewhere(self, data: dict[str, Any]) -> bool:
        """Whether the stored token would now be sent to another server."""
        is_kept = bool(self.kept_token) and not self.data.get(self.add_prefix("sipmediagw_token"))
        before, after = self.kept_url, data.get("sipmediagw_url") or ""
        return is_kept and _server_of(before) != _server_of(after)


@admin.register(LiveGateway)
class LiveGatewayAdmin(admin.ModelAdmin):
    form = LiveGatewayForm
    formfield_overrides = {models.URLField: {"form_class": forms.URLField, "assume_scheme": "https"}}
    fields = [
        "broadcaster",
        "rtmp_stream_url",
        "dialect",
        "sipmediagw_url",
        "sipmediagw_token",
        "forget_token",
        "ca_file",
        "standby_url",
        "standby_token",
        "site",
    ]
    list_display = ["broadcaster", "rtmp_address", "dialect", "sipmediagw_url", "site"]
    list_filter = ["dialect", "site"]
    list_select_related = ["broadcaster", "site"]
    search_fields = ["broadcaster__name", "rtmp_stream_url", "sipmediagw_url"]
    autocomplete_fields = ["broadcaster"]

    actions = ["test_gateways"]

    @admin.action(description=_("Test these live gateways"), permissions=["view"])
    def test_gateways(self, request: HttpRequest, gateways: Any) -> None:
        """Test each gateway and its live server, and show the findings."""
        with speaking(get_language() or ""):
            for gateway in gateways.select_related("broadcaster")[:MOST_TESTED]:
                services = [finding for one in services_of(gateway) for finding in check_gateway(one)]
                found = [*services, *check_rtmp(gateway.rtmp_stream_url)]
                for finding in found:
                    self.message_user(request, f"{gateway} – {finding.line()}", LEVELS[finding.level])

    @admin.display(description=_("RTMP address"), ordering="rtmp_stream_url")
    def rtmp_address(self, gateway: LiveGateway) -> str:
        """The address without its key, which is a secret."""
        return gateway.rtmp_stream_url.partition("?")[0]


class TransitionInline(admin.TabularInline):
    model = Transition
    fields = readonly_fields = ["at", "what", "old", "new", "actor", "reason"]
    extra = 0
    can_delete = False

    @admin.display(description=_("trigger"))
    def what(self, row: Transition) -> str:
        """The trigger in plain words."""
        return wording.transition(row)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("actor")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Livestream)
class LivestreamAdmin(admin.ModelAdmin):
    """Livestreams, read-only: only transitions change them."""

    list_display = [
        "meeting",
        "owner",
        "gateway",
        "state",
        "state_since",
        "starts_at",
        "ends_at",
        "last_error",
    ]
    list_filter = ["state", "gateway__broadcaster", "starts_at"]
    list_select_related = ["meeting__owner", "gateway__broadcaster"]
    search_fields = ["meeting__name", "meeting__owner__username", "meeting__owner__last_name"]
    date_hierarchy = "starts_at"
    fields = [
        "meeting",
        "event",
        "gateway",
        "starts_at",
        "ends_at",
        "state",
        "state_since",
        "start_asked_at",
        "went_live_at",
        "last_error",
        "last_error_detail",
        "job_id",
    ]
    inlines = [TransitionInline]
    actions = ["start", "restart", "stop"]

    def has_act_permission(self, request: HttpRequest) -> bool:
        """The actions need the right to change livestreams, although nothing is edited here."""
        return request.user.has_perm("webinars.change_livestream")

    def _act(self, request: HttpRequest, livestreams: Any, act: Callable[[Livestream], object]) -> None:
        for livestream in livestreams.select_related("meeting", "event", "gateway__broadcaster"):
            try:
                act(livestream)
            except MeetingError as error:
                self.message_user(request, f"{livestream}: {error}", messages.ERROR)
            else:
                said = _("%(webinar)s: requested; see its history.")
                self.message_user(request, said % {"webinar": livestream}, messages.SUCCESS)

    @admin.action(description=_("Start the selected webinars"), permissions=["act"])
    def start(self, request: HttpRequest, livestreams: Any) -> None:
        """Start meeting and live, as a moderator would."""
        self._act(request, livestreams, lambda one: start_meeting(one.meeting, user=request.user))

    @admin.action(description=_("Restart the broadcast only of the selected webinars"), permissions=["act"])
    def restart(self, request: HttpRequest, livestreams: Any) -> None:
        """Restart only the live."""
        self._act(request, livestreams, lambda one: domain.restart_live(one, user=request.user))

    @admin.action(description=_("Stop the broadcast only of the selected webinars"), permissions=["act"])
    def stop(self, request: HttpRequest, livestreams: Any) -> None:
        """Stop only the live."""
        self._act(request, livestreams, lambda one: domain.stop_live(one, user=request.user))

    @admin.display(description=_("owner"), ordering="meeting__owner__last_name")
    def owner(self, livestream: Livestream) -> str:
        """Whose webinar it is."""
        return str(livestream.meeting.owner)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
