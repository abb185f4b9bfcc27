"""Shibboleth in front: a proxy with mod_shib logs people in, and tells who they are in headers, as Esup-Pod has it.

Headers prove nothing by themselves, since browsers may send any. The proxy adds a secret, which the platform asks for.
"""

import contextlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from amphi.signon.exceptions import RefusedError
from amphi.signon.person import LONGEST_VALUE, Person, person_of

PROVIDER = "shibboleth"
KEY_HEADER = "X-Amphi-Proxy-Key"
SHORTEST_KEY = 32
SESSION_HEADER = "Shib-Session-ID"
LARGEST_NOTIFICATION_BYTES = 32 * 1024
MOST_SESSIONS = 100
_NOTIFY = "{urn:mace:shibboleth:2.0:sp:notify}"
HEARD = (
    '<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>'
    '<notify:OK xmlns:notify="urn:mace:shibboleth:2.0:sp:notify"/></S:Body></S:Envelope>'
)
"""What the service provider hears when sessions have ended."""


@dataclass(frozen=True, slots=True)
class ShibbolethProxy:
    """A proxy that logs people in.

    Attributes:
        label: what its button says.
        key: the secret that it adds.
        login: the address of its login, as ``/Shibboleth.sso/Login``.
        logout: the address of its logout; empty where there is none.
        user_header: the header with what is never given to somebody else.
        names: the header of each field of a person.
        home_domains: scopes of identifiers whose people's affiliations and groups count; empty: of all.
    """

    label: str
    key: str = field(repr=False)
    login: str
    logout: str
    user_header: str
    names: Mapping[str, str]
    home_domains: tuple[str, ...] = ()

    def login_url(self, back: str) -> str:
        """Where the browser goes to log in, and comes back to `back`, which the proxy guards."""
        return f"{self.login}{'&' if '?' in self.login else '?'}{urlencode({'target': back})}"

    def person(self, headers: Mapping[str, str]) -> Person:
        """The person whom the proxy tells of.

        Args:
            headers: of the request, by name in any case.

        Raises:
            RefusedError: the proxy's secret is not among them, or they name nobody.
        """
        found = {_plain(name): value for name, value in headers.items()}
        if not hmac.compare_digest(found.get(_plain(KEY_HEADER), "").encode(), self.key.encode()):
            raise RefusedError(f"the proxy’s secret is not in {KEY_HEADER}")
        subject = found.get(_plain(self.user_header), "").strip()
        if not 0 < len(subject) <= LONGEST_VALUE or subject == "(null)":
            raise RefusedError(f"the proxy tells nobody in {self.user_header}")
        told = {name: _values(found.get(_plain(name), "")) for name in self.names.values()}
        if self.home_domains and subject.rpartition("@")[2] not in self.home_domains:
            for kind in ("primary_affiliation", "affiliations", "groups"):
                told.pop(self.names.get(kind, ""), None)
        session = found.get(_plain(SESSION_HEADER), "")
        return person_of(told, provider=PROVIDER, subject=subject, names=self.names, session=session)


def ended_sessions(body: bytes) -> list[str]:
    """The sessions that a notification of the service provider ends (``<Notify Channel="back">``); none when it is no such one.

    It is not signed; only the service provider and the browser know the name of a session.
    """
    if len(body) > LARGEST_NOTIFICATION_BYTES:
        return []
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return []
    found = root.findall(f".//{_NOTIFY}LogoutNotification/{_NOTIFY}SessionID")
    return [name for one in found[:MOST_SESSIONS] if (name := (one.text or "").strip())]


def _plain(header: str) -> str:
    """A header's name as Apache, nginx and WSGI have it."""
    return header.lower().replace("_", "-").removeprefix("http-")


def _values(header: str) -> list[str]:
    """The values of an attribute: a semicolon stands between them, and a backslash before one that is part of a value."""
    # A server passes the bytes of UTF-8 as Latin-1.
    with contextlib.suppress(UnicodeError):
        header = header.encode("latin-1").decode()
    return [one.replace("\0", ";") for one in header.replace("\\;", "\0").split(";")]
