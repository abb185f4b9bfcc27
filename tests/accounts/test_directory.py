"""Logging in by the university's directory: OpenLDAP's own server."""

from dataclasses import replace

import pytest

from amphi.accounts.models import AccessGroup, User
from amphi.signon.cas import CasServer
from amphi.signon.exceptions import RefusedError, UnreachableError, WrongPasswordError
from amphi.signon.providers import Providers
from tests.accounts import slapd
from tests.accounts.cas_server import CasStandIn, service_of

PAGE = "/accounts/sign-on/directory/"


@pytest.fixture
def in_use(db, settings, directory) -> None:
    settings.SIGN_ON = Providers(directory=directory)


def send(client, name: str = "mcurie", password: str = slapd.PASSWORD, **more: str):
    return client.post(PAGE, {"username": name, "password": password, **more})


def test_login_lets_in_with_affiliations_and_groups(in_use, client):
    AccessGroup.objects.create(code_name="univ:faculty", display_name="Enseignants")
    assert send(client, next="/meetings/add/")["Location"] == "/meetings/add/"
    user = User.objects.get(username="mcurie")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert (user.last_name, user.email, user.affiliation) == ("Curie", "mcurie@univ.fr", "faculty")
    assert [group.display_name for group in user.access_groups.all()] == ["Enseignants"]


def test_name_in_another_case_is_the_same_person(directory):
    assert directory.log_in("MCurie", slapd.PASSWORD).subject == "mcurie"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("mcurie", "wrong"),
        ("mcurie", ""),
        ("mcurie", "\0"),
        ("nobody", slapd.PASSWORD),
        ("*", slapd.PASSWORD),
        ("mcurie)(uid=*", slapd.PASSWORD),
        ("m" * 300, slapd.PASSWORD),
    ],
)
def test_name_or_password_that_is_none(directory, name, password):
    with pytest.raises(WrongPasswordError):
        directory.log_in(name, password)


def test_wrong_password_keeps_the_name_and_guesses_end(in_use, client):
    page = send(client, password="wrong").content.decode()
    assert 'value="mcurie"' in page
    assert "data-error-summary" in page
    for _ in range(9):
        send(client, password="wrong")
    assert send(client).status_code == 200
    assert "_auth_user_id" not in client.session


def test_account_of_the_platform_is_not_asked_of_the_directory(in_use, client):
    User.objects.create_superuser("mcurie", password="of the platform")
    send(client)
    assert not User.objects.get(pk=client.session["_auth_user_id"]).is_superuser


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"urls": ("ldap://127.0.0.1:9",)}, UnreachableError),
        ({"bind_password": "wrong"}, UnreachableError),
        ({"bind_dn": "", "bind_password": ""}, RefusedError),
        ({"start_tls": True}, UnreachableError),
        ({"base": "ou=nobody,dc=univ,dc=fr"}, RefusedError),
    ],
)
def test_directory_that_is_set_up_wrongly(directory, change, error):
    with pytest.raises(error):
        replace(directory, **change).check()
    with pytest.raises((UnreachableError, WrongPasswordError)):
        replace(directory, **change).log_in("mcurie", slapd.PASSWORD)


def test_directory_that_does_not_answer_is_told(in_use, client, settings, directory):
    settings.SIGN_ON = Providers(directory=replace(directory, urls=("ldap://127.0.0.1:9",)))
    assert "Compte universitaire ne répond pas" in send(client).content.decode()


def test_people_of_cas_are_completed_by_the_directory(db, client, serve, settings, directory):
    cas = CasStandIn("mcurie")
    settings.AMPHI_URL = "http://testserver"
    settings.SIGN_ON = Providers(
        CasServer(f"{serve(cas).url}/cas", "CAS"), replace(directory, logs_in=False), True
    )
    assert send(client).status_code == 404
    service = service_of(client.get("/accounts/sign-on/cas/")["Location"])
    client.get(service.removeprefix("http://testserver") + f"&ticket={cas.ticket(service)}")
    user = User.objects.get(username="mcurie")
    assert (user.last_name, user.affiliations) == ("Curie", ["faculty", "member"])
    assert user.identities.get().provider == "cas"
