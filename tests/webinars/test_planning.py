"""Which gateway a webinar holds, and when."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from amphi.audience.models import Event
from amphi.meetings.domain import MeetingFields
from amphi.webinars.deletion import delete
from amphi.webinars.exceptions import GatewayTakenError, NoGatewayError
from amphi.webinars.models import Livestream, State
from amphi.webinars.saving import create_meeting, update_meeting
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def fields(**given) -> MeetingFields:
    return MeetingFields(
        **{"name": "Cours", "start_at": in_hours(1), "duration": HOUR, "is_webinar": True} | given
    )


def test_create_books_a_gateway_and_makes_the_event():
    gateway, user, friend = make_gateway(), make_user(), make_user()
    saved = create_meeting(user=user, fields=fields(is_restricted=True, additional_owners=[friend]))
    livestream = Livestream.objects.get(meeting=saved.meeting)
    event = livestream.event
    assert saved.conflict is None
    assert livestream.gateway == gateway
    assert (livestream.starts_at, livestream.ends_at) == (saved.meeting.start_at, saved.meeting.end_at)
    assert (event.title, event.broadcaster, event.owner) == ("Cours", gateway.broadcaster, user)
    assert (event.is_restricted, event.is_draft) == (True, False)
    assert list(event.additional_owners.all()) == [friend]


def test_bookings_that_touch_share_a_gateway_and_those_that_overlap_do_not():
    make_gateway("one"), make_gateway("two")
    at = in_hours(1)
    first = make_webinar(start_at=at, duration=HOUR)
    touching = make_webinar(start_at=at + HOUR, duration=HOUR)
    overlapping = make_webinar(start_at=at + HOUR / 2, duration=HOUR)
    assert first.gateway == touching.gateway != overlapping.gateway


def test_none_free_keeps_a_meeting_and_says_which_times_are_free():
    make_gateway()
    at = in_hours(48).replace(microsecond=0)
    other = make_webinar(start_at=at, duration=HOUR)
    saved = create_meeting(user=make_user(), fields=fields(start_at=at + HOUR / 2))
    assert not saved.meeting.is_webinar
    assert not Livestream.objects.filter(meeting=saved.meeting).exists()
    assert not Event.objects.filter(slug=saved.meeting.slug).exists()
    assert saved.conflict.overlapping == [other.meeting]
    assert saved.conflict.nearest == [at - HOUR, at + HOUR]
    moved = update_meeting(saved.meeting, user=saved.meeting.owner, fields=fields(start_at=at + HOUR))
    assert moved.conflict is None
    assert moved.meeting.is_webinar


def test_move_plans_again_and_keeps_the_event():
    make_gateway("one"), make_gateway("two")
    at = in_hours(1)
    stays = make_webinar(start_at=at + 5 * HOUR)
    moves = make_webinar(start_at=at)
    assert moves.gateway == stays.gateway
    update_meeting(moves.meeting, user=moves.meeting.owner, fields=fields(start_at=at + 5 * HOUR))
    again = Livestream.objects.get(meeting=moves.meeting)
    assert again.gateway != stays.gateway
    assert again.event == moves.event
    assert again.event.start_at == at + 5 * HOUR
    assert again.event.broadcaster == again.gateway.broadcaster


@pytest.mark.parametrize("name", ["Cours", "Autre"])
def test_move_to_hours_without_a_gateway_is_refused_and_loses_nothing(name):
    make_gateway()
    at = in_hours(48).replace(microsecond=0)
    make_webinar(start_at=at, duration=HOUR)
    moves = make_webinar(name="Cours", start_at=at + 5 * HOUR, duration=HOUR)
    with pytest.raises(NoGatewayError) as refused:
        update_meeting(
            moves.meeting,
            user=moves.meeting.owner,
            fields=fields(name=name, start_at=at, duration=HOUR),
        )
    assert refused.value.conflict.nearest == [at - HOUR, at + HOUR]
    stored = Livestream.objects.select_related("meeting", "event").get(pk=moves.pk)
    assert stored.starts_at == stored.meeting.start_at == stored.event.start_at == at + 5 * HOUR
    assert (stored.meeting.name, stored.meeting.is_webinar, stored.event) == ("Cours", True, moves.event)


def test_rename_while_another_live_overruns_on_its_gateway_keeps_it():
    make_gateway()
    put(make_webinar(start_at=in_hours(-2), duration=HOUR), State.LIVE)
    planned = make_webinar(start_at=in_hours(2), duration=HOUR)
    Livestream.objects.filter(pk=planned.pk).update(starts_at=in_hours(0), ends_at=in_hours(1))
    row = Livestream.objects.get(pk=planned.pk)
    given = fields(name="Autre", start_at=row.starts_at, duration=row.ends_at - row.starts_at)
    update_meeting(planned.meeting, user=planned.meeting.owner, fields=given)
    assert Livestream.objects.get(pk=planned.pk).event.title == "Autre"


def test_rename_keeps_the_room_and_the_bbb_id():
    livestream = make_webinar()
    before = livestream.meeting
    after = update_meeting(before, user=before.owner, fields=fields(name="Autre")).meeting
    assert (after.slug, after.room, after.bbb_id) == (before.slug, before.room, before.bbb_id)
    assert Event.objects.get().title == "Autre"


def test_uncheck_and_delete_leave_no_event():
    first = make_webinar()
    update_meeting(first.meeting, user=first.meeting.owner, fields=fields(is_webinar=False))
    second = make_webinar(start_at=in_hours(9))
    delete(second.meeting, user=second.meeting.owner, tells_invited=False)
    assert Event.objects.count() == Livestream.objects.count() == 0


def running(start_at: datetime) -> Livestream:
    livestream = make_webinar(name="Cours", start_at=start_at, duration=HOUR)
    put(livestream, State.LIVE)
    return livestream


def test_edit_of_a_running_webinar_keeps_its_live():
    livestream = running(in_hours(0))
    later = in_hours(7)
    saved = update_meeting(livestream.meeting, user=livestream.meeting.owner, fields=fields(start_at=later))
    again = Livestream.objects.get()
    assert saved.conflict is None
    assert (again.state, again.gateway, again.starts_at) == (State.LIVE, livestream.gateway, later)


def test_live_that_is_made_longer_keeps_its_gateway_and_the_next_one_gets_another():
    make_gateway("one"), make_gateway("two")
    now = in_hours(0)
    live, following = running(now), make_webinar(start_at=now + HOUR)
    assert live.gateway == following.gateway
    longer = fields(start_at=now, duration=2 * HOUR)
    update_meeting(live.meeting, user=live.meeting.owner, fields=longer)
    after = {row.pk: row for row in Livestream.objects.select_related("event")}
    assert (after[live.pk].gateway, after[live.pk].ends_at) == (live.gateway, now + 2 * HOUR)
    moved = after[following.pk]
    assert moved.gateway != live.gateway
    assert (moved.event.broadcaster, moved.starts_at) == (moved.gateway.broadcaster, now + HOUR)


def test_live_that_is_made_longer_than_gateways_allow_stays_as_planned():
    make_gateway("one"), make_gateway("two")
    now = in_hours(0)
    live, following = running(now), make_webinar(start_at=now + HOUR)
    make_webinar(start_at=now + HOUR)
    with pytest.raises(GatewayTakenError):
        update_meeting(
            live.meeting,
            user=live.meeting.owner,
            fields=fields(name="Autre", duration=3 * HOUR, start_at=now),
        )
    stored = Livestream.objects.select_related("meeting").get(pk=live.pk)
    assert (stored.ends_at, stored.meeting.end_at, stored.meeting.name) == (now + HOUR, now + HOUR, "Cours")
    assert Livestream.objects.get(pk=following.pk).gateway == following.gateway


def test_running_live_can_be_renamed_whoever_is_booked_next():
    now = in_hours(-1)
    live = running(now)
    Livestream.objects.filter(pk=make_webinar(start_at=in_hours(3)).pk).update(starts_at=now)
    given = fields(name="Autre", start_at=now, duration=HOUR)
    assert update_meeting(live.meeting, user=live.meeting.owner, fields=given).meeting.name == "Autre"


def test_a_live_that_overruns_keeps_its_gateway():
    make_gateway()
    overrunning = make_webinar(start_at=in_hours(-2), duration=HOUR)
    Livestream.objects.update(state=State.LIVE)
    saved = create_meeting(user=make_user(), fields=fields(start_at=timezone.now()))
    assert saved.conflict is not None
    assert Livestream.objects.get() == overrunning


def test_one_who_may_not_create_webinars_gets_a_meeting():
    make_gateway()
    saved = create_meeting(user=make_user(affiliation="student"), fields=fields())
    assert (saved.meeting.is_webinar, saved.conflict) == (False, None)


@pytest.mark.django_db(transaction=True)
def test_race_for_gateways_books_each_once():
    make_gateway("one"), make_gateway("two"), make_gateway("three")
    users = [make_user() for _ in range(12)]
    at, barrier, failures = in_hours(1), threading.Barrier(12), []

    def race(user) -> None:
        try:
            barrier.wait(60)
            create_meeting(user=user, fields=fields(start_at=at))
        except Exception as error:  # noqa: BLE001 -- carried to the test's own thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    held = list(Livestream.objects.values_list("gateway", flat=True))
    assert len(held) == len(set(held)) == 3
