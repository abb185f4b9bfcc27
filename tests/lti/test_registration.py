"""Registering a learning platform in the administration."""

from django.urls import reverse

from amphi.lti.models import Platform
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
