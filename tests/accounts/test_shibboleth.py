"""Signing on by a proxy with mod_shib, which tells people in headers."""

import pytest

from amphi.accounts.models import User
from amphi.signon.exceptions import RefusedError
from amphi.signon.providers import Providers, read_providers
from amphi.signon.shibboleth import ShibbolethProxy
from amphi.system.environment import InvalidSettingError, Reader

KEY = "k" * 40
HEADERS = {
    "Remote-User": "mcurie@univ.fr",
    "Shibboleth-Givenname": "Marie",
    "Shibboleth-Sn": "Skłodowska; Curie".replace(";", "\\;").encode().decode("latin-1"),
    "Shibboleth-Primary-Affiliation": "faculty",
    "Shibboleth-Unscoped-Affiliation": "member;faculty",
    "Shibboleth-Ismemberof": "physique;chimie",
}
BEGIN = "/accounts/sign-on/shibboleth/"


def proxy(**more: object) -> ShibbolethProxy:
    found = read_providers(
        Reader({"USE_SHIB": True, "AMPHI_SHIB_KEY": KEY, **more}, {}), "https://amphi.univ.fr"
    )
    assert found.shibboleth
    return found.shibboleth


def test_person_of_headers():
    person = proxy().person(HEADERS | {"X-Amphi-Proxy-Key": KEY})
    assert (person.subject, person.username) == ("mcurie@univ.fr", "mcurie@univ.fr")
    assert (person.first_name, person.last_name) == ("Marie", "Skłodowska; Curie")
    assert (person.affiliations, person.groups) == (("faculty", "member"), ("physique", "chimie"))


@pytest.mark.parametrize(
    "change",
    [
        {"X-Amphi-Proxy-Key": ""},
        {"X-Amphi-Proxy-Key": "guess"},
        {"Remote-User": ""},
        {"Remote-User": "(null)"},
    ],
)
def test_headers_that_anybody_may_send_are_refused(change):
    with pytest.raises(RefusedError):
        proxy().person(HEADERS | {"X-Amphi-Proxy-Key": KEY} | change)


@pytest.mark.parametrize(
    ("domains", "affiliations"), [(["univ.fr"], ("faculty", "member")), (["other.fr"], ())]
)
def test_affiliations_count_of_the_domains_that_are_named(domains, affiliations):
    found = proxy(SHIBBOLETH_STAFF_ALLOWED_DOMAINS=domains).person(HEADERS | {"X-Amphi-Proxy-Key": KEY})
    assert found.affiliations == affiliations


def test_map_of_esup_pod_is_read():
    mapped = {
        "REMOTE_USER": (True, "username"),
        "Shibboleth-prenom": (True, "first_name"),
        "Shibboleth-primary-affiliation": (False, "affiliation"),
        "Shibboleth-unscoped-affiliation": (False, "affiliations"),
    }
    headers = HEADERS | {"X-Amphi-Proxy-Key": KEY, "Shibboleth-Prenom": "Maria"}
    person = proxy(SHIBBOLETH_ATTRIBUTE_MAP=mapped).person(headers)
    assert (person.first_name, person.affiliations) == ("Maria", ("faculty", "member"))


NOTIFICATION = (
    '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><notify:LogoutNotification '
    'xmlns:notify="urn:mace:shibboleth:2.0:sp:notify" type="global"><notify:SessionID>{}</notify:SessionID>'
    "</notify:LogoutNotification></S:Body></S:Envelope>"
)


def test_service_provider_ends_the_session_it_began(db, client, settings):
    settings.SIGN_ON = Providers(shibboleth=proxy())
    client.get(BEGIN)
    (state,) = client.session["sign_on"]
    told = HEADERS | {"X-Amphi-Proxy-Key": KEY, "Shib-Session-ID": "_5c1d"}
    client.get(f"{BEGIN}back/?state={state}", headers=told)

    def notify(body: str):
        return type(client)().post(f"{BEGIN}ended/", body, content_type="text/xml")

    for body in ("", "<a", NOTIFICATION.format(""), NOTIFICATION.format("_other"), "x" * 40_000):
        assert notify(body).status_code == 200
        assert client.get("/meetings/").status_code == 200
    assert "notify:OK" in notify(NOTIFICATION.format("_5c1d")).content.decode()
    assert client.get("/meetings/").status_code == 302
    assert User.objects.get().tickets_epoch == 1


def test_login_needs_the_secret_and_the_browser_that_began(db, client, settings):
    settings.AMPHI_URL = "http://testserver"
    settings.SIGN_ON = Providers(shibboleth=proxy())
    target = client.get(BEGIN, {"next": "/meetings/add/"})["Location"]
    assert target.startswith("/Shibboleth.sso/Login?target=http%3A%2F%2Ftestserver")
    state = target.rpartition("%3D")[2]
    assert client.get(f"{BEGIN}back/", {"state": state}, headers=HEADERS)["Location"].startswith(
        "/accounts/login/"
    )
    other = client.get(BEGIN, {"next": "/meetings/add/"})["Location"].rpartition("%3D")[2]
    told = HEADERS | {"X-Amphi-Proxy-Key": KEY}
    assert (
        type(client)().get(f"{BEGIN}back/", {"state": other}, headers=told)["Location"] == "/accounts/login/"
    )
    assert client.get(f"{BEGIN}back/", {"state": other}, headers=told)["Location"] == "/meetings/add/"
    assert str(User.objects.get(username="mcurie@univ.fr")) == "Marie Skłodowska; Curie"


@pytest.mark.parametrize(
    ("local", "said"),
    [
        ({"USE_CAS": True}, "CAS_SERVER_URL: must be set"),
        (
            {"USE_CAS": True, "CAS_SERVER_URL": "https://c", "CAS_RENAME_ATTRIBUTES": {"x": "y"}},
            "no field 'y'",
        ),
        ({"USE_LDAP": True}, "LDAP_SERVER: must name a server"),
        ({"USE_LDAP": True, "LDAP_SERVER": {"url": 7}}, "LDAP_SERVER: its url"),
        ({"USE_LDAP": True, "LDAP_SERVER": {"url": "l"}}, "AUTH_LDAP_USER_SEARCH: must be"),
        (
            {"USE_LDAP": True, "LDAP_SERVER": {"url": "l"}, "AUTH_LDAP_USER_SEARCH": ("dc=fr", "(uid=x)")},
            "as \\(",
        ),
        ({"LDAP_SERVER": "ldap.univ.fr"}, "must be a dictionary"),
        ({"POPULATE_USER": "Apogée"}, "must be CAS or LDAP"),
        ({"USE_OIDC": True}, "AMPHI_OIDC_ISSUER: must be"),
        ({"USE_OIDC": True, "AMPHI_OIDC_ISSUER": "https://i"}, "OIDC_RP_CLIENT_ID: must be set"),
        ({"OIDC_RP_SIGN_ALGO": "HS256"}, "must be one of"),
        ({"AMPHI_SAML_METADATA": "/x"}, "AMPHI_SAML_KEY_FILE: must be set"),
        ({"USE_SHIB": True}, "AMPHI_SHIB_KEY: must be at least"),
    ],
)
def test_settings_that_are_wrong_are_told(local, said):
    with pytest.raises(InvalidSettingError, match=said):
        read_providers(Reader(local, {}), "https://amphi.univ.fr")


def test_directory_of_esup_pod_is_read():
    local = {
        "USE_CAS": "True",
        "CAS_SERVER_URL": "https://cas.univ.fr/",
        "CAS_FORCE_CHANGE_USERNAME_CASE": False,
        "POPULATE_USER": "LDAP",
        "LDAP_SERVER": {"url": ("ldap1.univ.fr", "ldap2.univ.fr:3269"), "port": 636, "use_ssl": True},
        "AUTH_LDAP_USER_SEARCH": ("ou=people,dc=univ,dc=fr", "(uid=%(uid)s)"),
        "USER_LDAP_MAPPING_ATTRIBUTES": {"uid": "uid", "primaryAffiliation": "eduPersonPrimaryAffiliation"},
    }
    found = read_providers(Reader(local, {}), "https://amphi.univ.fr")
    assert found.directory
    assert found.directory.urls == ("ldaps://ldap1.univ.fr:636", "ldaps://ldap2.univ.fr:3269")
    assert (found.passwords, found.cas_with_directory) == (None, True)
    assert [key for key, _ in found.buttons()] == ["cas"]
