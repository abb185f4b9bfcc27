"""Choosing the webinar of an activity, or making one, in the course."""

from datetime import timedelta
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from amphi.lti import answering, linking, visiting
from amphi.lti.exceptions import NotAllowedError
from amphi.lti.models import Launch, Link
from amphi.meetings.exceptions import MeetingError
from amphi.meetings.models import Meeting
from amphi.pages.access import launched
from amphi.pages.lti import frames
from amphi.pages.lti.forms import NewWebinarForm


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@launched
def choose(request: HttpRequest, launch: Launch) -> HttpResponse:
    """Choose a webinar of one's own, or make one. The answer to a deep linking request goes back to the platform."""
    if not launch.is_teacher:
        raise PermissionDenied
    if launch.link_id is not None:
        return redirect("lti:webinar", launch.pk)
    form = NewWebinarForm(name=launch.title)
    error = ""
    if request.method == "POST":
        try:
            if "meeting" in request.POST:
                meeting = get_object_or_404(Meeting, slug=request.POST["meeting"])
                return _done(request, launch, linking.choose(launch, meeting))
            form = NewWebinarForm(request.POST)
            link = _made(launch, form)
            if link is not None:
                return _done(request, launch, link)
        except (NotAllowedError, MeetingError) as refusal:
            error = str(refusal)
    status = 422 if error or form.is_bound else 200
    return _page(request, launch, form, error, status)


def _made(launch: Launch, form: NewWebinarForm) -> Link | None:
    if not form.is_valid():
        return None
    given = form.cleaned_data
    try:
        return linking.make(
            launch,
            name=given["name"],
            start_at=given["start_at"],
            duration=timedelta(minutes=given["duration"]),
            only_course=given["only_course"],
        )
    except linking.NoGatewayError as error:
        form.no_gateway(error.conflict.nearest)
        return None


def _page(
    request: HttpRequest, launch: Launch, form: NewWebinarForm, error: str, status: int
) -> HttpResponse:
    user = launch.identity.user
    context = {
        "launch": launch,
        "form": form,
        "error": error,
        "meetings": linking.offered(user),
        "may_make": linking.may_make(user),
        "token": visiting.form_token(launch, frames.browser_in(request)),
        "pass": visiting.pass_of(launch),
    }
    return frames.framed(render(request, "lti/choose.html", context, status=status), launch.platform)


def _done(request: HttpRequest, launch: Launch, link: Link) -> HttpResponse:
    if launch.deep_linking is None:
        return redirect("lti:webinar", launch.pk)
    try:
        back, token = answering.answer(launch, link, is_graded="grades" in request.POST)
    except NotAllowedError:
        return _page(
            request, launch, NewWebinarForm(), _("The course said nowhere to return to. Open it again."), 422
        )
    parts = urlsplit(back)
    page = render(request, "lti/return.html", {"back": back, "jwt": token, "link": link})
    return frames.framed(page, launch.platform, forms_to=f"'self' {parts.scheme}://{parts.netloc}")
