"""The use cases of webinars: plan, start, stop, restart, end, open the chat."""

import logging

from django.db import transaction
from django.db.models import F
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.audience import changes, letters
from amphi.audience.domain import publish_chat_setting
from amphi.audience.models import Event, EventState
from amphi.mails import domain as mails
from amphi.meetings.models import Meeting, new_slug
from amphi.webinars import announcing, planning, rebooking, removal, transitions
from amphi.webinars.exceptions import (
    GatewayTakenError,
    MeetingDeletedError,
    NoGatewayError,
    TransitionRefusedError,
)
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, Removal, State

log = logging.getLogger("webinar")


OPEN_ATTEMPTS = 5


def livestream_of(meeting: Meeting) -> Livestream | None:
    """The livestream of `meeting`, or None when it is not a planned webinar."""
    return (
        Livestream.objects.select_related("event", "meeting", "gateway__broadcaster")
        .filter(meeting=meeting)
        .first()
    )


# --- planning


def plan(held: planning.Locked, *, user: User) -> planning.NoGatewayFree | None:
    """Update the booking and the event of a saved meeting, in the caller's transaction.

    Args:
        held: the saved meeting, and its booking from before.
        user: who saved it.

    Returns:
        None on success. When no gateway is free for a new webinar, the reason; the meeting then stays as a plain meeting.

    Raises:
        GatewayTakenError: its live runs, and another webinar needs its gateway in the new hours.
        NoGatewayError: it was planned before, and no gateway is free in the new hours.
    """
    meeting, livestream = held.meeting, held.livestream
    if not meeting.is_webinar:
        unplan(held, Removal.UNCHECK, user=user)
        return None
    if livestream is not None and livestream.is_running:
        _keep_gateway(held, livestream)
        gateway: LiveGateway | None = livestream.gateway
    else:
        gateway = planning.free_gateway(held.gateways, meeting.start_at, meeting.end_at, mine=livestream)
    if gateway is None and livestream is not None and not livestream.removal:
        gateway = _gateway_as_planned(held, livestream)
    if gateway is None:
        return _keep_as_meeting(held, user=user)
    event = _write_event(meeting, gateway, livestream)
    booking = {"gateway": gateway, "starts_at": meeting.start_at, "ends_at": meeting.end_at}
    planned, _made = Livestream.objects.update_or_create(
        meeting=meeting, defaults={**booking, "event": event, "removal": ""}
    )
    if livestream is None or (livestream.starts_at, livestream.ends_at) != (meeting.start_at, meeting.end_at):
        announcing.planned(planned)
    return None


def _keep_gateway(held: planning.Locked, livestream: Livestream) -> None:
    """Keep the gateway of a running live for its new hours; webinars that booked it then move to another."""
    start, end = held.meeting.start_at, held.meeting.end_at
    if (start, end) == (livestream.starts_at, livestream.ends_at):
        return
    if taken := rebooking.give_way(livestream, held.gateways, start, end):
        raise GatewayTakenError(
            _(
                "These hours are not available: another webinar is planned from %(start)s to %(end)s, and no other live gateway "
                "is free then. The running live keeps its hours."
            )
            % {
                "start": formats.date_format(timezone.localtime(taken.starts_at), "SHORT_DATETIME_FORMAT"),
                "end": formats.time_format(timezone.localtime(taken.ends_at)),
            }
        )


def _gateway_as_planned(held: planning.Locked, livestream: Livestream) -> LiveGateway:
    """The gateway of a webinar whose hours stay; new hours are refused, since its event has registrations, messages and options.

    Raises:
        NoGatewayError: its hours change.
    """
    start, end = held.meeting.start_at, held.meeting.end_at
    if (start, end) == (livestream.starts_at, livestream.ends_at):
        return livestream.gateway
    conflict = planning.explain(held.gateways, start, end, mine=livestream)
    said = _("No live gateway is free at this time. The webinar keeps its date, its page and its options.")
    if conflict.nearest:
        times = [
            formats.date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") for at in conflict.nearest
        ]
        said += " " + _("A live gateway is free from: %(times)s.") % {"times": " · ".join(times)}
    raise NoGatewayError(said, conflict)


def _keep_as_meeting(held: planning.Locked, *, user: User) -> planning.NoGatewayFree:
    """No gateway is free: keep the meeting without a live, and tell the administrators."""
    meeting = held.meeting
    conflict = planning.explain(held.gateways, meeting.start_at, meeting.end_at, mine=held.livestream)
    log.warning("plan for meeting %s “%s”: no live gateway is free", meeting.pk, meeting.name)
    mails.queue(
        mails.administrators(), "no_gateway", {"meeting": meeting, "overlapping": conflict.overlapping}
    )
    meeting.is_webinar = False
    meeting.save(update_fields=["is_webinar"])
    unplan(held, Removal.UNCHECK, user=user)
    return conflict


def _write_event(meeting: Meeting, gateway: LiveGateway, livestream: Livestream | None) -> Event:
    event = (
        livestream.event
        if livestream
        else Event(slug=new_slug(meeting.pk, meeting.name), state=EventState.WAITING, since=timezone.now())
    )
    before = changes.shown(event)
    event.title = meeting.name
    event.description = meeting.description
    event.owner = meeting.owner
    event.broadcaster = gateway.broadcaster
    event.start_at, event.end_at = meeting.start_at, meeting.end_at
    event.is_restricted = meeting.is_restricted
    event.password = meeting.password
    if livestream is not None and livestream.removal:
        event.is_draft = False  # its removal is cancelled
    chat_changed = livestream is not None and event.enable_chat != meeting.enable_chat
    event.enable_chat = meeting.enable_chat
    changes.note(event, before)
    event.save()
    event.access_groups.set(meeting.access_groups.all())
    event.additional_owners.set(meeting.additional_owners.all())
    if chat_changed:
        Livestream.objects.filter(event=event, state__in=RUNNING).update(look_at=timezone.now())
        publish_chat_setting(event)
    return event


def unplan(held: planning.Locked, kind: Removal, *, user: User) -> bool:
    """Remove the booking and the event of a meeting, in the caller's transaction.

    Returns:
        True when it is done. False when something still runs: it is told to stop, and the worker then removes the webinar, and
        deletes the meeting too if `kind` says so.
    """
    meeting, livestream = held.meeting, held.livestream
    if livestream is None:
        return True
    if not livestream.removal:
        letters.cancel(livestream.event)
    log.info("unplan for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, kind, user.pk)
    if removal.must_stop_first(livestream, kind):
        removal.ask(livestream, kind, user=user)
        return False
    livestream.event.delete()
    return True


# --- the life of the live


def can_start(livestream: Livestream) -> bool:
    """Whether a live can be started."""
    return not livestream.removal and transitions.is_legal(livestream.state, transitions.GO_LIVE)


def can_stop(livestream: Livestream) -> bool:
    """Whether there is a live to stop."""
    return livestream.state in {State.STARTING, State.LIVE, State.RECOVERING}


def can_restart(livestream: Livestream) -> bool:
    """Whether there is a live to restart."""
    return transitions.is_legal(livestream.state, transitions.RESTART)


def can_end(livestream: Livestream) -> bool:
    """Whether the webinar can be ended: its meeting and its live."""
    return livestream.state in RUNNING or livestream.meeting.is_open


def go_live(livestream: Livestream, *, user: User) -> None:
    """Request the live. Has no effect when it is requested or live already.

    Raises:
        MeetingDeletedError: the meeting was deleted meanwhile.
        TransitionRefusedError: the live is stopping.
    """
    with transaction.atomic():
        if can_start(livestream):
            livestream = rebooking.before_start(livestream)
        applied = transitions.apply(livestream, transitions.GO_LIVE, user=user)
    if not applied:
        _read_again(livestream)
        if livestream.state == State.STOPPING or livestream.removal:
            raise TransitionRefusedError(_("The live is stopping. Start it again in a few seconds."))


def _read_again(livestream: Livestream) -> None:
    try:
        livestream.refresh_from_db()
    except Livestream.DoesNotExist:
        raise MeetingDeletedError(_("This meeting was deleted meanwhile.")) from None


def _apply_or_refuse(livestream: Livestream, trigger: str, user: User) -> None:
    if not transitions.apply(livestream, trigger, user=user):
        _read_again(livestream)
        raise TransitionRefusedError(
            _("This can’t be done now: the live is “%(state)s”.") % {"state": livestream.get_state_display()}
        )


def can_open(livestream: Livestream) -> bool:
    """Whether presenters are backstage, and can go live."""
    return livestream.is_backstage and transitions.is_legal(livestream.state, transitions.OPEN)


def open_live(livestream: Livestream, *, user: User) -> None:
    """Show listeners what has been backstage. Harmless when it is shown already.

    Raises:
        MeetingDeletedError: it was deleted meanwhile.
        TransitionRefusedError: nothing runs.
    """
    for _attempt in range(OPEN_ATTEMPTS):
        if transitions.apply(livestream, transitions.OPEN, user=user):
            return
        # The picture came or went at the same moment.
        _read_again(livestream)
        if not can_open(livestream):
            break
    if livestream.is_backstage or not can_stop(livestream):
        raise TransitionRefusedError(
            _("This can’t be done now: the live is “%(state)s”.") % {"state": livestream.get_state_display()}
        )


@transaction.atomic
def set_starts_backstage(meeting: Meeting, *, backstage: bool, user: User) -> None:
    """Have the next start of `meeting`'s live be backstage, or shown at once.

    Raises:
        TransitionRefusedError: it is not a webinar, or not any more.
    """
    row = planning.lock_meeting(meeting)
    livestream = planning.lock_livestream(row) if row is not None else None
    if livestream is None:
        raise TransitionRefusedError(_("This meeting is not a webinar."))
    Livestream.objects.filter(pk=livestream.pk).update(starts_backstage=backstage)
    log.info("set_starts_backstage for meeting %s: %s by user %s", meeting.pk, backstage, user.pk)


def stop_live(livestream: Livestream, *, user: User) -> None:
    """Stop only the live; the meeting goes on.

    Raises:
        TransitionRefusedError: no live runs.
    """
    _apply_or_refuse(livestream, transitions.STOP, user)


def restart_live(livestream: Livestream, *, user: User) -> None:
    """Restart only the live: the gateway leaves the meeting and joins again.

    Raises:
        TransitionRefusedError: no live runs.
    """
    _apply_or_refuse(livestream, transitions.RESTART, user)


def restart_or_start(livestream: Livestream, *, user: User) -> None:
    """Restart only the live, or start it again while the meeting goes on.

    Raises:
        MeetingDeletedError: it was deleted meanwhile.
        TransitionRefusedError: neither is possible now.
    """
    starts_again = livestream.meeting.is_open and can_start(livestream)
    (go_live if starts_again else restart_live)(livestream, user=user)


def end_webinar(livestream: Livestream, *, user: User) -> None:
    """Request the end of the webinar, its meeting and its live; the worker carries it out.

    Raises:
        TransitionRefusedError: nothing of it runs.
    """
    if not can_end(livestream):
        raise TransitionRefusedError(_("This webinar is not running."))
    if transitions.apply(livestream, transitions.STOP, user=user, reason="end", ends_meeting=True):
        return
    # The live has stopped or is stopping; the meeting must still be ended.
    Livestream.objects.filter(pk=livestream.pk).update(ends_meeting=True, look_at=timezone.now())


@transaction.atomic
def set_chat(meeting: Meeting, *, enabled: bool, user: User) -> None:
    """Open or close the chat of `meeting`'s live, for listeners and in the picture, while the live goes on.

    Raises:
        TransitionRefusedError: the meeting is not a webinar, or not any more.
    """
    row = planning.lock_meeting(meeting)
    livestream = planning.lock_livestream(row) if row is not None else None
    if livestream is None:
        raise TransitionRefusedError(_("This meeting is not a webinar."))
    Meeting.objects.filter(pk=meeting.pk).update(enable_chat=enabled)
    Livestream.objects.filter(pk=livestream.pk, state__in=RUNNING).update(look_at=timezone.now())
    Event.objects.filter(pk=livestream.event_id).update(enable_chat=enabled)
    livestream.event.enable_chat = enabled
    publish_chat_setting(livestream.event)
    meeting.enable_chat = enabled
    log.info("set_chat for meeting %s “%s”: %s by user %s", meeting.pk, meeting.name, enabled, user.pk)


def renew_presenter_key(meeting: Meeting, *, user: User) -> None:
    """Give the presenters of `meeting` a new link. The old one no longer works; people in the meeting stay.

    Raises:
        MeetingDeletedError: the meeting was deleted meanwhile.
    """
    # Calendars contain the link, so the next invitation must update them.
    renewed = Meeting.objects.filter(pk=meeting.pk).update(
        presenter_key_number=F("presenter_key_number") + 1, calendar_sequence=F("calendar_sequence") + 1
    )
    if not renewed:
        raise MeetingDeletedError(_("This meeting was deleted meanwhile."))
    log.info("renew_presenter_key for meeting %s “%s” by user %s", meeting.pk, meeting.name, user.pk)
