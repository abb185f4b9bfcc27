"""What of the meeting is in the picture: presenters choose it in the options, and at the desk during the live."""

import pytest
from django.urls import reverse

from amphi.pages.webinars.picture_choice import picture_choice
from amphi.webinars import transitions
from amphi.webinars.models import Livestream, State
from tests.factories import make_gateway, make_user, make_webinar, put

pytestmark = pytest.mark.django_db
NOT_OFFERED = "ne permet pas de choisir"


@pytest.fixture
def webinar(settings):
    settings.USE_MEETING_WEBINAR = True
    return make_webinar(make_user("marie"), enable_chat=True)


@pytest.fixture
def post(webinar, client):
    client.force_login(webinar.meeting.owner)

    def post(name, *args, **fields):
        return client.post(reverse(name, args=[webinar.meeting.slug, *args]), fields)

    return post


def now(webinar):
    return Livestream.objects.select_related("meeting", "gateway").get(pk=webinar.pk)


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({"layout": "slides"}, ("slides", None, True)),
        ({"chat": "shown"}, ("slides_and_cameras", True, True)),
        ({"chat": "hidden", "layout": "cameras"}, ("cameras", False, True)),
        ({"layout": "mosaic"}, ("slides_and_cameras", None, False)),
        ({}, ("slides_and_cameras", None, False)),
    ],
)
def test_desk_chooses_during_the_live(webinar, post, fields, chosen):
    put(webinar, State.LIVE, look_at=None)
    assert post("webinars:picture", **fields).status_code == 302
    row = now(webinar)
    assert (row.layout, row.chat_filmed, row.look_at is not None) == chosen


def test_choice_outlasts_the_gateway_and_the_live(webinar, post):
    post("webinars:picture", layout="cameras")
    assert now(webinar).look_at is None  # nothing runs
    for trigger in (transitions.GO_LIVE, transitions.MEDIA_SEEN):
        assert transitions.apply(now(webinar), trigger, user=None)
    assert transitions.replace_job(now(webinar))
    assert (now(webinar).layout, now(webinar).layout_shown) == ("cameras", "")


@pytest.mark.parametrize(("chat", "filmed"), [("automatic", None), ("shown", True), ("hidden", False)])
def test_options_have_it_as_the_first_choice(webinar, post, chat, filmed):
    assert post("webinars:change_options", "picture", layout="slides", chat=chat).status_code == 302
    assert (now(webinar).layout, now(webinar).chat_filmed) == ("slides", filmed)
    refused = post("webinars:change_options", "picture", layout="", chat="loud")
    assert refused.status_code == 422
    form = next(one["form"] for one in refused.context["sections"] if one["section"].key == "picture")
    assert set(form.errors) == {"layout", "chat"}


def test_gateway_of_another_kind_offers_nothing_and_says_so(settings, client):
    settings.USE_MEETING_WEBINAR = True
    webinar = make_webinar(make_user("marie"), gateway=make_gateway(dialect="B"))
    choice = picture_choice(now(webinar))
    assert not choice["followed"]
    assert NOT_OFFERED in choice["note"]
    client.force_login(webinar.meeting.owner)
    address = reverse("webinars:change_options", args=[webinar.meeting.slug, "picture"])
    assert client.post(address, {"layout": "slides", "chat": "shown"}).status_code == 404


@pytest.mark.parametrize(
    ("state", "layout", "shown", "said"),
    [
        (State.IDLE, "cameras", "", ""),
        (State.STARTING, "cameras", "", ""),
        (State.LIVE, "cameras", "cameras", ""),
        (State.LIVE, "cameras", "slides_and_cameras", "dès que l’une d’elles"),
        (State.LIVE, "slides", "slides_and_cameras", "dès qu’il y en aura"),
        (State.LIVE, "slides_and_cameras", "slides", ""),  # in a moment
        (State.LIVE, "cameras", "", "ne peut pas modifier l’image"),
    ],
)
def test_desk_says_what_can_not_be_followed(webinar, state, layout, shown, said):
    put(webinar, state, layout=layout, layout_shown=shown)
    choice = picture_choice(now(webinar))
    assert choice["followed"] is (state != State.LIVE or bool(shown))
    assert said in choice["note"] if said else not choice["note"]
    assert [one["value"] for one in choice["layouts"] if one["chosen"]] == [layout]


@pytest.mark.parametrize(
    ("is_open", "chosen", "has_hook", "offered"),
    [
        (True, None, True, ["shown"]),
        (True, None, False, ["hidden"]),
        (True, True, True, ["hidden"]),
        (False, True, True, []),
    ],
)
def test_chat_is_added_or_removed(webinar, is_open, chosen, has_hook, offered):
    put(webinar, State.LIVE, chat_filmed=chosen, has_hook=has_hook)
    row = now(webinar)
    row.meeting.enable_chat = is_open
    assert [one["value"] for one in picture_choice(row)["chats"] if one["offered"]] == offered


def test_desk_is_for_those_who_moderate_the_meeting(webinar, client):
    address = reverse("live:desk", args=[webinar.event.slug])
    client.force_login(webinar.meeting.owner)
    assert 'id="desk-layout-cameras" aria-pressed="false"' in client.get(address).content.decode()
    moderator = make_user()
    webinar.event.moderators.add(moderator)
    client.force_login(moderator)
    assert "desk-layout" not in client.get(address).content.decode()
