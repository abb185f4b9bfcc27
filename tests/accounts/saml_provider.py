"""An identity provider of SAML 2: pysaml2's own, with keys made for the run."""

import base64
import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor, sign_entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import security_context

MARIE = {
    "eduPersonPrincipalName": ["mcurie@univ.fr"],
    "uid": ["mcurie"],
    "givenName": ["Marie"],
    "sn": ["Curie"],
    "mail": ["marie@univ.fr"],
    "eduPersonPrimaryAffiliation": ["faculty"],
    "eduPersonAffiliation": ["member", "faculty"],
    "isMemberOf": ["physique"],
}


def make_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and its certificate, as files."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    key_file, cert_file = folder / f"{name}.key", folder / f"{name}.crt"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return key_file, cert_file


class IdentityProvider:
    """An identity provider.

    Args:
        folder: where its files are.
        name: the host in its name.
        sso: the address of its page; that of its host by default.

    Attributes:
        consumer: where its page posts its responses.
    """

    def __init__(self, folder: Path, name: str = "idp.univ.fr", sso: str = "") -> None:
        self.folder, self.entity, self.consumer = folder, f"https://{name}/idp/shibboleth", ""
        key_file, cert_file = make_pair(folder, name)
        self._content: dict[str, Any] = {
            "entityid": self.entity,
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "key_file": str(key_file),
            "cert_file": str(cert_file),
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [(sso or f"https://{name}/sso", BINDING_HTTP_REDIRECT)],
                        "single_logout_service": [(f"https://{name}/slo", BINDING_HTTP_REDIRECT)],
                    },
                    "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": NAME_FORMAT_URI}},
                }
            },
        }
        self.server: Server | None = None

    def metadata(self) -> str:
        """Its metadata."""
        return str(entity_descriptor(self._config()))

    def signed_metadata(self) -> str:
        """Its metadata, signed by its own key."""
        config = self._config()
        _, text = sign_entity_descriptor(entity_descriptor(config), "", security_context(config))
        return str(text)

    def _config(self) -> IdPConfig:
        config = IdPConfig()
        config.load(self._content)
        return config

    def learn(self, *platforms: str) -> None:
        """Register service providers by their metadata."""
        files = [self.folder / f"platform-{number}.xml" for number in range(len(platforms))]
        for file, platform in zip(files, platforms, strict=True):
            file.write_text(platform)
        self._content["metadata"] = {"local": [str(file) for file in files]}
        self.server = Server(config=self._config())

    def answer(
        self, location: str, attributes: dict[str, list[str]] | None = None, **more: Any
    ) -> dict[str, str]:
        """What it has the browser post after somebody logged in, whom the platform led to `location`."""
        assert self.server
        query = parse_qs(urlsplit(location).query)
        request = self.server.parse_authn_request(query["SAMLRequest"][0], BINDING_HTTP_REDIRECT).message
        told = self.server.response_args(request)
        told |= {"in_response_to": request.id, "sign_response": True, "sign_assertion": False} | more
        told.pop("binding", None)
        response = self.server.create_authn_response(
            attributes or MARIE,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="p-4711"),
            userid="mcurie",
            authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": self.entity},
            session_not_on_or_after=None,
            **told,
        )
        return {
            "SAMLResponse": base64.b64encode(str(response).encode()).decode(),
            "RelayState": query["RelayState"][0],
        }

    def logout_location(
        self, destination: str, session: str, *, sign: bool = True, name: str = "p-4711"
    ) -> str:
        """The address by which it ends a session of the platform."""
        assert self.server
        _, request = self.server.create_logout_request(
            destination,
            "ignored",
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=name),
            session_indexes=[session] if session else None,
        )
        info = self.server.apply_binding(BINDING_HTTP_REDIRECT, str(request), destination, "r", sign=sign)
        return str(dict(info["headers"])["Location"])
