"""The login page with every system at once, in a real browser: each leads in, and the page is accessible."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from amphi.accounts.models import Identity, User
from amphi.mails.models import Mail
from amphi.signon.cas import CasServer
from amphi.signon.oidc import OpenIdProvider
from amphi.signon.providers import Providers
from amphi.signon.saml import SamlFederation
from amphi.signon.shibboleth import KEY_HEADER, ShibbolethProxy
from tests import browser
from tests.accounts import slapd
from tests.accounts.cas_server import CasStandIn
from tests.accounts.saml_provider import IdentityProvider, make_pair
from tests.factories import make_user
from tests.wire import Request, answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def saml_page(idp: IdentityProvider, request: Request) -> bytes:
    """The identity provider's page, which posts its response to the platform when it is pressed."""
    posted = idp.answer(request.path + "?" + request.raw_query)
    consumer = idp.consumer
    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in posted.items())
    page = f'<!doctype html><title>IdP</title><form method="post" action="{consumer}">{fields}<button>Log in</button></form>'
    return answer(page, content_type="text/html; charset=utf-8")


SHIBBOLETH = ShibbolethProxy(
    label="Shibboleth de mon établissement",
    key="k" * 40,
    login="/Shibboleth.sso/Login",
    logout="",
    user_header="Remote-User",
    names={"username": "Remote-User", "primary_affiliation": "Affiliation", "affiliations": "Affiliation"},
)


def stand_in_front(context: BrowserContext) -> None:
    """Do what a web server with mod_shib does before the platform: log in, then tell who that is on the guarded address."""
    told = {"Remote-User": "mcurie@univ.fr", "Affiliation": "student", KEY_HEADER: SHIBBOLETH.key}

    def log_in(route: Route) -> None:
        led = route.fetch(max_redirects=0).headers["location"]
        assert led.startswith(SHIBBOLETH.login)
        (target,) = parse_qs(urlsplit(led).query)["target"]
        route.fulfill(content_type="text/html", body=f'<!doctype html><a href="{target}">Log in</a>')

    def guard(route: Route) -> None:
        route.continue_(headers=route.request.headers | told)

    # A browser's tool sees no request that a redirection leads to, so the login answers where that would come from.
    context.route(re.compile(r"/sign-on/shibboleth/(\?|$)"), log_in)
    context.route(re.compile(r"/sign-on/shibboleth/back/"), guard)


@pytest.fixture
def everything(live_server, settings, serve, tmp_path, request) -> None:
    """All systems of a university, each set up."""
    settings.AMPHI_URL = url = live_server.url
    key_file, cert_file = make_pair(tmp_path, "amphi")
    pages = f"{url}/accounts/sign-on/saml"
    federation = SamlFederation(
        entity=f"{pages}/metadata/",
        consumer=f"{pages}/consume/",
        logout=f"{pages}/ended/",
        metadata=tmp_path / "idp.xml",
        label="mon établissement (fédération Éducation-Recherche)",
        key_file=key_file,
        cert_file=cert_file,
    )
    idp: IdentityProvider
    wire = serve(lambda request: saml_page(idp, request))
    idp = IdentityProvider(tmp_path, sso=f"{wire.url}/sso")
    federation.metadata.write_text(idp.metadata())
    idp.consumer = federation.consumer
    idp.learn(federation.described())
    cas = serve(CasStandIn("mcurie", sn=["Curie (CAS)"], eduPersonAffiliation=["student"]))
    settings.USE_MEETING_WEBINAR = True
    settings.MEETING_WEBINAR_AFFILIATION = ("faculty",)
    settings.SIGN_ON = Providers(
        cas=CasServer(f"{cas.url}/cas", "mon compte universitaire"),
        directory=request.getfixturevalue("directory"),
        oidc=OpenIdProvider(request.getfixturevalue("issuer"), "Mon université", "amphi", "secret"),
        saml=federation,
        shibboleth=SHIBBOLETH,
    )


def leave(page: Page, url: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{url}/accounts/login/?next=/meetings/")


def by_cas(page: Page) -> None:
    page.get_by_role("link", name="Mon compte universitaire").click()


def by_directory(page: Page) -> None:
    page.get_by_label("Nom d’utilisateur").first.fill("mcurie")
    page.locator("#directory_password").fill(slapd.PASSWORD)
    page.locator("#directory_password").press("Enter")


def by_oidc(page: Page) -> None:
    page.get_by_role("link", name="Mon université").click()
    page.locator("input[name=sub]").fill("4711")
    page.locator("input[name=sub]").press("Enter")


def by_saml(page: Page) -> None:
    page.get_by_role("link", name="fédération").click()
    page.get_by_role("button", name="Log in").click()


def by_shibboleth(page: Page) -> None:
    page.get_by_role("link", name="Shibboleth").click()
    page.get_by_role("link", name="Log in").click()


def by_account(page: Page) -> None:
    page.locator("details.login-local > summary").click()
    page.locator("#id_username").fill("marie")
    page.locator("#id_password").fill("password")
    page.locator("#id_password").press("Enter")


WAYS = {
    "cas": by_cas,
    "ldap": by_directory,
    "oidc": by_oidc,
    "saml": by_saml,
    "shibboleth": by_shibboleth,
    "local": by_account,
}
ADDED = {"cas": by_cas, "ldap": by_directory, "oidc": by_oidc, "saml": by_saml}
"""The ways that somebody adds to a local account in this test, the last of which they then use."""
MAKES_WEBINARS = {"ldap", "oidc", "saml"}
"""The systems that call this person faculty. CAS and Shibboleth call them a student; the account has what it was made with."""


def test_each_way_leads_in(live_server, chromium, everything):
    make_user("marie")

    def visit(context: BrowserContext) -> tuple[list[str], dict[str, bool]]:
        stand_in_front(context)
        page = context.new_page()
        page.goto(f"{live_server.url}/accounts/login/?next=/meetings/")
        # Opened, it shows all that it shows closed.
        page.locator("details.login-local > summary").click()
        found = browser.faults(page)
        page.set_viewport_size({"width": 1280, "height": 800})
        came: dict[str, bool] = {}
        for name, way in WAYS.items():
            leave(page, live_server.url)
            way(page)
            page.wait_for_url(re.compile(r"/meetings/$"))
            came[name] = page.get_by_role("link", name="Programmer un webinaire").count() > 0
        page.locator("summary.site-user").click()
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url(live_server.url + "/")
        leave(page, live_server.url)
        by_cas(page)
        page.wait_for_url(re.compile(r"/meetings/$"))
        page.locator("summary.site-user").click()
        page.get_by_role("button", name="Se déconnecter").click()
        page.wait_for_url(re.compile("/cas/logout"))
        page.goto(f"{live_server.url}/accounts/sign-on/cas/back/?ticket=ST-9-x&state=x")
        page.get_by_text("Connectez-vous de nouveau").wait_for()
        found += browser.faults(page)
        return found, came

    found, came = chromium.run(visit, locale="fr-FR")
    assert found == []
    assert came == {name: name in MAKES_WEBINARS for name in WAYS}
    # Five systems name one person, and none of them took over another's account.
    assert User.objects.filter(username__startswith="mcurie").count() == 5


def add_ways(page: Page, url: str, found: list[str]) -> None:
    """Log in by a local account, add every other way to it, log in by each, and remove one."""
    ways, yes, no = f"{url}/accounts/ways/", "Oui, l’ajouter", "Annuler"
    leave(page, url)
    page.locator("details.login-local > summary").click()
    page.locator("#id_username").fill("pierre")
    page.locator("#id_password").fill("password")
    page.locator("#id_password").press("Enter")
    page.wait_for_url(re.compile(r"/meetings/$"))
    page.locator("summary.site-user").click()
    page.get_by_role("link", name="Moyens de connexion").click()
    found += browser.faults(page)
    by_shibboleth(page)
    page.get_by_text("appartient déjà à un autre compte").wait_for()
    by_cas(page)
    page.get_by_text("Est-ce bien vous").wait_for()
    found += browser.faults(page)
    page.get_by_role("link", name=no).click()
    page.wait_for_url(ways)
    for number, (name, way) in enumerate(ADDED.items(), 1):
        way(page)
        page.get_by_role("button", name=yes).click()
        page.get_by_text("Désormais, vous vous connectez aussi").wait_for()
        assert page.get_by_role("button", name="Retirer").count() == number, name
    found += browser.faults(page)
    for name, way in ADDED.items():
        leave(page, url)
        way(page)
        page.wait_for_url(re.compile(r"/meetings/$"))
        page.goto(ways)
        assert page.locator(".dropdown-header").text_content() == "pierre", name
    page.get_by_role("button", name="Retirer – Mon université").click()
    page.get_by_text("Moyen de connexion retiré").wait_for()
    assert page.get_by_role("button", name="Retirer").count() == len(ADDED) - 2


def test_ways_are_added_to_one_account(live_server, chromium, everything):
    make_user("pierre", email="pierre@univ.fr")
    theirs = make_user("marie")
    Identity.objects.create(user=theirs, provider="shibboleth", subject="mcurie@univ.fr")

    def visit(context: BrowserContext) -> list[str]:
        stand_in_front(context)
        page, found = context.new_page(), list[str]()
        add_ways(page, live_server.url, found)
        return found

    assert chromium.run(visit, locale="fr-FR") == []
    assert User.objects.count() == 2
    # The last goes to the address that the directory told meanwhile.
    assert Mail.objects.count() == len(ADDED) + 1
