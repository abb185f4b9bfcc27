"""Decisions and writes about webinars: planning, starting, stopping, the chat."""

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience.domain import publish_chat_setting
from amphi.audience.models import Event, EventState
from amphi.mails import domain as mails
from amphi.meetings.models import Meeting
from amphi.webinars import planning, rebooking, removal, transitions
from amphi.webinars.exceptions import TransitionRefusedError
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, Removal, State

log = logging.getLogger("webinar")


def livestream_of(meeting: Meeting) -> Livestream | None:
    """The livestream of `meeting`, or None when it is not a planned webinar."""
    return (
        Livestream.objects.select_related("event", "meeting", "gateway__broadcaster")
        .filter(meeting=meeting)
        .first()
    )


# --- planning


def plan(meeting: Meeting, *, user: User) -> planning.NoGatewayFree | None:
    """Bring the booking and the event of `meeting` in step with it, in the caller's transaction.

    Args:
        meeting: as saved.
        user: who saved it.

    Returns:
        None when all is well. When no gateway is free, why; the meeting is then kept as a plain meeting, unless its live is
        running, which nothing here disturbs.

    Raises:
        TransitionRefusedError: the webinar is being deleted; nothing brings it back.
    """
    if Livestream.objects.filter(meeting=meeting, removal=Removal.DELETE).exists():
        raise TransitionRefusedError(_("This webinar is being deleted."))
    if not meeting.is_webinar:
        unplan(meeting, Removal.UNCHECK, user=user)
        return None
    gateways = planning.lock_gateways(meeting.site)
    livestream = planning.lock_livestream(meeting)
    if livestream is not None and livestream.is_running:
        gateway: LiveGateway | None = livestream.gateway
    else:
        gateway = planning.free_gateway(gateways, meeting.start_at, meeting.end_at, mine=livestream)
    if gateway is None:
        conflict = planning.explain(gateways, meeting.start_at, meeting.end_at, mine=livestream)
        log.warning("plan for meeting %s “%s”: no live gateway is free", meeting.pk, meeting.name)
        mails.queue(
            mails.administrators(), "no_gateway", {"meeting": meeting, "overlapping": conflict.overlapping}
        )
        meeting.is_webinar = False
        meeting.save(update_fields=["is_webinar"])
        unplan(meeting, Removal.UNCHECK, user=user)
        return conflict
    event = _write_event(meeting, gateway, livestream)
    booking = {"gateway": gateway, "starts_at": meeting.start_at, "ends_at": meeting.end_at}
    Livestream.objects.update_or_create(meeting=meeting, defaults={**booking, "event": event, "removal": ""})
    return None


def _write_event(meeting: Meeting, gateway: LiveGateway, livestream: Livestream | None) -> Event:
    event = (
        livestream.event
        if livestream
        else Event(slug=meeting.slug, state=EventState.WAITING, since=timezone.now())
    )
    event.title = meeting.name
    event.description = meeting.description
    event.owner = meeting.owner
    event.broadcaster = gateway.broadcaster
    event.start_at, event.end_at = meeting.start_at, meeting.end_at
    event.is_restricted = meeting.is_restricted
    event.password = meeting.password
    if livestream is not None and livestream.removal:
        event.is_draft = False  # it is wanted again
    chat_changed = livestream is not None and event.enable_chat != meeting.enable_chat
    event.enable_chat = meeting.enable_chat
    event.save()
    event.access_groups.set(meeting.access_groups.all())
    event.additional_owners.set(meeting.additional_owners.all())
    if chat_changed:
        Livestream.objects.filter(event=event, state__in=RUNNING).update(check_at=timezone.now())
        publish_chat_setting(event)
    return event


def unplan(meeting: Meeting, kind: Removal, *, user: User) -> bool:
    """Give up the booking of `meeting` and remove its event, in the caller's transaction. What runs is stopped first.

    Returns:
        Whether it is done. Else the worker does it once what runs has stopped, and deletes the meeting too if `kind` says so.
    """
    planning.lock_gateways(meeting.site)
    livestream = planning.lock_livestream(meeting)
    if livestream is None:
        return True
    log.info("unplan for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, kind, user.pk)
    if removal.must_stop_first(livestream, kind):
        removal.ask(livestream, kind, user=user)
        return False
    livestream.event.delete()
    return True


# --- the life of the live


def can_start(livestream: Livestream) -> bool:
    """Whether pressing start asks for a live."""
    return not livestream.removal and transitions.is_legal(livestream.state, transitions.GO_LIVE)


def can_stop(livestream: Livestream) -> bool:
    """Whether there is a live to stop."""
    return livestream.state in {State.STARTING, State.LIVE, State.RECOVERING}


def can_restart(livestream: Livestream) -> bool:
    """Whether there is a live to restart."""
    return transitions.is_legal(livestream.state, transitions.RESTART)


def can_end(livestream: Livestream) -> bool:
    """Whether the webinar, meeting and live, can be ended."""
    return livestream.state in RUNNING or livestream.meeting.is_open


def go_live(livestream: Livestream, *, user: User) -> None:
    """Ask for the live. Harmless when it is asked for or live already."""
    with transaction.atomic():
        if can_start(livestream):
            livestream = rebooking.before_start(livestream)
        applied = transitions.apply(livestream, transitions.GO_LIVE, user=user)
    if not applied:
        livestream.refresh_from_db()
        if livestream.state == State.STOPPING or livestream.removal:
            raise TransitionRefusedError(_("The live is stopping. Start it again in a few seconds."))


def _asked(livestream: Livestream, event: str, user: User) -> None:
    if not transitions.apply(livestream, event, user=user):
        livestream.refresh_from_db()
        raise TransitionRefusedError(
            _("This can’t be done now: the live is “%(state)s”.") % {"state": livestream.get_state_display()}
        )


def stop_live(livestream: Livestream, *, user: User) -> None:
    """Stop only the live; the meeting goes on.

    Raises:
        TransitionRefusedError: no live runs.
    """
    _asked(livestream, transitions.STOP, user)


def restart_live(livestream: Livestream, *, user: User) -> None:
    """Restart only the live: the gateway leaves the meeting and joins again.

    Raises:
        TransitionRefusedError: no live runs.
    """
    _asked(livestream, transitions.RESTART, user)


def end_webinar(livestream: Livestream, *, user: User) -> None:
    """End the webinar, meeting and live; the worker carries it out."""
    if not can_end(livestream):
        raise TransitionRefusedError(_("This webinar is not running."))
    if transitions.apply(livestream, transitions.STOP, user=user, reason="end", ends_meeting=True):
        return
    # The live stopped before, or is stopping: the meeting is still to be ended.
    Livestream.objects.filter(pk=livestream.pk).update(ends_meeting=True, check_at=timezone.now())


def set_chat(meeting: Meeting, *, enabled: bool, user: User) -> None:
    """Open or close the chat of `meeting`'s live, for listeners and in the picture; the live goes on."""
    livestream = livestream_of(meeting)
    if livestream is None:
        raise TransitionRefusedError(_("This meeting is not a webinar."))
    with transaction.atomic():
        Meeting.objects.filter(pk=meeting.pk).update(enable_chat=enabled)
        Livestream.objects.filter(pk=livestream.pk, state__in=RUNNING).update(check_at=timezone.now())
        Event.objects.filter(pk=livestream.event_id).update(enable_chat=enabled)
        livestream.event.enable_chat = enabled
        publish_chat_setting(livestream.event)
    meeting.enable_chat = enabled
    log.info("set_chat for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, enabled, user.pk)
