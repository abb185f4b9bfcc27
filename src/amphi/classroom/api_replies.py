"""The fields of the API's replies, from the classroom's state."""

from amphi.classroom.hooks import Hook
from amphi.classroom.replies import Value
from amphi.classroom.rooms import Creation, Meeting, Participant


def describe_creation(creation: Creation) -> dict[str, Value]:
    meeting = creation.meeting
    options = meeting.options
    message = (
        "This conference was already in existence and may currently be in progress."
        if creation.duplicate
        else ""
    )
    return {
        "meetingID": options.meeting_id,
        "internalMeetingID": meeting.internal_id,
        "parentMeetingID": "bbb-none",
        "attendeePW": options.attendee_password,
        "moderatorPW": options.moderator_password,
        "createTime": meeting.create_time_ms,
        "voiceBridge": options.voice_bridge,
        "dialNumber": options.dial_number,
        "createDate": meeting.create_date,
        "hasUserJoined": meeting.started_at is not None,
        "duration": int(options.duration.total_seconds() // 60),
        "hasBeenForciblyEnded": meeting.ended_at is not None,
        "messageKey": "duplicateWarning" if creation.duplicate else "",
        "message": message,
    }


def describe_join(meeting: Meeting, participant: Participant, url: str) -> dict[str, Value]:
    return {
        "messageKey": "successfullyJoined",
        "message": "You have joined successfully.",
        "meeting_id": meeting.internal_id,
        "user_id": participant.user_id,
        "auth_token": participant.auth_token,
        "session_token": participant.session_token,
        "guestStatus": "ALLOW",
        "url": url,
    }


def describe_attendee(participant: Participant) -> dict[str, Value]:
    """One attendee's current state."""
    return {
        "userID": participant.request.external_id,
        "fullName": participant.request.name,
        "role": participant.request.role,
        "isPresenter": participant.presenter,
        "isListeningOnly": participant.audio == "listen",
        "hasJoinedVoice": participant.audio == "microphone",
        "hasVideo": participant.camera,
        "clientType": "HTML5",
        "customdata": {
            key: value for key, value in participant.request.userdata.items() if key.isidentifier()
        },
    }


def describe_info(meeting: Meeting) -> dict[str, Value]:
    options, present = meeting.options, meeting.present()
    attendees: list[Value] = [describe_attendee(participant) for participant in present]
    return {
        "meetingName": options.name,
        "meetingID": options.meeting_id,
        "internalMeetingID": meeting.internal_id,
        "createTime": meeting.create_time_ms,
        "createDate": meeting.create_date,
        "voiceBridge": options.voice_bridge,
        "dialNumber": options.dial_number,
        "attendeePW": options.attendee_password,
        "moderatorPW": options.moderator_password,
        "running": meeting.running,
        "duration": int(options.duration.total_seconds() // 60),
        "hasUserJoined": meeting.started_at is not None,
        "recording": False,
        "hasBeenForciblyEnded": meeting.ended_at is not None,
        "startTime": round((meeting.started_at or 0) * 1000),
        "endTime": round((meeting.ended_at or 0) * 1000),
        "participantCount": len(present),
        "listenerCount": sum(1 for p in present if p.audio == "listen"),
        "voiceParticipantCount": sum(1 for p in present if p.audio == "microphone"),
        "videoCount": sum(1 for p in present if p.camera),
        "maxUsers": options.max_participants,
        "moderatorCount": sum(1 for p in present if p.moderator),
        "attendees": {"attendee": attendees},
        "metadata": dict(options.metadata),
        "isBreakout": False,
    }


def describe_hook(hook: Hook) -> dict[str, Value]:
    fields: dict[str, Value] = {"hookID": hook.hook_id, "callbackURL": hook.callback_url}
    if hook.meeting_id:
        fields["meetingID"] = hook.meeting_id
    if hook.event_ids:
        fields["eventID"] = ",".join(sorted(hook.event_ids))
    return {**fields, "permanentHook": False, "rawData": hook.raw}
