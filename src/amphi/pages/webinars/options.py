"""The options of a webinar: one page of sections, each with a form and a button of its own."""

from typing import NamedTuple

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.audience.captions import choosing
from amphi.audience.models import CaptionFeed, CaptionsFrom, Event
from amphi.audience.rights import is_open_to_all
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.pages.access import UserRequest, moderator
from amphi.pages.live import oembed
from amphi.pages.webinars.afterwards_form import AfterwardsSection
from amphi.pages.webinars.attendance_form import AttendanceSection
from amphi.pages.webinars.backstage_form import BackstageSection
from amphi.pages.webinars.captions_form import CaptionsSection
from amphi.pages.webinars.invitation_form import InvitationSection
from amphi.pages.webinars.options_forms import DiscussionForm, ModeratorsForm, OptionsForm
from amphi.pages.webinars.picture_form import PictureSection
from amphi.pages.webinars.registration_form import RegistrationSection
from amphi.pages.webinars.replay_forms import ReplaySection
from amphi.pages.webinars.views import livestream_or_404
from amphi.pages.webinars.voices_form import ParticipationSection, QuestionsSection


class Section(NamedTuple):
    """One section of the page."""

    key: str
    title: Promise
    intro: Promise
    form: type[OptionsForm]


SECTIONS = (
    Section(
        "invitation",
        gettext_lazy("Invitation"),
        gettext_lazy("What the live page shows before the start, besides title and description."),
        InvitationSection,
    ),
    Section(
        "backstage",
        gettext_lazy("Backstage"),
        gettext_lazy("When listeners begin to see and hear."),
        BackstageSection,
    ),
    Section(
        "picture",
        pgettext_lazy("live", "Picture"),
        gettext_lazy("What of the meeting listeners see: slides, cameras or both, with its chat or without."),
        PictureSection,
    ),
    Section(
        "registration",
        gettext_lazy("Registration"),
        gettext_lazy("Whether people register before the live, and what they are asked."),
        RegistrationSection,
    ),
    Section(
        "discussion",
        gettext_lazy("Discussion"),
        gettext_lazy("Who writes beside the picture, and what reaches the presenters."),
        DiscussionForm,
    ),
    Section(
        "questions",
        gettext_lazy("Questions"),
        gettext_lazy("What listeners ask, and who sees it."),
        QuestionsSection,
    ),
    Section(
        "participation",
        gettext_lazy("Reactions and hands"),
        gettext_lazy("How listeners take part without writing."),
        ParticipationSection,
    ),
    Section(
        "captions",
        gettext_lazy("Captions"),
        gettext_lazy("What is said, as text over the picture, for those who want it. Replays have it too."),
        CaptionsSection,
    ),
    Section(
        "moderators",
        gettext_lazy("Moderators"),
        gettext_lazy("They approve, hide and pin messages on the live page, and mute or exclude people."),
        ModeratorsForm,
    ),
    Section(
        "audience",
        pgettext_lazy("webinar", "Audience"),
        gettext_lazy(
            "Presenters see how long each person who was logged in or registered listened. The live page says so."
        ),
        AttendanceSection,
    ),
    Section(
        "afterwards",
        gettext_lazy("After the live"),
        gettext_lazy("What the live page shows once the live is over."),
        AfterwardsSection,
    ),
    Section(
        "replay",
        pgettext_lazy("live event", "Replay"),
        gettext_lazy(
            "Whether the live is recorded, and who sees it again. You can change this for each replay later."
        ),
        ReplaySection,
    ),
)


def _page(
    request: HttpRequest, meeting: Meeting, forms: dict[str, OptionsForm], status: int = 200, token: str = ""
) -> HttpResponse:
    sections = [
        {"section": section, "form": forms[section.key]} for section in SECTIONS if section.key in forms
    ]
    event = livestream_or_404(meeting).event
    context = {
        "meeting": meeting,
        "sections": sections,
        "embed": _embed(event),
        "captions": _captions(request, event, token),
    }
    return render(request, "webinars/options.html", context, status=status)


def _embed(event: Event) -> dict[str, object]:
    """How the live is shown in another site, in words for whoever pastes it there."""
    sites = settings.AMPHI_EMBED_SITES
    return {
        "sites": [site.partition("://")[2] for site in sites if site != "*"],
        "anywhere": "*" in sites,
        "is_open": is_open_to_all(event),
        "address": oembed.address(event),
        "code": oembed.code(event),
    }


def _captions(request: HttpRequest, event: Event, token: str) -> dict[str, object]:
    """What whoever sends captions needs to know. A token is shown once, by the page that answers its making."""
    feed = CaptionFeed.objects.filter(event=event).exclude(token_digest="").first()
    return {
        "is_outside": event.captions_from == CaptionsFrom.OUTSIDE,
        "made_at": feed.token_made_at if feed is not None else None,
        "token": token,
        "address": request.build_absolute_uri(reverse("live:captions", args=[event.slug])),
    }


def _forms(meeting: Meeting) -> dict[str, OptionsForm]:
    livestream = livestream_or_404(meeting)
    offered = [section for section in SECTIONS if section.form.is_offered(livestream)]
    return {section.key: section.form(None, meeting, livestream.event) for section in offered}


@moderator
@require_safe
@never_cache
def options(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """The page with all sections."""
    return _page(request, meeting, _forms(meeting))


@moderator
@require_POST
def change(request: UserRequest, meeting: Meeting, section: str) -> HttpResponse:
    """Save one section; the others stay unchanged."""
    forms = _forms(meeting)
    found = next((one for one in SECTIONS if one.key == section), None)
    if found is None or section not in forms:
        raise Http404
    form = forms[section] = found.form(request.POST, meeting, livestream_or_404(meeting).event, request.FILES)
    if not form.is_valid():
        return _page(request, meeting, forms, status=422)
    try:
        form.save(user=request.user)
    except MeetingError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Options saved: %(section)s.") % {"section": found.title})
    return redirect(f"{reverse('webinars:options', args=[meeting.slug])}#{section}")


@moderator
@require_POST
@never_cache
def captions_token(request: HttpRequest, meeting: Meeting) -> HttpResponse:
    """Make a token for whoever sends captions, and show it once; or revoke it."""
    event = livestream_or_404(meeting).event
    if request.POST.get("action") == "make":
        return _page(request, meeting, _forms(meeting), token=choosing.make_token(event))
    choosing.revoke_token(event)
    messages.success(request, _("The token is no longer valid."))
    return redirect(f"{reverse('webinars:options', args=[meeting.slug])}#captions")
