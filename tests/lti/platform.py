"""A learning platform written after 1EdTech's specifications, with keys and all, over a socket.

What Moodle does where the specifications leave it open is read from its `mod/lti` (auth.php, locallib.php, contentitem_return.php,
service/memberships, service/gradebookservices), and said beside it.
"""

import html
import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.wire import Request, WireServer, answer

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
CLIENT, DEPLOYMENT, COURSE = "aTiGjBdLCfNgqZe", "3", "17"
TEACHER, STUDENT = "Instructor", "Learner"
KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


class Moodle:
    """A platform at which Amphi is registered.

    Attributes:
        issuer: what its tokens name; its pages are there.
        tool: the address of Amphi.
    """

    def __init__(self, serve: Callable[..., WireServer], tool: str, *, host: str = "127.0.0.1") -> None:
        self.server = serve(self._script)
        self.issuer, self.tool = self.server.url.replace("127.0.0.1", host), tool

    # --- pages

    def call(self, *, user: str = "4", hint: str = "17,3,42") -> dict[str, str]:
        """The call to log in (core 5.1.1.1). Moodle posts these, `lti_deployment_id` among them since 3.10."""
        return {
            "iss": self.issuer,
            "target_link_uri": f"{self.tool}/lti/launch",
            "login_hint": user,
            "lti_message_hint": hint,
            "client_id": CLIENT,
            "lti_deployment_id": DEPLOYMENT,
        }

    def authentication(self, url: str) -> dict[str, str]:
        """What an authentication request says; it has what core 5.1.1.2 demands, and what Moodle's auth.php refuses to be without."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["scope"] == "openid"
        assert asked["response_type"] == "id_token"
        assert asked["response_mode"] == "form_post"
        assert asked["prompt"] == "none"
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == f"{self.tool}/lti/launch"
        assert asked["nonce"]
        return asked

    def message(self, asked: dict[str, str], *, role: str = STUDENT, **changes: Any) -> dict[str, Any]:
        """The claims of a resource link launch (core 5.3 and 5.4), as Moodle's lti_sign_jwt makes them: good for a minute."""
        now = int(time.time())
        link = changes.pop("link", "42")
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": asked["login_hint"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 60,
            "given_name": "Zoé",
            "family_name": "Martin",
            "name": "Zoé Martin",
            "email": "zoe@univ.fr",
            CLAIM + "deployment_id": DEPLOYMENT,
            CLAIM + "version": "1.3.0",
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "target_link_uri": f"{self.tool}/lti/launch",
            # Moodle gives site administrators a role of the system too, which is none of the course (A.2).
            CLAIM + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/system/person#None", MEMBERSHIP + role],
            CLAIM + "context": {
                "id": COURSE,
                "label": "L3",
                "title": "Physique L3",
                "type": ["CourseSection"],
            },
            CLAIM + "resource_link": {"id": link, "title": "Le webinaire", "description": ""},
            CLAIM + "launch_presentation": {"locale": "fr", "document_target": "iframe"},
            CLAIM + "tool_platform": {"product_family_code": "moodle", "version": "2024100700"},
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def deep_linking(self, asked: dict[str, str], **changes: Any) -> dict[str, Any]:
        """The claims of a deep linking request (Deep Linking 2.0, 4.4), which Moodle makes for whoever may add activities."""
        settings = {
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["frame", "iframe", "window"],
            "accept_multiple": True,
            "auto_create": False,
            "deep_link_return_url": f"{self.issuer}/mod/lti/contentitem_return.php?course=17&id=3&sesskey=x",
            "data": "csrftoken:c7fbba78",
        }
        return self.message(
            asked,
            role=TEACHER,
            **{
                CLAIM + "message_type": "LtiDeepLinkingRequest",
                CLAIM + "resource_link": None,
                DEEP_LINKING + "deep_linking_settings": settings,
            }
            | changes,
        )

    @staticmethod
    def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str = "moodle") -> str:
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})

    def page(self, url: str, **more: Any) -> str:
        """The page that posts the message from the browser (core 5.1.1.3), as Moodle's auth.php ends."""
        asked = self.authentication(url)
        token = self.signed(self.message(asked, **more))
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in (("id_token", token), ("state", asked["state"]))
        )
        form = f'<form method="post" action="{asked["redirect_uri"]}" name="f">{fields}</form>'
        return f"<!doctype html>{form}<script>document.f.submit()</script>"

    def _course(self) -> str:
        """An activity that is shown inside its page, as Moodle's view.php writes it."""
        frame = 'width="900" height="600" title="Le webinaire" allow="fullscreen"'
        return f'<!doctype html><html lang="fr"><title>Cours</title><h1>Cours</h1><iframe src="launch.php" {frame}></iframe>'

    def _launching(self) -> str:
        """What is in that frame first: a form that posts itself, as Moodle's lti_initiate_login makes it."""
        fields = "".join(f'<input name="{name}" value="{value}">' for name, value in self.call().items())
        form = f'<form method="post" action="{self.tool}/lti/login" name="f">{fields}</form>'
        return f"<!doctype html>{form}<script>document.f.submit()</script>"

    # --- services

    def _script(self, request: Request) -> bytes:
        if request.path == "/mod/lti/certs.php":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            return answer({"keys": [{**public, "kid": "moodle", "alg": "RS256", "use": "sig"}]})
        pages = {
            "/mod/lti/view.php": self._course,
            "/mod/lti/launch.php": self._launching,
            "/mod/lti/auth.php": lambda: self.page(f"?{request.raw_query}"),
        }
        if request.path in pages:
            return answer(pages[request.path](), content_type="text/html; charset=utf-8")
        return answer("", "404 Not Found")


def some_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex
