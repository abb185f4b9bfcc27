"""The panel of a running webinar, and its actions."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.pages.webinars import wording
from amphi.webinars import transitions
from amphi.webinars.models import LiveGateway, Livestream, State
from tests.factories import make_gateway, make_user, make_webinar
from tests.webinars.bustle import bustle

pytestmark = pytest.mark.django_db


def at(livestream: Livestream, *triggers: str) -> Livestream:
    for trigger in triggers:
        assert transitions.apply(livestream, trigger, user=None)
    Meeting.objects.filter(pk=livestream.meeting_id).update(started_at=timezone.now())
    return livestream


@pytest.fixture
def live(livestream, client) -> Livestream:
    client.force_login(livestream.meeting.owner)
    return at(livestream, transitions.GO_LIVE, transitions.MEDIA_SEEN)


def act(client, livestream, name, **data):
    return client.post(reverse(f"webinars:{name}", args=[livestream.meeting.slug]), data)


def status(client, livestream, language="fr"):
    url = reverse("webinars:status", args=[livestream.meeting.slug])
    return client.get(url, headers={"Accept": "application/json", "Accept-Language": language}).json()


@pytest.mark.parametrize(
    ("action", "state"),
    [("stop", State.STOPPING), ("restart", State.RECOVERING), ("end", State.STOPPING)],
)
def test_action(client, live, action, state):
    response = act(client, live, action)
    assert response["Location"] == live.meeting.get_absolute_url()
    live.refresh_from_db()
    assert (live.state, live.ends_meeting) == (state, action == "end")
    assert live.transitions.last().actor == live.meeting.owner


@pytest.mark.parametrize("action", ["stop", "restart", "end"])
def test_action_that_means_nothing_says_so(client, livestream, action):
    client.force_login(livestream.meeting.owner)
    response = act(client, livestream, action, next="/meetings/")
    assert response["Location"] == "/meetings/"
    assert 'role="alert"' in client.get("/meetings/").content.decode()
    livestream.refresh_from_db()
    assert livestream.state == State.IDLE


def test_action_never_leads_elsewhere(client, live):
    response = act(client, live, "stop", next="https://evil.example.org/")
    assert response["Location"] == live.meeting.get_absolute_url()


def test_restart_starts_a_stopped_live_again_while_the_meeting_goes_on(client, live):
    at(live, transitions.STOP, transitions.GATEWAY_IDLE)
    assert status(client, live)["offer"]["restart"] is True
    act(client, live, "restart")
    live.refresh_from_db()
    assert live.state == State.STARTING


@pytest.mark.parametrize("enabled", [True, False])
def test_chat_is_set_and_not_toggled(client, live, enabled):
    for _ in range(2):
        act(client, live, "chat", enabled=int(enabled))
        assert Meeting.objects.get().enable_chat is enabled
    assert status(client, live)["chat"] is enabled


def test_chat_with_nonsense_changes_nothing(client, live):
    act(client, live, "chat", enabled="maybe")
    assert Meeting.objects.get().enable_chat is True


def test_start_goes_into_the_meeting_and_asks_for_the_live(client, livestream, stage):
    client.force_login(livestream.meeting.owner)
    response = client.post(reverse("meetings:start", args=[livestream.meeting.slug]))
    assert response["Location"].startswith(f"{stage.url}/bigbluebutton/api/join?")
    livestream.refresh_from_db()
    assert livestream.state == State.STARTING


@pytest.mark.parametrize(("language", "words"), [("fr", "à l’antenne"), ("en", "on air")])
def test_status_speaks_the_reader_s_language(client, live, language, words):
    answer = status(client, live, language)
    assert words in answer["sentence"]
    assert [station["status"] for station in answer["stations"]] == ["ok", "ok", "ok", "off"]
    assert [row["state"] for row in answer["history"]] == ["live", "starting"]


def test_status_says_the_error_in_plain_words(client, livestream):
    client.force_login(livestream.meeting.owner)
    at(livestream, transitions.GO_LIVE)
    Livestream.objects.update(last_error="gateway_unreachable", last_error_detail="ECONNREFUSED token=secret")
    answer = status(client, livestream)
    assert answer["error"].startswith("La passerelle de diffusion ne répond pas")
    assert "ECONNREFUSED" not in str(answer)


@pytest.mark.parametrize("full_swing", [False, True])
def test_status_takes_few_queries(client, live, django_assert_max_num_queries, full_swing):
    if full_swing:
        bustle(live)
    with django_assert_max_num_queries(14 if full_swing else 10):
        status(client, live)


def test_panel_links_listeners_and_presenters(client, live, settings):
    page = client.get(live.meeting.get_absolute_url()).content.decode()
    room = reverse("meetings:join_invited", args=[live.meeting.slug, live.meeting.presenter_key])
    for url in (live.event.get_absolute_url(), room):
        assert f'value="{settings.AMPHI_URL}{url}"' in page


def test_every_state_and_event_has_words():
    assert set(wording.SENTENCES) == set(State)
    assert set(wording.TRIGGERS) == set(transitions.TRIGGERS)


# --- the administration


@pytest.fixture
def root(client):
    user = make_user("root", is_superuser=True, is_staff=True)
    client.force_login(user)
    return user


def gateway_form(gateway: LiveGateway, **fields: str) -> dict[str, str]:
    return {
        "broadcaster": str(gateway.broadcaster_id),
        "rtmp_stream_url": gateway.rtmp_stream_url,
        "dialect": gateway.dialect,
        "sipmediagw_url": gateway.sipmediagw_url,
        "sipmediagw_token": "",
        "ca_file": "",
        "site": str(gateway.site_id),
    } | fields


@pytest.mark.parametrize(
    ("fields", "kept"),
    [({}, "token"), ({"sipmediagw_token": "new"}, "new"), ({"forget_token": "on"}, "")],
)
def test_token_goes_in_and_never_comes_out(client, livestream, root, fields, kept):
    gateway = LiveGateway.objects.get()
    LiveGateway.objects.update(sipmediagw_token="token")
    url = reverse("admin:webinars_livegateway_change", args=[gateway.pk])
    field = re.search(r'<input[^>]*name="sipmediagw_token"[^>]*>', client.get(url).content.decode())
    assert field
    assert 'type="password"' in field[0]
    assert "value=" not in field[0]
    assert client.post(url, gateway_form(gateway, **fields)).status_code == 302
    assert LiveGateway.objects.get().sipmediagw_token == kept


ELSEWHERE = "https://elsewhere.example.org"


@pytest.mark.parametrize(
    ("kept", "fields", "status"),
    [
        ("token", {"sipmediagw_url": ELSEWHERE}, 200),
        ("token", {"sipmediagw_url": ""}, 200),
        ("token", {"sipmediagw_url": ELSEWHERE, "sipmediagw_token": "new"}, 302),
        ("token", {"sipmediagw_url": ELSEWHERE, "forget_token": "on"}, 302),
        ("", {"sipmediagw_url": ELSEWHERE}, 302),
    ],
)
@pytest.mark.usefixtures("root")
def test_kept_token_never_goes_to_another_address(client, livestream, kept, fields, status):
    gateway = LiveGateway.objects.get()
    LiveGateway.objects.update(sipmediagw_token=kept)
    url = reverse("admin:webinars_livegateway_change", args=[gateway.pk])
    assert client.post(url, gateway_form(gateway, **fields)).status_code == status
    assert (LiveGateway.objects.get().sipmediagw_url == gateway.sipmediagw_url) is (status == 200)


def test_kept_token_stays_for_another_path_of_the_same_server(client, livestream, root):
    gateway = LiveGateway.objects.get()
    LiveGateway.objects.update(sipmediagw_token="token")
    url = reverse("admin:webinars_livegateway_change", args=[gateway.pk])
    fields = gateway_form(gateway, sipmediagw_url=f"{gateway.sipmediagw_url}/gw")
    assert client.post(url, fields).status_code == 302
    assert LiveGateway.objects.get().sipmediagw_token == "token"


def test_administration_shows_no_secret(client, live, root):
    for page in ("webinars_livegateway_changelist", "webinars_livestream_changelist"):
        content = client.get(reverse(f"admin:{page}")).content.decode()
        assert "key=" not in content


def test_administration_tells_the_history(client, live, root):
    page = client.get(reverse("admin:webinars_livestream_change", args=[live.pk])).content.decode()
    assert "Direct demandé" in page


@pytest.mark.parametrize(
    "name",
    [
        "accounts_user",
        "accounts_accessgroup",
        "meetings_meeting",
        "audience_broadcaster",
        "audience_event",
        "webinars_livegateway",
        "webinars_livestream",
        "audience_message",
    ],
)
def test_administration_lists(client, live, root, name):
    assert client.get(reverse(f"admin:{name}_changelist") + "?q=a").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "meetings_meeting",
        "audience_broadcaster",
        "audience_event",
        "webinars_livegateway",
        "webinars_livestream",
    ],
)
def test_administration_takes_as_many_queries_for_any_number(client, root, name):
    url = reverse(f"admin:{name}_changelist")
    counts = []
    for _ in range(3):
        make_webinar(gateway=make_gateway())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counts.append(len(queries))
    assert counts[1] == counts[2]


def administer(client, name: str, action: str, pk: int) -> str:
    """Choose an action of a list of the administration; the page that follows is given."""
    address = reverse(f"admin:webinars_{name}_changelist")
    answer = client.post(address, {"action": action, "_selected_action": [pk]}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_administration_tests_a_gateway_and_shows_its_answer(client, livestream, root, stage):
    page = administer(client, "livegateway", "test_gateways", livestream.gateway_id)
    assert stage.url in page
    stage.broken["gateway"] = "html"
    page = administer(client, "livegateway", "test_gateways", livestream.gateway_id)
    assert "FAIL" in page


def test_administration_starts_restarts_and_stops(client, livestream, root, stage):
    administer(client, "livestream", "start", livestream.pk)
    livestream.refresh_from_db()
    assert livestream.state == State.STARTING
    assert stage.count("/api/create") == 1
    Livestream.objects.update(state=State.LIVE)
    administer(client, "livestream", "restart", livestream.pk)
    administer(client, "livestream", "stop", livestream.pk)
    said = administer(client, "livestream", "stop", livestream.pk)
    assert list(livestream.transitions.values_list("trigger", "actor")) == [
        ("go_live", root.pk),
        ("restart", root.pk),
        ("stop", root.pk),
    ]
    assert str(livestream.meeting) in said


@pytest.mark.parametrize(
    "to",
    [
        "foo",
        "foo.bar",
        "meetings:list",
        "//evil.example/x",
        "https://evil.example/",
        "javascript:x",
        "/\\evil",
    ],
)
def test_next_that_is_no_page_of_ours_leads_to_the_webinar(client, live, to):
    assert act(client, live, "restart", next=to)["Location"] == live.meeting.get_absolute_url()


def test_next_leads_back_to_the_page_of_the_button(client, live):
    assert (
        act(client, live, "restart", next="/meetings/?kind=webinars")["Location"]
        == "/meetings/?kind=webinars"
    )
