"""Webinars that are deleted or become meetings while they run: all stops, then they are forgotten."""

import pytest
from django.utils import timezone

from amphi.audience.models import Event
from amphi.meetings import domain as meetings
from amphi.meetings.models import Meeting
from amphi.webinars import deletion, domain, saving
from amphi.webinars.exceptions import MeetingDeletedError, TransitionRefusedError
from amphi.webinars.listing import listed_meetings
from amphi.webinars.models import Livestream, Removal, State
from amphi.worker import answers, supervisor
from tests.webinars.looking import JOB, age, look, on_air, retire, start


def delete(livestream: Livestream) -> bool:
    return deletion.delete(livestream.meeting, user=livestream.meeting.owner, tells_invited=False)


def save(livestream: Livestream, *, is_webinar: bool) -> None:
    meeting = Meeting.objects.get(pk=livestream.meeting_id)
    given = vars(meetings.fields_of(meeting)) | {"is_webinar": is_webinar}
    saving.update_meeting(meeting, user=meeting.owner, fields=meetings.MeetingFields(**given))


def opened(livestream: Livestream) -> None:
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=timezone.now(), ended_at=None)


def look_until_gone(livestream: Livestream, looks: int = 5) -> None:
    for _ in range(looks):
        found = Livestream.objects.select_related("meeting", "event", "gateway__broadcaster").first()
        if found is None:
            return
        next_in = supervisor.look(found)
        retire()
    pytest.fail(f"{livestream} is still there, next look in {next_in}")


def test_delete_of_a_live_ends_meeting_and_live_then_forgets_all(livestream, stage):
    opened(livestream)
    on_air(livestream, stage)
    assert not delete(livestream)
    livestream.refresh_from_db()
    assert (livestream.state, livestream.ends_meeting) == (State.STOPPING, True)
    assert livestream.look_at <= timezone.now()
    assert Event.objects.get().is_draft
    assert not listed_meetings(livestream.meeting.owner, now=timezone.now()).exists()
    look_until_gone(livestream)
    assert stage.count("/end") == 1
    assert stage.jobs == {str(livestream.job_id): "idle"}
    assert not Meeting.objects.exists()
    assert not Event.objects.exists()


def test_unchecking_a_live_stops_it_and_the_meeting_goes_on(livestream, stage):
    opened(livestream)
    on_air(livestream, stage)
    save(livestream, is_webinar=False)
    look_until_gone(livestream)
    assert stage.count("/end") == 0
    assert stage.jobs == {str(livestream.job_id): "idle"}
    meeting = Meeting.objects.get()
    assert (meeting.is_webinar, meeting.is_open) == (False, True)
    assert not Event.objects.exists()


def test_checking_again_before_all_has_stopped_keeps_the_webinar(livestream, stage):
    opened(livestream)
    on_air(livestream, stage)
    save(livestream, is_webinar=False)
    with pytest.raises(TransitionRefusedError):
        domain.go_live(Livestream.objects.get(), user=livestream.meeting.owner)
    save(livestream, is_webinar=True)
    look(livestream, 2)
    assert livestream.state == State.STOPPED
    assert livestream.removal == ""
    assert not Event.objects.get().is_draft
    start(livestream)


def test_delete_of_a_webinar_whose_live_was_stopped_ends_its_meeting(livestream, stage):
    opened(livestream)
    assert not delete(livestream)
    look_until_gone(livestream)
    assert stage.count("/end") == 1
    assert not Meeting.objects.exists()


def test_delete_waits_for_an_ill_meeting_server_and_an_ill_gateway(livestream, stage):
    opened(livestream)
    on_air(livestream, stage)
    stage.broken |= {"bbb": 500, "gateway": 500}
    delete(livestream)
    look(livestream, 2)
    assert livestream.state == State.STOPPING
    age(livestream, state_since=2 * answers.STOP_GIVES_UP)
    look(livestream, 2)
    # Given up, and yet not forgotten: what still runs is still to be stopped.
    assert (livestream.state, livestream.removal) == (State.FAILED, Removal.DELETE)
    assert look(livestream) is not None
    stage.broken.clear()
    look_until_gone(livestream)
    assert stage.count("/end") > 0
    assert stage.count(f"DELETE {JOB}") > 0
    assert not Meeting.objects.exists()


@pytest.mark.parametrize("is_webinar", [False, True])
def test_saving_what_is_being_deleted_brings_nothing_back(livestream, stage, is_webinar):
    opened(livestream)
    on_air(livestream, stage)
    delete(livestream)
    with pytest.raises(MeetingDeletedError):
        save(livestream, is_webinar=is_webinar)
    look_until_gone(livestream)
    assert not Meeting.objects.exists()


def test_start_of_one_who_has_not_seen_the_removal_is_refused(livestream, stage):
    opened(livestream)
    before = Livestream.objects.select_related("meeting").get()
    assert not delete(livestream)
    assert Livestream.objects.get().state == State.IDLE
    with pytest.raises(TransitionRefusedError):
        domain.go_live(before, user=livestream.meeting.owner)
    look_until_gone(livestream)
    assert not Meeting.objects.exists()


def test_delete_twice_is_harmless(livestream, stage):
    opened(livestream)
    on_air(livestream, stage)
    assert not delete(livestream)
    assert not delete(livestream)
    look_until_gone(livestream)
    assert not Meeting.objects.exists()


def test_what_does_not_run_goes_at_once(livestream):
    assert delete(livestream)
    assert not Meeting.objects.exists()
    assert not Event.objects.exists()
