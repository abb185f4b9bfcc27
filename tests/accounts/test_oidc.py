"""Signing on by OpenID Connect: against a provider that others wrote, and with tokens that it would never sign."""

import functools
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import reverse

from amphi.accounts.models import Identity, User
from amphi.signon.exceptions import RefusedError, UnreachableError
from amphi.signon.oidc import LOGOUT_EVENT, OpenIdProvider
from amphi.signon.providers import Providers
from tests.factories import make_user

BEGIN = "/accounts/sign-on/oidc/"


def provider_of(issuer: str) -> OpenIdProvider:
    return OpenIdProvider(
        issuer, "Mon université", "amphi", "s:e/c r", names={"affiliations": "eduperson_affiliation"}
    )


@pytest.fixture
def oidc(db, settings, issuer) -> OpenIdProvider:
    settings.AMPHI_URL = "http://testserver"
    settings.SIGN_ON = Providers(oidc=provider_of(issuer))
    return settings.SIGN_ON.oidc


def approve(url: str, subject: str = "4711") -> str:
    """Log in at the provider; returns where it leads the browser back to."""
    return httpx.post(url, data={"sub": subject}, trust_env=False).headers["Location"]


def log_in(client, page: str = ""):
    back = approve(client.get(BEGIN, {"next": page})["Location"])
    return client.get(back.removeprefix("http://testserver"))


def refused(client, answer) -> None:
    assert answer["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_login_lets_in_and_goes_on_to_the_page(oidc, client):
    assert log_in(client, "/meetings/add/")["Location"] == "/meetings/add/"
    user = User.objects.get(username="mcurie")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert (str(user), user.email, user.affiliations) == (
        "Marie Curie",
        "marie@univ.fr",
        ["member", "faculty"],
    )
    identity = user.identities.get()
    assert (identity.provider, identity.subject) == (f"oidc {oidc.issuer}", "4711")


def test_address_of_somebody_else_takes_over_nothing(oidc, client):
    theirs = make_user("mcurie", email="marie@univ.fr", is_superuser=True)
    log_in(client)
    assert client.session["_auth_user_id"] != str(theirs.pk)


@pytest.mark.parametrize("change", ["state=x", "code=x", "iss=https%3A%2F%2Fevil.example.org"])
def test_answer_that_proves_nothing_is_refused(oidc, client, change):
    back = approve(client.get(BEGIN)["Location"]).removeprefix("http://testserver")
    refused(client, client.get(f"{back}&{change}"))


def test_answer_that_is_brought_again_or_elsewhere_is_refused(oidc, client):
    back = approve(client.get(BEGIN)["Location"]).removeprefix("http://testserver")
    other = type(client)()
    refused(other, other.get(back))
    client.get(back)
    client.logout()
    refused(client, client.get(back))


def test_code_of_another_login_of_the_same_browser_is_refused(oidc, client):
    first, second = (approve(client.get(BEGIN)["Location"]) for _ in range(2))
    code = parse_qs(urlsplit(first).query)["code"][0]
    state = parse_qs(urlsplit(second).query)["state"][0]
    refused(client, client.get(f"{BEGIN}back/", {"code": code, "state": state}))


def test_logging_out_leads_on_to_the_provider(oidc, client):
    log_in(client)
    url = client.post(reverse("accounts:logout"))["Refresh"].removeprefix("0; url=")
    assert url.startswith(f"{oidc.issuer}/oauth2/end_session?")
    assert parse_qs(urlsplit(url).query)["post_logout_redirect_uri"] == ["http://testserver/"]
    assert client.get("/meetings/").status_code == 302


def test_provider_that_does_not_answer_is_told(db, client, settings):
    settings.SIGN_ON = Providers(oidc=provider_of("http://127.0.0.1:9"))
    answer = client.get(BEGIN, follow=True)
    assert "Mon université ne répond pas" in answer.content.decode()


def test_provider_of_another_name_is_none(issuer):
    with pytest.raises(UnreachableError, match="another issuer"):
        provider_of(f"{issuer}/").check()
    provider_of(issuer).check()


# --- tokens


ISSUER = "https://id.univ.fr"


@functools.cache
def private_key(of: str = "provider") -> rsa.RSAPrivateKey:
    """Made when it is first asked for: that takes longer than most tests."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def known() -> OpenIdProvider:
    """A provider whose keys are known already."""
    provider = provider_of(ISSUER)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key().public_key(), as_dict=True)
    provider.known.keys = [jwt.PyJWK({**public, "kid": "one", "alg": "RS256"})]
    provider.known.keys_at = time.monotonic()
    return provider


def token(key=None, algorithm: str = "RS256", kid: str | None = "one", **claims) -> str:
    now = int(time.time())
    good = {"iss": ISSUER, "aud": "amphi", "sub": "4711", "iat": now, "exp": now + 300, "sid": "s-1"}
    good["events"] = {LOGOUT_EVENT: {}}
    content = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(
        content,
        private_key() if key is None else key,
        algorithm=algorithm,
        headers={"kid": kid} if kid else None,
    )


BAD = {
    "signed by another key": lambda: token(private_key("another")),
    "not signed": lambda: token("", "none"),
    "signed by a secret": lambda: token(b"k" * 64, "HS256"),
    "by an unknown key": lambda: token(kid="two"),
    "of another issuer": lambda: token(iss="https://evil.example.org"),
    "for another client": lambda: token(aud="moodle"),
    "expired": lambda: token(exp=int(time.time()) - 120),
    "of tomorrow": lambda: token(iat=int(time.time()) + 86_400, exp=int(time.time()) + 90_000),
    "old": lambda: token(iat=int(time.time()) - 86_400),
    "without a time": lambda: token(iat=None),
    "without an end": lambda: token(exp=None),
    "an ID token": lambda: token(events=None),
    "with a nonce": lambda: token(nonce="x"),
    "of nobody": lambda: token(sub=None, sid=None),
    "no token": lambda: "a.b.c",
    "endless": lambda: "x" * 100_000,
}


@pytest.mark.parametrize("what", BAD)
def test_token_is_refused(known, what):
    with pytest.raises(RefusedError):
        known.ended(BAD[what]())


def test_provider_ends_the_session_it_began(oidc, known, client, settings):
    log_in(client)
    settings.SIGN_ON = Providers(oidc=known)
    Identity.objects.update(provider=known.provider)
    assert client.post(f"{BEGIN}logout/", {"logout_token": BAD["expired"]()}).status_code == 400
    assert client.post(f"{BEGIN}logout/", {"logout_token": token(sid="other")}).status_code == 200
    assert client.get("/meetings/").status_code == 200
    assert client.post(f"{BEGIN}logout/", {"logout_token": token(sid=None)}).status_code == 200
    assert client.get("/meetings/").status_code == 302
    assert User.objects.get().tickets_epoch == 1


@pytest.mark.parametrize(
    ("claims", "email", "affiliations"),
    [
        ({"email": "a@univ.fr"}, "a@univ.fr", ("student",)),
        ({"email": "a@univ.fr", "email_verified": False}, "", ("student",)),
        ({"eduperson_affiliation": "staff"}, "", ("staff",)),
        ({"eduperson_affiliation": [7, "staff"], "email": 7}, "", ("staff",)),
    ],
)
def test_claims(claims, email, affiliations):
    provider = OpenIdProvider(
        ISSUER, "x", "amphi", "s", default_affiliation="student", default_groups=("all",)
    )
    person = provider._person("4711", claims, "")
    assert (person.username, person.email, person.affiliations, person.groups) == (
        "4711",
        email,
        affiliations,
        ("all",),
    )
