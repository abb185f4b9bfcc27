"""The pages for inviting by email."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from amphi.mails.domain import Reader
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.meetings.queries import when
from amphi.pages.access import UserRequest, moderator
from amphi.pages.meetings.invite_form import InviteForm
from amphi.webinars import domain, invitations
from amphi.webinars.offers import livestream_of


def _page(
    request: UserRequest, meeting: Meeting, form: InviteForm, *, preview: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "meeting": meeting,
        "when": when(meeting, timezone.now()),
        "form": form,
        "invited": meeting.invitations.all(),
    }
    if preview:
        addresses = form.cleaned_data["addresses"]
        letter = form.letter()
        context["addresses"] = addresses
        context["mail"] = invitations.write(
            meeting, Reader(addresses[0], letter.language), letter, user=request.user
        )
    return render(request, "meetings/invite.html", context, status=status)


def _sent(request: UserRequest, number: int) -> None:
    if not number:
        messages.info(request, _("These invitations are already being sent."))
        return
    messages.success(
        request,
        ngettext("%(number)s invitation is being sent.", "%(number)s invitations are being sent.", number)
        % {"number": number},
    )


@moderator
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: UserRequest, meeting: Meeting) -> HttpResponse:
    """Ask for the people and their role, show a preview, then send."""
    form = InviteForm(request.POST if request.method == "POST" else None, roles=invitations.roles_of(meeting))
    if not form.is_valid():
        return _page(request, meeting, form, status=422 if form.is_bound else 200)
    if request.POST.get("step") != "send":
        return _page(request, meeting, form, preview=True)
    try:
        number = invitations.invite(meeting, form.cleaned_data["addresses"], form.letter(), user=request.user)
    except MeetingError as error:
        form.add_error(None, str(error))
        return _page(request, meeting, form, status=422)
    _sent(request, number)
    return redirect(meeting)


@moderator
@require_POST
def invite_again(request: UserRequest, meeting: Meeting) -> HttpResponse:
    """Send the meeting's current state to everybody who was invited."""
    try:
        number = invitations.invite_again(meeting, user=request.user)
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect("meetings:invite", meeting.slug)
    if meeting.invitations.exists():
        _sent(request, number)
    else:
        messages.info(request, _("Nobody has been invited by email yet."))
    return redirect(meeting)


@moderator
@require_http_methods(["GET", "HEAD", "POST"])
def renew_link(request: UserRequest, meeting: Meeting) -> HttpResponse:
    """Ask, then give presenters a new link. A plain meeting's link is its address, which can't change."""
    if livestream_of(meeting) is None:
        raise Http404
    presenters = meeting.invitations.filter(role=invitations.Role.PRESENTER).count()
    if request.method != "POST":
        return render(request, "meetings/renew_link.html", {"meeting": meeting, "presenters": presenters})
    try:
        domain.renew_presenter_key(meeting, user=request.user)
    except MeetingError as error:
        messages.error(request, str(error))
        return redirect("meetings:list")
    messages.success(request, _("Presenters have a new link. The previous one no longer works."))
    return redirect("meetings:invite" if presenters else "meetings:detail", meeting.slug)
