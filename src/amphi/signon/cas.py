"""A client of CAS (Apereo), protocol 3: https://apereo.github.io/cas/7.0.x/protocol/CAS-Protocol-Specification.html."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from amphi.signon.exceptions import RefusedError, UnreachableError
from amphi.signon.person import LONGEST_VALUE, Person, person_of
from amphi.system import outbound

PROVIDER = "cas"
USER = "user"
TIMEOUT_S = 8.0
_CAS = "{http://www.yale.edu/tp/cas}"
_SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
LONGEST_TICKET = 256
LARGEST_LOGOUT_BYTES = 32 * 1024


@dataclass(frozen=True, slots=True)
class CasServer:
    """A CAS server.

    Attributes:
        url: its address, as ``https://cas.univ.fr/cas``.
        label: what its button says.
        names: the attribute of each field of a person, where it is not the usual one.
        user: the attribute that names people for ever, where it is not the protocol's own element.
        case: ``lower`` or ``upper`` changes the names that the server gives; empty keeps them.
        ends_everywhere: whether logging out here logs out there too.
        ca_file: certificates to trust instead of the system's.
    """

    url: str
    label: str
    names: Mapping[str, str] = field(default_factory=dict)
    user: str = USER
    case: str = ""
    ends_everywhere: bool = True
    ca_file: str = ""

    def login_url(self, service: str) -> str:
        """Where the browser goes to log in, and comes back to `service` with a ticket."""
        return f"{self.url}/login?{urlencode({'service': service})}"

    def logout_url(self, service: str) -> str:
        """Where the browser goes to log out of everything."""
        return f"{self.url}/logout?{urlencode({'service': service})}"

    def person(self, ticket: str, service: str) -> Person:
        """Exchange a ticket for the person who has it. The server takes each ticket once.

        Args:
            ticket: what the browser brought.
            service: the address that the browser was sent back to, to the letter.

        Raises:
            RefusedError: the server does not know the ticket, or gave it for another service.
            UnreachableError: the server does not answer, or not by the protocol.
        """
        if not ticket or len(ticket) > LONGEST_TICKET:
            raise RefusedError("it is no ticket")
        query = urlencode({"service": service, "ticket": ticket})
        answer = self._call(f"{self.url}/p3/serviceValidate?{query}")
        if answer.status == 404:  # noqa: PLR2004 -- CAS before protocol 3 has no such address
            answer = self._call(f"{self.url}/serviceValidate?{query}")
        return self._read(answer, ticket)

    def check(self) -> None:
        """Ask the server about a ticket that can't be: it must refuse it by the protocol.

        Raises:
            UnreachableError: it does not answer, or not by the protocol.
        """
        try:
            self.person("ST-0-check", "https://amphi.invalid/")
        except RefusedError:
            return

    def _call(self, url: str) -> outbound.Answer:
        caller = outbound.Caller(timeout_s=TIMEOUT_S, ca_file=self.ca_file or None)
        try:
            return caller.call("GET", url)
        except outbound.OutboundError as error:
            raise UnreachableError(f"CAS can't be asked: {error}") from error
        finally:
            caller.close()

    def _read(self, answer: outbound.Answer, ticket: str) -> Person:
        try:
            root = fromstring(answer.body, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            raise UnreachableError(f"CAS answers no XML (HTTP status {answer.status})") from None
        failure = root.find(f"{_CAS}authenticationFailure")
        if root.tag == f"{_CAS}serviceResponse" and failure is not None:
            raise RefusedError(f"CAS refuses the ticket: {failure.get('code', '')[:40]}")
        success = root.find(f"{_CAS}authenticationSuccess")
        path = f"{_CAS}user" if self.user == USER else f"{_CAS}attributes/{_CAS}{self.user}"
        user = success.findtext(path, "").strip() if success is not None else ""
        if root.tag == f"{_CAS}serviceResponse" and success is not None and not user and self.user != USER:
            raise RefusedError(f"CAS tells no {self.user} of this person")
        if root.tag != f"{_CAS}serviceResponse" or success is None or not user:
            raise UnreachableError(f"what answers is not CAS (HTTP status {answer.status})")
        if len(user) > LONGEST_VALUE:
            raise RefusedError("CAS gives a name that is too long")
        user = {"lower": user.lower(), "upper": user.upper()}.get(self.case, user)
        attributes = _attributes(success)
        names = {**self.names, "username": self.names.get("username", "")}
        attributes.setdefault("uid", [user])
        return person_of(attributes, provider=PROVIDER, subject=user, names=names, session=ticket)


def _attributes(success: Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in success.findall(f"{_CAS}attributes/*"):
        if one.text:
            found[one.tag.removeprefix(_CAS)].append(one.text)
    return found


def ended_session(body: str) -> str:
    """The ticket of the session that a single-logout request ends (CAS protocol, section 2.3.3); empty when it is no such request.

    The request is not signed; the ticket in it is what only the server knows.
    """
    if len(body) > LARGEST_LOGOUT_BYTES:
        return ""
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return ""
    if root.tag != f"{_SAMLP}LogoutRequest":
        return ""
    return (root.findtext(f"{_SAMLP}SessionIndex") or "").strip()[:LONGEST_TICKET]
