from datetime import timedelta

import pytest

from amphi.classroom.exceptions import ApiError
from amphi.classroom.parameters import meeting_options
from amphi.classroom.rooms import ENTRY_DELAY, MAX_LISTENERS, MAX_PUBLISHERS, JoinRequest, Rooms

NOW = 1_700_000_000.0
MINUTE = 60.0


def open_meeting(**parameters):
    options = meeting_options({"name": "Physics", "meetingID": "physics", **parameters})
    rooms = Rooms()
    return rooms, rooms.create(options, NOW).meeting


def come_in(meeting, name="Ada", role="VIEWER", now=NOW, **details):
    participant = meeting.register(JoinRequest(name, role, "", **details), now)
    meeting.enter(participant, "page", now)
    return participant


def test_twelve_listen_while_six_publish():
    _, meeting = open_meeting()
    for number in range(MAX_PUBLISHERS):
        publisher = come_in(meeting, f"Publisher {number}")
        assert meeting.can_publish(publisher)
        publisher.camera = True
    for number in range(MAX_LISTENERS):
        listener = come_in(meeting, f"Listener {number}")
        assert not meeting.can_publish(listener)
    with pytest.raises(ApiError, match="maxParticipantsReached"):
        come_in(meeting, "One more")
    bot = come_in(meeting, "Bot", bot=True)
    assert not meeting.can_publish(bot)


def test_place_of_somebody_who_never_came():
    _, meeting = open_meeting(maxParticipants="1")
    meeting.register(JoinRequest("Late", "VIEWER", ""), NOW)
    with pytest.raises(ApiError, match="maxParticipantsReached"):
        meeting.register(JoinRequest("Ada", "VIEWER", ""), NOW + 1)
    come_in(meeting, "Ada", now=NOW + ENTRY_DELAY.total_seconds() + 1)


def test_place_given_away_before_the_page_opened():
    _, meeting = open_meeting(maxParticipants="1")
    late = meeting.register(JoinRequest("Late", "VIEWER", ""), NOW)
    come_in(meeting, "Ada", now=NOW + 2 * MINUTE)
    with pytest.raises(ApiError, match="maxParticipantsReached"):
        meeting.enter(late, "page", NOW + 2 * MINUTE)


@pytest.mark.parametrize(
    ("parameters", "before", "after"),
    [
        ({}, 5 * MINUTE - 1, 5 * MINUTE),
        ({"meetingExpireIfNoUserJoinedInMinutes": "2"}, 2 * MINUTE - 1, 2 * MINUTE),
    ],
)
def test_expires_when_nobody_joined(parameters, before, after):
    _, meeting = open_meeting(**parameters)
    assert meeting.due_end(NOW + before) is None
    assert meeting.due_end(NOW + after) == "expired"


def test_expires_when_the_last_left():
    _, meeting = open_meeting()
    ada, bot = come_in(meeting), come_in(meeting, "Bot", bot=True)
    meeting.leave(ada, NOW + 10)
    assert meeting.due_end(NOW + 10 * MINUTE) is None, "the bot keeps the meeting alive"
    meeting.leave(bot, NOW + 10 * MINUTE)
    assert meeting.due_end(NOW + 11 * MINUTE - 1) is None
    assert meeting.due_end(NOW + 11 * MINUTE) == "expired"


def test_does_not_expire_when_somebody_came_back():
    _, meeting = open_meeting()
    ada = come_in(meeting)
    meeting.leave(ada, NOW)
    assert meeting.enter(ada, "page", NOW + 30)
    assert meeting.due_end(NOW + 10 * MINUTE) is None


def test_duration():
    _, meeting = open_meeting(duration="10")
    come_in(meeting, now=NOW + 1)
    assert meeting.due_end(NOW + 10 * MINUTE) is None
    assert meeting.due_end(NOW + 10 * MINUTE + 1) == "duration"


def test_ends_without_moderator():
    _, meeting = open_meeting(endWhenNoModerator="true", endWhenNoModeratorDelayInMinutes="2")
    teacher = come_in(meeting, "Teacher", "MODERATOR")
    come_in(meeting, "Bot", bot=True)
    meeting.leave(teacher, NOW)
    assert meeting.due_end(NOW + 2 * MINUTE - 1) is None
    assert meeting.due_end(NOW + 2 * MINUTE) == "no_moderator"
    meeting.enter(teacher, "page", NOW + 2 * MINUTE)
    assert meeting.due_end(NOW + 4 * MINUTE) is None


def test_lost_connection_is_gone_after_a_while():
    _, meeting = open_meeting()
    ada = come_in(meeting)
    ada.away_since = NOW
    assert meeting.gone(NOW + 9) == []
    assert meeting.gone(NOW + 10) == [ada]


def test_page_loaded_again_publishes_nothing():
    _, meeting = open_meeting()
    ada = come_in(meeting)
    ada.camera, ada.audio = True, "microphone"
    assert not meeting.enter(ada, "page", NOW), "the same page"
    assert ada.publishing
    assert not meeting.enter(ada, "another page", NOW)
    assert not ada.publishing


def test_first_moderator_presents():
    _, meeting = open_meeting()
    come_in(meeting)
    assert meeting.next_presenter() is None
    teacher = come_in(meeting, "Teacher", "MODERATOR")
    assert meeting.next_presenter() is teacher


def test_ended_meetings_are_forgotten():
    rooms, meeting = open_meeting()
    ada = rooms.join(meeting, JoinRequest("Ada", "VIEWER", "ada"), NOW)
    rooms.end(meeting, "ended", NOW)
    assert rooms.get("physics") is meeting
    assert rooms.forget_ended(NOW + timedelta(minutes=1).total_seconds()) == [meeting]
    assert rooms.session(ada.session_token) is None
    with pytest.raises(ApiError, match="notFound"):
        rooms.get("physics")
