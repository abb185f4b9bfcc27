"""Who may do what by the API: each operation, for each kind of account, and without its scope."""

import itertools

import pytest
from django.utils import timezone

from amphi.accounts import tokens
from amphi.accounts.models import ApiToken, User
from amphi.api.application import api
from amphi.audience.models import Airing, Event, Replay
from amphi.meetings.models import Session
from amphi.webinars.models import Livestream, State
from tests.api.conftest import bearer, caller
from tests.factories import in_hours, make_gateway, make_meeting, make_user, make_webinar, put

pytestmark = pytest.mark.django_db

PEOPLE = ("nobody", "stranger", "student", "co-owner", "owner", "superuser")
NEW = {"name": "Cours", "duration_minutes": 60}
# A 409, 422 or 502 is the use case's: they may, and it is not possible now.
MATRIX: dict[str, tuple[object, tuple[int, ...]]] = {
    "get /me": (None, (401, 200, 200, 200, 200, 200)),
    "get /meetings": (None, (401, 200, 200, 200, 200, 200)),
    "post /meetings": (NEW, (401, 201, 201, 201, 201, 201)),
    "get /meetings/{slug}": (None, (401, 403, 403, 200, 200, 200)),
    "patch /meetings/{slug}": ({"name": "Autre"}, (401, 403, 403, 200, 200, 200)),
    "delete /meetings/{slug}": (None, (401, 403, 403, 200, 200, 200)),
    "post /meetings/{slug}/start": (None, (401, 403, 403, 502, 502, 502)),
    "get /meetings/{slug}/sessions": (None, (401, 403, 403, 200, 200, 200)),
    "get /meetings/{slug}/sessions/{number}/people": (None, (401, 403, 403, 200, 200, 200)),
    "get /webinars": (None, (401, 200, 200, 200, 200, 200)),
    "post /webinars": (NEW, (401, 201, 403, 201, 201, 201)),
    "get /webinars/{slug}": (None, (401, 403, 403, 200, 200, 200)),
    "patch /webinars/{slug}": ({"name": "Autre"}, (401, 403, 403, 200, 200, 200)),
    "delete /webinars/{slug}": (None, (401, 403, 403, 200, 200, 200)),
    "post /webinars/{slug}/start": (None, (401, 403, 403, 502, 502, 502)),
    "post /webinars/{slug}/stop": (None, (401, 403, 403, 200, 200, 200)),
    "post /webinars/{slug}/restart": (None, (401, 403, 403, 200, 200, 200)),
    "post /webinars/{slug}/open": (None, (401, 403, 403, 200, 200, 200)),
    "post /webinars/{slug}/end": (None, (401, 403, 403, 200, 200, 200)),
    "get /webinars/{slug}/airings": (None, (401, 403, 403, 200, 200, 200)),
    "get /webinars/{slug}/airings/{number}": (None, (401, 403, 403, 200, 200, 200)),
    "get /webinars/{slug}/airings/{number}/people": (None, (401, 403, 403, 200, 200, 200)),
    "get /events": (None, (401, 200, 200, 200, 200, 200)),
    "get /events/{slug}": (None, (401, 200, 200, 200, 200, 200)),
    "get /events/{slug}/messages": (None, (401, 200, 200, 200, 200, 200)),
    "post /events/{slug}/messages": ({"text": "Bonjour"}, (401, 201, 201, 201, 201, 201)),
    "get /events/{slug}/questions": (None, (401, 200, 200, 200, 200, 200)),
    "post /events/{slug}/questions": ({"text": "Pourquoi ?"}, (401, 201, 201, 201, 201, 201)),
    "get /events/{slug}/replays": (None, (401, 200, 200, 200, 200, 200)),
    "get /events/{slug}/replays/{number}": (None, (401, 404, 404, 200, 200, 200)),
    "patch /events/{slug}/replays/{number}": ({"days": 3}, (401, 403, 403, 200, 200, 200)),
    "delete /events/{slug}/replays/{number}": (None, (401, 403, 403, 200, 200, 200)),
    "get /gateways": (None, (401, 403, 403, 403, 403, 200)),
    "get /health": (None, (401, 403, 403, 403, 403, 200)),
}
# What changes others comes last, and webinars are stopped before they are ended and deleted.
ORDER = sorted(MATRIX, key=lambda name: (name.startswith("delete"), name.endswith(("/stop", "/end"))))


@pytest.fixture
def live(settings) -> Livestream:
    settings.BBB_API_URL = "http://127.0.0.1:9/bigbluebutton"
    settings.BBB_SECRET_KEY = "secret"
    make_gateway()
    make_gateway()
    owner, colleague = make_user("owner"), make_user("co-owner")
    make_user("stranger")
    make_user("student", affiliation="student")
    make_user("superuser", is_superuser=True)
    make_meeting(owner, additional_owners=[colleague])
    made = make_webinar(owner, additional_owners=[colleague])
    put(made, State.LIVE)
    Airing.objects.create(event=made.event, began_at=timezone.now())
    return made


def address(path: str, live: Livestream) -> str:
    """`path` with what it names."""
    airing = Airing.objects.get()
    meeting = live.meeting.owner.owned_meetings.filter(is_webinar=False).first() or live.meeting
    session, _ = Session.objects.get_or_create(
        meeting=meeting, internal_id="one", defaults={"started_at": timezone.now()}
    )
    replay, _ = Replay.objects.get_or_create(airing=airing)
    number = {"sessions": session.pk, "airings": airing.pk, "replays": replay.pk}
    kind = path.split("/")[3] if "{number}" in path else ""
    slug = {"webinars": live.meeting.slug, "events": live.event.slug, "meetings": meeting.slug}
    return path.replace("{slug}", slug.get(path.split("/")[1], "")).replace(
        "{number}", str(number.get(kind, ""))
    )


def test_matrix_names_every_operation():
    paths = api.get_openapi_schema()["paths"]
    named = {f"{method} {path.removeprefix('/api/v1')}" for path, ways in paths.items() for method in ways}
    assert named == set(MATRIX)


@pytest.mark.parametrize("person", PEOPLE)
def test_matrix(live, person):
    if person == "nobody":
        call = caller("Bearer amphi_" + "x" * 43)
    else:
        call = caller(bearer(live.meeting.owner if person == "owner" else _account(person)))
    hours = itertools.count(50, 5)
    got = {}
    for name in ORDER:
        method, path = name.split()
        given = MATRIX[name][0]
        if given is NEW:
            given = NEW | {"start_at": in_hours(next(hours)).isoformat()}
        got[name] = call(method, address(path, live), given).status_code
        if path.endswith(("/restart", "/open", "/stop")):
            Livestream.objects.filter(pk=live.pk).update(state=State.LIVE, is_backstage=False)
    assert got == {name: row[PEOPLE.index(person)] for name, (_, row) in MATRIX.items()}


def _account(username: str) -> User:
    return User.objects.get(username=username)


def scope_of(name: str) -> str:
    """The scope that an operation is to need."""
    method, path = name.split()
    if path.endswith(("/start", "/stop", "/restart", "/open", "/end")):
        return "live:control"
    if "/sessions" in path or "/airings" in path:
        return "attendance:read"
    if path in {"/gateways", "/health"}:
        return "admin:read"
    kind = "replays" if "/replays" in path else {"events": "audience"}.get(path.split("/")[1], "meetings")
    return f"{kind}:read" if method == "get" else f"{kind}:write"


def test_each_operation_needs_its_scope(live):
    authorization = bearer(_account("superuser"))
    ApiToken.objects.update(scopes=[])
    call = caller(authorization)
    needed = {}
    for name in MATRIX.keys() - {"get /me"}:
        method, path = name.split()
        answer = call(method, address(path, live), {})
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        needed[name] = answer.json()["scope"]
    assert needed == {name: scope_of(name) for name in needed}
    assert set(needed.values()) == set(tokens.SCOPES)


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ({"is_restricted": True}, 200),
        ({"is_restricted": True, "groups": True}, 403),
        ({"password": "sésame"}, 403),
        ({"needs_registration": True}, 403),
        ({"is_draft": True}, 404),
    ],
)
def test_who_may_not_watch_reads_and_writes_nothing(live, columns, status):
    groups = columns.pop("groups", False)
    Event.objects.update(**columns)
    if groups:
        live.event.access_groups.create(code_name="members", display_name="Members")
    for person, expected in (("stranger", status), ("co-owner", 200)):
        call = caller(bearer(_account(person)))
        assert call("get", f"/events/{live.event.slug}/messages").status_code == expected
        wrote = call("post", f"/events/{live.event.slug}/messages", {"text": "Bonjour"}).status_code
        assert wrote == (201 if expected == 200 else expected)


def test_who_was_excluded_reads_nothing(live):
    stranger = _account("stranger")
    live.event.restraints.create(viewer=f"u{stranger.pk}", kind="banned", name="x")
    assert caller(bearer(stranger))("get", f"/events/{live.event.slug}/questions").status_code == 403


@pytest.mark.parametrize(("shown_to", "status"), [("presenters", 404), ("attendees", 200), ("public", 200)])
def test_replay_is_shown_to_those_it_is_for(live, shown_to, status):
    replay = Replay.objects.create(airing=Airing.objects.get(), shown_to=shown_to)
    call = caller(bearer(_account("stranger")))
    path = f"/events/{live.event.slug}/replays"
    assert call("get", f"{path}/{replay.pk}").status_code == status
    assert len(call("get", path).json()["items"]) == (status == 200)
    Event.objects.update(password="sésame")
    assert len(call("get", path).json()["items"]) == (shown_to == "public")
