"""A service provider of SAML 2, by pysaml2: one identity provider of a university, or those of a federation."""

import functools
import hashlib
import hmac
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from defusedxml.ElementTree import fromstring
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SAMLError
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.population import Population
from saml2.s_utils import SamlException
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT, name_id_from_string
from saml2.sigver import CryptoBackendXmlSec1, SigverError
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from amphi.signon.exceptions import RefusedError, UnreachableError
from amphi.signon.person import LONGEST_VALUE, Person, person_of

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
LEEWAY_S = 60
"""How far clocks may differ."""
READ_AGAIN_S = 3600
LARGEST_RESPONSE_BYTES = 512 * 1024
LONGEST_ENTITY = 290
NAME_ID = "NameID"
"""The setting's word for the persistent name identifier, where people are known by it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a logout request ends.

    Attributes:
        provider: of whom.
        sessions: the provider's names of them.
        name: the person's name there, all of whose sessions end; empty where `sessions` says which.
        answer: where the browser goes on to with the answer.
    """

    provider: str
    sessions: list[str]
    name: str
    answer: str


def names(name_id: str, name: str) -> bool:
    """Whether `name_id`, as `SamlFederation.person` gave it, is that name."""
    found = name_id_from_string(name_id) if name_id else None
    return found is not None and (found.text or "").strip() == name


@dataclass(frozen=True, slots=True)
class SamlFederation:
    """The identity providers that are trusted, and this platform among them.

    Attributes:
        entity: this platform's name, the address of its metadata.
        consumer: the address that responses are posted to.
        logout: the address of single logout.
        metadata: the file that describes the identity providers.
        label: what its button says.
        key_file: this platform's key, PEM.
        cert_file: its certificate, PEM.
        metadata_cert: the certificate that signs `metadata`; empty believes the file as it is.
        discovery: the page where people choose their institution; empty where there is one identity provider.
        home: identity providers whose affiliations and groups count; empty where there is only one.
        subject: the attribute that is never given to somebody else, or `NAME_ID`.
        names: the attribute of each field of a person, where it is not the usual one.
    """

    entity: str
    consumer: str
    logout: str
    metadata: Path
    label: str
    key_file: Path
    cert_file: Path
    metadata_cert: str = ""
    discovery: str = ""
    home: tuple[str, ...] = ()
    subject: str = "eduPersonPrincipalName"
    names: Mapping[str, str] = field(default_factory=dict, hash=False)

    def provider_name(self, entity: str) -> str:
        """The name of an identity provider in identities."""
        return f"saml {entity}"

    def identity_providers(self) -> list[str]:
        """The identity providers of the metadata.

        Raises:
            UnreachableError: the metadata can't be read, is too old, or its signature is wrong.
        """
        return list(self._client().metadata.identity_providers())

    def discovery_url(self, back: str) -> str:
        """Where people choose their institution, and come back to `back` with its ``entityID``."""
        return f"{self.discovery}{'&' if '?' in self.discovery else '?'}" + urlencode(
            {"entityID": self.entity, "return": back, "returnIDParam": "entityID"}
        )

    def login_url(self, entity: str, state: str, key: bytes) -> str:
        """Where the browser goes to log in at an identity provider.

        Args:
            entity: one of `identity_providers`.
            state: the name of the attempt, which the response brings back.
            key: derives from `state` what the response must answer to.

        Raises:
            UnreachableError: the metadata has no such identity provider.
        """
        client = self._client()
        if entity not in client.metadata.identity_providers():
            raise UnreachableError("the metadata has no such identity provider")
        try:
            _, info = client.prepare_for_authenticate(
                entityid=entity,
                relay_state=state,
                binding=BINDING_HTTP_REDIRECT,
                response_binding=BINDING_HTTP_POST,
                message_id=_request_id(state, key),
                sign=True,
                sigalg=SIG_RSA_SHA256,
            )
        except (SAMLError, SamlException) as error:
            raise UnreachableError(f"no request can be made: {type(error).__name__}") from error
        return str(dict(info["headers"])["Location"])

    def person(self, response: str, state: str, key: bytes) -> tuple[Person, str]:
        """The person whom a response names, and the name identifier by which they log out.

        Args:
            response: as the browser posted it.
            state: as it came with it.
            key: see `login_url`.

        Raises:
            RefusedError: it proves nothing.
            UnreachableError: the metadata can't be read.
        """
        if not response or len(response) > LARGEST_RESPONSE_BYTES:
            raise RefusedError("there is no response")
        client = self._client()
        # What pysaml2 remembers of people stays in its process for ever: each response begins with nothing.
        client.users = Population(None)
        try:
            parsed = client.parse_authn_request_response(
                response, BINDING_HTTP_POST, outstanding={_request_id(state, key): state}
            )
        except Exception as error:
            raise RefusedError(f"the response is refused: {type(error).__name__}") from error
        if parsed is None or parsed.assertion is None:
            raise RefusedError("the response has no assertion")
        return self._person(parsed)

    def _person(self, parsed: Any) -> tuple[Person, str]:
        info = parsed.session_info()
        entity, name_id = str(info["issuer"]), info["name_id"]
        told: dict[str, list[str]] = {
            name: [str(value) for value in values if isinstance(value, str)]
            for name, values in info["ava"].items()
        }
        subject = next(iter(told.get(self.subject, ())), "")
        if self.subject == NAME_ID and name_id is not None and name_id.format == NAMEID_FORMAT_PERSISTENT:
            subject = (name_id.text or "").strip()
        if not 0 < len(subject) <= LONGEST_VALUE or len(entity) > LONGEST_ENTITY:
            raise RefusedError(f"{entity} tells no {self.subject}")
        person = person_of(
            told if self._is_home(entity) else {name: told[name] for name in told.keys() & _EVERYWHERE},
            provider=self.provider_name(entity),
            subject=subject,
            names=self.names,
            session=str(info.get("session_index") or ""),
        )
        return person, str(name_id) if name_id is not None else ""

    def _is_home(self, entity: str) -> bool:
        """Whether what an identity provider tells of affiliations and groups counts here."""
        return entity in self.home if self.home else self.identity_providers() == [entity]

    # --- single logout

    def logout_url(self, provider: str, name_id: str, session: str) -> str:
        """Where the browser goes to log out of an identity provider too; empty when that is not possible."""
        client, entity = self._client(), provider.removeprefix("saml ")
        try:
            pages = client.metadata.single_logout_service(entity, BINDING_HTTP_REDIRECT, "idpsso")
            destination = pages[0]["location"]
            _, request = client.create_logout_request(
                destination,
                entity,
                name_id=name_id_from_string(name_id),
                session_indexes=[session] if session else None,
            )
            info = client.apply_binding(
                BINDING_HTTP_REDIRECT, str(request), destination, sign=True, sigalg=SIG_RSA_SHA256
            )
        except (SAMLError, SamlException, LookupError, AttributeError, TypeError):
            return ""
        return str(dict(info["headers"])["Location"])

    def ended(self, query: Mapping[str, str]) -> "Ended":
        """What a signed logout request ends (SAML 2.0 core, section 3.7.1).

        Args:
            query: of the address that the identity provider led the browser to.

        Raises:
            RefusedError: it is no such request, or its signature is wrong.
        """
        client = self._client()
        try:
            request = client.parse_logout_request(
                query["SAMLRequest"],
                BINDING_HTTP_REDIRECT,
                relay_state=query.get("RelayState"),
                sigalg=query["SigAlg"],
                signature=query["Signature"],
            )
            message = request.message
            answer = client.create_logout_response(message, [BINDING_HTTP_REDIRECT])
            destination = client.response_args(message, [BINDING_HTTP_REDIRECT])["destination"]
            info = client.apply_binding(
                BINDING_HTTP_REDIRECT,
                str(answer),
                destination,
                query.get("RelayState", ""),
                response=True,
                sign=True,
                sigalg=SIG_RSA_SHA256,
            )
        except Exception as error:
            raise RefusedError(f"the logout request is refused: {type(error).__name__}") from error
        sessions = [one.text.strip() for one in message.session_index if one.text]
        issuer = message.issuer.text.strip()
        name = "" if sessions or message.name_id is None else (message.name_id.text or "").strip()
        return Ended(self.provider_name(issuer), sessions, name, str(dict(info["headers"])["Location"]))

    # --- this platform

    def described(self) -> str:
        """This platform's metadata, which the federation or the identity provider registers."""
        return str(entity_descriptor(self._config(with_metadata=False)))

    def check(self) -> int:
        """Read key, certificate and metadata; returns how many identity providers there are.

        Raises:
            UnreachableError: something of it can't be read.
        """
        self.described()
        found = len(self.identity_providers())
        if not found:
            raise UnreachableError("the metadata has no identity provider, or is too old")
        return found

    def _config(self, *, with_metadata: bool) -> SPConfig:
        binary = shutil.which("xmlsec1")
        if binary is None:
            raise UnreachableError("xmlsec1 is not installed")
        for file in (self.metadata, self.key_file, self.cert_file):
            if not file.is_file():
                raise UnreachableError(f"there is no file {file}")
        pair = {"key_file": str(self.key_file), "cert_file": str(self.cert_file)}
        content: dict[str, Any] = {
            "entityid": self.entity,
            "xmlsec_binary": binary,
            "accepted_time_diff": LEEWAY_S,
            "allow_unknown_attributes": True,
            "signing_algorithm": SIG_RSA_SHA256,
            "digest_algorithm": DIGEST_SHA256,
            **pair,
            "encryption_keypairs": [pair],
            "service": {
                "sp": {
                    "endpoints": {
                        "assertion_consumer_service": [(self.consumer, BINDING_HTTP_POST)],
                        "single_logout_service": [(self.logout, BINDING_HTTP_REDIRECT)],
                    },
                    "allow_unsolicited": False,
                    "authn_requests_signed": True,
                    "logout_requests_signed": True,
                    "want_response_signed": False,
                    "want_assertions_signed": False,
                    "want_assertions_or_response_signed": True,
                    "name_id_policy_format": "",
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT, NAMEID_FORMAT_TRANSIENT],
                }
            },
        }
        if with_metadata:
            text = self.metadata.read_bytes()
            if self.metadata_cert:
                _verify(text, self.metadata_cert, binary)
            content["metadata"] = [{"class": "saml2.mdstore.InMemoryMetaData", "metadata": [(text,)]}]
        config = SPConfig()
        config.load(content)
        # pysaml2 reads here whether a logout request must be signed.
        config.setattr("idp", "want_authn_requests_signed", True)
        return config

    def _client(self) -> Saml2Client:
        """A client with the metadata of now: it is read again when the file changed, and every hour, since it is valid for some days only."""
        try:
            changed_at = self.metadata.stat().st_mtime_ns
        except OSError as error:
            raise UnreachableError(f"there is no file {self.metadata}") from error
        client = Saml2Client(config=_loaded(self, changed_at, int(time.time() // READ_AGAIN_S)))
        client.allow_unsolicited = False
        return client


_EVERYWHERE = frozenset({"givenName", "sn", "mail", "displayName", "uid", "eduPersonPrincipalName"})
"""What is taken of people of other institutions."""


@functools.lru_cache(maxsize=2)
def _loaded(federation: SamlFederation, _changed_at: int, _hour: int) -> SPConfig:
    try:
        return federation._config(with_metadata=True)  # noqa: SLF001 -- a part of the class, cached
    except UnreachableError:
        raise
    except Exception as error:
        raise UnreachableError(f"the metadata can't be read: {type(error).__name__}") from error


def _verify(metadata: bytes, cert_file: str, binary: str) -> None:
    """Verify the signature of metadata. pysaml2 takes metadata that nobody signed, even where a certificate is given.

    Raises:
        UnreachableError: the whole of it is not signed by the certificate.
    """
    root = fromstring(metadata, forbid_dtd=True)
    name, first = root.get("ID", ""), next(iter(root), None)
    signed = first.findall(f"{_DS}SignedInfo/{_DS}Reference") if first is not None else []
    if (
        not name
        or first is None
        or first.tag != f"{_DS}Signature"
        or [one.get("URI") for one in signed] != [f"#{name}"]
    ):
        raise UnreachableError("the metadata is not signed")
    kind = root.tag.removeprefix("{").replace("}", ":")
    try:
        good = CryptoBackendXmlSec1(binary).validate_signature(
            metadata.decode(), cert_file=cert_file, cert_type="pem", node_name=kind, node_id=name
        )
    except (SamlException, SigverError):
        good = False
    if not good:
        raise UnreachableError("the metadata is not signed by the certificate that is named")


def _request_id(state: str, key: bytes) -> str:
    """What a response must answer to: it comes without the session's cookie, and `state` alone tells."""
    return "id-" + hmac.new(key, f"amphi.signon.saml:{state}".encode(), hashlib.sha256).hexdigest()
