"""The live gateways: does each answer, accept our token and have room, and does a server accept its RTMP?"""

import contextlib
import json
import secrets
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from amphi import sipmediagw
from amphi.checkup.clock import clock_of
from amphi.checkup.findings import Finding
from amphi.system import name_lookup, outbound
from amphi.system.terminal import say
from amphi.webinars.models import LiveGateway

CHECK = "gateway"
RTMP_CHECK = "rtmp"
TIMEOUT_S = 5.0
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}
HANDSHAKE_BYTES = 1536
RTMP_VERSION = b"\x03"


@dataclass(frozen=True)
class GatewayService:
    """A gateway's service, which several live gateways may share.

    Attributes:
        url: its address; empty when neither the live gateway nor the settings have one.
        dialect: the configured dialect; ``auto`` asks the service.
    """

    url: str
    token: str = field(repr=False)
    dialect: str
    ca_file: str


def service_of(gateway: LiveGateway) -> GatewayService:
    """The service of a live gateway."""
    return GatewayService(
        url=gateway.service_url,
        token=gateway.service_token,
        dialect=gateway.dialect,
        ca_file=gateway.ca_file,
    )


def services_of(gateway: LiveGateway) -> Iterator[GatewayService]:
    """The service of a live gateway, and that of its second gateway, if it has one."""
    yield service_of(gateway)
    if gateway.standby_url:
        yield GatewayService(gateway.standby_url, gateway.standby_token, "amphi", gateway.ca_file)


def _advice(error: sipmediagw.GatewayError) -> str:
    if isinstance(error, sipmediagw.GatewayUnauthorizedError):
        return say(
            en="it refuses our token. Copy its token to the live gateway’s page, or to MEETING_WEBINAR_SIPMEDIAGW_TOKEN,"
            " which only goes to the host of MEETING_WEBINAR_SIPMEDIAGW_URL.",
            fr="elle refuse notre jeton. Recopiez le sien dans la fiche de la passerelle, ou dans MEETING_WEBINAR_SIPMEDIAGW_TOKEN,"
            " qui n’est transmis qu’à l’hôte de MEETING_WEBINAR_SIPMEDIAGW_URL.",
        )
    if isinstance(error, sipmediagw.UntrustedGatewayError):
        return say(
            en="its certificate is not trusted. Renew it, or name its private authority’s file in the live gateway’s page.",
            fr="son certificat n’est pas reconnu. Renouvelez-le, ou indiquez le fichier de son autorité privée dans la fiche de la passerelle.",
        )
    if isinstance(error, sipmediagw.GatewayMisconfiguredError):
        return say(en=f"it can’t be asked: {error}.", fr=f"impossible de l’interroger : {error}.")
    if isinstance(error, sipmediagw.NotAGatewayError):
        return say(
            en=f"what answers there is no gateway ({error}). Correct its address.",
            fr=f"ce qui répond là n’est pas une passerelle ({error}). Corrigez son adresse.",
        )
    return say(
        en=f"it does not answer ({error}). Look whether it runs, and whether a firewall lies between.",
        fr=f"elle ne répond pas ({error}). Voyez si elle fonctionne, et si un pare-feu s’interpose.",
    )


def _places(service: GatewayService, dialect: str, caller: outbound.Caller) -> str:
    """How many webinars it could take now. `amphi gateway` says so; SIPMediaGW does not, to holders of a user's token."""
    unknown = say(
        en="it does not tell how many places it has.", fr="elle ne dit pas combien de places elle a."
    )
    if dialect != "amphi":
        return unknown
    try:
        answer = caller.call(
            "GET", f"{service.url.rstrip('/')}/jobs", headers={"Authorization": f"Bearer {service.token}"}
        )
        content = json.loads(answer.body)
        places = int(content["max_jobs"])
        free = places - sum(job["state"] != "idle" for job in content["jobs"])
    except (outbound.OutboundError, ValueError, RecursionError, KeyError, TypeError):
        return unknown
    return say(en=f"{free} of {places} places are free.", fr=f"{free} places libres sur {places}.")


def check_gateway(service: GatewayService) -> Iterator[Finding]:
    """Check that the service is reachable, and check its token, dialect, free places and clock."""
    if not service.url:
        yield Finding(
            "FAIL",
            CHECK,
            "",
            say(
                en="a live gateway names no address, and the settings none either. Fill it in, or set MEETING_WEBINAR_SIPMEDIAGW_URL.",
                fr="une passerelle de live n’a pas d’adresse, et la configuration non plus. Indiquez-la, ou définissez MEETING_WEBINAR_SIPMEDIAGW_URL.",
            ),
        )
        return
    ca_file = service.ca_file or None
    try:
        spoken = sipmediagw.detect(service.url, service.token, ca_file=ca_file, timeout_s=TIMEOUT_S)
        caller = outbound.Caller(timeout_s=TIMEOUT_S, ca_file=ca_file)
    except sipmediagw.GatewayError as error:
        yield Finding("FAIL", CHECK, service.url, _advice(error))
        return
    except (ValueError, OSError) as error:
        problem = say(en=f"it can’t be asked: {error}.", fr=f"impossible de l’interroger : {error}.")
        yield Finding("FAIL", CHECK, service.url, problem)
        return
    try:
        yield _dialect(service, spoken, _places(service, spoken, caller))
        yield from clock_of(CHECK, service.url, service.url, caller)
    finally:
        caller.close()


def _dialect(service: GatewayService, spoken: str, places: str) -> Finding:
    names = {
        "amphi": "amphi gateway",
        "A": "SIPMediaGW 1.5",
        "B": "SIPMediaGW 1.6–1.7",
        "D": "SIPMediaGW 1.8",
    }
    # `amphi gateway` also speaks B.
    if service.dialect not in {"auto", spoken} and not (spoken == "amphi" and service.dialect == "B"):
        wanted = names.get(service.dialect, service.dialect)
        return Finding(
            "FAIL",
            CHECK,
            service.url,
            say(
                en=f"it is {names[spoken]}, but its page says {wanted}. Correct its kind.",
                fr=f"c’est {names[spoken]}, mais sa fiche dit {wanted}. Corrigez sa nature.",
            ),
        )
    sentence = say(
        en=f"{names[spoken]}, our token is right; {places}",
        fr=f"{names[spoken]}, notre jeton est le bon ; {places}",
    )
    return Finding("OK", CHECK, service.url, sentence)


def shakes_hands(host: str, port: int, *, tls: bool) -> bool:
    """Whether a live server answers RTMP's handshake (RTMP 1.0, section 5.2) with its first two chunks.

    Raises:
        OSError: no connection, a certificate that is not trusted, or no answer in time.
    """
    with _connection(host, port) as plain:
        connection = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if tls else plain
        with connection:
            connection.sendall(RTMP_VERSION + bytes(8) + secrets.token_bytes(HANDSHAKE_BYTES - 8))
            return connection.recv(1) == RTMP_VERSION


def _connection(host: str, port: int) -> socket.socket:
    """Connect to the first address of the host that accepts. The name look-up has a time limit too."""
    *others, last = name_lookup.addresses_of(host, port, timeout_s=TIMEOUT_S)
    for address in others:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), timeout=TIMEOUT_S)
    return socket.create_connection((last, port), timeout=TIMEOUT_S)


def check_rtmp(url: str) -> Iterator[Finding]:
    """Check that the live server accepts RTMP connections. No finding shows the key."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    host = parts.hostname or ""
    if not host or not port or len(parts.path.strip("/").split("/")) < 2:  # noqa: PLR2004 -- the application and the name
        wrong = say(
            en="a live gateway’s RTMP address is not of the form rtmp://server/application/name?key=… Correct it.",
            fr="l’adresse RTMP d’une passerelle de live n’est pas de la forme rtmp://serveur/application/nom?key=… Corrigez-la.",
        )
        yield Finding("FAIL", RTMP_CHECK, host, wrong)
        return
    subject = f"{host}:{port}"
    try:
        speaks = shakes_hands(host, port, tls=parts.scheme == "rtmps")
    except OSError as error:
        yield Finding(
            "WARN",
            RTMP_CHECK,
            subject,
            say(
                en=f"it can’t be reached from here ({error}). Open its port to the gateways; ignore this if only they reach it.",
                fr=f"il est injoignable d’ici ({error}). Ouvrez son port aux passerelles ; ignorez ceci si elles seules le joignent.",
            ),
        )
        return
    if speaks:
        yield Finding("OK", RTMP_CHECK, subject, say(en="it takes RTMP.", fr="il accepte le RTMP."))
    else:
        stranger = say(
            en="what listens there does not speak RTMP. Correct the live gateway’s RTMP address.",
            fr="ce qui écoute là ne parle pas RTMP. Corrigez l’adresse RTMP de la passerelle de live.",
        )
        yield Finding("FAIL", RTMP_CHECK, subject, stranger)
