"""A CAS server on a real socket, after the protocol's specification and the answers of Apereo's server."""

import itertools
from urllib.parse import parse_qsl, quote, urlencode
from xml.sax.saxutils import escape

from tests.wire import Request, answer

NAMESPACE = "http://www.yale.edu/tp/cas"


class CasStandIn:
    """Knows one person, who is logged in at once; gives tickets, and takes each once, for its service only."""

    def __init__(self, user: str, **attributes: list[str]) -> None:
        self.user, self.attributes = user, attributes
        self.tickets: dict[str, str] = {}
        self.logged_out: list[str] = []
        self._numbers = itertools.count(1)

    def __call__(self, request: Request) -> bytes:
        query = request.query
        match request.path.partition("?")[0].removeprefix("/cas"):
            case "/login":
                back = f"{query['service']}{'&' if '?' in query['service'] else '?'}"
                return answer(
                    "", "302 Found", Location=back + urlencode({"ticket": self.ticket(query["service"])})
                )
            case "/p3/serviceValidate":
                return answer(self.validate(query), content_type="application/xml")
            case "/logout":
                self.logged_out.append(query.get("service", ""))
                return answer("<!doctype html><title>CAS</title><h1>Bye</h1>", content_type="text/html")
        return answer("", "404 Not Found")

    def ticket(self, service: str) -> str:
        """A new ticket for `service`."""
        name = f"ST-{next(self._numbers)}-{quote(self.user)}"
        self.tickets[name] = service
        return name

    def validate(self, query: dict[str, str]) -> str:
        service = self.tickets.pop(query["ticket"], None)
        if service is None:
            return failure("INVALID_TICKET")
        if service != query["service"]:
            return failure("INVALID_SERVICE")
        return success(self.user, **self.attributes)


def failure(code: str) -> str:
    """What CAS answers about a ticket that it does not take."""
    return (
        f'<cas:serviceResponse xmlns:cas="{NAMESPACE}"><cas:authenticationFailure code="{code}">Ticket not '
        "recognized</cas:authenticationFailure></cas:serviceResponse>"
    )


def success(user: str, **attributes: list[str]) -> str:
    """What CAS answers about a good ticket."""
    told = "".join(
        f"<cas:{name}>{escape(value)}</cas:{name}>" for name, values in attributes.items() for value in values
    )
    return (
        f'<cas:serviceResponse xmlns:cas="{NAMESPACE}">\n <cas:authenticationSuccess>\n  <cas:user>{escape(user)}</cas:user>\n'
        f"  <cas:attributes>{told}</cas:attributes>\n </cas:authenticationSuccess>\n</cas:serviceResponse>"
    )


def logout_request(ticket: str) -> str:
    """What CAS posts to a service whose session ended."""
    return (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="LR-1" Version="2.0" '
        'IssueInstant="2026-11-26T09:00:00Z"><saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">'
        f"@NOT_USED@</saml:NameID><samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
    )


def service_of(location: str) -> str:
    """The service in the address that a browser is led to."""
    return dict(parse_qsl(location.partition("?")[2]))["service"]
