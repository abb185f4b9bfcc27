"""Makes the calls that a look decided on. Each has a time-out and may safely be repeated."""

import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from amphi.bigbluebutton import BigBlueButtonError, MisconfiguredServerError
from amphi.meetings import server
from amphi.meetings.models import Meeting
from amphi.sipmediagw import GatewayError, UnsupportedError
from amphi.webinars import participation, rebooking, transitions
from amphi.webinars.models import Livestream, State
from amphi.worker import gateways, meeting_chat, people
from amphi.worker.decision import (
    Answer,
    Call,
    EndMeeting,
    LowerHands,
    MakeWay,
    NoteMeetingEnd,
    ReplaceGateway,
    ShowChat,
    ShowLayout,
    StartJob,
    StopJob,
    WarnOfLimit,
)

log = logging.getLogger("webinar")


def make(livestream: Livestream, call: Call, now: datetime) -> Answer:
    """Make one call; its answer goes to `answers.decide_answer`.

    Args:
        livestream: as written before the call.
        call: the call to make.
        now: when the look began.
    """
    match call:
        case StartJob(show_chat=show_chat):
            return _start_job(livestream, show_chat=show_chat)
        case StopJob():
            return _stop_job(livestream)
        case ShowChat() | ShowLayout():
            return _change_picture(livestream, call)
        case EndMeeting():
            return _end_meeting(livestream)
        case NoteMeetingEnd():
            note_meeting_end(livestream, now)
        case LowerHands(info=info):
            people.lower_hands(livestream, info, now)
        case WarnOfLimit(at=at):
            meeting_chat.announce(livestream.meeting, _limit_warning(at))
        case MakeWay():
            rebooking.make_way(livestream, now)
        case ReplaceGateway(reason=reason):
            rebooking.replace_gateway(livestream, reason=reason)
    return None


def _limit_warning(at: datetime) -> str:
    text = gettext("The live will stop by itself at %(time)s: the longest duration is reached.")
    return text % {"time": timezone.localtime(at).strftime("%H:%M")}


def _start_job(livestream: Livestream, *, show_chat: bool) -> Answer:
    meeting = livestream.meeting
    try:
        request = gateways.start_request(livestream, show_chat=show_chat)
        status = gateways.gateway_for(livestream.gateway).start(request)
    except GatewayError as error:
        gateways.log_error(meeting, "start_rtmp_gateway", error)
        return error
    except MisconfiguredServerError as error:
        log.warning("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        return None
    log.info("start_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    return status


def _stop_job(livestream: Livestream) -> Answer:
    meeting = livestream.meeting
    try:
        status = gateways.gateway_for(livestream.gateway).stop(gateways.job_ref(livestream))
    except GatewayError as error:
        gateways.log_error(meeting, "stop_rtmp_gateway", error)
        return error
    log.info("stop_rtmp_gateway for meeting %s “%s”: %s", meeting.pk, meeting.name, status.state)
    return status


def _change_picture(livestream: Livestream, call: ShowChat | ShowLayout) -> Answer:
    job = gateways.job_ref(livestream)
    try:
        gateway = gateways.gateway_for(livestream.gateway)
        if isinstance(call, ShowChat):
            return gateway.show_chat(job, call.shown)
        return gateway.show_layout(job, call.layout)
    except UnsupportedError as error:
        return error
    except GatewayError as error:
        gateways.log_error(livestream.meeting, "toggle_rtmp_gateway", error)
        return error


def _end_meeting(livestream: Livestream) -> Answer:
    try:
        server.end_meeting(livestream.meeting)
    except BigBlueButtonError:
        return False
    return True


def note_meeting_end(livestream: Livestream, now: datetime) -> None:
    """Note that the meeting is over. For the listeners of a failed live, who still waited, the event is then over too."""
    Meeting.objects.filter(pk=livestream.meeting_id, ended_at=None).update(ended_at=now)
    participation.forget(livestream)
    livestream.meeting.ended_at = livestream.meeting.ended_at or now
    if livestream.state == State.FAILED:
        with transaction.atomic():
            transitions.tell_listeners(livestream)
