"""The client of a live gateway, and what to send it for a livestream."""

import logging
from dataclasses import replace
from functools import lru_cache
from typing import Literal, cast
from urllib.parse import urlsplit

from django.conf import settings

from amphi import sipmediagw
from amphi.bigbluebutton import BigBlueButtonError, bot_parameters
from amphi.meetings.models import Meeting
from amphi.meetings.server import meeting_server
from amphi.webinars import picture
from amphi.webinars.models import LiveGateway, Livestream

log = logging.getLogger("webinar")

TIMEOUT_S = 5.0


@lru_cache(maxsize=256)
def _connect(dialect: str, url: str, token: str, ca_file: str) -> sipmediagw.Gateway:
    kind = cast("Literal['amphi', 'A', 'B', 'D', 'auto']", dialect)
    gateway = sipmediagw.connect(kind, url, token, ca_file=ca_file or None, timeout_s=TIMEOUT_S)
    return sipmediagw.MeasuredGateway(gateway)


def gateway_for(gateway: LiveGateway) -> sipmediagw.Gateway:
    """The client of a live gateway."""
    return _connect(
        gateway.dialect,
        gateway.service_url,
        gateway.service_token,
        gateway.ca_file,
    )


def standby_for(gateway: LiveGateway) -> sipmediagw.Gateway:
    """The client of a live gateway's second gateway, which is Amphi's own."""
    return _connect(
        LiveGateway.Dialect.AMPHI.value, gateway.standby_url, gateway.standby_token, gateway.ca_file
    )


def log_error(meeting: Meeting, call: str, error: sipmediagw.GatewayError) -> None:
    """Log that a call to a gateway failed."""
    log.warning(
        "%s for meeting %s “%s”: %s (EXCEPTION: %s)", call, meeting.pk, meeting.name, error.code, error
    )


def job_ref(livestream: Livestream) -> sipmediagw.JobRef:
    """The name of the livestream's job at its gateway."""
    return sipmediagw.JobRef(
        job_id=str(livestream.job_id),
        room=livestream.meeting.room,
        remote_id=livestream.remote_id,
        chat_shown=bool(livestream.chat_shown),
    )


def streaming_user_id(meeting: Meeting) -> str:
    """The external user id of the streaming user in BBB."""
    return f"amphi-streaming-{meeting.pk}"


def standby_user_id(meeting: Meeting) -> str:
    """The external user id of the second gateway's user in BBB."""
    return f"{streaming_user_id(meeting)}-standby"


def streaming_user_ids(meeting: Meeting) -> set[str]:
    """Those of all users of the meeting who are gateways, and no people."""
    return {streaming_user_id(meeting), standby_user_id(meeting)}


def _streaming_user_url(
    livestream: Livestream, name: str, *, show_chat: bool, is_standby: bool = False
) -> str:
    """The address by which the streaming user joins, as a viewer, with a plain layout for filming.

    The chat is part of the picture where presenters want it, or its messages can't reach the listeners as text.
    """
    meeting, server = livestream.meeting, meeting_server()
    may_come = not livestream.has_hook or picture.is_chosen_here(livestream)
    try:
        version = server.version()
    except BigBlueButtonError:
        version = ""
    return server.join_url(
        meeting.bbb_id,
        name,
        role="VIEWER",
        user_id=standby_user_id(meeting) if is_standby else streaming_user_id(meeting),
        parameters=bot_parameters(version, show_chat=show_chat, chat_may_come=may_come),
    )


def entry_url(meeting: Meeting, name: str = "") -> str | None:
    """The address by which the streaming user joins a running meeting; None when it does not run or the server does not answer.

    The chat is hidden: gateways that open our join page can only toggle it, so it must start from a known state.

    Args:
        meeting: the webinar's meeting.
        name: the name that the others see; empty for the one in the settings.
    """
    if not meeting.is_open:
        return None
    try:
        if meeting_server().meeting_info(meeting.bbb_id).over:
            return None
    except BigBlueButtonError:
        return None
    return _streaming_user_url(
        meeting.livestream, name or settings.MEETING_WEBINAR_STREAMING_USER, show_chat=False
    )


def start_request(livestream: Livestream, *, show_chat: bool) -> sipmediagw.StartRequest:
    """What a gateway of any dialect needs to join the meeting and stream it."""
    meeting = livestream.meeting
    public = urlsplit(settings.AMPHI_URL)
    return sipmediagw.StartRequest(
        job_id=str(livestream.job_id),
        room=meeting.room,
        rtmp_url=livestream.gateway.rtmp_stream_url,
        join_url=_streaming_user_url(
            livestream, settings.MEETING_WEBINAR_STREAMING_USER, show_chat=show_chat
        ),
        layout=livestream.layout,
        domain=f"{public.netloc}{public.path}/meeting/{meeting.slug}/{meeting.access_key[:-10]}",
        show_chat=show_chat,
    )


def standby_request(livestream: Livestream, job_id: str, *, show_chat: bool) -> sipmediagw.StartRequest:
    """What a second gateway needs: it joins as another user, and publishes the same stream as its standby."""
    name = f"{settings.MEETING_WEBINAR_STREAMING_USER} 2"
    address = livestream.gateway.rtmp_stream_url
    return replace(
        start_request(livestream, show_chat=show_chat),
        job_id=job_id,
        rtmp_url=f"{address}{'&' if '?' in address else '?'}standby=1",
        join_url=_streaming_user_url(livestream, name, show_chat=show_chat, is_standby=True),
    )
