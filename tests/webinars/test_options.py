"""The options of a webinar."""

import pytest
from django.urls import reverse

from amphi.audience.models import Event, StreamMessage
from tests.factories import make_user, make_webinar

pytestmark = pytest.mark.django_db

DISCUSSION = {
    "chat_mode": "slow",
    "slow_s": "20",
    "guests_may_write": "on",
    "names_hidden": "on",
    "held_words": "spam\n\n  SPAM \nspam\ninsulte grave",
    "to_meeting": "approved",
    "to_meeting_votes": "3",
}


@pytest.fixture
def webinar(settings):
    settings.USE_MEETING_WEBINAR = True
    return make_webinar(make_user("marie"), enable_chat=True)


@pytest.fixture
def save(webinar, client):
    client.force_login(webinar.meeting.owner)

    def post(section: str, **fields):
        return client.post(reverse("webinars:change_options", args=[webinar.meeting.slug, section]), fields)

    return post


def test_discussion_is_changed_and_told(webinar, save):
    assert save("discussion", **DISCUSSION).status_code == 302
    event = Event.objects.get(pk=webinar.event_id)
    assert (event.chat_mode, event.slow_s, event.to_meeting, event.to_meeting_votes) == (
        "slow",
        20,
        "approved",
        3,
    )
    assert event.guests_may_write
    assert event.names_hidden
    assert event.held_words == "spam\nSPAM\ninsulte grave"
    told = StreamMessage.objects.get(channel=event.pk, kind="chat").data
    assert '"mode":"slow"' in told
    assert "insulte" not in told


@pytest.mark.parametrize(
    ("mode", "is_open", "kept"), [("closed", False, "open"), ("approved", True, "approved")]
)
def test_discussion_is_closed_and_opened(webinar, save, mode, is_open, kept):
    Event.objects.update(enable_chat=not is_open)
    save("discussion", **{**DISCUSSION, "chat_mode": mode})
    event = Event.objects.get(pk=webinar.event_id)
    webinar.meeting.refresh_from_db()
    assert (event.enable_chat, event.chat_mode, webinar.meeting.enable_chat) == (is_open, kept, is_open)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"chat_mode": "loud"}, "chat_mode"),
        ({"slow_s": "0"}, "slow_s"),
        ({"slow_s": "many"}, "slow_s"),
        ({"held_words": "x" * 61}, "held_words"),
        ({"held_words": "\n".join(f"w{n}" for n in range(201))}, "held_words"),
        ({"to_meeting": "some"}, "to_meeting"),
        ({"to_meeting_votes": "0"}, "to_meeting_votes"),
    ],
)
def test_wrong_discussion_is_refused_at_its_field(webinar, save, fields, field):
    answer = save("discussion", **{**DISCUSSION, **fields})
    assert answer.status_code == 422
    form = next(one["form"] for one in answer.context["sections"] if one["section"].key == "discussion")
    assert list(form.errors) == [field]
    assert Event.objects.get(pk=webinar.event_id).chat_mode == "open"


def test_platform_without_the_field_neither_opens_nor_closes(webinar, save, settings):
    settings.MEETING_WEBINAR_FIELDS = ["is_webinar"]
    assert save("discussion", **{**DISCUSSION, "chat_mode": "closed"}).status_code == 422
    assert Event.objects.get(pk=webinar.event_id).enable_chat


def test_moderators_are_named(webinar, save):
    lea = make_user("lea")
    assert save("moderators", moderators="lea, marie").status_code == 302
    assert list(webinar.event.moderators.all()) == [lea]
    assert save("moderators", moderators="lea, nobody").status_code == 422
    assert save("moderators", moderators="").status_code == 302
    assert not webinar.event.moderators.exists()


def test_unknown_section_is_not_there(save):
    assert save("colours").status_code == 404


def test_voices_are_changed_and_told(webinar, save):
    assert save("questions", questions_approved="on").status_code == 302
    assert save("participation", enable_hands="on", stage_places="3").status_code == 302
    event = Event.objects.get(pk=webinar.event_id)
    assert (event.enable_questions, event.questions_anonymous, event.questions_approved) == (
        False,
        False,
        True,
    )
    assert (event.enable_reactions, event.enable_hands, event.stage_places) == (False, True, 3)
    told = StreamMessage.objects.filter(channel=event.pk, kind="voices").last().data
    assert told == '{"questions":false,"anonymous":false,"reactions":false,"hands":true}'


@pytest.mark.parametrize("places", ["0", "11", "", "many"])
def test_wrong_number_of_places_is_refused(webinar, save, places):
    assert save("participation", enable_hands="on", stage_places=places).status_code == 422
