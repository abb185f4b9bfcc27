"""What people do in the discussion: they write, take a guest's name, react, and keep order."""

import uuid
from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amphi.accounts.models import User
from amphi.audience import message_reactions, moderation
from amphi.audience.domain import write_message
from amphi.audience.exceptions import ChatError, ModerationError
from amphi.audience.guests import become_guest
from amphi.audience.models import ChatMode, Event, Restraint, Visibility
from amphi.audience.options import set_chat_mode
from amphi.audience.queries import message_content
from amphi.audience.speakers import Speaker
from amphi.meetings.exceptions import MeetingError
from amphi.pages.access import UserRequest, is_of_a_script, speaker, usher, watcher
from amphi.pages.live.viewers import network_in, viewer_in
from amphi.webinars.opening import open_chat

OPENNESS = {"closed": False, **dict.fromkeys(ChatMode.values, True)}


def _refused(request: HttpRequest, event: Event, error: ChatError | ModerationError) -> HttpResponse:
    if is_of_a_script(request):
        return JsonResponse({"error": error.code, "detail": str(error)}, status=422)
    messages.error(request, str(error))
    return redirect(event)


def _done(request: HttpRequest, event: Event, content: Mapping[str, object], word: str) -> HttpResponse:
    if is_of_a_script(request):
        return JsonResponse(dict(content), status=201)
    messages.success(request, word)
    return redirect(event)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@require_POST
@speaker
def message(request: HttpRequest, event: Event, who: Speaker) -> HttpResponse:
    """Takes a message, from the page's script or from its plain form."""
    try:
        sent = write_message(
            event,
            speaker=who,
            text=request.POST.get("text", ""),
            message_id=_uuid(request.POST.get("id", "")),
            reply_to=_uuid(request.POST.get("reply_to", "")),
        )
    except ChatError as error:
        return _refused(request, event, error)
    waits = sent.visibility == Visibility.WAITING
    word = _("Your message will be shown once a moderator has approved it.") if waits else _("Message sent")
    # Their own name is no secret to them.
    return _done(request, event, {**message_content(sent), "author": sent.author_name, "waits": waits}, word)


@require_POST
@watcher
def guest(request: HttpRequest, event: Event) -> HttpResponse:
    """Takes the name of a guest, where guests may write."""
    viewer = viewer_in(request)
    if request.user.is_authenticated or not viewer or not event.guests_may_write:
        raise Http404
    try:
        found = become_guest(
            event, viewer=viewer, name=request.POST.get("name", ""), network=network_in(request)
        )
    except ChatError as error:
        return _refused(request, event, error)
    return _done(request, event, {"name": found.name}, _("You can write now."))


@require_POST
@speaker
def react(request: HttpRequest, event: Event, who: Speaker) -> HttpResponse:
    """Gives an emoji to a message, or takes it back."""
    message_id = _uuid(request.POST.get("message", ""))
    if message_id is None:
        raise Http404
    wanted = request.POST.get("wanted") == "1"
    kind = request.POST.get("kind", "")
    try:
        sums = message_reactions.react(event, who, message_id=message_id, kind=kind, wanted=wanted)
    except ChatError as error:
        return _refused(request, event, error)
    return JsonResponse({"sums": sums})


# --- order

Action = Callable[[Event, uuid.UUID, User], object]

ON_MESSAGES: Mapping[str, Action] = {
    "approve": lambda event, pk, user: moderation.approve(event, pk, by=user),
    "hide": lambda event, pk, user: moderation.hide(event, pk, by=user),
    "pin": lambda event, pk, _user: moderation.pin(event, pk),
    "pass_on": lambda event, pk, user: moderation.pass_on(event, pk, by=user),
    "mute": lambda event, pk, user: moderation.restrain(event, pk, kind=Restraint.Kind.MUTED, by=user),
    "ban": lambda event, pk, user: moderation.restrain(event, pk, kind=Restraint.Kind.BANNED, by=user),
}


@require_safe
@never_cache
@usher
def moderation_facts(request: HttpRequest, event: Event) -> HttpResponse:  # noqa: ARG001 -- the address names the event
    """What those who keep order see besides, asked for every few seconds."""
    return JsonResponse(moderation.moderators_content(event))


@require_POST
@usher
def moderate(request: UserRequest, event: Event, action: str) -> HttpResponse:
    """Does one thing to a message, a person or the discussion."""
    try:
        _moderate(request, event, action)
    except (ModerationError, MeetingError) as error:
        refusal = error if isinstance(error, ModerationError) else ModerationError(str(error))
        return _refused(request, event, refusal)
    return _done(request, event, moderation.moderators_content(event), _("Done"))


def _moderate(request: UserRequest, event: Event, action: str) -> None:
    given = request.POST.get("id", "")
    message_id = _uuid(given)
    if action in ON_MESSAGES and message_id is not None:
        ON_MESSAGES[action](event, message_id, request.user)
    elif action == "unpin":
        moderation.unpin(event)
    elif action == "lift" and given.isascii() and given.isdigit() and len(given) < 10:  # noqa: PLR2004 -- a row's number
        moderation.lift(event, int(given))
    elif action == "mode" and given in OPENNESS:
        open_chat(event, is_open=OPENNESS[given], user=request.user)
        if OPENNESS[given]:
            set_chat_mode(event, given)
    else:
        raise Http404
