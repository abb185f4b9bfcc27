"""Webhooks and callbacks of BigBlueButton and of the live server.

They are hints: they make the supervisor look now, and the supervisor asks the systems itself. Only chat messages and captions are used as they
come, once their signature is verified. Hands and polls, which BBB reports nowhere else, are kept as long as the looks agree.
"""

import hmac
import logging
import time
from datetime import UTC, datetime
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from amphi.audience.domain import record_meeting_message
from amphi.audience.holders import holder_of
from amphi.audience.models import Event
from amphi.audience.replays import library
from amphi.bigbluebutton import BigBlueButtonError, WebhookError, chat, webhooks
from amphi.meetings import attendance, join, presence
from amphi.meetings.models import Meeting
from amphi.meetings.server import callback_url
from amphi.pages import access
from amphi.system import tickets
from amphi.webinars import participation, recordings
from amphi.webinars.models import RUNNING, LiveGateway, Livestream, State
from amphi.worker.gateways import standby_user_id, streaming_user_id, streaming_user_ids

log = logging.getLogger("webinar")


def _look_now(meeting: Meeting, *, session_id: str = "", at: datetime | None = None) -> None:
    """BBB reports that the meeting ended: have the supervisor look. A plain meeting has no supervisor, so look at it here.

    Args:
        meeting: the meeting.
        session_id: BBB's internal id of the ended session; empty when the report does not name it.
        at: when it ended, by BBB's clock.
    """
    if not presence.tell_end(meeting, session_id=session_id):
        log.info("meeting %s “%s”: another session ended", meeting.pk, meeting.name)
        return
    if not meeting.is_webinar and meeting.is_open:
        is_certain = presence.is_current(meeting, session_id=session_id, at=at)
        _look_at_plain(meeting, is_certain=is_certain)
    Livestream.objects.filter(meeting=meeting).exclude(look_at=None).update(look_at=timezone.now())


def _look_at_plain(meeting: Meeting, *, is_certain: bool) -> None:
    if is_certain:
        presence.note_end(meeting)
        return
    try:
        join.is_there(meeting)
    except BigBlueButtonError as error:
        log.warning("getMeetingInfo for meeting %s “%s”: %s", meeting.pk, meeting.name, error)


@csrf_exempt
@require_POST
@access.signed
def events(request: HttpRequest, nonce: str) -> HttpResponse:
    """A delivery of bbb-webhooks: signed, and about one meeting."""
    meeting = get_object_or_404(Meeting, callback_nonce=nonce)
    try:
        webhooks.verify(
            callback_url(meeting, "events"),
            request.body,
            request.GET.get("checksum", ""),
            settings.BBB_SECRET_KEY,
            authorization=request.headers.get("Authorization", ""),
        )
        webhooks.check_age(request.body, now_ms=int(time.time() * 1000))
        delivered = webhooks.parse(request.body)
    except WebhookError as error:
        log.warning("webhook for meeting %s “%s” refused: %s", meeting.pk, meeting.name, error)
        return HttpResponse(status=403)
    for hint in delivered:
        if hint.meeting_id == meeting.bbb_id:
            _take(meeting, hint)
    return HttpResponse(status=200)


def _take(meeting: Meeting, hint: webhooks.AnyEvent) -> None:
    match hint:
        case webhooks.ChatMessage():
            _take_message(meeting, hint)
        case webhooks.UserJoined() | webhooks.UserLeft():
            _note_person(meeting, hint)
        case webhooks.HandRaised():
            participation.hand_changed(meeting, hint, _moment(hint))
        case webhooks.PollStarted():
            participation.poll_started(meeting, hint, _moment(hint))
        case webhooks.PollResponded():
            participation.poll_responded(meeting, hint, _moment(hint))
        case webhooks.PresentationChanged():
            participation.presentation_changed(meeting, _moment(hint))
        case webhooks.TranscriptUpdated():
            participation.transcript_updated(meeting, hint, _moment(hint))
        case webhooks.RecordingReady():
            recordings.note_recording_ready(meeting, hint.record_id)
        case webhooks.MeetingEnded():
            log.info("webhook for meeting %s “%s”: meeting-ended", meeting.pk, meeting.name)
            attendance.ended(meeting, session_id=hint.internal_meeting_id, at=_moment(hint))
            _look_now(meeting, session_id=hint.internal_meeting_id, at=_moment(hint))


def _moment(hint: webhooks.Event) -> datetime:
    """When it happened, by BBB's clock; now, if BBB does not say."""
    return datetime.fromtimestamp(hint.sent_at_ms / 1000, UTC) if hint.sent_at_ms else timezone.now()


def _note_person(meeting: Meeting, hint: webhooks.UserJoined | webhooks.UserLeft) -> None:
    session_id, user_id, at = hint.internal_meeting_id, hint.user_id, _moment(hint)
    if isinstance(hint, webhooks.UserLeft):
        attendance.left(meeting, session_id=session_id, user_id=user_id, at=at)
        participation.person_left(meeting, hint, at)
    elif hint.external_user_id == streaming_user_id(meeting):  # a gateway's browser, not a person
        Livestream.objects.filter(meeting=meeting).update(streaming_user=user_id[:100])
    elif hint.external_user_id != standby_user_id(meeting):
        coming = attendance.Coming(
            session_id=session_id,
            user_id=user_id,
            external_id=hint.external_user_id,
            name=hint.name,
            is_moderator=hint.role == "MODERATOR",
            at=at,
        )
        attendance.joined(meeting, coming)


def _take_message(meeting: Meeting, message: webhooks.ChatMessage) -> None:
    livestream = Livestream.objects.select_related("event").filter(meeting=meeting).first()
    # What is said backstage stays there.
    if livestream is None or not message.is_public or livestream.is_backstage:
        return
    # Messages that we sent ourselves, by a call or typed by the streaming user, come back.
    if chat.is_echo(message, bot_user_ids=streaming_user_ids(meeting)) or _is_typed(livestream, message):
        return
    record_meeting_message(
        livestream.event,
        meeting_message_id=f"{meeting.pk}-{message.id}"[:100],
        author_name=message.sender_name[:255],
        text=chat.strip_html(message.text),
        sent_at=_moment(message),
    )


def _is_typed(livestream: Livestream, message: webhooks.ChatMessage) -> bool:
    """Whether the streaming user typed a message without an external id, as before bbb-webhooks 3.4.

    BBB reports the internal id of the streaming user when it joins. If that report was missed, its name decides, unless the sender
    is known to have joined as a person.
    """
    if message.sender_external_id:
        return False
    if message.sender_user_id == livestream.streaming_user:
        return True
    is_its_name = message.sender_name == settings.MEETING_WEBINAR_STREAMING_USER
    return is_its_name and not attendance.has_come(livestream.meeting, user_id=message.sender_user_id)


@require_GET
@access.signed
def ended(request: HttpRequest, nonce: str) -> HttpResponse:  # noqa: ARG001 -- the nonce says it all
    """BBB's ``meta_endCallbackUrl``: a GET without a signature, authenticated by its nonce. It only makes a look happen sooner."""
    meeting = get_object_or_404(Meeting, callback_nonce=nonce)
    log.info("end callback for meeting %s “%s”", meeting.pk, meeting.name)
    _look_now(meeting)
    return HttpResponse(status=200)


@csrf_exempt
@require_POST
@access.signed
def recording(request: HttpRequest, nonce: str) -> HttpResponse:
    """BBB's ``meta_bbb-recording-ready-url``: a token signed with the shared secret. It also works without webhooks."""
    meeting = get_object_or_404(Meeting, callback_nonce=nonce)
    try:
        ready = webhooks.parse_recording_ready(request.body, settings.BBB_SECRET_KEY)
    except WebhookError as error:
        log.warning("recording callback for meeting %s “%s” refused: %s", meeting.pk, meeting.name, error)
        return HttpResponse(status=403)
    if ready.meeting_id == meeting.bbb_id:
        recordings.note_recording_ready(meeting, ready.record_id)
    return HttpResponse(status=200)


def _may_be_key(address: SplitResult, key: str) -> bool:
    """Whether `key` is the key in an RTMP address, which may be percent-encoded.

    `amphi origin` sends the key decoded once. nginx-rtmp copies it as the publisher sent it into a form, where ``+`` means a space.
    """
    written = next((item[4:] for item in address.query.split("&") if item.startswith("key=")), "")
    if not written:
        return settings.AMPHI_PUBLISH_WITHOUT_KEY
    forms = (written, unquote(written), unquote_plus(written))
    return any(hmac.compare_digest(form.encode(), key.encode()) for form in forms)


def _gateway_of(name: str, key: str) -> LiveGateway | None:
    """The live gateway whose RTMP address is for the stream `name` and the key `key`."""
    found = None
    for gateway in LiveGateway.objects.select_related("broadcaster"):
        address = urlsplit(gateway.rtmp_stream_url)
        if address.path.rsplit("/", 1)[-1] == name and _may_be_key(address, key):
            found = gateway
    return found


@csrf_exempt
@require_POST
@access.signed
def on_publish(request: HttpRequest) -> HttpResponse:
    """nginx-rtmp's ``on_publish``: allows a publication whose address has the right key, and hints that pictures will come.

    The answer names the event that holds the stream now, or ``none``, so that `amphi origin` shows the picture only to its listeners; the
    event's title, for a slate; and whether it is recorded.
    """
    gateway = _gateway_of(request.POST.get("name", ""), request.POST.get("key", ""))
    if gateway is None:
        log.warning("on_publish refused: no live gateway has this name and key")
        return HttpResponse(status=403)
    Livestream.objects.filter(gateway=gateway, state__in=RUNNING).update(look_at=timezone.now())
    event_id = holder_of(gateway.broadcaster.hls_url)
    headers = {tickets.EVENT_HEADER: "none" if event_id is None else str(event_id)}
    if event_id is not None:
        title = Event.objects.filter(pk=event_id).values_list("title", flat=True).first()
        headers[tickets.TITLE_HEADER] = quote(title or "")
    if library.is_kept_id(event_id):
        headers[tickets.KEEP_HEADER] = "1"
    return HttpResponse(status=200, headers=headers)


@csrf_exempt
@require_POST
@access.signed
def on_publish_done(request: HttpRequest) -> HttpResponse:
    """nginx-rtmp's ``on_publish_done``: the publisher left, so have the supervisor look.

    The answer tells `amphi origin` when it was to leave: a stream that was cut off instead of ended is then not waited for.
    """
    gateway = _gateway_of(request.POST.get("name", ""), request.POST.get("key", ""))
    answer = HttpResponse(status=200)
    if gateway is not None:
        running = Livestream.objects.filter(gateway=gateway, state__in=RUNNING)
        running.update(look_at=timezone.now())
        if State.STOPPING in running.values_list("state", flat=True):
            answer[tickets.EVENT_HEADER] = "none"
    return answer
