"""What listeners do besides writing: ask, vote, choose, raise their hand, go on stage."""

import uuid
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from amphi.audience import hands, polls, questions
from amphi.audience.exceptions import TooManyVoicesError, VoiceClosedError, VoiceError
from amphi.audience.models import HAND_TAKES_A_PLACE, Event
from amphi.audience.pace import Pace
from amphi.audience.speakers import Speaker
from amphi.meetings.exceptions import MeetingError
from amphi.pages.access import is_of_a_script, speaker, watcher
from amphi.pages.live import voices
from amphi.pages.live.viewers import viewer_in
from amphi.system import security
from amphi.system.addresses import network_of
from amphi.webinars.stage import stage_url

VISITORS_VOTES_PER_ADDRESS = 2000
"""In a minute, of browsers without an account: a lecture hall behind one address votes too."""

_visitors_pace = Pace(VISITORS_VOTES_PER_ADDRESS, 60)

Answer = dict[str, object]


def _answered(request: HttpRequest, event: Event, act: Callable[[], Answer], done: str) -> HttpResponse:
    """Do what was asked; say how it went, to the page's script or on the page."""
    try:
        answer = act()
    except VoiceError as error:
        if is_of_a_script(request):
            return JsonResponse({"error": error.code, "detail": str(error)}, status=422)
        messages.error(request, str(error))
        return redirect("live:event", event.slug)
    if is_of_a_script(request):
        return JsonResponse(answer)
    if done:
        messages.success(request, done)
    return redirect("live:event", event.slug)


def _voter(request: HttpRequest) -> str:
    """Who votes.

    Raises:
        VoiceError: nobody that can be told apart, or too many from one address.
    """
    viewer = viewer_in(request)
    if not viewer:
        raise VoiceClosedError(
            _("Reload the page first: your browser accepts no cookie, or was just restarted.")
        )
    if not request.user.is_authenticated:
        address = network_of(str(request.META.get("REMOTE_ADDR", "")))
        if not _visitors_pace.take(address):
            raise TooManyVoicesError(_("Many people vote from your network. Wait a little, or log in."))
    return viewer


@require_POST
@speaker
def ask(request: HttpRequest, event: Event, by: Speaker) -> HttpResponse:
    """Takes a question."""

    def act() -> Answer:
        question = questions.ask(
            event,
            by=by,
            text=request.POST.get("text", ""),
            anonymous=request.POST.get("anonymous") == "1",
            question_id=_uuid(request.POST.get("id", "")),
        )
        return voices.own_question(question)

    done = (
        _("Your question will be shown once it is approved.")
        if event.questions_approved
        else _("Question sent")
    )
    return _answered(request, event, act, done)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
@watcher
def question_vote(request: HttpRequest, event: Event, pk: uuid.UUID) -> HttpResponse:
    """Gives a vote to a question, or takes it back: what is wanted is said, so that two presses do no harm."""
    wanted = request.POST.get("wanted") != "0"

    def act() -> Answer:
        question = questions.vote(event, pk, viewer=_voter(request), wanted=wanted)
        return {"id": str(question.pk), "votes": question.votes, "voted": wanted}

    return _answered(request, event, act, "")


@require_POST
@watcher
def poll_vote(request: HttpRequest, event: Event, pk: uuid.UUID) -> HttpResponse:
    """Takes a ballot."""
    given = request.POST.getlist("choice")[: polls.MOST_CHOICES + 1]
    positions = [int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 4]  # noqa: PLR2004 -- a short number

    def act() -> Answer:
        polls.vote(event, pk, viewer=_voter(request), positions=positions)
        return {"id": str(pk), "chosen": sorted(set(positions))}

    return _answered(request, event, act, _("Vote recorded"))


@require_POST
@speaker
def hand(request: HttpRequest, event: Event, by: Speaker) -> HttpResponse:
    """Raises or lowers one's hand, or says that the page is still open."""
    action = request.POST.get("action", "raise")

    def act() -> Answer:
        if action == "lower":
            hands.lower(event, viewer=by.viewer)
        elif action == "keep":
            hands.keep(event, viewer=by.viewer)
        else:
            hands.raise_hand(event, by=by, word=request.POST.get("word", ""))
        mine = hands.of_viewer(event.pk, by.viewer)
        return {"hand": voices.hand_content(mine), "queue": hands.queue_content(event.pk)}

    return _answered(request, event, act, _("Hand lowered") if action == "lower" else _("Hand raised"))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@speaker
def stage(request: HttpRequest, event: Event, by: Speaker) -> HttpResponse:
    """The door of the stage: for the listener who is invited, and nobody else; entering is a press of theirs."""
    mine = hands.of_viewer(event.pk, by.viewer)
    if mine is None or mine.state not in HAND_TAKES_A_PLACE:
        messages.error(request, _("You are not invited on stage at the moment."))
        return redirect("live:event", event.slug)
    if request.method == "POST":
        try:
            url = stage_url(event, by=by)
        except (VoiceError, MeetingError) as error:
            messages.error(request, str(error))
            return redirect("live:event", event.slug)
        return HttpResponseRedirect(url)
    response = render(request, "live/stage.html", {"event": event, "name": by.name})
    response.headers[security.HEADER] = security.policy(forms_to=security.ANYWHERE)
    return response
