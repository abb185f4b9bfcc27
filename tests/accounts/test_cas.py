"""Signing on by CAS, against a server that speaks its protocol."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from amphi.accounts.models import User
from amphi.checkup.sign_on import checks
from amphi.signon.cas import CasServer, ended_session
from amphi.signon.directory import Directory
from amphi.signon.exceptions import RefusedError, UnreachableError
from amphi.signon.oidc import OpenIdProvider
from amphi.signon.providers import Providers, read_providers
from amphi.system.environment import Reader
from amphi.system.outbound import Answer
from tests.accounts.cas_server import NAMESPACE, CasStandIn, failure, logout_request, service_of, success

BEGIN = "/accounts/sign-on/cas/"


@pytest.fixture
def cas(db, serve, settings) -> CasStandIn:
    stand_in = CasStandIn(
        "mcurie",
        givenName=["Marie"],
        sn=["Curie"],
        mail=["marie@univ.fr"],
        eduPersonPrimaryAffiliation=["faculty"],
        eduPersonAffiliation=["member", "faculty"],
    )
    settings.AMPHI_URL = "http://testserver"
    settings.SIGN_ON = Providers(cas=CasServer(f"{serve(stand_in).url}/cas", "Université d’Amphi"))
    return stand_in


def begin(client, page: str = "") -> str:
    """Begin a login; returns the service that the ticket is for."""
    answer = client.get(BEGIN, {"next": page} if page else {})
    return service_of(answer["Location"])


def come_back(client, service: str, ticket: str):
    return client.get(service.removeprefix("http://testserver") + "&" + urlencode({"ticket": ticket}))


def test_login_lets_in_and_goes_on_to_the_page(cas, client):
    service = begin(client, "/meetings/add/?webinar=1")
    answer = come_back(client, service, cas.ticket(service))
    assert (answer.status_code, answer["Location"]) == (302, "/meetings/add/?webinar=1")
    user = User.objects.get(username="mcurie")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert (str(user), user.affiliations) == ("Marie Curie", ["faculty", "member"])


def test_login_never_leads_elsewhere(cas, client):
    service = begin(client, "https://evil.example.org/")
    assert come_back(client, service, cas.ticket(service))["Location"] == "/meetings/"


@pytest.mark.parametrize("what", ["made up", "used", "of another service", "none"])
def test_ticket_that_proves_nothing_is_refused(cas, client, what):
    service = begin(client)
    ticket = {
        "made up": "ST-9-x",
        "none": "",
        "of another service": cas.ticket("https://other.univ.fr/"),
    }.get(what)
    if ticket is None:
        ticket = cas.ticket(service)
        cas.tickets.pop(ticket)
    refused(client, come_back(client, service, ticket))


def refused(client, answer) -> None:
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session
    assert "data-message" in (page := client.get(answer["Location"]).content.decode()) or "alert" in page


def test_ticket_brought_to_another_browser_logs_nobody_in(cas, client):
    service = begin(client)
    victim = Client()
    refused(victim, come_back(victim, service, cas.ticket(service)))


def test_address_that_is_opened_again_logs_nobody_in(cas, client):
    service = begin(client)
    ticket = cas.ticket(service)
    come_back(client, service, ticket)
    client.post(reverse("accounts:logout"))
    refused(client, come_back(client, service, ticket))


def test_cas_ends_the_session_it_began_and_no_other(cas, client):
    service = begin(client)
    ticket = cas.ticket(service)
    come_back(client, service, ticket)
    for other in ("ST-9-x", "", ticket):
        assert client.get("/meetings/").status_code == 200
        body = {"logoutRequest": logout_request(other)} if other else {}
        assert client.post(f"{BEGIN}back/", body).status_code == 204
    assert client.get("/meetings/").status_code == 302
    # What a ticket of theirs opened ends too: `audience.rights` asks for this number.
    assert User.objects.get().tickets_epoch == 1


def test_logging_out_leads_on_to_cas(cas, client, settings):
    service = begin(client)
    come_back(client, service, cas.ticket(service))
    answer = client.post(reverse("accounts:logout"))
    assert answer["Refresh"] == f"0; url={settings.SIGN_ON.cas.logout_url('http://testserver/')}"
    assert client.get("/meetings/").status_code == 302


def test_logging_out_stays_here_where_the_setting_says_so(cas, client, settings):
    settings.SIGN_ON = Providers(cas=replace(settings.SIGN_ON.cas, ends_everywhere=False))
    service = begin(client)
    come_back(client, service, cas.ticket(service))
    assert client.post(reverse("accounts:logout")).status_code == 302


def test_without_cas_there_is_no_such_page(db, client):
    assert client.get(BEGIN).status_code == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (failure("INVALID_TICKET"), RefusedError),
        (success(""), UnreachableError),
        (success("x" * 300), RefusedError),
        ("<html><body>Log in</body></html>", UnreachableError),
        ("not xml", UnreachableError),
        (success("marie").replace(NAMESPACE, "http://evil.example.org/"), UnreachableError),
        ('<!DOCTYPE a [<!ENTITY b "marie">]>' + success("marie"), UnreachableError),
        (success("marie").replace("authenticationSuccess", "other"), UnreachableError),
    ],
)
def test_answers_of_cas_that_name_nobody(body, error):
    with pytest.raises(error):
        CasServer("https://cas.univ.fr", "CAS")._read(Answer(200, {}, body.encode()), "ST-1")


@pytest.mark.parametrize(("case", "subject"), [("", "MCurie"), ("lower", "mcurie"), ("upper", "MCURIE")])
def test_attributes_by_their_names_and_by_those_of_the_settings(case, subject):
    server = CasServer(
        "https://cas.univ.fr", "CAS", names={"last_name": "nom", "groups": "groupes"}, case=case
    )
    body = success(
        "MCurie", nom=["Curie"], groupes=["a", "b"], EDUPERSONAFFILIATION=["Staff@univ.fr"], mail=["none"]
    )
    person = server._read(Answer(200, {}, body.encode()), "ST-1")
    assert (person.subject, person.username, person.last_name, person.email) == (
        subject,
        subject,
        "Curie",
        "",
    )
    assert (person.primary_affiliation, person.affiliations, person.groups) == (
        "staff",
        ("staff",),
        ("a", "b"),
    )


def test_people_are_named_by_the_element_and_attributes_of_esup_pod():
    local = {
        "USE_CAS": True,
        "CAS_SERVER_URL": "https://cas.univ.fr",
        "AUTH_CAS_USER_SEARCH": "eppn",
        "USER_CAS_MAPPING_ATTRIBUTES": {"uid": "uid", "last_name": "nom", "affiliation": "statut"},
    }
    server = read_providers(Reader(local, {}), "https://amphi.univ.fr").cas
    body = success("h4x", eppn=["mcurie@univ.fr"], uid=["mcurie"], nom=["Curie"], statut=["Staff"])
    person = server._read(Answer(200, {}, body.encode()), "ST-1")
    assert (person.subject, person.username) == ("mcurie@univ.fr", "mcurie")
    assert (person.last_name, person.affiliations) == ("Curie", ("staff",))
    with pytest.raises(RefusedError, match="no eppn"):
        server._read(Answer(200, {}, success("h4x", uid=["mcurie"]).encode()), "ST-1")


@pytest.mark.parametrize(
    "body", ["", "<a/>", "<a", logout_request("x").replace("protocol", "other"), "x" * 40_000]
)
def test_what_is_no_logout_request_ends_nothing(body):
    assert ended_session(body) == ""


def test_check_says_whether_each_system_answers(cas, settings):
    nobody = Directory(("ldap://127.0.0.1:9",), "LDAP", "dc=univ,dc=fr", "(uid=%(uid)s)")
    settings.SIGN_ON = replace(
        settings.SIGN_ON,
        directory=nobody,
        oidc=OpenIdProvider("http://127.0.0.1:9", "OIDC", "amphi", "secret"),
    )
    found = [finding for check in checks() for finding in check()]
    assert [(one.level, one.subject.partition(" ")[0]) for one in found] == [
        ("OK", "CAS"),
        ("FAIL", "LDAP"),
        ("FAIL", "OIDC"),
    ]
    # What answers there, and is no CAS.
    settings.SIGN_ON = Providers(cas=replace(settings.SIGN_ON.cas, url=settings.SIGN_ON.cas.url + "/x"))
    assert [finding.level for check in checks() for finding in check()] == ["FAIL"]
