"""Which systems of the university people sign on by, as the settings say. Esup-Pod's names are kept where they mean the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amphi.signon.person import FIELDS
from amphi.system.environment import Reader

# A client, with its libraries, is loaded only where its system is used: each command reads these settings as it starts.
if TYPE_CHECKING:
    from amphi.signon.cas import CasServer
    from amphi.signon.directory import Directory
    from amphi.signon.oidc import OpenIdProvider
    from amphi.signon.saml import SamlFederation
    from amphi.signon.shibboleth import ShibbolethProxy

_OF_ESUP_POD = {
    "uid": "username",
    "mail": "email",
    "last_name": "last_name",
    "first_name": "first_name",
    "primaryAffiliation": "primary_affiliation",
    "affiliation": "affiliations",
    "affiliations": "affiliations",
    "groups": "groups",
}
"""What Esup-Pod calls the fields of a person."""


@dataclass(frozen=True, slots=True)
class Providers:
    """The systems that are set up, in the order of their buttons; None where one is not."""

    cas: "CasServer | None" = None
    directory: "Directory | None" = None
    cas_with_directory: bool = False
    """Whether the directory tells of people who sign on by CAS (Esup-Pod's POPULATE_USER)."""
    oidc: "OpenIdProvider | None" = None
    saml: "SamlFederation | None" = None
    shibboleth: "ShibbolethProxy | None" = None

    @property
    def passwords(self) -> "Directory | None":
        """The directory, where people log in with its passwords."""
        return self.directory if self.directory and self.directory.logs_in else None

    def key_of(self, provider: str) -> str:
        """The key of the system that identities call `provider`; empty where people can't log in by it any more."""
        if provider == "cas" and self.cas:
            return "cas"
        if provider == "ldap" and self.passwords:
            return "ldap"
        if self.oidc and provider == self.oidc.provider:
            return "oidc"
        if provider.startswith("saml ") and self.saml:
            return "saml"
        return "shibboleth" if provider == "shibboleth" and self.shibboleth else ""

    def label_of(self, provider: str) -> str:
        """What people know the system as that identities call `provider`; empty where they can't log in by it any more."""
        directory = [("ldap", self.passwords.label)] if self.passwords else []
        return dict([*self.buttons(), *directory]).get(self.key_of(provider), "")

    def buttons(self) -> Iterator[tuple[str, str]]:
        """Key and label of each system that has a button."""
        if self.cas:
            yield "cas", self.cas.label
        if self.oidc:
            yield "oidc", self.oidc.label
        if self.saml:
            yield "saml", self.saml.label
        if self.shibboleth:
            yield "shibboleth", self.shibboleth.label


def read_providers(conf: Reader, public_url: str) -> Providers:
    """The systems that the settings name.

    Args:
        conf: the settings.
        public_url: where browsers reach this platform.

    Raises:
        InvalidSettingError: a setting is missing, or has a wrong value.
    """
    directory = _directory(conf)
    return Providers(
        cas=_cas(conf),
        directory=directory,
        cas_with_directory=directory is not None and conf.text("POPULATE_USER").upper() == "LDAP",
        oidc=_oidc(conf),
        saml=_saml(conf, public_url),
        shibboleth=_shibboleth(conf),
    )


def _needed(conf: Reader, name: str, value: str, switch: str) -> str:
    if not value:
        raise conf.error(name, f"must be set where {switch} is true")
    return value


def field_names(conf: Reader, name: str, given: Mapping[str, str]) -> dict[str, str]:
    """The attribute of each field of a person, of a setting that names them by field.

    Raises:
        InvalidSettingError: there is no such field.
    """
    found: dict[str, str] = {}
    for field, attribute in given.items():
        ours = _OF_ESUP_POD.get(field, field)
        if ours not in FIELDS:
            raise conf.error(name, f"there is no field {field!r}: it may have {', '.join(_OF_ESUP_POD)}")
        found[ours] = attribute
    return found


def _cas(conf: Reader) -> "CasServer | None":
    used = conf.flag("USE_CAS")
    url = conf.url("CAS_SERVER_URL")
    label = conf.text("AMPHI_CAS_NAME", "CAS")
    renamed = conf.mapping("CAS_RENAME_ATTRIBUTES")
    mapped, user = conf.mapping("USER_CAS_MAPPING_ATTRIBUTES"), conf.text("AUTH_CAS_USER_SEARCH", "user")
    case = conf.text_or_false("CAS_FORCE_CHANGE_USERNAME_CASE").lower()
    completely = conf.flag("CAS_LOGOUT_COMPLETELY", default=True)
    ca_file = conf.text("AMPHI_CAS_CA_FILE")
    if not used:
        return None
    from amphi.signon.cas import CasServer  # noqa: PLC0415 -- see above

    if case not in {"", "lower", "upper"}:
        raise conf.error("CAS_FORCE_CHANGE_USERNAME_CASE", "must be lower or upper")
    # It maps the server's names to ours, the other way round than the setting of the directory does.
    names = field_names(conf, "USER_CAS_MAPPING_ATTRIBUTES", mapped)
    names |= field_names(conf, "CAS_RENAME_ATTRIBUTES", {ours: theirs for theirs, ours in renamed.items()})
    return CasServer(
        url=_needed(conf, "CAS_SERVER_URL", url, "USE_CAS"),
        label=label,
        names=names,
        user=user,
        case=case,
        ends_everywhere=completely,
        ca_file=ca_file,
    )


def _directory(conf: Reader) -> "Directory | None":
    logs_in = conf.flag("USE_LDAP")
    completes = conf.text("POPULATE_USER").upper()
    servers = _servers(conf)
    label = conf.text("AMPHI_LDAP_NAME", "LDAP")
    search = conf.words("AUTH_LDAP_USER_SEARCH", ("", "(uid=%(uid)s)"))
    bind_dn, password = conf.text("AUTH_LDAP_BIND_DN"), conf.text("AUTH_LDAP_BIND_PASSWORD")
    names = conf.mapping("USER_LDAP_MAPPING_ATTRIBUTES")
    start_tls, ca_file = conf.flag("AMPHI_LDAP_START_TLS"), conf.text("AMPHI_LDAP_CA_FILE")
    if completes not in {"", "NONE", "CAS", "LDAP"}:
        raise conf.error("POPULATE_USER", "must be CAS or LDAP")
    if not logs_in and completes != "LDAP":
        return None
    if not servers:
        raise conf.error("LDAP_SERVER", 'must name a server, as {"url": "ldaps://ldap.univ.fr"}')
    from amphi.signon.directory import Directory  # noqa: PLC0415 -- see above

    return Directory(
        urls=servers,
        label=label,
        base=_search(conf, search)[0],
        filter=search[1],
        logs_in=logs_in,
        bind_dn=bind_dn,
        bind_password=password,
        names=field_names(conf, "USER_LDAP_MAPPING_ATTRIBUTES", names),
        start_tls=start_tls,
        ca_file=ca_file,
    )


def _servers(conf: Reader) -> tuple[str, ...]:
    """The addresses in Esup-Pod's notation: one or several hosts, which share a port and whether TLS is used."""
    table = conf.table("LDAP_SERVER")
    urls, port, secure = table.get("url", ""), table.get("port"), bool(table.get("use_ssl", False))
    hosts = [urls] if isinstance(urls, str) else urls
    if not isinstance(hosts, list | tuple) or not all(isinstance(host, str) for host in hosts):
        raise conf.error("LDAP_SERVER", "its url must be a text or a list of texts")
    found = []
    for host in (str(one).strip() for one in hosts):
        address = host if "://" in host else f"{'ldaps' if secure else 'ldap'}://{host}"
        if host and not address.startswith(("ldap://", "ldaps://")):
            raise conf.error("LDAP_SERVER", "its url must begin with ldaps:// or ldap://")
        has_port = address.rpartition(":")[2].isdecimal()
        found += [address if has_port or not port else f"{address}:{port}"] if host else []
    return tuple(found)


def _search(conf: Reader, search: tuple[str, ...]) -> tuple[str, str]:
    example = '("ou=people,dc=univ,dc=fr", "(uid=%(uid)s)")'
    try:
        base, one = search
        found = one % {"uid": "x"}
    except (ValueError, KeyError, TypeError):
        raise conf.error("AUTH_LDAP_USER_SEARCH", f"must be a base and a filter, as {example}") from None
    if not base or found == one:
        raise conf.error("AUTH_LDAP_USER_SEARCH", f"must be a base and a filter, as {example}")
    return base, one


SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


def _oidc(conf: Reader) -> "OpenIdProvider | None":
    used = conf.flag("USE_OIDC")
    issuer = conf.text("AMPHI_OIDC_ISSUER")
    names = {
        "first_name": conf.text("OIDC_CLAIM_GIVEN_NAME", "given_name"),
        "last_name": conf.text("OIDC_CLAIM_FAMILY_NAME", "family_name"),
        "username": conf.text("OIDC_CLAIM_PREFERRED_USERNAME", "preferred_username"),
        "affiliations": conf.text("AMPHI_OIDC_CLAIM_AFFILIATIONS", "eduperson_affiliation"),
        "groups": conf.text("AMPHI_OIDC_CLAIM_GROUPS", "groups"),
    }
    label = conf.text("OIDC_NAME", "OpenID Connect")
    client_id, client_secret = conf.text("OIDC_RP_CLIENT_ID"), conf.text("OIDC_RP_CLIENT_SECRET")
    scopes = conf.text("OIDC_RP_SCOPES", "openid profile email")
    algorithm = conf.choice("OIDC_RP_SIGN_ALGO", "RS256", SIGNATURES)
    default_affiliation = conf.text("OIDC_DEFAULT_AFFILIATION")
    default_groups = conf.words("OIDC_DEFAULT_ACCESS_GROUP_CODE_NAMES")
    ca_file = conf.text("AMPHI_OIDC_CA_FILE")
    if not used:
        return None
    if not issuer.startswith(("https://", "http://")):
        reason = "must be the provider's issuer, as https://id.univ.fr/realms/univ: its addresses and keys are found there"
        raise conf.error("AMPHI_OIDC_ISSUER", reason)
    from amphi.signon.oidc import OpenIdProvider  # noqa: PLC0415 -- see above

    return OpenIdProvider(
        issuer=issuer,
        label=label,
        client_id=_needed(conf, "OIDC_RP_CLIENT_ID", client_id, "USE_OIDC"),
        client_secret=_needed(conf, "OIDC_RP_CLIENT_SECRET", client_secret, "USE_OIDC"),
        scopes=scopes,
        algorithm=algorithm,
        names=names,
        default_affiliation=default_affiliation,
        default_groups=default_groups,
        ca_file=ca_file,
    )


def _saml(conf: Reader, public_url: str) -> "SamlFederation | None":
    metadata = conf.path("AMPHI_SAML_METADATA", Path())
    label = conf.text("AMPHI_SAML_NAME", "Shibboleth")
    key_file, cert_file = conf.path("AMPHI_SAML_KEY_FILE", Path()), conf.path("AMPHI_SAML_CERT_FILE", Path())
    metadata_cert = conf.text("AMPHI_SAML_METADATA_CERT")
    discovery = conf.url("AMPHI_SAML_DISCOVERY_URL")
    home = conf.words("AMPHI_SAML_HOME")
    subject = conf.text("AMPHI_SAML_SUBJECT", "eduPersonPrincipalName")
    if metadata == Path():
        return None
    for name, file in (("AMPHI_SAML_KEY_FILE", key_file), ("AMPHI_SAML_CERT_FILE", cert_file)):
        if file == Path():
            raise conf.error(
                name, "must be set where AMPHI_SAML_METADATA is: docs/connect/sign-on.md makes one"
            )
    from amphi.signon.saml import SamlFederation  # noqa: PLC0415 -- see above

    pages = f"{public_url}/accounts/sign-on/saml"
    return SamlFederation(
        entity=f"{pages}/metadata/",
        consumer=f"{pages}/consume/",
        logout=f"{pages}/ended/",
        metadata=metadata,
        label=label,
        key_file=key_file,
        cert_file=cert_file,
        metadata_cert=metadata_cert,
        discovery=discovery,
        home=home,
        subject=subject,
    )


HEADERS = {
    "first_name": "Shibboleth-givenName",
    "last_name": "Shibboleth-sn",
    "email": "Shibboleth-mail",
    "primary_affiliation": "Shibboleth-primary-affiliation",
    "affiliations": "Shibboleth-unscoped-affiliation",
    "groups": "Shibboleth-isMemberOf",
}
"""Esup-Pod's, and one for groups."""


def _shibboleth(conf: Reader) -> "ShibbolethProxy | None":
    used = conf.flag("USE_SHIB")
    label = conf.text("SHIB_NAME", "Shibboleth")
    key = conf.text("AMPHI_SHIB_KEY")
    login, logout = conf.text("SHIB_URL", "/Shibboleth.sso/Login"), conf.text("SHIB_LOGOUT_URL")
    user_header = conf.text("REMOTE_USER_HEADER", "REMOTE_USER")
    given = conf.table("SHIBBOLETH_ATTRIBUTE_MAP")
    domains = conf.words("SHIBBOLETH_STAFF_ALLOWED_DOMAINS")
    if not used:
        return None
    from amphi.signon.shibboleth import SHORTEST_KEY, ShibbolethProxy  # noqa: PLC0415 -- see above

    if len(key) < SHORTEST_KEY:
        reason = f"must be at least {SHORTEST_KEY} random characters, which the proxy adds: docs/connect/sign-on.md"
        raise conf.error("AMPHI_SHIB_KEY", reason)
    # Esup-Pod writes (whether it is needed, field) behind each header.
    fields = {
        str(one[-1] if isinstance(one, list | tuple) and one else one): name for name, one in given.items()
    }
    if "affiliation" in fields:
        fields["primaryAffiliation"] = fields.pop("affiliation")
    names = field_names(conf, "SHIBBOLETH_ATTRIBUTE_MAP", fields) if fields else {}
    return ShibbolethProxy(
        label=label,
        key=key,
        login=login,
        logout=logout,
        user_header=user_header,
        names={"username": user_header, **HEADERS, **names},
        home_domains=domains,
    )
