"""Coming from a course: what a platform signs counts, once, in the browser that asked; anything else does not."""

import re
import time

import jwt
import pytest
from django.test import Client

from amphi.accounts.models import Identity, User
from amphi.lti import launching, messages, platform_keys
from amphi.lti.exceptions import RefusedError
from amphi.lti.models import Launch, Link, Platform
from amphi.lti.visiting import form_token
from amphi.meetings.models import Meeting
from tests.factories import make_gateway, make_user, make_webinar
from tests.lti.courses import Visitor
from tests.lti.platform import (
    CLAIM,
    CLIENT,
    COURSE,
    DEPLOYMENT,
    MEMBERSHIP,
    STUDENT,
    TEACHER,
    Moodle,
    private_key,
    public_keys,
)

ROLES = CLAIM + "roles"


def linked(launch: Launch, **fields) -> Link:
    """The activity of a launch opens a webinar of somebody's."""
    make_gateway()
    meeting = make_webinar(make_user(), **fields).meeting
    return Link.objects.create(course=launch.course, meeting=meeting, resource_link_id="42")


def presented_by(user: User) -> Meeting:
    return make_webinar(gateway=make_gateway(), additional_owners=[user]).meeting


def test_launch_brings_somebody_in(visitor, moodle):
    launch = visitor.launch()
    identity = Identity.objects.get()
    assert (identity.provider, identity.subject) == (f"lti {moodle.issuer}", "4")
    assert (str(launch.identity.user), launch.identity.user.email) == ("Zoé Martin", "zoe@univ.fr")
    assert (launch.course.context_id, launch.course.title, launch.is_teacher) == (
        COURSE,
        "Physique L3",
        False,
    )
    assert launch.course.group in launch.identity.user.access_groups.all()
    assert "n’ont pas encore choisi" in visitor.get(f"/lti/{launch.pk}/").content.decode()


def test_address_of_somebody_else_takes_over_nothing(visitor):
    theirs = make_user("zoe", email="zoe@univ.fr")
    assert visitor.launch().identity.user != theirs


def test_account_of_an_administrator_is_not_entered(visitor):
    launch = visitor.launch()
    User.objects.filter(pk=launch.identity.user_id).update(is_superuser=True, is_staff=True)
    asked = visitor.begin()
    assert visitor.bring(asked, visitor.moodle.message(asked)).status_code == 403
    assert visitor.get(f"/lti/{launch.pk}/").status_code == 403


NOW = int(time.time())
# Security Framework 1.0, section 5.1.3; core, sections 5.3 and 5.4.
REFUSED_CLAIMS = {
    "another audience": {"aud": "another"},
    "another authorised party": {"aud": [CLIENT, "another"], "azp": "another"},
    "another issuer": {"iss": "https://evil.example.org"},
    "expired": {"iat": NOW - 600, "exp": NOW - 300},
    "made long ago, good for ever": {"iat": NOW - 7200, "exp": NOW + 10**6},
    "without an end": {"exp": None},
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "nobody": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is too long": {"sub": "4" * 251},
    "an unknown deployment": {CLAIM + "deployment_id": "4"},
    "no deployment": {CLAIM + "deployment_id": None},
    "another version": {CLAIM + "version": "1.1"},
    "an unknown kind": {CLAIM + "message_type": "LtiSubmissionReviewRequest"},
    "another address": {CLAIM + "target_link_uri": "https://evil.example.org/"},
    "no course": {CLAIM + "context": None},
    "no activity": {CLAIM + "resource_link": {}},
}
REFUSED_SIGNATURES = {
    "another key": {"key": lambda: private_key("another")},
    "an unknown name of a key": {"kid": "another"},
    "no signature": {"key": None, "algorithm": "none"},
    "the public key as a shared secret": {"key": "x" * 32, "algorithm": "HS256"},
    "another algorithm": {"algorithm": "RS512"},
}


ISSUER, TOOL = "https://moodle.univ.fr", "https://amphi.univ.fr"


@pytest.mark.parametrize("kind", ["", *REFUSED_CLAIMS, *REFUSED_SIGNATURES])
def test_message_that_proves_nothing_is_none(kind):
    moodle = Moodle(None, TOOL, issuer=ISSUER)
    platform = Platform(
        issuer=ISSUER, client_id=CLIENT, deployments=[DEPLOYMENT], jwks_url=f"{ISSUER}/certs.php"
    )
    platform_keys.keep(platform.jwks_url, jwt.PyJWKSet.from_dict(public_keys()).keys)
    claims = moodle.message({"login_hint": "4", "nonce": "n"}, **REFUSED_CLAIMS.get(kind, {}))
    token = moodle.signed(claims, **REFUSED_SIGNATURES.get(kind, {}))

    def read() -> messages.Message:
        return messages.read(token, platform, nonce="n", launch_url=f"{TOOL}/lti/launch")

    if not kind:
        assert read().subject == "4"
        return
    with pytest.raises(RefusedError):
        read()


def test_message_of_an_unknown_deployment_says_what_to_do(visitor):
    asked = visitor.begin()
    claims = visitor.moodle.message(asked, **REFUSED_CLAIMS["an unknown deployment"])
    answer = visitor.bring(asked, claims)
    assert answer.status_code == 403
    assert "ajoutez la ligne <strong>4</strong>" in answer.content.decode()
    assert not Launch.objects.exists()
    Platform.objects.update(deployments=[DEPLOYMENT, "4"])
    asked = visitor.begin()
    claims = visitor.moodle.message(asked, **REFUSED_CLAIMS["an unknown deployment"])
    assert visitor.bring(asked, claims).status_code == 302


@pytest.mark.parametrize("kind", ["another nonce", "no deployment", "another key"])
def test_message_that_proves_nothing_is_refused(visitor, kind):
    asked = visitor.begin()
    claims = visitor.moodle.message(asked, **REFUSED_CLAIMS.get(kind, {}))
    answer = visitor.bring(asked, claims, **REFUSED_SIGNATURES.get(kind, {}))
    assert answer.status_code == 403
    assert "n’a pas confirmé qui vous êtes" in answer.content.decode()
    assert not Launch.objects.exists()
    assert not Identity.objects.exists()


@pytest.mark.parametrize("state", ["", "x", "x:y:z"])
def test_message_without_our_state_is_refused(visitor, state):
    asked = visitor.begin()
    assert visitor.bring(asked, visitor.moodle.message(asked), state=state).status_code == 403
    assert not Launch.objects.exists()


def test_message_counts_once(visitor):
    asked = visitor.begin()
    claims = visitor.moodle.message(asked)
    assert visitor.bring(asked, claims).status_code == 302
    assert visitor.bring(asked, claims).status_code == 403
    assert Launch.objects.count() == 1


def test_message_counts_in_the_browser_that_asked(visitor, moodle):
    asked = visitor.begin()
    other = Visitor(moodle)
    assert other.bring(asked, moodle.message(asked)).status_code == 403
    other.begin()
    assert other.bring(asked, moodle.message(asked)).status_code == 403


def test_answer_that_the_platform_does_not_give(visitor):
    """OpenID Connect 3.1.2.6, as Moodle's auth.php answers somebody who is logged in as another."""
    asked = visitor.begin()
    answer = visitor.client.post(
        "/lti/launch", {"error": "access_denied", "state": asked["state"]}, secure=True
    )
    assert answer.status_code == 403


def test_platform_whose_keys_can_not_be_fetched_is_told(visitor, platform):
    asked = visitor.begin()
    Platform.objects.update(jwks_url="http://127.0.0.1:9/")
    answer = visitor.bring(asked, visitor.moodle.message(asked))
    assert (answer.status_code, "ne répond pas" in answer.content.decode()) == (502, True)


@pytest.mark.parametrize(
    "change",
    [{"iss": "https://evil.example.org"}, {"client_id": "x"}, {"login_hint": ""}, {"login_hint": "x" * 2001}],
)
def test_call_of_an_unknown_platform_leads_nowhere(visitor, change):
    assert visitor.client.post("/lti/login", visitor.moodle.call() | change, secure=True).status_code == 403


def test_browser_that_keeps_no_cookie_begins_anew_in_a_tab(moodle):
    client = Client()
    led = client.get("/lti/login", moodle.call(), secure=True)
    client.cookies.clear()
    page = client.get(led["Location"], secure=True)
    again = re.search('href="(/lti/login[^"]+)" target="_blank"', page.content.decode())[1].replace(
        "&amp;", "&"
    )
    assert f"frame-ancestors 'self' {moodle.issuer};" in page["Content-Security-Policy"]
    assert client.get(again, secure=True)["Location"].startswith("/lti/login?")


def test_frames_are_for_the_registered_platform_alone(visitor, moodle):
    launch = visitor.launch()
    linked(launch)
    for path in ("", "choose"):
        answer = visitor.get(f"/lti/{launch.pk}/{path}")
        if answer.status_code == 200:
            assert f"frame-ancestors 'self' {moodle.issuer};" in answer["Content-Security-Policy"]
            assert "X-Frame-Options" not in answer
    assert "frame-ancestors 'none'" in Client().get("/")["Content-Security-Policy"]
    set_cookie = Client().get("/lti/login", moodle.call(), secure=True)["Set-Cookie"]
    assert set_cookie.endswith("; Secure; HttpOnly; SameSite=None; Partitioned")


# --- what the pages show, and to whom


@pytest.mark.parametrize(
    ("fields", "draft", "plays"),
    [
        ({}, False, True),
        ({"is_restricted": True}, False, True),
        ({"password": "x"}, False, True),
        ({}, True, False),
    ],
)
def test_activity_plays_the_live(visitor, fields, draft, plays):
    launch = visitor.launch()
    link = linked(launch, **fields)
    event = link.meeting.livestream.event
    type(event).objects.filter(pk=event.pk).update(is_draft=draft)
    launch = visitor.launch()
    page = visitor.get(f"/lti/{launch.pk}/").content.decode()
    assert ("live-data" in page) is plays
    state = visitor.get(f"/lti/{launch.pk}/state", headers={"Accept": "application/json"})
    assert state.status_code == (200 if plays else 403)
    if plays:
        assert f"/live/{event.pk}/events?ticket=" in state.json()["events_url"]


def test_webinar_of_another_course_stays_closed(visitor):
    launch = visitor.launch()
    linked(launch)
    link = Link.objects.get()
    other = visitor.launch(**{CLAIM + "context": {"id": "18", "title": "Chimie"}}, link="43").course
    fields = link.meeting
    fields.is_restricted = True
    type(fields).objects.filter(pk=fields.pk).update(is_restricted=True)
    event = fields.livestream.event
    type(event).objects.filter(pk=event.pk).update(is_restricted=True)
    event.access_groups.set([other.group])
    launch = visitor.launch(user="5")
    assert "live-data" not in visitor.get(f"/lti/{launch.pk}/").content.decode()


def test_pages_of_a_launch_are_for_its_browser(visitor, moodle):
    launch = visitor.launch()
    linked(launch)
    stranger = Visitor(moodle)
    assert stranger.get(f"/lti/{launch.pk}/").status_code == 403
    assert stranger.launch(user="5")
    for path in ("", "state", "choose"):
        assert stranger.get(f"/lti/{launch.pk}/{path}").status_code == 403
    Platform.objects.update(is_active=False)
    assert visitor.get(f"/lti/{launch.pk}/").status_code == 403


@pytest.mark.parametrize(
    ("roles", "teaches"),
    [
        ([MEMBERSHIP + TEACHER], True),
        ([TEACHER], True),
        ([MEMBERSHIP + STUDENT], False),
        (["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"], False),
        (["http://purl.imsglobal.org/vocab/lis/v2/system/person#Administrator"], False),
        (TEACHER, False),
        ([], False),
        (None, False),
    ],
)
def test_teachers_are_those_of_the_course(roles, teaches):
    assert messages.teaches(roles) is teaches


# --- choosing


def test_teacher_chooses_a_webinar_of_their_own(visitor):
    launch = visitor.launch(role=TEACHER)
    user = launch.identity.user
    mine, others = presented_by(user), make_webinar(gateway=make_gateway()).meeting
    path = f"/lti/{launch.pk}/choose"
    page = visitor.get(path).content.decode()
    assert mine.name in page
    assert others.name not in page
    assert visitor.submit(path, {"meeting": others.slug}).status_code == 422
    assert visitor.submit(path, {"meeting": mine.slug})["Location"] == f"/lti/{launch.pk}/"
    assert Link.objects.get().meeting == mine
    assert visitor.launch(user="5").link == Link.objects.get()


def test_form_without_the_token_of_its_page_is_refused(visitor):
    launch = visitor.launch(role=TEACHER)
    mine = presented_by(launch.identity.user)
    path = f"/lti/{launch.pk}/choose"
    for token in ("", "x", "é"):
        given = {"meeting": mine.slug, "token": token}
        assert visitor.client.post(path, given, secure=True).status_code == 403
    assert not Link.objects.exists()


def test_student_chooses_nothing(visitor):
    launch = visitor.launch()
    assert visitor.get(f"/lti/{launch.pk}/choose").status_code == 403


def test_webinar_is_made_in_the_course_by_those_who_may(visitor, platform, settings):
    launch = visitor.launch(role=TEACHER)
    path = f"/lti/{launch.pk}/choose"
    given = {"name": "Optique", "start_at": "2030-01-01T10:00", "duration": "60", "only_course": "on"}
    assert "ne permet pas d’en programmer" in visitor.get(path).content.decode()
    token = form_token(launch, visitor.client.cookies["amphi_lti"].value)
    assert visitor.client.post(path, given | {"token": token}, secure=True).status_code == 422
    # The administrator lets the platform's teachers make webinars.
    group = launch.course.group.__class__.objects.create(code_name="teachers", display_name="Enseignants")
    settings.MEETING_WEBINAR_AFFILIATION = ("teachers",)
    Platform.objects.update(teachers_group=group)
    launch = visitor.launch(role=TEACHER)
    path = f"/lti/{launch.pk}/choose"
    wrong = visitor.submit(path, given | {"start_at": "2020-01-01T10:00"})
    assert wrong.status_code == 422
    assert "Optique" in wrong.content.decode()
    assert visitor.submit(path, given).status_code == 302
    meeting = Link.objects.get().meeting
    assert (meeting.name, meeting.owner, meeting.is_restricted) == ("Optique", launch.identity.user, True)
    assert list(meeting.access_groups.all()) == [launch.course.group]
    # No gateway is left in these hours: nothing is made, and what was typed stays.
    other = visitor.launch(role=TEACHER, link="43")
    answer = visitor.submit(f"/lti/{other.pk}/choose", given | {"name": "Acoustique"})
    assert "Acoustique" in answer.content.decode()
    assert Link.objects.count() == 1
    # Somebody who teaches nothing there any more loses the group.
    visitor.launch()
    visitor.launch(**{ROLES: []})
    assert group not in launch.identity.user.access_groups.all()


def test_teachers_present_and_students_do_not(visitor):
    launch = visitor.launch()
    meeting = linked(launch).meeting
    teacher = visitor.launch(user="7", role=TEACHER).identity.user
    assert list(meeting.additional_owners.all()) == [teacher]
    assert list(meeting.livestream.event.additional_owners.all()) == [teacher]


# --- deep linking


def test_deep_linking_gives_the_platform_an_activity(visitor, moodle, client):
    launch = visitor.deep_link()
    mine = presented_by(launch.identity.user)
    path = f"/lti/{launch.pk}/choose"
    page = visitor.submit(path, {"meeting": mine.slug})
    assert f"form-action 'self' {moodle.issuer};" in page["Content-Security-Policy"]
    said = page.content.decode()
    assert f'action="{moodle.issuer}/mod/lti/contentitem_return.php?course=17&amp;id=3&amp;sesskey=x"' in said
    # Deep Linking 2.0, section 4.5, by the keys that we publish (Security Framework 5.2).
    token = re.search('name="JWT" value="([^"]+)"', said)[1]
    keys = jwt.PyJWKSet.from_dict(client.get("/lti/keys").json())
    found = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=["RS256"],
        audience=moodle.issuer,
        issuer=CLIENT,
    )
    assert found[CLAIM + "message_type"] == "LtiDeepLinkingResponse"
    assert found[CLAIM + "deployment_id"] == "3"
    assert found["https://purl.imsglobal.org/spec/lti-dl/claim/data"] == "csrftoken:c7fbba78"
    (item,) = found["https://purl.imsglobal.org/spec/lti-dl/claim/content_items"]
    assert (item["type"], item["title"], item["url"]) == (
        "ltiResourceLink",
        mine.name,
        "https://testserver/lti/launch",
    )
    # The activity that the platform makes of it opens the webinar; in another course, where somebody wrote it, it opens nothing.
    custom = {CLAIM + "custom": item["custom"]}
    other = {CLAIM + "context": {"id": "18", "title": "Chimie"}}
    assert visitor.launch(user="9", link="60", role=TEACHER, **custom, **other).link is None
    assert visitor.launch(user="5", link="50", **custom).link.meeting == mine
    # A copy within the course opens it too.
    assert visitor.launch(user="5", link="51", **custom).link.meeting == mine
    assert Link.objects.count() == 2


@pytest.mark.parametrize("custom", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_parameter_that_names_no_webinar_opens_nothing(visitor, custom):
    assert visitor.launch(**{CLAIM + "custom": {"amphi_link": custom}}).link is None


# --- into a tab


def test_person_logs_in_in_a_tab_once_and_after_a_look(visitor):
    launch = visitor.launch()
    link = linked(launch, is_restricted=True)
    launch = visitor.launch()
    page = visitor.get(f"/lti/{launch.pk}/").content.decode()
    given = {"pass": re.search('name="pass" value="([^"]+)"', page)[1], "to": "live"}
    tab = Client()
    look = tab.post("/lti/enter", given).content.decode()
    assert "Zoé Martin" in look
    assert "_auth_user_id" not in tab.session
    event_page = link.meeting.livestream.event.get_absolute_url()
    assert tab.post("/lti/enter/confirm", given)["Location"] == event_page
    assert tab.session["_auth_user_id"] == str(launch.identity.user_id)
    assert tab.post("/lti/enter", given)["Location"] == event_page
    # It is used: nobody else comes in by it.
    for path in ("enter", "enter/confirm"):
        assert Client().post(f"/lti/{path}", given).status_code == 403
    assert Client().post("/lti/enter", {"pass": given["pass"] + "x"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post("/lti/enter/confirm", given).status_code == 403


def test_launches_of_one_person_are_bounded(visitor, monkeypatch):
    monkeypatch.setattr(launching, "MOST_IN_A_MINUTE", 2)
    for _ in range(2):
        visitor.launch()
    asked = visitor.begin()
    assert visitor.bring(asked, visitor.moodle.message(asked)).status_code == 403
