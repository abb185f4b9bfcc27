"""Every (state, trigger) pair of a livestream's life."""

import uuid

import pytest

from amphi.audience.models import StreamMessage
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State, Transition
from tests.factories import make_user, make_webinar

pytestmark = pytest.mark.django_db

# The table of the architecture page, as text, so that a slip of the code's table shows.
LEGAL = """
idle        go_live        starting
starting    media_seen     live
starting    stop           stopping
starting    meeting_ended  stopping
starting    give_up        failed
live        media_lost     recovering
live        restart        recovering
live        stop           stopping
live        meeting_ended  stopping
recovering  media_seen     live
recovering  stop           stopping
recovering  meeting_ended  stopping
recovering  give_up        failed
stopping    gateway_idle   stopped
stopping    give_up        failed
stopped     go_live        starting
failed      go_live        starting
failed      stop           stopping
failed      meeting_ended  stopping
starting    open           starting
live        open           live
recovering  open           recovering
"""
EXPECTED = {(old, trigger): new for old, trigger, new in (line.split() for line in LEGAL.split("\n") if line)}


def in_state(state: str, *, is_backstage: bool = False) -> Livestream:
    livestream = make_webinar()
    livestream.state, livestream.job_id, livestream.is_backstage = state, uuid.uuid4(), is_backstage
    livestream.save()
    return livestream


@pytest.mark.parametrize("trigger", transitions.TRIGGERS)
@pytest.mark.parametrize("state", State.values)
def test_apply_follows_the_table(state, trigger):
    livestream = in_state(state, is_backstage=trigger == transitions.OPEN)
    user = make_user()
    expected = EXPECTED.get((state, trigger))

    assert transitions.is_legal(state, trigger) is (expected is not None)
    assert transitions.apply(livestream, trigger, user=user, reason="because") is (expected is not None)

    stored = Livestream.objects.get(pk=livestream.pk)
    history = list(Transition.objects.values_list("old", "new", "trigger", "reason", "actor"))
    assert stored.state == livestream.state == (expected or state)
    assert history == ([(state, expected, trigger, "because", user.pk)] if expected else [])
    assert StreamMessage.objects.filter(kind="state").count() == (1 if expected else 0)
    # Whatever it became, it is looked at: only a look decides that no more are needed.
    assert (stored.look_at is not None) is (expected is not None)


def test_apply_with_a_stale_read_changes_nothing():
    livestream = in_state(State.LIVE)
    stale = Livestream.objects.get(pk=livestream.pk)
    assert transitions.apply(livestream, transitions.STOP, user=None)
    assert not transitions.apply(stale, transitions.MEDIA_LOST, user=None)
    assert Livestream.objects.get(pk=livestream.pk).state == State.STOPPING
    assert Transition.objects.count() == 1


def test_apply_for_a_job_that_was_replaced_changes_nothing():
    livestream = in_state(State.LIVE)
    stale = Livestream.objects.get(pk=livestream.pk)
    assert transitions.apply(livestream, transitions.RESTART, user=None)
    assert transitions.apply(livestream, transitions.MEDIA_SEEN, user=None)
    assert not transitions.apply(stale, transitions.STOP, user=None)
    assert Livestream.objects.get(pk=livestream.pk).state == State.LIVE


def test_restart_retires_the_job_it_replaces():
    livestream = in_state(State.LIVE)
    old = livestream.job_id
    transitions.apply(livestream, transitions.RESTART, user=None)
    stored = Livestream.objects.get(pk=livestream.pk)
    assert [(one.gateway, one.job_id) for one in stored.retiring_jobs.all()] == [(stored.gateway, old)]
    assert stored.job_id not in {old, None}
    assert stored.gateway_asked_at is None


def test_a_second_time_live_keeps_when_it_first_went_live():
    livestream = in_state(State.STARTING)
    transitions.apply(livestream, transitions.MEDIA_SEEN, user=None)
    first = livestream.went_live_at
    transitions.apply(livestream, transitions.MEDIA_LOST, user=None)
    transitions.apply(livestream, transitions.MEDIA_SEEN, user=None)
    assert Livestream.objects.get(pk=livestream.pk).went_live_at == first is not None
