"""The desk of those who present or moderate: the live, questions, polls, hands and the discussion, for a second screen or a phone."""

import uuid
from collections.abc import Callable
from datetime import datetime

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.audience import hands, polls, questions
from amphi.audience.exceptions import ModerationError, VoiceError
from amphi.audience.export import TABLES
from amphi.audience.models import (
    HAND_TAKES_A_PLACE,
    Event,
    Hand,
    HandState,
    Poll,
    Question,
    QuestionState,
    Restraint,
)
from amphi.audience.moderation import restrain_asker
from amphi.pages.access import UserRequest, is_of_a_script, usher
from amphi.pages.live import conversation
from amphi.pages.live.desk import state_context
from amphi.pages.live.viewers import visitor_of
from amphi.pages.live.views import live_data, page_data, with_pictures
from amphi.pages.page_form import PageForm
from amphi.system import security

QUESTIONS_SHOWN = 200
ORDERS = ("votes", "time")


class PollForm(PageForm):
    """A new poll: one answer a line, as one types them."""

    question = forms.CharField(
        label=gettext_lazy("Question"), max_length=polls.QUESTION_MAX_LENGTH, strip=True
    )
    choices = forms.CharField(
        label=gettext_lazy("Answers"),
        help_text=gettext_lazy("One answer per line, from 2 to 10."),
        max_length=polls.MOST_CHOICES * (polls.CHOICE_MAX_LENGTH + 2),
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    multiple = forms.BooleanField(label=gettext_lazy("Several answers allowed"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        """The form as asked for by `request`, filled in if that posts it."""
        super().__init__(request.POST if request.method == "POST" else None, auto_id="poll-%s")
        self.style()


# --- the page


@require_safe
@never_cache
@usher
def desk(request: HttpRequest, event: Event) -> HttpResponse:
    """The page; ``part=1`` is only what changes, which the page's script asks for again."""
    if "part" in request.GET:
        return render(request, "live/desk_part.html", _context(request, event))
    return _page(request, event, PollForm(request))


@require_safe
@usher
def voices(request: HttpRequest, event: Event) -> HttpResponse:  # noqa: ARG001 -- the address names the event
    """Where the page was before it had the rest of the desk: bookmarks go on."""
    return redirect("live:desk", event.slug)


def _page(request: HttpRequest, event: Event, form: PollForm, status: int = 200) -> HttpResponse:
    visitor = visitor_of(request)
    data = live_data(request, event, visitor)
    context = conversation.template_context(request, event, data, data["state"]) | _context(request, event)
    context |= {
        "live": page_data(request, event, data) | {"at_desk": True},
        "form": form,
        # What those who keep order may open again is there while it is closed.
        "chat_shown": True,
    }
    response = render(request, "live/desk.html", context, status=status)
    # Whoever starts the meeting, or joins it, is sent to the meeting server.
    return with_pictures(response, forms_to=security.ANYWHERE)


def _context(request: HttpRequest, event: Event) -> dict[str, object]:
    now = timezone.now()
    order = request.GET.get("by", "votes")
    return {
        "event": event,
        **state_context(request, event, now),
        "order": order if order in ORDERS else "votes",
        "sections": _sections(list(questions.of_event(event, by_time=order == "time")[:QUESTIONS_SHOWN])),
        "polls": _poll_rows(list(event.polls.prefetch_related("choices").order_by("-created_at"))),
        **_hands(event, now),
    }


def _sections(found: list[Question]) -> list[dict[str, object]]:
    """Questions as they are worked through: what is being answered, what waits, what is done."""
    kinds = [
        ("current", _("Being answered"), QuestionState.CURRENT),
        ("waiting", _("To be approved"), QuestionState.WAITING),
        ("open", _("Open questions"), QuestionState.OPEN),
        ("answered", pgettext("questions", "Answered"), QuestionState.ANSWERED),
        ("hidden", pgettext("questions", "Hidden"), QuestionState.HIDDEN),
    ]
    return [
        {"key": key, "title": title, "rows": [one for one in found if one.state == state]}
        for key, title, state in kinds
    ]


def _poll_rows(found: list[Poll]) -> list[dict[str, object]]:
    results = polls.results(found)
    return [
        {"poll": one, "voters": results[one.pk].voters, "bars": _bars(one, results[one.pk])} for one in found
    ]


def _bars(poll: Poll, results: polls.Results) -> list[dict[str, object]]:
    counts, voters = results
    return [
        {"text": choice.text, "count": count, "percent": round(100 * count / voters) if voters else 0}
        for choice, count in zip(poll.choices.all(), counts, strict=True)
    ]


def _hands(event: Event, now: datetime) -> dict[str, object]:
    up: list[Hand] = list(hands.up(event.pk, now)[: hands.MOST_UP])
    return {
        "hands": [one for one in up if one.state == HandState.RAISED],
        "on_stage": [one for one in up if one.state in HAND_TAKES_A_PLACE],
        "places_left": max(0, event.stage_places - sum(one.state in HAND_TAKES_A_PLACE for one in up)),
    }


# --- what is done on it


def _done(request: HttpRequest, event: Event, act: Callable[[], object]) -> HttpResponse:
    try:
        act()
    except (VoiceError, ModerationError) as error:
        if is_of_a_script(request):
            return JsonResponse({"error": error.code, "detail": str(error)}, status=422)
        messages.error(request, str(error))
    else:
        if is_of_a_script(request):
            return JsonResponse({})
    return redirect("live:desk", event.slug)


QUESTION_ACTIONS = {
    "approve": QuestionState.OPEN,
    "show": QuestionState.OPEN,
    "take": QuestionState.CURRENT,
    "done": QuestionState.ANSWERED,
    "hide": QuestionState.HIDDEN,
}


@require_POST
@usher
def question(request: UserRequest, event: Event, pk: uuid.UUID) -> HttpResponse:
    """Approves, takes up, answers, hides or shows a question; mutes or excludes who asked it."""
    action = request.POST.get("action", "")
    if action == "answer":
        return _done(request, event, lambda: questions.answer(event, pk, request.POST.get("text", "")))
    if action in Restraint.Kind.values:
        return _done(request, event, lambda: restrain_asker(event, pk, kind=action, by=request.user))
    if action not in QUESTION_ACTIONS:
        raise Http404
    return _done(request, event, lambda: questions.set_state(event, pk, QUESTION_ACTIONS[action]))


@require_POST
@usher
def new_poll(request: UserRequest, event: Event) -> HttpResponse:
    """Makes a poll, and opens it if that is what was pressed; what can't be is said where it was typed."""
    form = PollForm(request)
    if form.is_valid():
        try:
            polls.make(
                event,
                question=form.cleaned_data["question"],
                choices=form.cleaned_data["choices"].splitlines(),
                multiple=form.cleaned_data["multiple"],
                opens="open" in request.POST,
                user=request.user,
            )
        except VoiceError as error:
            form.add_error("choices", str(error))
        else:
            messages.success(request, _("Poll open") if "open" in request.POST else _("Poll saved"))
            return redirect("live:desk", event.slug)
    return _page(request, event, form, status=422)


@require_POST
@usher
def poll(request: HttpRequest, event: Event, pk: uuid.UUID) -> HttpResponse:
    """Opens, closes or deletes a poll, and shows or hides its results."""
    actions: dict[str, Callable[[], object]] = {
        "open": lambda: polls.open_poll(event, pk),
        "close": lambda: polls.close_poll(event, pk),
        "show": lambda: polls.show_results(event, pk, shown=True),
        "hide": lambda: polls.show_results(event, pk, shown=False),
        "delete": lambda: polls.delete_poll(event, pk),
    }
    action = actions.get(request.POST.get("action", ""))
    if action is None:
        raise Http404
    return _done(request, event, action)


@require_POST
@usher
def hand(request: HttpRequest, event: Event, token: str) -> HttpResponse:
    """Invites a listener on stage, or lowers their hand."""
    action = request.POST.get("action", "")
    if action == "invite":
        return _done(request, event, lambda: hands.invite(event, token))
    if action != "lower":
        raise Http404
    return _done(request, event, lambda: hands.lower_other(event, token))


@require_safe
@never_cache
@usher
def export(request: HttpRequest, event: Event, what: str, form: str) -> HttpResponse:  # noqa: ARG001 -- the address says it all
    """The discussion, the questions or the polls as a file."""
    make = TABLES.get(what)
    if make is None or form not in {"csv", "json"}:
        raise Http404
    name = f"{event.slug[:60]}-{what}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if form == "json":
        params = {"ensure_ascii": False, "indent": 1}
        return JsonResponse({what: make(event).rows}, json_dumps_params=params, headers=headers)
    return HttpResponse(make(event).as_csv(), content_type="text/csv; charset=utf-8", headers=headers)
