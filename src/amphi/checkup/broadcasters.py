"""The broadcasters: does the live server answer, and does it ask for tickets where it must?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from amphi.checkup.clock import clock_of
from amphi.checkup.findings import Finding
from amphi.system import outbound, tickets
from amphi.system.terminal import say

CHECK = "broadcaster"
TIMEOUT_S = 5.0
TICKET_LIFETIME_S = 60
OK, FORBIDDEN, NOT_FOUND = 200, 403, 404
REFUSED = frozenset({401, FORBIDDEN})


@dataclass(frozen=True)
class Source:
    """A broadcaster's stream."""

    name: str
    hls_url: str
    stream: str
    has_tickets: bool


def _ticketed(source: Source) -> str:
    ticket = tickets.Ticket(
        event_id=tickets.PLATFORM,
        stream=source.stream,
        viewer="s",
        expires_at=int(time.time()) + TICKET_LIFETIME_S,
    )
    return tickets.in_path(source.hls_url, tickets.mint(settings.AMPHI_TICKET_KEY.encode(), ticket))


def check_broadcaster(source: Source) -> Iterator[Finding]:
    """Check that the stream's server is reachable, and check its TLS, tickets and clock."""
    if settings.AMPHI_URL.startswith("https://") and source.hls_url.startswith("http://"):
        yield Finding(
            "FAIL",
            CHECK,
            source.name,
            say(
                en="its HLS address is http: browsers refuse it on an https page. Put the live server behind TLS.",
                fr="son adresse HLS est en http : les navigateurs la refusent sur une page https. Placez le serveur de live derrière TLS.",
            ),
        )
        return
    caller = outbound.Caller(timeout_s=TIMEOUT_S)
    try:
        yield _answer(source, caller)
        yield from clock_of(CHECK, source.name, source.hls_url, caller)
    except outbound.UntrustedCertificateError:
        yield Finding(
            "FAIL",
            CHECK,
            source.name,
            say(
                en="its certificate is not trusted. Renew it.",
                fr="son certificat n’est pas reconnu. Renouvelez-le.",
            ),
        )
    except outbound.OutboundError as error:
        yield Finding(
            "FAIL",
            CHECK,
            source.name,
            say(
                en=f"its live server does not answer ({error}). Look whether it runs, and correct the HLS address.",
                fr=f"son serveur de live ne répond pas ({error}). Voyez s’il fonctionne, et corrigez l’adresse HLS.",
            ),
        )
    finally:
        caller.close()


def _answer(source: Source, caller: outbound.Caller) -> Finding:
    bare = caller.call("GET", source.hls_url)
    if not source.has_tickets:
        return _without_tickets(source, bare)
    if not settings.AMPHI_TICKET_KEY:
        sentence = say(
            en="it is said to ask for tickets, and AMPHI_TICKET_KEY is empty: nobody would see anything. Set it.",
            fr="il est censé demander des tickets, et AMPHI_TICKET_KEY est vide : personne ne verrait rien. Définissez-la.",
        )
        return Finding("FAIL", CHECK, source.name, sentence)
    held = caller.call("GET", _ticketed(source))
    if held.status in REFUSED:
        sentence = say(
            en="it refuses our tickets. Give the live server the same AMPHI_TICKET_KEY as the platform, and look at both clocks.",
            fr="il refuse nos tickets. Donnez au serveur de live la même AMPHI_TICKET_KEY qu’à la plateforme, et vérifiez les deux horloges.",
        )
        return Finding("FAIL", CHECK, source.name, sentence)
    if bare.status not in REFUSED:
        sentence = say(
            en="it shows its stream without a ticket, so restricted events are open to anybody. Set AMPHI_TICKET_KEY at the live server.",
            fr="il montre son flux sans ticket : les directs restreints sont ouverts à tous. Définissez AMPHI_TICKET_KEY sur le serveur de live.",
        )
        return Finding("FAIL", CHECK, source.name, sentence)
    return _answered(source, held)


def _without_tickets(source: Source, answer: outbound.Answer) -> Finding:
    if answer.status in REFUSED:
        sentence = say(
            en="it asks for a ticket that it is not given. Tick “asks viewers for a ticket” in the broadcaster’s page.",
            fr="il demande un ticket qu’on ne lui donne pas. Cochez « demande un ticket » dans la fiche du diffuseur.",
        )
        return Finding("FAIL", CHECK, source.name, sentence)
    return _answered(source, answer)


def _may_be_played(source: Source, answer: outbound.Answer) -> bool:
    """Whether players on the platform's pages may read it. Source: the Fetch standard, section 3.2, CORS protocol."""
    pages, stream = urlsplit(settings.AMPHI_URL), urlsplit(source.hls_url)
    if pages[:2] == stream[:2]:
        return True
    allowed = answer.headers.get("access-control-allow-origin", "").strip()
    return allowed in {"*", f"{pages.scheme}://{pages.netloc}"}


def _answered(source: Source, answer: outbound.Answer) -> Finding:
    host = urlsplit(source.hls_url).netloc
    status = answer.status
    if status == OK and not _may_be_played(source, answer):
        sentence = say(
            en="on the air, and browsers can’t play it: it does not let the platform’s pages read it. Have it send the header Access-Control-Allow-Origin.",
            fr="à l’antenne, mais les navigateurs ne peuvent pas le lire\u202f: il n’y autorise pas les pages de la plateforme. Faites-lui envoyer l’en-tête Access-Control-Allow-Origin.",
        )
        return Finding("FAIL", CHECK, source.name, sentence)
    if status == OK:
        return Finding(
            "OK", CHECK, source.name, say(en=f"on the air at {host}.", fr=f"à l’antenne sur {host}.")
        )
    if status == NOT_FOUND:
        waits = say(
            en=f"{host} answers, nothing is on the air.", fr=f"{host} répond, rien n’est à l’antenne."
        )
        return Finding("OK", CHECK, source.name, waits)
    sentence = say(
        en=f"{host} answers with HTTP status {status}. Correct the HLS address.",
        fr=f"{host} répond par le statut HTTP {status}. Corrigez l’adresse HLS.",
    )
    return Finding("FAIL", CHECK, source.name, sentence)
