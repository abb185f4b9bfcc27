"""The login page with every system at once, in a real browser: each leads in, and the page is accessible."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from amphi.accounts.models import User
from amphi.signon.cas import CasServer
from amphi.signon.oidc import OpenIdProvider
from amphi.signon.providers import Providers
from amphi.signon.saml import SamlFederation
from tests import browser
from tests.accounts import slapd
from tests.accounts.cas_server import CasStandIn
from tests.accounts.saml_provider import IdentityProvider, make_pair
from tests.browser import Chromium
from tests.factories import make_user
from tests.wire import Request, answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browser.running() as one:
        yield one


def saml_page(idp: IdentityProvider, request: Request) -> bytes:
    """The identity provider's page, which posts its response to the platform when it is pressed."""
    posted = idp.answer(request.path + "?" + request.raw_query)
    consumer = idp.consumer
    fields = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in posted.items())
    page = f'<!doctype html><title>IdP</title><form method="post" action="{consumer}">{fields}<button>Log in</button></form>'
    return answer(page, content_type="text/html; charset=utf-8")


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
    cas = serve(CasStandIn("mcurie", sn=["Curie (CAS)"]))
    settings.SIGN_ON = Providers(
        cas=CasServer(f"{cas.url}/cas", "mon compte universitaire"),
        directory=request.getfixturevalue("directory"),
        oidc=OpenIdProvider(request.getfixturevalue("issuer"), "Mon université", "amphi", "secret"),
        saml=federation,
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


def by_account(page: Page) -> None:
    page.locator("details.login-local > summary").click()
    page.locator("#id_username").fill("marie")
    page.locator("#id_password").fill("password")
    page.locator("#id_password").press("Enter")


WAYS = {"cas": by_cas, "ldap": by_directory, "oidc": by_oidc, "saml": by_saml, "local": by_account}


def test_each_way_leads_in(live_server, chromium, everything):
    make_user("marie")

    def visit(context: BrowserContext) -> tuple[list[str], list[str]]:
        page = context.new_page()
        page.goto(f"{live_server.url}/accounts/login/?next=/meetings/")
        found = browser.faults(page)
        page.locator("details.login-local > summary").click()
        found += browser.faults(page)
        page.set_viewport_size({"width": 1280, "height": 800})
        came: list[str] = []
        for name, way in WAYS.items():
            leave(page, live_server.url)
            way(page)
            page.wait_for_url(re.compile(r"/meetings/$"))
            came.append(name)
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
    assert came == list(WAYS)
    # Four systems name one person, and none of them took over another's account.
    assert User.objects.filter(username__startswith="mcurie").count() == 4
