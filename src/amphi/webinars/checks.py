"""Django system checks for settings that can't work together; ``amphi check`` and every Django command show them."""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 -- Django's name

from amphi.system.terminal import say

FIELDS = ("is_webinar", "enable_chat")
SHORTEST_TICKET_KEY = 32
Rule = Callable[[], Iterator[CheckMessage]]


def _is_local(url: str) -> bool:
    """Whether only this machine can reach `url`."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_secure() -> bool:
    return settings.AMPHI_URL.startswith("https://")


def _meeting_server() -> Iterator[CheckMessage]:
    for name in ("BBB_API_URL", "BBB_SECRET_KEY"):
        if settings.USE_MEETING_WEBINAR and not getattr(settings, name):
            yield Warning(
                say(
                    en=f"USE_MEETING_WEBINAR is on and {name} is empty.",
                    fr=f"USE_MEETING_WEBINAR est activé et {name} est vide.",
                ),
                hint=say(
                    en=f"Set {name} to what `bbb-conf --secret` prints on the BigBlueButton server.",
                    fr=f"Donnez à {name} ce qu’affiche « bbb-conf --secret » sur le serveur BigBlueButton.",
                ),
                id="amphi.W001",
            )
    if settings.BBB_CA_FILE and not Path(settings.BBB_CA_FILE).is_file():
        yield Error(
            say(en="BBB_CA_FILE names no file.", fr="BBB_CA_FILE ne désigne aucun fichier."),
            hint=say(
                en="Set it to the PEM file of the certificate authority, or leave it empty for the system’s.",
                fr="Indiquez le fichier PEM de l’autorité de certification, ou rien pour celles du système.",
            ),
            id="amphi.E002",
        )


def _default_gateway() -> Iterator[CheckMessage]:
    if settings.MEETING_WEBINAR_SIPMEDIAGW_URL and not settings.MEETING_WEBINAR_SIPMEDIAGW_TOKEN:
        yield Error(
            say(
                en="MEETING_WEBINAR_SIPMEDIAGW_URL is set without a token.",
                fr="MEETING_WEBINAR_SIPMEDIAGW_URL est défini sans jeton.",
            ),
            hint=say(
                en="Set MEETING_WEBINAR_SIPMEDIAGW_TOKEN to the gateway’s token.",
                fr="Donnez à MEETING_WEBINAR_SIPMEDIAGW_TOKEN le jeton de la passerelle.",
            ),
            id="amphi.E003",
        )


def _addresses() -> Iterator[CheckMessage]:
    for name in ("MEETING_WEBINAR_SIPMEDIAGW_URL", "BBB_API_URL", "AMPHI_URL"):
        parts = urlsplit(getattr(settings, name))
        if parts.query or parts.fragment or "@" in parts.netloc:
            yield Error(
                say(
                    en=f"{name} holds a user, a query or a fragment.",
                    fr=f"{name} contient un utilisateur, une requête ou un fragment.",
                ),
                hint=say(
                    en="Write the server’s address alone, such as https://server.univ.fr; secrets have settings of their own.",
                    fr="Écrivez l’adresse du serveur seule, comme https://serveur.univ.fr ; les secrets ont leurs propres réglages.",
                ),
                id="amphi.E004",
            )


def _form_fields() -> Iterator[CheckMessage]:
    unknown = [name for name in settings.MEETING_WEBINAR_FIELDS if name not in FIELDS]
    if unknown:
        names = ", ".join(unknown)
        yield Error(
            say(
                en=f"MEETING_WEBINAR_FIELDS names fields that don’t exist: {names}.",
                fr=f"MEETING_WEBINAR_FIELDS nomme des champs qui n’existent pas : {names}.",
            ),
            hint=say(en=f"Choose among {', '.join(FIELDS)}.", fr=f"Choisissez parmi {', '.join(FIELDS)}."),
            id="amphi.E005",
        )


def _ticket_key() -> Iterator[CheckMessage]:
    if 0 < len(settings.AMPHI_TICKET_KEY) < SHORTEST_TICKET_KEY:
        yield Error(
            say(
                en=f"AMPHI_TICKET_KEY is shorter than {SHORTEST_TICKET_KEY} characters: it could be guessed.",
                fr=f"AMPHI_TICKET_KEY a moins de {SHORTEST_TICKET_KEY} caractères : on pourrait la deviner.",
            ),
            hint=say(
                en="Make one with `openssl rand -base64 32`, and give the same to the origin.",
                fr="Créez-en une avec « openssl rand -base64 32 », et donnez la même à l’origine.",
            ),
            id="amphi.E006",
        )


def _secret_key() -> Iterator[CheckMessage]:
    if settings.AMPHI_INSECURE_KEY and not _is_local(settings.AMPHI_URL):
        yield Error(
            say(
                en="AMPHI_INSECURE_KEY is on while others reach AMPHI_URL: whoever knows the key is anybody they want.",
                fr="AMPHI_INSECURE_KEY est activé alors qu’AMPHI_URL est joignable : qui connaît la clé prend l’identité de n’importe qui.",
            ),
            hint=say(
                en="Take it out, and set AMPHI_SECRET_KEY to what `openssl rand -base64 48` prints.",
                fr="Retirez-le, et donnez à AMPHI_SECRET_KEY ce qu’affiche « openssl rand -base64 48 ».",
            ),
            id="amphi.E012",
        )


def _debug() -> Iterator[CheckMessage]:
    if settings.DEBUG and _is_secure():
        yield Error(
            say(
                en="AMPHI_DEBUG is on while AMPHI_URL is https: error pages would show settings to anybody.",
                fr="AMPHI_DEBUG est activé alors qu’AMPHI_URL est en https : les pages d’erreur montreraient la configuration à tous.",
            ),
            hint=say(en="Set AMPHI_DEBUG to False.", fr="Mettez AMPHI_DEBUG à False."),
            id="amphi.E007",
        )


def _clear_text() -> Iterator[CheckMessage]:
    """Warn of unencrypted connections when the platform itself uses https."""
    for name in ("MEETING_WEBINAR_SIPMEDIAGW_URL", "BBB_API_URL"):
        url = getattr(settings, name)
        if _is_secure() and url.startswith("http://") and not _is_local(url):
            yield Warning(
                say(
                    en=f"{name} is http while AMPHI_URL is https: secrets cross the network in clear text.",
                    fr=f"{name} est en http alors qu’AMPHI_URL est en https : des secrets circulent en clair.",
                ),
                hint=say(
                    en="Put the server behind TLS, and write https://; a private authority is all right.",
                    fr="Placez ce serveur derrière TLS et écrivez https:// ; une autorité privée convient.",
                ),
                id="amphi.W008",
            )


def _reach() -> Iterator[CheckMessage]:
    """Warn when other systems can't reach this one."""
    others = [settings.BBB_API_URL, settings.MEETING_WEBINAR_SIPMEDIAGW_URL]
    if _is_local(settings.AMPHI_URL) and any(url and not _is_local(url) for url in others):
        yield Warning(
            say(
                en="AMPHI_URL is an address of this machine alone, but BigBlueButton or the gateway is on another.",
                fr="AMPHI_URL est une adresse propre à cette machine, mais BigBlueButton ou la passerelle est sur une autre.",
            ),
            hint=say(
                en="Set AMPHI_URL to the address under which they reach this platform; else no callback and no gateway arrives.",
                fr="Donnez à AMPHI_URL l’adresse par laquelle ils joignent cette plateforme ; sinon ni rappels ni passerelle n’arrivent.",
            ),
            id="amphi.W009",
        )
    elif not _is_secure() and not _is_local(settings.AMPHI_URL):
        yield Warning(
            say(
                en="AMPHI_URL is http: passwords cross the network in clear text, and SIPMediaGW opens https only.",
                fr="AMPHI_URL est en http : les mots de passe circulent en clair, et SIPMediaGW n’ouvre que du https.",
            ),
            hint=say(
                en="Put nginx with a certificate in front: deploy/nginx/amphi.conf.",
                fr="Placez nginx et un certificat devant : deploy/nginx/amphi.conf.",
            ),
            id="amphi.W010",
        )


def _database() -> Iterator[CheckMessage]:
    if _is_secure() and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield Warning(
            say(
                en="The database is SQLite, which is for trying: one writer at a time, one machine.",
                fr="La base est SQLite, faite pour essayer : une écriture à la fois, une seule machine.",
            ),
            hint=say(
                en="Set AMPHI_DATABASE_URL to a PostgreSQL database.",
                fr="Donnez à AMPHI_DATABASE_URL une base PostgreSQL.",
            ),
            id="amphi.W011",
        )


RULES: tuple[Rule, ...] = (
    _meeting_server,
    _default_gateway,
    _addresses,
    _form_fields,
    _ticket_key,
    _secret_key,
    _debug,
    _clear_text,
    _reach,
    _database,
)


@register(Tags.compatibility)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Each problem with the settings, with its remedy."""
    return [message for rule in RULES for message in rule()]
