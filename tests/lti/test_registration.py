"""Registering a learning platform in the administration."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.lti import registering
from amphi.lti.models import Invitation, Platform
from tests.factories import make_user

ADD = "admin:lti_platform_add"
GIVEN = {
    "name": "Moodle",
    "issuer": " https://moodle.univ.fr ",
    "client_id": "aTiGjBdLCfNgqZe",
    "deployments": "3\n\n 4 \n3",
    "auth_url": "https://moodle.univ.fr/mod/lti/auth.php",
    "token_url": "https://moodle.univ.fr/mod/lti/token.php",
    "jwks_url": "https://moodle.univ.fr/mod/lti/certs.php",
    "is_active": "on",
}


def test_administrator_registers_a_platform(client, db, settings):
    settings.AMPHI_URL = "https://amphi.univ.fr"
    client.force_login(make_user(is_superuser=True, is_staff=True))
    page = client.get(reverse(ADD)).content.decode()
    for path in ("launch", "login", "keys"):
        assert f"<code>https://amphi.univ.fr/lti/{path}</code>" in page
    assert client.post(reverse(ADD), GIVEN | {"deployments": " "}).status_code == 200
    assert client.post(reverse(ADD), GIVEN).status_code == 302
    platform = Platform.objects.get()
    assert (platform.issuer, platform.deployments) == ("https://moodle.univ.fr", ["3", "4"])
    change = client.get(reverse("admin:lti_platform_change", args=[platform.pk])).content.decode()
    assert "3\n4</textarea>" in change.replace("\r", "")
    assert client.post(reverse(ADD), GIVEN).status_code == 200
    assert Platform.objects.count() == 1


def test_own_key_is_made_once_and_kept_secret(client, db):
    (key,) = client.get("/lti/keys").json()["keys"]
    assert set(key) == {"kty", "alg", "use", "kid", "n", "e"}
    assert client.get("/lti/keys").json()["keys"] == [key]
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM lti_toolkey")
        assert "PRIVATE KEY" not in cursor.fetchone()[0]


# --- dynamic registration


@pytest.fixture
def invitation(moodle) -> Invitation:
    return Invitation.objects.create(name="Moodle de l’UFR", site=moodle.issuer)


def link_of(invitation: Invitation) -> str:
    return reverse("lti:register", args=[registering.key_of(invitation)])


def asked(moodle) -> dict[str, str]:
    return {
        "openid_configuration": f"{moodle.issuer}/mod/lti/openid-configuration.php",
        "registration_token": "registration-token",
    }


def test_platform_that_was_invited_registers_itself_once(client, moodle, settings):
    client.force_login(make_user(is_superuser=True, is_staff=True))
    given = {"name": "Moodle", "site": f"{moodle.issuer}/some/page"}
    assert client.post(reverse("admin:lti_invitation_add"), given).status_code == 302
    invitation = Invitation.objects.get()
    assert invitation.site == moodle.issuer
    change = reverse("admin:lti_invitation_change", args=[invitation.pk])
    link = re.search(
        "<code>https://testserver(/lti/register/[^<]+)</code>", client.get(change).content.decode()
    )[1]
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(link, asked(moodle))
    assert f"frame-ancestors 'self' {moodle.issuer};" in page["Content-Security-Policy"]
    assert not Platform.objects.filter(client_id="newclient").exists()
    assert "Amphi est inscrit" in browser.post(link, asked(moodle)).content.decode()
    platform = Platform.objects.get(client_id="newclient")
    assert (platform.issuer, platform.deployments) == (moodle.issuer, ["12"])
    assert platform.auth_url == f"{moodle.issuer}/mod/lti/auth.php"
    assert browser.post(link, asked(moodle)).status_code == 403
    assert (
        "<code>" not in client.get(change).content.decode().partition("field-link")[2].partition("</div>")[0]
    )


@pytest.mark.parametrize(
    "lies",
    [
        {"issuer": "https://evil.example.org"},
        {"registration_endpoint": "https://evil.example.org/register"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_platform_that_tells_of_another_site_is_refused(client, moodle, invitation, lies):
    moodle.lies = lies
    assert client.post(link_of(invitation), asked(moodle)).status_code == 502
    assert Platform.objects.count() == 1
    # It may be mended, and tried again.
    moodle.lies = {}
    assert client.post(link_of(invitation), asked(moodle)).status_code == 200


def test_description_elsewhere_is_not_asked_for(client, moodle, invitation):
    given = asked(moodle) | {"openid_configuration": "http://127.0.0.1:9/openid"}
    assert client.post(link_of(invitation), given).status_code == 502


def test_invitation_ends(client, moodle, invitation):
    link = link_of(invitation)
    assert client.get(f"{link}x").status_code == 403
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert client.get(link, asked(moodle)).status_code == 403
    assert client.post(link, asked(moodle)).status_code == 403
