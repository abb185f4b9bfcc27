"""A browser in a course of a learning platform."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.test import Client

from amphi.lti.models import Launch, Platform
from tests.lti.platform import CLIENT, DEPLOYMENT, Moodle


def register(moodle: Moodle) -> Platform:
    return Platform.objects.create(
        name="Moodle",
        issuer=moodle.issuer,
        client_id=CLIENT,
        deployments=[DEPLOYMENT],
        auth_url=f"{moodle.issuer}/mod/lti/auth.php",
        token_url=f"{moodle.server.url}/mod/lti/token.php",
        jwks_url=f"{moodle.server.url}/mod/lti/certs.php",
    )


class Visitor:
    """A browser that keeps its cookies."""

    def __init__(self, moodle: Moodle) -> None:
        self.moodle = moodle
        self.client = Client(enforce_csrf_checks=True, SERVER_NAME="testserver")

    def begin(self, user: str = "4") -> dict[str, str]:
        """The platform calls, and the browser is led to its authentication: the request that it brings there."""
        led = self.client.post("/lti/login", self.moodle.call(user=user), secure=True)
        if "amphi_lti" not in self.client.cookies:
            self.take_cookie(led)
        if led["Location"].startswith("/"):
            led = self.client.get(led["Location"], secure=True)
        assert led["Location"].startswith(f"{self.moodle.issuer}/mod/lti/auth.php?")
        return self.moodle.authentication(led["Location"])

    def take_cookie(self, response: HttpResponse) -> None:
        name, _, value = response["Set-Cookie"].partition(";")[0].partition("=")
        self.client.cookies[name] = value

    def bring(self, asked: dict[str, str], claims: dict[str, Any], **more: Any) -> HttpResponse:
        """Post a message, signed as it should be unless said otherwise."""
        state = more.pop("state", asked["state"])
        token = self.moodle.signed(claims, **more)
        return self.client.post("/lti/launch", {"id_token": token, "state": state}, secure=True)

    def launch(self, user: str = "4", **more: Any) -> Launch:
        """Come from the course; the launch."""
        asked = self.begin(user)
        return launch_at(self.bring(asked, self.moodle.message(asked, **more)))

    def deep_link(self, user: str = "4", **more: Any) -> Launch:
        asked = self.begin(user)
        return launch_at(self.bring(asked, self.moodle.deep_linking(asked, **more)))

    def get(self, path: str, **more: Any) -> HttpResponse:
        return self.client.get(path, secure=True, **more)

    def submit(self, path: str, data: dict[str, Any]) -> HttpResponse:
        """Post a form of the page `path`, with the token that stands in it."""
        token = re.search('name="token" value="([0-9a-f]+)"', self.get(path).content.decode())
        assert token
        return self.client.post(path, {"token": token[1], **data}, secure=True)


def launch_at(response: HttpResponse) -> Launch:
    assert response.status_code == 302, response.content.decode()
    return Launch.objects.get(pk=urlsplit(response["Location"]).path.split("/")[2])
