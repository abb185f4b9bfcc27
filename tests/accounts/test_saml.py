"""Signing on by SAML 2, against pysaml2's identity provider: real signatures and encryption, by xmlsec1."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from django.urls import reverse
from saml2.assertion import Policy

from amphi.accounts.models import AccessGroup, User
from amphi.signon.exceptions import UnreachableError
from amphi.signon.providers import Providers
from amphi.signon.saml import SamlFederation
from tests.accounts.saml_provider import MARIE, IdentityProvider, make_pair
from tests.factories import make_user

pytestmark = pytest.mark.integration
PAGES = "/accounts/sign-on/saml"
SITE = "http://testserver"
OTHER = "https://other.univ.fr/"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("saml")


@pytest.fixture(scope="module")
def federation(folder) -> SamlFederation:
    key_file, cert_file = make_pair(folder, "amphi")
    return SamlFederation(
        entity=f"{SITE}{PAGES}/metadata/",
        consumer=f"{SITE}{PAGES}/consume/",
        logout=f"{SITE}{PAGES}/ended/",
        metadata=folder / "idp.xml",
        label="Fédération Éducation-Recherche",
        key_file=key_file,
        cert_file=cert_file,
    )


@pytest.fixture(scope="module")
def idp(folder, federation) -> IdentityProvider:
    made = IdentityProvider(folder)
    federation.metadata.write_text(made.metadata())
    made.learn(federation.described(), replace(federation, entity=OTHER).described())
    return made


@pytest.fixture
def saml(db, settings, idp, federation) -> SamlFederation:
    settings.AMPHI_URL = SITE
    settings.SIGN_ON = Providers(saml=federation)
    return federation


def begin(client, **query: str) -> str:
    return client.get(f"{PAGES}/", query)["Location"]


def consume(client, posted: dict[str, str]):
    """Post a response as browsers do from another site: without cookies; then go on as they do."""
    answer = type(client)().post(f"{PAGES}/consume/", posted)
    assert answer.status_code == 302
    return client.get(answer["Location"]) if "finish" in answer["Location"] else answer


def refused(client, answer) -> None:
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("how", ["signed response", "signed assertion", "encrypted"])
def test_login_lets_in_and_goes_on_to_the_page(saml, idp, client, how):
    AccessGroup.objects.create(code_name="physique", display_name="Physique")
    more = {
        "signed response": {},
        "signed assertion": {"sign_response": False, "sign_assertion": True},
        "encrypted": {"encrypt_assertion": True},
    }[how]
    answer = consume(client, idp.answer(begin(client, next="/meetings/add/"), **more))
    assert answer["Location"] == "/meetings/add/"
    user = User.objects.get(username="mcurie")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert (str(user), user.affiliations) == ("Marie Curie", ["faculty", "member"])
    assert [group.code_name for group in user.access_groups.all()] == ["physique"]
    identity = user.identities.get()
    assert (identity.provider, identity.subject) == (f"saml {idp.entity}", "mcurie@univ.fr")


def tampered(posted: dict[str, str], old: str, new: str) -> dict[str, str]:
    text = base64.b64decode(posted["SAMLResponse"]).decode()
    assert old in text
    return posted | {"SAMLResponse": base64.b64encode(text.replace(old, new).encode()).decode()}


@pytest.mark.parametrize(
    "what", ["another name", "no signature", "another attempt", "no response", "too late", "for another"]
)
def test_response_that_proves_nothing_is_refused(saml, idp, client, what):
    location = begin(client)
    posted = idp.answer(location)
    if what == "another name":
        posted = tampered(posted, "mcurie@univ.fr", "admin@univ.fr")
    elif what == "no signature":
        posted = idp.answer(location, sign_response=False)
    elif what == "another attempt":
        posted["RelayState"] = "x" * 32
    elif what == "no response":
        posted["SAMLResponse"] = "x"
    elif what == "too late":
        posted = idp.answer(location, release_policy=Policy({"default": {"lifetime": {"minutes": -10}}}))
    else:
        posted = idp.answer(location, sp_entity_id=OTHER)
    refused(client, consume(client, posted))


def test_unknown_provider_is_refused(saml, idp, client, folder):
    (other := folder / "other").mkdir(exist_ok=True)
    stranger = IdentityProvider(other)
    stranger.learn(saml.described())
    refused(client, consume(client, stranger.answer(begin(client))))


def test_response_used_again_or_elsewhere_is_refused(saml, idp, client):
    posted = idp.answer(begin(client))
    other = type(client)()
    refused(other, consume(other, posted))
    consume(client, posted)
    assert "_auth_user_id" in client.session
    client.logout()
    refused(client, consume(client, posted))


def test_address_of_somebody_else_takes_over_nothing(saml, idp, client):
    theirs = make_user("mcurie", email="marie@univ.fr", is_superuser=True)
    consume(client, idp.answer(begin(client)))
    assert client.session["_auth_user_id"] != str(theirs.pk)


def test_people_of_other_institutions_have_no_rights_here(saml, idp, client, settings):
    settings.SIGN_ON = Providers(saml=replace(saml, home=("https://idp.elsewhere.fr/",)))
    settings.CREATE_GROUP_FROM_GROUPS = True
    consume(client, idp.answer(begin(client)))
    user = User.objects.get(username="mcurie")
    assert (user.last_name, user.affiliation, user.affiliations) == ("Curie", "", [])
    assert not user.access_groups.exists()


def test_person_without_the_identifier_is_refused(saml, idp, client):
    told = {name: values for name, values in MARIE.items() if name != "eduPersonPrincipalName"}
    refused(client, consume(client, idp.answer(begin(client), told)))


def test_institution_is_chosen_at_the_discovery_service(saml, idp, client, settings):
    settings.SIGN_ON = Providers(saml=replace(saml, discovery="https://discovery.renater.fr/renater"))
    location = begin(client, next="/meetings/add/")
    assert location.startswith("https://discovery.renater.fr/renater?entityID=http%3A%2F%2Ftestserver")
    back = {"entityID": idp.entity, "next": "/meetings/add/"}
    assert consume(client, idp.answer(begin(client, **back)))["Location"] == "/meetings/add/"
    refused(type(client)(), client.get(f"{PAGES}/", {"entityID": "https://evil.example.org/"}))


def test_provider_ends_the_session_it_began(saml, idp, client):
    consume(client, idp.answer(begin(client)))
    text = client.session["sign_on_proof"]
    session = text.partition("\n")[0]
    for location, status in (
        (idp.logout_location(saml.logout, session, sign=False), 400),
        (idp.logout_location(saml.logout, "other"), 302),
    ):
        assert client.get(location.removeprefix(SITE)).status_code == status
        assert client.get("/meetings/").status_code == 200
    answer = client.get(idp.logout_location(saml.logout, session).removeprefix(SITE))
    assert answer["Location"].startswith("https://idp.univ.fr/slo?SAMLResponse=")
    assert client.get("/meetings/").status_code == 302
    assert User.objects.get().tickets_epoch == 1


def test_request_without_a_session_ends_all_of_the_person(saml, idp, client):
    browsers = [client, type(client)()]
    for browser in browsers:
        consume(browser, idp.answer(begin(browser)))
    for name, status in (("p-other", 200), ("p-4711", 302)):
        assert (
            client.get(idp.logout_location(saml.logout, "", name=name).removeprefix(SITE)).status_code == 302
        )
        assert [browser.get("/meetings/").status_code for browser in browsers] == [status] * 2


def test_logging_out_leads_on_to_the_provider(saml, idp, client):
    consume(client, idp.answer(begin(client)))
    answer = client.post(reverse("accounts:logout"))
    assert answer["Refresh"].startswith("0; url=https://idp.univ.fr/slo?SAMLRequest=")
    assert client.get("/meetings/").status_code == 302
    assert client.get(f"{PAGES}/ended/", {"SAMLResponse": "x"})["Location"] == "/"


def test_metadata_names_what_the_federation_registers(saml, client):
    page = client.get(f"{PAGES}/metadata/").content.decode()
    assert f'entityID="{saml.entity}"' in page
    assert re.search(rf'AssertionConsumerService[^>]*Location="{saml.consumer}"', page)
    assert re.search(r'KeyDescriptor use="encryption"', page)


def test_files_that_are_not_there_are_told(saml, client, settings, folder):
    assert saml.check() == 1
    for change in ({"metadata": folder / "none"}, {"key_file": folder / "none"}):
        with pytest.raises(UnreachableError, match="there is no file"):
            replace(saml, **change).check()
    settings.SIGN_ON = Providers(saml=replace(saml, metadata=folder / "none"))
    assert "ne répond pas" in client.get(f"{PAGES}/", follow=True).content.decode()


def test_metadata_counts_where_its_signature_is_right(idp, federation, folder):
    file, cert_file = folder / "signed.xml", str(folder / "idp.univ.fr.crt")
    signed = idp.signed_metadata()
    file.write_text(signed)
    assert replace(federation, metadata=file, metadata_cert=cert_file).check() == 1
    for text, cert in (
        (signed, str(federation.cert_file)),
        (signed.replace("https://idp.univ.fr/sso", "https://evil.example.org/sso"), cert_file),
        (idp.metadata(), cert_file),
        ("<x", cert_file),
    ):
        file.write_text(text)
        with pytest.raises(UnreachableError):
            replace(federation, metadata=file, metadata_cert=cert).check()
