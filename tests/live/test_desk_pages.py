"""What the desk of presenters and moderators says and offers, as Django answers it."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.audience.models import Event, Reception
from amphi.audience.reception import DELAY_STEPS_S
from amphi.webinars.models import Livestream, State
from tests.audience.hall import hall
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_use(settings):
    settings.USE_MEETING_WEBINAR = True


def received(event: Event, *, watched_s: int, stalled_s: int) -> None:
    delays = [0] * (len(DELAY_STEPS_S) + 1)
    delays[2] = 10
    Reception.objects.create(
        event=event,
        process="one",
        at=timezone.now(),
        reports=10,
        watched_s=watched_s,
        stalled_s=stalled_s,
        delays=delays,
    )


def page(event: Event, *, by: str = "presenter", language: str = "fr", part: bool = False) -> str:
    client = Client(headers={"Accept-Language": language})
    if by == "moderator":
        user = make_user()
        event.moderators.add(user)
    else:
        user = event.owner
    client.force_login(user)
    return client.get(reverse("live:desk", args=[event.slug]), {"part": "1"} if part else {}).content.decode()


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (
            "fr",
            "Les auditeurs voient avec 1,2\u00a0s de retard (95\u00a0% d’entre eux\u00a0: moins de 1,5\u00a0s)\u202f; 0,4\u00a0% du temps en attente.",
        ),
        (
            "en",
            "Listeners see it 1.2 s late (95 % of them: less than 1.5 s); 0.4 % of the time spent waiting.",
        ),
    ],
)
def test_how_the_live_is_received_is_said_in_words(language, sentence):
    event = hall()
    received(event, watched_s=996, stalled_s=4)
    assert sentence in page(event, language=language, part=True)


def test_much_waiting_is_said_to_each_as_far_as_they_can_do_something():
    event = hall()
    received(event, watched_s=80, stalled_s=20)
    assert "redémarrez la diffusion" in page(event, part=True)
    assert "prévenez un présentateur" in page(event, by="moderator", part=True)


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (State.IDLE, {"start"}),
        (State.LIVE, {"join", "restart", "stop", "end"}),
        (State.FAILED, {"join", "restart", "end"}),
    ],
)
def test_presenters_are_offered_what_makes_sense_and_moderators_nothing(state, offered):
    event = hall(state)
    livestream = Livestream.objects.get(event=event)
    if state != State.IDLE:
        livestream.meeting.started_at = timezone.now()
        livestream.meeting.save()
    if state == State.FAILED:
        Livestream.objects.update(last_error="no_media")
    text = page(event, part=True)
    shown = {
        name
        for name in ("start", "join", "open", "restart", "stop", "end")
        if f'id="desk-{name}"' in text and "hidden" not in text.split(f'id="desk-{name}"')[1].split(">")[0]
    }
    assert shown == offered
    others = page(event, by="moderator", part=True)
    assert "desk-restart" not in others
    assert "/webinars/" not in others
    if state == State.FAILED:
        assert "prévenez un administrateur" in text
        assert "Prévenez un présentateur." in others


def test_desk_without_webinars_says_how_the_live_is(settings):
    event = hall()
    settings.USE_MEETING_WEBINAR = False
    text = page(event)
    assert "state-live" in text
    assert "Les auditeurs voient et entendent le direct." in text


@pytest.mark.parametrize("by", ["presenter", "moderator"])
def test_whole_page_has_the_discussion_with_its_order(by):
    event = hall(enable_chat=False)
    text = page(event, by=by)
    for part in (
        'id="order-mode"',
        'id="chat-log"',
        'id="desk-picture"',
        'id="usher-hands"',
        'id="usher-new"',
    ):
        assert part in text
    # It may be opened again from here.
    assert '<div class="conversation-panel chat" id="chat"' in text
    assert ("stop-dialog" in text) == (by == "presenter")


def test_actions_come_back_to_the_desk():
    event = hall()
    url = reverse("live:desk", args=[event.slug])
    client = Client()
    client.force_login(event.owner)
    meeting = Livestream.objects.get(event=event).meeting
    assert client.post(reverse("webinars:stop", args=[meeting.slug]), {"next": url})["Location"] == url
