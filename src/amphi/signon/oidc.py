"""A client of OpenID Connect: code flow with PKCE (OpenID Connect Core 1.0, Discovery 1.0, RP-Initiated and Back-Channel Logout 1.0)."""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from amphi.signon.exceptions import RefusedError, UnreachableError
from amphi.signon.person import LONGEST_VALUE, Person, person_of
from amphi.system import outbound

TIMEOUT_S = 8.0
KEPT_S = 3600
"""How long the provider's description and keys are believed, in seconds."""
KEYS_AGAIN_S = 30
"""Keys are fetched again sooner when a token names an unknown one, but not more often than this."""
LEEWAY_S = 60
"""How far clocks may differ."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_TOKEN = 64 * 1024
HTTP_OK = 200


@dataclass(slots=True)
class _Known:
    """What is remembered of a provider."""

    description: dict[str, Any] = field(default_factory=dict)
    described_at: float = float("-inf")
    keys: list[jwt.PyJWK] = field(default_factory=list)
    keys_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """An OpenID provider, at which this platform is registered.

    Attributes:
        issuer: its address, to the letter, under which it describes itself.
        label: what its button says.
        client_id: what it calls this platform.
        client_secret: the platform's secret there.
        scopes: what is asked of it.
        algorithm: how it signs tokens; none with a secret that both know.
        names: the claim of each field of a person, where it is not the usual one.
        default_affiliation: of people of whom it tells none.
        default_groups: codes of groups that all its people get.
        ca_file: certificates to trust instead of the system's.
    """

    issuer: str
    label: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str = "openid profile email"
    algorithm: str = "RS256"
    names: Mapping[str, str] = field(default_factory=dict)
    default_affiliation: str = ""
    default_groups: tuple[str, ...] = ()
    ca_file: str = ""
    known: _Known = field(default_factory=_Known, repr=False, compare=False)

    @property
    def provider(self) -> str:
        """The name of this provider in identities."""
        return f"oidc {self.issuer}"

    def login_url(self, *, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to log in, and comes back to `back` with a code.

        Raises:
            UnreachableError: the provider does not describe itself.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": back,
            "scope": self.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return _with_query(self._address("authorization_endpoint"), query)

    def logout_url(self, back: str, id_token: str) -> str:
        """Where the browser goes to log out there too; empty when the provider has no such page.

        Raises:
            UnreachableError: the provider does not describe itself.
        """
        page = self._description().get("end_session_endpoint")
        if not isinstance(page, str) or not page.startswith(("https://", "http://")):
            return ""
        query = {"client_id": self.client_id, "post_logout_redirect_uri": back, "id_token_hint": id_token}
        return _with_query(page, query)

    def person(self, *, code: str, back: str, nonce: str, verifier: str) -> tuple[Person, str]:
        """Exchange a code for the person who has it, and the ID token. The provider takes each code once.

        Args:
            code: what the browser brought.
            back: the address that it was sent back to.
            nonce: what the browser's request named; the token must name it too.
            verifier: the secret whose digest the browser's request had.

        Raises:
            RefusedError: the code or the token proves nothing.
            UnreachableError: the provider can't be asked, or answers nonsense.
        """
        if not code:
            raise RefusedError("there is no code")
        tokens = self._exchange(code, back, verifier)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise UnreachableError("the provider gives no ID token")
        claims = self._claims(id_token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise RefusedError("the ID token is for another login")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_VALUE:
            raise RefusedError("the ID token names nobody")
        if claims.get("azp", self.client_id) != self.client_id:
            raise RefusedError("the ID token is for another client")
        told = {**claims, **self._more(str(tokens.get("access_token", "")), subject)}
        return self._person(subject, told, str(claims.get("sid", ""))), id_token

    def ended(self, logout_token: str) -> tuple[str, str]:
        """The session and the subject that a back-channel logout token ends; one of them may be empty.

        Raises:
            RefusedError: it is no such token of this provider.
            UnreachableError: the provider's keys can't be fetched.
        """
        claims = self._claims(logout_token)
        events = claims.get("events")
        if not isinstance(events, dict) or LOGOUT_EVENT not in events or "nonce" in claims:
            raise RefusedError("it is no logout token")
        session, subject = claims.get("sid", ""), claims.get("sub", "")
        if not isinstance(session, str) or not isinstance(subject, str) or not (session or subject):
            raise RefusedError("the logout token names no session")
        return session, subject

    def check(self) -> None:
        """Read what the provider tells of itself, and its keys.

        Raises:
            UnreachableError: it tells nothing, or is another.
        """
        self._address("authorization_endpoint")
        self._address("token_endpoint")
        self._read_keys()

    # --- what the provider says

    def _call(self, method: str, url: str, headers: Mapping[str, str] | None = None, form: str = "") -> Any:
        caller = outbound.Caller(timeout_s=TIMEOUT_S, ca_file=self.ca_file or None)
        try:
            answer = caller.call(method, url, headers=headers, content=form.encode() if form else None)
        except outbound.OutboundError as error:
            raise UnreachableError(f"the provider can't be asked: {error}") from error
        finally:
            caller.close()
        if answer.status == 400 and form:  # noqa: PLR2004 -- RFC 6749, section 5.2
            raise RefusedError("the provider refuses the code")
        if answer.status != HTTP_OK:
            raise UnreachableError(f"the provider answers with HTTP status {answer.status}")
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            # A provider may sign what it tells of a person; what it signed in the ID token is enough then.
            return {}
        return found

    def _description(self) -> dict[str, Any]:
        with self.known.lock:
            if time.monotonic() - self.known.described_at > KEPT_S:
                found = self._call("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if not isinstance(found, dict) or found.get("issuer") != self.issuer:
                    raise UnreachableError("it describes itself under another issuer, or not at all")
                self.known.description, self.known.described_at = found, time.monotonic()
            return self.known.description

    def _address(self, name: str) -> str:
        value = self._description().get(name)
        if not isinstance(value, str) or not value.startswith(("https://", "http://")):
            raise UnreachableError(f"it tells no {name}")
        return value

    def _read_keys(self) -> list[jwt.PyJWK]:
        found = self._call("GET", self._address("jwks_uri"))
        try:
            keys = jwt.PyJWKSet.from_dict(found).keys
        except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
            raise UnreachableError("it publishes no keys") from None
        with self.known.lock:
            self.known.keys, self.known.keys_at = keys, time.monotonic()
        return keys

    def _key_of(self, token: str) -> jwt.PyJWK:
        try:
            head = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, RecursionError):
            raise RefusedError("it is no token") from None
        age_s = time.monotonic() - self.known.keys_at
        keys = self.known.keys if age_s < KEPT_S else self._read_keys()
        key = _named(keys, head.get("kid"))
        if key is None and age_s > KEYS_AGAIN_S:
            key = _named(self._read_keys(), head.get("kid"))
        if key is None:
            raise RefusedError("the token is signed by an unknown key")
        return key

    def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that the provider signed for this platform, and that is not too old."""
        if len(token) > LONGEST_TOKEN:
            raise RefusedError("the token is too long")
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[self.algorithm],
                audience=self.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_S,
                options={"require": ["iss", "aud", "iat", "exp"]},
            )
        except (jwt.PyJWTError, RecursionError) as error:
            raise RefusedError(f"the token is refused: {type(error).__name__}") from None
        if time.time() - claims["iat"] > KEPT_S:
            raise RefusedError("the token is old")
        return claims

    def _exchange(self, code: str, back: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        ways = self._description().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if isinstance(ways, list) and "client_secret_basic" not in ways and "client_secret_post" in ways:
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        else:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        found = self._call("POST", self._address("token_endpoint"), headers, urlencode(form))
        return found if isinstance(found, dict) else {}

    def _more(self, access_token: str, subject: str) -> dict[str, Any]:
        """What the provider tells besides the ID token."""
        if not access_token or "userinfo_endpoint" not in self._description():
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        found = self._call("GET", self._address("userinfo_endpoint"), headers)
        # OpenID Connect Core, section 5.3.2: what is told of another subject must not be used.
        return found if isinstance(found, dict) and found.get("sub") == subject else {}

    def _person(self, subject: str, claims: Mapping[str, Any], session: str) -> Person:
        told = {name: _texts(value) for name, value in claims.items()}
        if claims.get("email_verified") is False:
            told.pop("email", None)
        found = person_of(
            told, provider=self.provider, subject=subject, names=_CLAIMS | dict(self.names), session=session
        )
        affiliations = found.affiliations or ((self.default_affiliation,) if self.default_affiliation else ())
        return replace(
            found,
            primary_affiliation=found.primary_affiliation or self.default_affiliation,
            affiliations=affiliations,
            groups=(*found.groups, *self.default_groups),
        )


_CLAIMS = {
    "username": "preferred_username",
    "first_name": "given_name",
    "last_name": "family_name",
    "affiliations": "eduperson_affiliation",
    "primary_affiliation": "eduperson_primary_affiliation",
}


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _named(keys: list[jwt.PyJWK], kid: object) -> jwt.PyJWK | None:
    """The key of that name; a provider with one key need not name it."""
    signing = [key for key in keys if key.public_key_use in {None, "sig"}]
    if kid is None:
        return signing[0] if len(signing) == 1 else None
    return next((key for key in signing if key.key_id == kid), None)


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def new_secret() -> str:
    """A nonce, or the verifier of PKCE (RFC 7636)."""
    return secrets.token_urlsafe(32)
