"""A learning platform written after 1EdTech's specifications, with keys and all, over a socket.

What Moodle does where the specifications leave it open is read from its `mod/lti` (auth.php, locallib.php, contentitem_return.php,
service/memberships, service/gradebookservices), and said beside it.
"""

import functools
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
NAMES = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


@functools.cache
def private_key(of: str = "moodle") -> rsa.RSAPrivateKey:
    """The key of one of the parties. Made when it is first asked for: that takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Moodle:
    """A platform at which Amphi is registered.

    Attributes:
        issuer: what its tokens name; its pages are there.
        tool: the address of Amphi.

    Without `serve` it has no pages and no services, and signs messages all the same.
    """

    def __init__(
        self, serve: Callable[..., WireServer] | None, tool: str, *, host: str = "127.0.0.1", issuer: str = ""
    ) -> None:
        self.tool, self.issuer = tool, issuer
        if serve is not None:
            self.server = serve(self._script)
            self.issuer = self.server.url.replace("127.0.0.1", host)
        self.tool_keys: dict[str, Any] = {}
        self.members: list[dict[str, Any]] = []
        self.grades: dict[str, dict[str, Any]] = {}
        self.sent: list[dict[str, Any]] = []
        self.asks_for_content = False
        self.down = ""
        self.lies: dict[str, Any] = {}
        self._tokens: dict[str, str] = {}
        self._used: set[str] = set()

    # --- pages

    def call(self, *, user: str = "4") -> dict[str, str]:
        """The call to log in (core 5.1.1.1), as Moodle's lti_build_login_request makes it; older ones have a number for a hint. It counts once."""
        hint = '{"cmid":"42","launchid":"ltilaunch7_1804289383"}'
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
    def signed(
        claims: dict[str, Any], key: Any = private_key, algorithm: str = "RS256", kid: str = "moodle"
    ) -> str:
        signing = key() if callable(key) else key
        return jwt.encode(claims, signing, algorithm=algorithm, headers={"kid": kid})

    def page(self, url: str, **more: Any) -> str:
        """The page that posts the message from the browser (core 5.1.1.3), as Moodle's auth.php ends."""
        asked = self.authentication(url)
        token = self.signed(
            self.deep_linking(asked) if self.asks_for_content else self.message(asked, **more)
        )
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
        fields = "".join(
            f'<input name="{name}" value="{html.escape(value)}">' for name, value in self.call().items()
        )
        form = f'<form method="post" action="{self.tool}/lti/login" name="f">{fields}</form>'
        return f"<!doctype html>{form}<script>document.f.submit()</script>"

    # --- services

    def _script(self, request: Request) -> bytes:
        told = {"/mod/lti/certs.php": public_keys, "/mod/lti/openid-configuration.php": self.described}
        if request.path in told:
            return answer(told[request.path]())
        pages = {
            "/mod/lti/view.php": self._course,
            "/mod/lti/launch.php": self._launching,
            "/mod/lti/auth.php": lambda: self.page(f"?{request.raw_query}"),
        }
        if request.path in pages:
            return answer(pages[request.path](), content_type="text/html; charset=utf-8")
        if self.down:
            return answer("", self.down)
        asked = {"/mod/lti/token.php": self._token, "/mod/lti/openid-registration.php": self._register}
        return asked.get(request.path, self._service)(request)

    def described(self) -> dict[str, Any]:
        """Dynamic Registration 1.0, 3.4; the addresses of Moodle's openid-configuration.php."""
        base = f"{self.issuer}/mod/lti"
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{base}/token.php",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "jwks_uri": f"{base}/certs.php",
            "authorization_endpoint": f"{base}/auth.php",
            "registration_endpoint": f"{base}/openid-registration.php",
        } | self.lies

    def _register(self, request: Request) -> bytes:
        """Section 3.5, with what Moodle's registration_helper refuses to be without."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["authorization"] == "Bearer registration-token"
        given = request.json()
        assert "id_token" in given["response_types"]
        assert given["token_endpoint_auth_method"] == "private_key_jwt"
        assert given["initiate_login_uri"] == f"{self.tool}/lti/login"
        assert given["redirect_uris"] == [f"{self.tool}/lti/launch"]
        assert given["jwks_uri"] == f"{self.tool}/lti/keys"
        assert given["client_name"]
        tool = given["https://purl.imsglobal.org/spec/lti-tool-configuration"]
        assert tool["domain"] == urlsplit(self.tool).netloc
        assert tool["target_link_uri"] == f"{self.tool}/lti/launch"
        assert {one["type"] for one in tool["messages"]} == {
            "LtiDeepLinkingRequest",
            "LtiResourceLinkRequest",
        }
        answered = {**given, "client_id": "newclient"}
        answered["https://purl.imsglobal.org/spec/lti-tool-configuration"] = {**tool, "deployment_id": "12"}
        return answer(answered)

    def services(self, *, names: bool = True, column: bool = True) -> dict[str, Any]:
        """The claims of the services (NRPS 2.0, 3.6.1.1; AGS 2.0, 3.1.1), with addresses as Moodle makes them."""
        base = f"{self.server.url}/mod/lti/services.php"
        claims: dict[str, Any] = {}
        if names:
            claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"] = {
                "context_memberships_url": f"{base}/CourseSection/17/bindings/3/memberships",
                "service_versions": ["1.0", "2.0"],
            }
        if column:
            claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"] = {
                "scope": [SCORE, "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"],
                "lineitems": f"{base}/17/lineitems?type_id=3",
                "lineitem": f"{base}/17/lineitems/8/lineitem?type_id=3",
            }
        return claims

    def _token(self, request: Request) -> bytes:
        """Security Framework 1.0, 4.1.1: who asks is shown by a signed token, which counts once."""
        form = dict(parse_qsl(request.body.decode()))
        assert form["grant_type"] == "client_credentials"
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        keys = jwt.PyJWKSet.from_dict(self.tool_keys)
        key = keys[jwt.get_unverified_header(form["client_assertion"])["kid"]]
        claims = jwt.decode(
            form["client_assertion"],
            key,
            algorithms=["RS256"],
            issuer=CLIENT,
            audience=f"{self.server.url}/mod/lti/token.php",
            options={"require": ["exp", "iat", "jti", "sub"]},
        )
        assert claims["sub"] == CLIENT
        assert claims["jti"] not in self._used
        self._used.add(claims["jti"])
        token = some_id()
        self._tokens[token] = form["scope"]
        return answer(
            {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": form["scope"]}
        )

    def _service(self, request: Request) -> bytes:
        headers = {name.lower(): value for name, value in request.headers.items()}
        scope = self._tokens.get(headers.get("authorization", "").removeprefix("Bearer "), "")
        if request.path.endswith("/memberships") and scope == NAMES:
            return self._memberships(request, headers)
        if request.path == "/mod/lti/services.php/17/lineitems/8/lineitem/scores" and scope == SCORE:
            assert request.raw_query == "type_id=3"
            assert headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
            return self._score(request.json())
        return answer("", "404 Not Found")

    def _memberships(self, request: Request, headers: dict[str, str]) -> bytes:
        """NRPS 2.0, 2.4: two members a page, and a link to the next. Moodle names roles shortly, which A.2.3 of the core allows."""
        assert headers["accept"] == "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"
        start = int(request.query.get("from", "0"))
        page = {"id": request.path, "context": {"id": COURSE}, "members": self.members[start : start + 2]}
        more = {}
        if start + 2 < len(self.members):
            more["Link"] = f'<{self.server.url}{request.path}?from={start + 2}>; rel="next"'
        return answer(page, content_type=headers["accept"], **more)

    def _score(self, score: dict[str, Any]) -> bytes:
        """AGS 2.0, 3.4: a score that is not newer is refused, as Moodle's scores.php does, which refuses who is not in the course too."""
        self.sent.append(score)
        if score["userId"] not in {one["user_id"] for one in self.members}:
            return answer("", "400 Bad Request")
        known = self.grades.get(score["userId"])
        if known is not None and known["timestamp"] >= score["timestamp"]:
            return answer("", "409 Conflict")
        self.grades[score["userId"]] = score
        return answer("", "200 OK")


def public_keys() -> dict[str, Any]:
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private_key().public_key()))
    return {"keys": [{**public, "kid": "moodle", "alg": "RS256", "use": "sig"}]}


def some_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex
