"""The listeners' pages."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amphi.audience import afterwards, listing, registration, reminders
from amphi.audience.captions import choosing
from amphi.audience.domain import hls_url_for, ticket_for
from amphi.audience.models import ON_AIR, Broadcaster, Event, EventState, ReplayFor
from amphi.audience.queries import (
    chat_content,
    last_seq,
    listener_state,
    state_content,
)
from amphi.audience.replays import library
from amphi.audience.unsubscribing import unsubscribe_path
from amphi.pages.access import anyone, asks_password, registration_of, visitor, watcher
from amphi.pages.live import conversation, crowd_page, oembed, voices
from amphi.pages.live.door_form import DoorForm
from amphi.pages.live.reminder_form import ReminderForm
from amphi.pages.live.replay_views import latest
from amphi.pages.live.viewers import remember, viewer_in, visitor_of
from amphi.system import passwords, security

PAST_SHOWN = 6
PAGE_SIZE = 24
COVERS = 6
"""Covers that are drawn for events without a poster: see list.css."""


@require_safe
@anyone
def event_list(request: HttpRequest) -> HttpResponse:
    """The page of live events: live, coming and past ones."""
    search = request.GET.get("q", "").strip()[:100]
    when = request.GET.get("when", "")
    now = timezone.now()
    events = listing.listed(search)
    sections = [
        ("now", _("Live now"), listing.on_air(events, now)),
        ("today", _("Today"), listing.today(events, now)),
        ("coming", pgettext("live events", "Upcoming"), listing.later(events, now)),
        ("past", pgettext("live events", "Ended"), listing.past(events, now)),
    ]
    if when == "coming":
        sections[2] = (*sections[2][:2], listing.coming(events, now))
    chosen = [section for section in sections if section[0] == when]
    context = {
        "search": search,
        "when": when if chosen else "",
        "kinds": [section[:2] for section in sections],
    }
    if chosen:
        key, title, found = chosen[0]
        page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "sections": [{"key": key, "title": title, "cards": _cards(page.object_list, now)}],
        }
    else:
        limits = {key: PAST_SHOWN if key == "past" else PAGE_SIZE for key, _title, _found in sections}
        context["sections"] = [
            {"key": key, "title": title, "cards": cards[: limits[key]], "more": len(cards) > limits[key]}
            for key, title, found in sections
            if (cards := _cards(found[: limits[key] + 1], now))
        ]
    return render(request, "live/list.html", context)


def _cards(events: Iterable[Event], now: datetime) -> list[dict[str, object]]:
    return [
        {"event": event, "state": listener_state(event, now), "hue": event.pk % COVERS} for event in events
    ]


def stream_facts(event: Event, ticket: str) -> dict[str, object]:
    """What the holder of `ticket` needs to follow the live and to see it."""
    # Read the stream's number first: a message that comes meanwhile is then sent again rather than missed.
    seq = last_seq(event)
    now = timezone.now()
    return {
        **state_content(event, now),
        "now": now.isoformat(),
        "seq": seq,
        "chat": chat_content(event),
        "events_url": f"/live/{event.pk}/events?ticket={ticket}",
        "reports_url": f"/live/{event.pk}/reports?ticket={ticket}",
        "hls_url": hls_url_for(event, ticket),
        "reactions_url": f"/live/{event.pk}/reactions?ticket={ticket}",
        "after": afterwards.content(event),
        "captions": choosing.content(event),
    }


def live_data(request: HttpRequest, event: Event, visitor: str) -> dict[str, object]:
    """The facts from which a live page starts. It asks for them again when its event stream was interrupted for long."""
    ticket = ticket_for(event, request.user, visitor, registration_of(request))
    return {**stream_facts(event, ticket), **_said(request, event, timezone.now())}


def page_data(request: HttpRequest, event: Event, data: dict[str, object]) -> dict[str, object]:
    """The facts with what a page's script needs to ask for them again, and to send."""
    return {**data, "state_url": reverse("live:state", args=[event.slug]), "csrf": get_token(request)}


def _said(request: HttpRequest, event: Event, now: datetime) -> dict[str, object]:
    """What was said, asked and voted; nothing of it once the live is over, where the presenters chose so."""
    asked, said = voices.facts(event, viewer_in(request)), conversation.facts(request, event)
    if afterwards.conceals(event, listener_state(event, now)):
        asked |= {"asked": [], "polls": []}
        said |= {"messages": [], "pinned": None}
    return {"voices": asked, **said}


@require_safe
@never_cache
@watcher
def event_page(request: HttpRequest, event: Event) -> HttpResponse:
    """The live page: it waits, plays automatically, says when the live is over, and has the chat."""
    visitor = visitor_of(request)
    if crowd_page.is_unknown(request, event):
        return remember(crowd_page.page_for(request, event, visitor, _made_page), request, visitor)
    return remember(_made_page(request, event, visitor), request, visitor)


def _made_page(request: HttpRequest, event: Event, visitor: str) -> HttpResponse:
    data = live_data(request, event, visitor)
    replay = latest(request, event) if data["state"] == EventState.OVER else None
    if replay is not None and replay.shown_to != ReplayFor.PRESENTERS:
        return redirect("live:replay", event.slug, replay.pk)
    context = {
        "event": event,
        "live": page_data(request, event, data),
        "state": data["state"],
        "on_air": data["state"] in ON_AIR,
        "replay": replay,
        "is_recorded": library.is_kept(event),
        "replay_comes": replay_comes(event),
        **voices.template_context(request, event, data["voices"]),
        **conversation.template_context(request, event, data, data["state"]),
        "oembed": oembed.discovery(event),
    } | _before(request, event)
    return with_pictures(render(request, "live/event.html", context))


def replay_comes(event: Event) -> bool:
    """Whether listeners will see `event` again once it is over."""
    return library.is_kept(event) and event.replay_for != ReplayFor.PRESENTERS


def with_pictures(
    response: HttpResponse, *, framed_by: Iterable[str] = (), forms_to: str = "'self'"
) -> HttpResponse:
    """Allow a page to play the picture of its live, some sites to show it in a frame, and its forms to lead to `forms_to`."""
    # A webinar may move to any broadcaster while the page is open.
    servers = [*Broadcaster.objects.values_list("hls_url", flat=True), *settings.AMPHI_PICTURE_HOSTS]
    policy = security.policy(pictures_from=servers, framed_by=framed_by, forms_to=forms_to)
    response.headers[security.HEADER] = policy
    return response


def _before(request: HttpRequest, event: Event) -> dict[str, object]:
    """What the page offers while the live has not begun."""
    mine = registration_of(request) or registration.of_user(event, request.user)
    reminder = reminders.of_user(event, request.user)
    can_be_reminded = mine is None and reminder is None and reminders.can_be_asked(event)
    return {
        "registration": mine,
        "check_url": static("favicon.svg"),
        "registration_open": mine is None
        and registration.is_open(event)
        and registration.rules_of(event) is not None,
        "stop_reminder_url": unsubscribe_path(reminder) if reminder is not None else "",
        "reminder_form": ReminderForm(request) if can_be_reminded else None,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@visitor
def door(request: HttpRequest, event: Event) -> HttpResponse:
    """Ask for the password of a live event, once."""
    if not asks_password(request, event):
        return redirect(event)
    form = DoorForm(request, event)
    if not form.is_valid():
        context = {"event": event, "form": form, "state": listener_state(event, timezone.now())}
        return render(request, "live/door.html", context, status=422 if form.is_bound else 200)
    request.session[event.door] = passwords.proof(event.door, event.password)
    return redirect(event)


@require_safe
@never_cache
@watcher
def state(request: HttpRequest, event: Event) -> HttpResponse:
    """The page's facts, for a page that lost its event stream: its ticket may have expired, or a right may be withdrawn."""
    visitor = visitor_of(request)
    return remember(JsonResponse(live_data(request, event, visitor)), request, visitor)
