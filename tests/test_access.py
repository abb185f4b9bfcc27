"""Who may: every address has a rule, and keeps to it."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience.models import Airing, Event, Replay
from amphi.meetings.models import Meeting, Session
from tests.factories import make_gateway, make_meeting, make_user, make_webinar

RULES = {
    "anyone",
    "logged_in",
    "planner",
    "moderator",
    "editor",
    "participant",
    "watcher",
    "visitor",
    "candidate",
    "finder",
    "embedded",
    "replay_viewer",
    "speaker",
    "usher",
    "captioner",
    "scraper",
    "launched",
    "signed",
    "token",
}
LOGIN = "login"

# What each person gets. LOGIN is a redirection to the login page.
PEOPLE = ("anonymous", "stranger", "co-owner", "owner", "superuser")
MATRIX: dict[str, tuple[str, int | str, int | str, int, int, int]] = {
    "accounts:login": ("get", 200, 302, 302, 302, 302),
    "accounts:ways": ("get", LOGIN, 200, 200, 200, 200),
    "accounts:add_way": ("get", LOGIN, 302, 302, 302, 302),
    "accounts:remove_way": ("post", LOGIN, 302, 302, 302, 302),
    "accounts:tokens": ("get", LOGIN, 200, 200, 200, 200),
    "accounts:data": ("get", LOGIN, 200, 200, 200, 200),
    "accounts:copy": ("post", LOGIN, 200, 200, 200, 200),
    "accounts:erase": ("get", LOGIN, 200, 200, 200, 200),
    "accounts:revoke_token": ("post", LOGIN, 302, 302, 302, 302),
    "meetings:list": ("get", LOGIN, 200, 200, 200, 200),
    "meetings:add": ("get", LOGIN, 200, 200, 200, 200),
    "meetings:personal": ("post", LOGIN, 302, 302, 302, 302),
    "meetings:detail": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:edit": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:delete": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:start": ("post", LOGIN, 403, 302, 302, 302),
    "meetings:join": ("get", 302, 302, 302, 302, 302),
    "meetings:join_invited": ("get", 200, 200, 302, 302, 302),
    "meetings:left": ("get", 200, 200, 302, 302, 302),
    "meetings:invite": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:invite_again": ("post", LOGIN, 403, 302, 302, 302),
    "meetings:renew_link": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:duplicate": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:sessions": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:session": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:session_csv": ("get", LOGIN, 403, 200, 200, 200),
    "meetings:move": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:explained": ("get", LOGIN, 200, 200, 200, 200),
    "webinars:status": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:stop": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:restart": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:open": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:end": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:registrations": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:registrations_csv": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:registrations_decide": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:chat": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:picture": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:attendance": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:airing": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:people_csv": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:curve_csv": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:replays": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:replay": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:change_replay": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:delete_replay": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:captions": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:captions_of": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:correct_captions": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:captions_vtt": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:captions_token": ("post", LOGIN, 403, 302, 302, 302),
    "webinars:options": ("get", LOGIN, 403, 200, 200, 200),
    "webinars:change_options": ("post", LOGIN, 403, 302, 302, 302),
}
AIRINGS = ("airing", "people_csv", "curve_csv", "captions_of", "correct_captions", "captions_vtt")
WITHOUT_MEETING = {"meetings:list", "meetings:personal", "meetings:add", "webinars:explained"}
PRESENTERS = ("meetings", "webinars")
OF_A_LIVE = {name for name in MATRIX if name.startswith("webinars:")} - {"webinars:explained"}
POST_ONLY = {name for name, (method, *_) in MATRIX.items() if method == "post"}


def patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address below `resolver`, with its full name; the administration keeps rules of its own."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}", entry
        elif entry.namespace != "admin":
            yield from patterns(entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace)


@pytest.fixture
def meeting(db, settings) -> Meeting:
    settings.USE_MEETING_WEBINAR = True
    settings.BBB_API_URL = "http://127.0.0.1:9/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"
    make_gateway()
    return make_webinar(make_user("owner"), additional_owners=[make_user("co-owner")]).meeting


def client_of(person: str) -> Client:
    client = Client()
    if person == "stranger":
        client.force_login(make_user("stranger"))
    elif person == "superuser":
        client.force_login(make_user("root", is_superuser=True, is_staff=True))
    elif person != "anonymous":
        client.force_login(User.objects.get(username=person))
    return client


def address(name: str, meeting: Meeting) -> str:
    if name in {"accounts:revoke_token", "accounts:remove_way"}:
        return reverse(name, args=[1])
    if name in WITHOUT_MEETING or name.startswith("accounts:"):
        return reverse(name)
    more = MORE.get(name, lambda _: [])
    return reverse(name, args=[meeting.slug, *more(meeting)])


def the_airing() -> Airing:
    event = Event.objects.filter(livestream__isnull=False).get()
    return Airing.objects.get_or_create(event=event, began_at=event.start_at)[0]


def the_replay() -> Replay:
    return Replay.objects.get_or_create(airing=the_airing())[0]


def session_of(meeting: Meeting) -> Session:
    return Session.objects.get_or_create(
        meeting=meeting, internal_id="one", defaults={"started_at": timezone.now()}
    )[0]


MORE: dict[str, Callable[[Meeting], list[object]]] = {
    "meetings:join_invited": lambda meeting: [meeting.presenter_key],
    "meetings:session": lambda meeting: [session_of(meeting).pk],
    "meetings:session_csv": lambda meeting: [session_of(meeting).pk],
    "webinars:change_options": lambda _: ["moderators"],
    "webinars:replay": lambda _: [the_replay().pk],
    "webinars:delete_replay": lambda _: [the_replay().pk],
    "webinars:change_replay": lambda _: [the_replay().pk, "file"],
    **{f"webinars:{page}": lambda _: [the_airing().pk] for page in AIRINGS},
}
"""What an address has besides the meeting."""


@pytest.mark.parametrize(
    ("name", "pattern"), [pytest.param(*found, id=found[0]) for found in patterns(get_resolver())]
)
def test_view_has_a_rule(name, pattern):
    assert getattr(pattern.callback, "access_rule", None) in RULES


def test_matrix_names_every_page_of_presenters():
    names = {name for name, _ in patterns(get_resolver()) if name.split(":")[0] in PRESENTERS} - {
        "meetings:slides"
    }
    assert names == {name for name in MATRIX if name.split(":")[0] in PRESENTERS}


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix(meeting, person):
    client = client_of(person)
    got, expected = {}, {}
    for name, (method, *row) in MATRIX.items():
        url = address(name, meeting)
        response = getattr(client, method)(url)
        to_login = response.status_code == 302 and response["Location"].startswith("/accounts/login/")
        got[name] = LOGIN if to_login else response.status_code
        expected[name] = row[PEOPLE.index(person)]
    assert got == expected


@pytest.mark.parametrize("name", sorted(POST_ONLY))
def test_change_by_get_is_refused(meeting, client, name):
    client.force_login(meeting.owner)
    assert client.get(address(name, meeting)).status_code == 405


@pytest.mark.parametrize(
    "name",
    [*sorted(POST_ONLY), "meetings:add", "meetings:renew_link", "accounts:logout", "accounts:language"],
)
def test_change_without_csrf_token_is_refused(meeting, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(meeting.owner)
    assert client.post(address(name, meeting)).status_code == 403


def test_script_without_login_is_told_in_json(meeting, client):
    response = client.get(address("webinars:status", meeting), headers={"Accept": "application/json"})
    assert (response.status_code, response.json()) == (401, {"error": "login_required"})


@pytest.mark.parametrize("name", sorted(name for name in MATRIX if name.startswith("webinars:")))
def test_webinars_out_of_use(meeting, client, settings, name):
    settings.USE_MEETING_WEBINAR = False
    client.force_login(make_user(is_superuser=True))
    response = getattr(client, MATRIX[name][0])(address(name, meeting))
    assert response.status_code == (403 if name == "webinars:explained" else 404)


@pytest.mark.parametrize("name", sorted(OF_A_LIVE))
def test_plain_meeting_has_no_live(meeting, client, name):
    plain = make_meeting(meeting.owner, start_at=timezone.now())
    client.force_login(meeting.owner)
    assert getattr(client, MATRIX[name][0])(address(name, plain)).status_code == 404


EDITING = {f"meetings:{name}" for name in ("add", "edit", "delete", "duplicate", "move")}


@pytest.mark.parametrize("person", ["co-owner", "superuser"])
def test_editing_may_be_for_staff_only(meeting, settings, person):
    settings.RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY = True
    settings.AFFILIATION_STAFF = ("faculty",)
    client = client_of(person)
    answers = {name: getattr(client, MATRIX[name][0])(address(name, meeting)).status_code for name in EDITING}
    refused = {name for name, status in answers.items() if status == 403}
    assert refused == (EDITING if person == "co-owner" else set())
    page = (
        client.get("/meetings/").content.decode()
        + client.get(address("meetings:detail", meeting)).content.decode()
    )
    shown = {name for name in EDITING - {"meetings:move"} if f'href="{address(name, meeting)}"' in page}
    assert shown == (set() if person == "co-owner" else EDITING - {"meetings:move"})


def test_policy_is_sent_with_each_page(db, client):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self';" in policy
    assert "form-action 'self';" in policy
    assert policy.endswith("require-trusted-types-for 'script'; trusted-types default amphi")


def test_live_page_fetches_pictures_of_the_broadcasters_alone(db, client, settings):
    settings.USE_MEETING_WEBINAR = True
    settings.AMPHI_PICTURE_HOSTS = ("https://cdn.example.org",)
    event = make_webinar(gateway=make_gateway("room", hls_url="https://live.example.org/hls/room.m3u8")).event
    policy = client.get(event.get_absolute_url())["Content-Security-Policy"]
    assert "connect-src 'self' https://cdn.example.org https://live.example.org;" in policy
    assert "media-src 'self' blob: https://cdn.example.org https://live.example.org;" in policy
    assert "form-action 'self';" in policy


def test_forms_lead_out_where_a_meeting_is_entered(db, client):
    assert "form-action 'self' http: https:;" in client.get("/meetings/")["Content-Security-Policy"]
