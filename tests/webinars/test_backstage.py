"""Backstage: all runs, and nobody sees it until a presenter goes live."""

import time
from dataclasses import replace

import pytest
from django.urls import reverse

from amphi.audience.holders import held_streams, holder_of
from amphi.audience.models import Event, EventState, StreamMessage
from amphi.audience.queries import listener_state
from amphi.meetings.domain import fields_of
from amphi.webinars import domain, saving, transitions
from amphi.webinars.exceptions import NoGatewayError, TransitionRefusedError
from amphi.webinars.models import Livestream, Transition
from amphi.webinars.offers import offer
from tests.factories import in_hours, make_gateway, make_user, make_webinar

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


@pytest.fixture
def livestream() -> Livestream:
    gateway = make_gateway()
    gateway.broadcaster.has_tickets = True
    gateway.broadcaster.save()
    found = make_webinar(gateway=gateway)
    domain.set_starts_backstage(found.meeting, backstage=True, user=found.meeting.owner)
    found.refresh_from_db()
    return found


def apply(livestream: Livestream, *triggers: str) -> Livestream:
    for trigger in triggers:
        assert transitions.apply(livestream, trigger, user=None), trigger
    return Livestream.objects.select_related("event", "meeting", "gateway__broadcaster").get(pk=livestream.pk)


def event_of(livestream: Livestream) -> Event:
    return Event.objects.get(pk=livestream.event_id)


GO, SEEN, LOST, OPEN = (
    transitions.GO_LIVE,
    transitions.MEDIA_SEEN,
    transitions.MEDIA_LOST,
    transitions.OPEN,
)
STOP, IDLE, RESTART, GIVE_UP = (
    transitions.STOP,
    transitions.GATEWAY_IDLE,
    transitions.RESTART,
    transitions.GIVE_UP,
)
WAITING, STARTING, LIVE, RECOVERING, OVER = EventState


@pytest.mark.parametrize(
    ("triggers", "told", "shown"),
    [
        ([GO], WAITING, False),
        ([GO, SEEN], WAITING, False),
        ([GO, SEEN, LOST], WAITING, False),
        ([GO, SEEN, RESTART], WAITING, False),
        ([GO, SEEN, RESTART, SEEN], WAITING, False),
        ([GO, GIVE_UP], WAITING, False),
        ([GO, GIVE_UP, GO], WAITING, False),
        ([GO, SEEN, STOP], WAITING, False),
        ([GO, SEEN, STOP, IDLE], WAITING, False),
        ([GO, OPEN], STARTING, True),
        ([GO, OPEN, SEEN], LIVE, True),
        ([GO, SEEN, OPEN], LIVE, True),
        ([GO, SEEN, OPEN, LOST], RECOVERING, True),
        ([GO, SEEN, LOST, OPEN], RECOVERING, True),
        ([GO, SEEN, OPEN, STOP], OVER, True),
        ([GO, SEEN, OPEN, STOP, IDLE], OVER, False),
        ([GO, SEEN, OPEN, LOST, GIVE_UP], RECOVERING, False),
        ([GO, SEEN, OPEN, LOST, GIVE_UP, GO], STARTING, True),
        ([GO, SEEN, OPEN, STOP, IDLE, GO], WAITING, False),
    ],
)
def test_listeners_are_told_and_shown_nothing_until_it_opens(livestream, triggers, told, shown):
    livestream = apply(livestream, *triggers)
    event = event_of(livestream)
    assert (event.state, event.is_backstage) == (told, livestream.is_backstage)
    assert (event.pk in held_streams()) is shown
    # Whoever holds it, the picture is nobody else's.
    held = holder_of(livestream.gateway.broadcaster.hls_url)
    assert held == (event.pk if livestream.is_running else None)
    kinds = StreamMessage.objects.filter(kind="state").order_by("seq").values_list("data", flat=True)
    assert f'"state":"{told}"' in list(kinds)[-1]


def test_without_the_setting_nothing_opens():
    livestream = apply(make_webinar(), GO, SEEN)
    assert event_of(livestream).state == LIVE
    assert not transitions.apply(livestream, OPEN, user=None)


def test_it_went_live_when_listeners_saw_it(livestream):
    livestream = apply(livestream, GO, SEEN)
    assert livestream.went_live_at is None
    assert apply(livestream, OPEN).went_live_at is not None


def test_look_that_read_before_it_opened_hides_nothing(livestream):
    apply(livestream, GO)
    stale = Livestream.objects.select_related("meeting").get(pk=livestream.pk)
    apply(livestream, OPEN)
    assert transitions.apply(stale, SEEN, user=None)
    event = event_of(livestream)
    assert (event.state, event.is_backstage) == (LIVE, False)
    assert Livestream.objects.get(pk=livestream.pk).went_live_at is not None


def test_going_live_is_asked_once_and_twice_does_no_harm(livestream):
    user = make_user()
    with pytest.raises(TransitionRefusedError):
        domain.open_live(livestream, user=user)
    apply(livestream, GO)
    stale = Livestream.objects.get(pk=livestream.pk)
    apply(livestream, SEEN)
    domain.open_live(stale, user=user)  # the picture came at the same moment
    domain.open_live(Livestream.objects.get(pk=livestream.pk), user=user)
    assert Transition.objects.filter(trigger=OPEN).count() == 1


def test_panel_goes_backstage_and_then_live(livestream, client, settings):
    settings.BBB_API_URL, settings.BBB_SECRET_KEY = "http://127.0.0.1:9/bigbluebutton", "secret"
    meeting = livestream.meeting
    client.force_login(meeting.owner)
    french = {"headers": {"Accept-Language": "fr"}}
    url = meeting.get_absolute_url()
    assert "Entrer en coulisses" in client.get(url, **french).content.decode()
    apply(livestream, GO, SEEN)
    now = client.get(reverse("webinars:status", args=[meeting.slug]), **french).json()
    assert (now["state"], now["state_label"], now["offer"]["open"]) == ("live", "en coulisses", True)
    client.post(reverse("webinars:open", args=[meeting.slug]))
    now = client.get(reverse("webinars:status", args=[meeting.slug]), **french).json()
    assert (now["state_label"], now["offer"]["open"]) == ("en direct", False)
    assert offer(Livestream.objects.get(pk=livestream.pk).meeting).open is False


def test_live_page_stays_an_invitation_meanwhile(livestream, client):
    apply(livestream, GO, SEEN)
    page = client.get(event_of(livestream).get_absolute_url())
    assert page.context["state"] == WAITING
    assert listener_state(event_of(livestream), livestream.starts_at) == WAITING


def test_what_is_said_backstage_stays_there(livestream, client, settings):
    from amphi.bigbluebutton import webhooks  # noqa: PLC0415
    from amphi.pages.webinars import hooks  # noqa: PLC0415

    apply(livestream, GO, SEEN)
    said = webhooks.ChatMessage(
        meeting_id=livestream.meeting.bbb_id,
        internal_meeting_id="life",
        sent_at_ms=int(time.time() * 1000),
        id="m1",
        sender_name="Marie",
        sender_user_id="w_1",
        sender_external_id="x",
        text="On commence ?",
        is_public=True,
    )
    hooks._take_message(livestream.meeting, said)
    assert not livestream.event.messages.exists()
    apply(livestream, OPEN)
    hooks._take_message(livestream.meeting, said)
    assert livestream.event.messages.count() == 1


def test_it_moves_to_no_server_that_would_show_it(livestream):
    make_gateway("open to all")
    blocking = make_webinar(gateway=livestream.gateway, start_at=in_hours(30))
    assert blocking.gateway == livestream.gateway
    fields = replace(fields_of(livestream.meeting), start_at=blocking.meeting.start_at)
    with pytest.raises(NoGatewayError) as refused:
        saving.update_meeting(livestream.meeting, user=livestream.meeting.owner, fields=fields)
    assert refused.value.conflict.is_backstage


def test_copy_is_prepared_backstage_where_that_hides_it(livestream):
    source = livestream.meeting
    start_ats = {"hidden": in_hours(50), "shown": in_hours(50)}
    make_gateway("open to all")
    copies = {
        name: saving.create_meeting(
            user=source.owner, fields=replace(fields_of(source), start_at=at), source=source
        ).meeting
        for name, at in start_ats.items()
    }
    rows = {name: Livestream.objects.get(meeting=meeting) for name, meeting in copies.items()}
    assert rows["hidden"].gateway != rows["shown"].gateway
    for row in rows.values():
        assert row.starts_backstage == row.gateway.broadcaster.has_tickets


def test_option_needs_a_server_that_checks_viewers(livestream, client):
    client.force_login(livestream.meeting.owner)
    url = reverse("webinars:change_options", args=[livestream.meeting.slug, "backstage"])
    livestream.event.broadcaster.has_tickets = False
    livestream.event.broadcaster.save()
    assert client.post(url, {"opening": "by_hand"}).status_code == 422
    assert client.post(url, {"opening": "at_once"}).status_code == 302
    assert not Livestream.objects.get(pk=livestream.pk).starts_backstage
    livestream.event.broadcaster.has_tickets = True
    livestream.event.broadcaster.save()
    assert client.post(url, {"opening": "by_hand"}).status_code == 302
    assert Livestream.objects.get(pk=livestream.pk).starts_backstage
