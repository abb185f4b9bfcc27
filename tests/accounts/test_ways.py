"""The ways to log in to one account: added by signing on there, and removed, but never the last."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from amphi.accounts import ways
from amphi.accounts.identities import account_of
from amphi.accounts.models import AccessGroup, Identity, User
from amphi.accounts.ways import WayError
from amphi.mails.models import Mail
from amphi.pages.accounts import adding
from amphi.signon.cas import CasServer
from amphi.signon.providers import Providers
from amphi.signon.shibboleth import ShibbolethProxy
from tests.accounts.test_identities import MARIE, codes
from tests.factories import make_user

pytestmark = pytest.mark.django_db
KEY = "k" * 40
BEGIN, LIST, ADD = "/accounts/sign-on/shibboleth/", "/accounts/ways/", "/accounts/ways/add/"


@pytest.fixture(autouse=True)
def systems(settings) -> None:
    proxy = ShibbolethProxy("Shibboleth", KEY, "/Shibboleth.sso/Login", "", "Remote-User", {})
    settings.AMPHI_URL = "http://testserver"
    settings.SIGN_ON = Providers(cas=CasServer("https://cas.univ.fr", "Mon CAS"), shibboleth=proxy)


@pytest.fixture
def user(client) -> User:
    made = make_user("marie", email="marie@univ.fr")
    client.force_login(made)
    return made


def sign_on(client: Client, subject: str = "mcurie@univ.fr", **query: str):
    """Sign on by the system in front; returns the answer."""
    client.get(BEGIN, query)
    (state,) = client.session["sign_on"]
    return client.get(
        f"{BEGIN}back/?state={state}", headers={"Remote-User": subject, "X-Amphi-Proxy-Key": KEY}
    )


def test_way_is_added_by_signing_on_there_and_saying_so(client, user):
    assert sign_on(client, add="1")["Location"] == ADD
    assert "mcurie@univ.fr" in client.get(ADD).content.decode()
    assert not Identity.objects.exists()
    assert client.post(ADD)["Location"] == LIST
    assert Identity.objects.get().user == user
    page = client.get(LIST).content.decode()
    assert "Désormais, vous vous connectez aussi par Shibboleth" in page
    assert f"{BEGIN}?add=1" not in page
    assert "/accounts/sign-on/cas/?add=1" in page
    mail = Mail.objects.get()
    assert (mail.to, "Shibboleth" in mail.subject) == ("marie@univ.fr", True)
    other = Client()
    sign_on(other)
    assert other.session["_auth_user_id"] == str(user.pk)
    # Said once, it is over.
    assert client.post(ADD)["Location"] == LIST
    assert Identity.objects.count() == 1


def test_identity_of_another_account_stays_there(client, user):
    theirs, _ = account_of(replace(MARIE, provider="shibboleth", subject="mcurie@univ.fr", email=user.email))
    assert sign_on(client, add="1")["Location"] == LIST
    assert "appartient déjà à un autre compte" in client.get(LIST).content.decode()
    assert Identity.objects.get().user == theirs
    # Also when somebody logs in by it between the look and the word.
    assert sign_on(client, "new@univ.fr", add="1")["Location"] == ADD
    account_of(replace(MARIE, provider="shibboleth", subject="new@univ.fr"))
    client.post(ADD)
    assert not user.identities.exists()
    assert not Mail.objects.exists()


@pytest.mark.parametrize("what", ["no word", "logged out", "another account", "too late"])
def test_nothing_is_added_without_its_person(client, user, what, monkeypatch):
    sign_on(client, add="1")
    if what == "logged out":
        client.logout()
    elif what == "another account":
        client.force_login(make_user())
    elif what == "too late":
        monkeypatch.setattr(adding, "LASTS_S", -1)
    if what != "no word":
        assert client.post(ADD).status_code == 302
    assert not Identity.objects.exists()


def test_sign_on_that_was_begun_to_log_in_adds_nothing(client, user):
    sign_on(client)
    assert client.session["_auth_user_id"] != str(user.pk)
    assert not user.identities.exists()


def test_sign_on_that_was_begun_to_add_logs_nobody_in(client, user):
    client.get(BEGIN, {"add": "1"})
    state = next(iter(client.session["sign_on"]))
    kept = dict(client.session["sign_on"])
    client.logout()
    session = client.session
    session["sign_on"] = kept
    session.save()
    client.cookies["amphi_session"] = session.session_key
    answer = client.get(
        f"{BEGIN}back/?state={state}", headers={"Remote-User": "m@univ.fr", "X-Amphi-Proxy-Key": KEY}
    )
    assert answer["Location"].startswith("/accounts/login/")
    assert not User.objects.exclude(pk=user.pk).exists()


def test_way_is_removed_with_its_sessions_and_what_it_said(client):
    AccessGroup.objects.create(code_name="physique", display_name="Physique")
    user, identity = account_of(MARIE)
    ways.add(user, "shibboleth", "mcurie@univ.fr")
    other = Client()
    sign_on(other, "mcurie@univ.fr")
    assert codes(user) == {"physique"}
    page = other.get(LIST).content.decode()
    assert page.count("/remove/") == 1
    assert "Utilisé en ce moment" in page
    assert other.post(f"{LIST}{user.identities.get(provider='shibboleth').pk}/remove/").status_code == 302
    assert user.identities.count() == 2
    assert other.post(f"{LIST}{identity.pk}/remove/")["Location"] == LIST
    user.refresh_from_db()
    assert [one.provider for one in user.identities.all()] == ["shibboleth"]
    assert (codes(user), user.affiliation, user.affiliations) == (set(), "", [])
    assert other.get(LIST).status_code == 200


def test_sessions_of_a_removed_way_end(client, user):
    ways.add(user, "shibboleth", "mcurie@univ.fr")
    other = Client()
    sign_on(other)
    ways.remove(user, user.identities.get().pk, session_key=client.session.session_key)
    assert other.get(LIST).status_code == 302
    assert client.get(LIST).status_code == 200
    user.refresh_from_db()
    assert user.tickets_epoch == 1


@pytest.mark.parametrize(
    ("others", "has", "hidden", "may"),
    [
        ([], "password", False, True),
        ([], "", False, False),
        ([], "password", True, False),
        ([], "password of staff", True, True),
        (["cas"], "", True, True),
        (["ldap"], "", False, False),
        (["lti https://moodle.univ.fr"], "", False, False),
    ],
)
def test_last_way_is_never_removed(settings, others, has, hidden, may):
    settings.HIDE_LOCAL_LOGIN = hidden
    user = make_user(is_staff=has.endswith("staff"))
    if not has:
        user.set_unusable_password()
        user.save()
    made = [ways.add(user, provider, "mcurie") for provider in ["shibboleth", *others]]
    if may:
        assert ways.remove(user, made[0].pk, session_key="x") == "shibboleth"
    else:
        with pytest.raises(WayError):
            ways.remove(user, made[0].pk, session_key="x")
    assert user.identities.count() == len(made) - may


def test_way_of_somebody_else_or_of_courses_stays(client, user):
    theirs = ways.add(make_user(), "cas", "other")
    assert client.post(f"{LIST}{theirs.pk}/remove/").status_code == 302
    course = ways.add(user, "lti https://moodle.univ.fr", "7")
    client.post(f"{LIST}{course.pk}/remove/")
    assert Identity.objects.count() == 2
    assert "/remove/" not in client.get(LIST).content.decode()


def test_ways_of_one_account_are_bounded(user):
    for number in range(ways.MOST):
        ways.add(user, "cas", str(number))
    with pytest.raises(WayError):
        ways.add(user, "cas", "one more")


# --- what systems said counts as long as their sessions could last


def test_what_another_system_said_long_ago_counts_nothing(settings):
    AccessGroup.objects.create(code_name="physique", display_name="Physique")
    user, identity = account_of(MARIE)
    abroad = replace(MARIE, provider="shibboleth", primary_affiliation="", affiliations=(), groups=())
    ways.add(user, "shibboleth", MARIE.subject)
    user, _ = account_of(abroad)
    assert (user.affiliations, codes(user)) == (["faculty", "member"], {"physique"})
    long_ago = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1)
    Identity.objects.filter(pk=identity.pk).update(seen_at=long_ago)
    user, _ = account_of(replace(abroad, provider="lti https://moodle.univ.fr"), decides_rights=False)
    Identity.objects.filter(user=user).update(user=identity.user)
    user, _ = account_of(abroad)
    assert (user.affiliations, codes(user)) == ([], set())
    user, _ = account_of(MARIE)
    assert (user.affiliations, codes(user)) == (["faculty", "member"], {"physique"})


def test_launch_from_a_course_takes_nothing_that_the_university_said(settings):
    user, identity = account_of(MARIE)
    ways.add(user, "lti https://moodle.univ.fr", "7")
    Identity.objects.filter(pk=identity.pk).update(seen_at=None)
    course = replace(MARIE, provider="lti https://moodle.univ.fr", subject="7", affiliations=(), groups=())
    assert account_of(course, decides_rights=False)[0].affiliations == ["faculty", "member"]


@pytest.mark.parametrize("writes", [0, 3])
def test_session_ends_after_its_login_however_often_it_is_written(client, user, settings, writes):
    began = Session.objects.get().expire_date
    for number in range(writes):
        session = client.session
        session["page"] = number
        session.save()
    assert abs(Session.objects.get().expire_date - began) < timedelta(milliseconds=1)
    session = client.session
    session["logged_in_at"] -= settings.SESSION_COOKIE_AGE + 1
    session.save()
    assert session.get_expiry_age() == 0
    assert client.get(LIST).status_code == 302


def test_cookie_ends_with_the_browser_where_the_setting_says_so(client, settings):
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = True
    make_user("marie")
    client.post("/accounts/login/", {"username": "marie", "password": "password"})
    assert client.cookies["amphi_session"]["max-age"] == ""
