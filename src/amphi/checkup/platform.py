"""The platform itself: settings, database, worker, mail, its own address."""

import os
import shutil
import smtplib
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core import checks
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django.utils import timezone

from amphi.audience.models import Event
from amphi.checkup.findings import Finding, Level
from amphi.mails.models import Mail
from amphi.system import outbound, recordings
from amphi.system.terminal import say
from amphi.webinars.models import LiveGateway, Livestream, WorkerPulse

TIMEOUT_S = 5.0
LATE = timedelta(minutes=1)
HTTP_NOT_FOUND, HTTP_UNAVAILABLE = 404, 503
HTTP_OK, HTTP_NOT_FOUND, HTTP_UNAVAILABLE = 200, 404, 503


def check_settings() -> Iterator[Finding]:
    """Run Django's system checks, with our own."""
    messages = checks.run_checks()
    for message in messages:
        hint = f" {message.hint}" if message.hint else ""
        level: Level = "FAIL" if message.is_serious() else "WARN"
        yield Finding(level, "settings", message.id or "", f"{message.msg}{hint}")
    if not messages:
        yield Finding("OK", "settings", "", say(en="nothing contradicts itself.", fr="rien ne se contredit."))


def migrations_to_make() -> list[str]:
    """The names, ``app.name``, of this version's migrations that the database has not seen, in their order.

    Raises:
        DatabaseError: it does not answer.
    """
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{one.app_label}.{one.name}" for one, _ in plan]


def unreachable_database() -> Finding:
    """What is said of a database that refuses, or is silent."""
    # The driver's message may contain the address with its password.
    sentence = say(
        en="it can’t be reached, or takes no writes. Correct AMPHI_DATABASE_URL, or look after the database server.",
        fr="elle est injoignable, ou refuse les écritures. Corrigez AMPHI_DATABASE_URL, ou occupez-vous du serveur de base de données.",
    )
    return Finding("FAIL", "database", connection.vendor, sentence)


def check_database() -> Iterator[Finding]:
    """Check that the database answers and has all migrations."""
    try:
        missing = len(migrations_to_make())
    except DatabaseError:
        yield unreachable_database()
        return
    if missing:
        sentence = say(
            en=f"{missing} migrations are missing. Run: amphi migrate",
            fr=f"il manque {missing} migrations. Lancez : amphi migrate",
        )
        yield Finding("FAIL", "database", connection.vendor, sentence)
    else:
        yield Finding(
            "OK",
            "database",
            connection.vendor,
            say(en="its tables are current.", fr="ses tables sont à jour."),
        )


def check_worker() -> Iterator[Finding]:
    """Check that a worker is alive and looks at running lives in time. Reads the database."""
    late = Livestream.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=timezone.now()), look_at__lt=timezone.now() - LATE
    )
    heard = WorkerPulse.objects.filter(seen_at__gt=timezone.now() - LATE).count()
    if not heard:
        sentence = say(
            en="none has been heard of for a minute: no live starts, no email leaves. Run: systemctl start amphi-worker",
            fr="aucun ne s’est manifesté depuis une minute : aucun direct ne démarre, aucun courriel ne part. Lancez : systemctl start amphi-worker",
        )
        yield Finding("FAIL", "worker", "", sentence)
    elif late.exists():
        sentence = say(
            en="a live has waited for more than a minute. Look at the worker’s log, or start one more.",
            fr="un direct attend depuis plus d’une minute. Consultez le journal du worker, ou démarrez-en un autre.",
        )
        yield Finding("FAIL", "worker", "", sentence)
    else:
        yield Finding("OK", "worker", "", say(en=f"{heard} at work.", fr=f"{heard} à l’œuvre."))


def check_refused_mails() -> Iterator[Finding]:
    """Warn of emails that were given up during the last day. Reads the database."""
    since = timezone.now() - timedelta(days=1)
    refused = Mail.objects.filter(sent_at=None, attempt_at=None, created_at__gt=since).count()
    if refused:
        sentence = say(
            en=f"{refused} emails of the last day were given up. The administration’s list of mails says why.",
            fr=f"{refused} courriels du dernier jour ont été abandonnés. La liste des courriels de l’administration dit pourquoi.",
        )
        yield Finding("WARN", "mail", "", sentence)


def check_tickets() -> Iterator[Finding]:
    """Check that the pictures of events with limited access are protected too. Reads the database."""
    restricted = Event.objects.filter(
        Q(is_restricted=True) | Q(is_draft=True) | ~Q(password=""), end_at__gt=timezone.now()
    )
    if not restricted.exists():
        return
    if not settings.AMPHI_TICKET_KEY:
        sentence = say(
            en="there are events that are restricted, drafts or behind a password, and no AMPHI_TICKET_KEY, so the picture is open to whoever knows its address. "
            "Make one with `openssl rand -base64 32`, for the platform and the origin.",
            fr="il y a des directs restreints, en brouillon ou avec mot de passe, et pas d’AMPHI_TICKET_KEY : l’image est ouverte à qui connaît son adresse. "
            "Créez-en une avec « openssl rand -base64 32 », pour la plateforme et l’origine.",
        )
        yield Finding("FAIL", "tickets", "", sentence)
        return
    open_ones = restricted.filter(broadcaster__has_tickets=False).values_list("broadcaster__name", flat=True)
    for name in sorted(set(open_ones)):
        sentence = say(
            en="it carries events that are restricted, drafts or behind a password, and asks for no ticket: the picture is open to whoever knows its address.",
            fr="il porte des directs restreints, en brouillon ou avec mot de passe, et ne demande pas de ticket : l’image est ouverte à qui connaît son adresse.",
        )
        yield Finding("WARN", "tickets", name, sentence)
    if not open_ones:
        yield Finding(
            "OK",
            "tickets",
            "",
            say(en="restricted events ask for one.", fr="les directs restreints en demandent un."),
        )


PLAYER_MODULE = "static/vendor/hls.js/hls.light.min.mjs"
"""A module that every live page loads, under the platform's address."""
SCRIPT_TYPES = frozenset({"text/javascript", "application/javascript"})


def check_keys() -> Iterator[Finding]:
    """Check that publishing needs a key. Reads the database."""
    for gateway in LiveGateway.objects.select_related("broadcaster"):
        if not parse_qs(urlsplit(gateway.rtmp_stream_url).query).get("key"):
            sentence = say(
                en="its RTMP address holds no key: a live server that asks us refuses it, and one that does not takes whoever reaches it. Add ?key=…",
                fr="son adresse RTMP ne contient pas de clé : un serveur de live qui nous interroge la refuse, un autre accepte n’importe qui. Ajoutez-y ?key=…",
            )
            yield Finding("WARN", "rtmp", str(gateway.broadcaster), sentence)


def check_web() -> Iterator[Finding]:
    """Check that the platform answers at its public address, and that its pages work there."""
    url = settings.AMPHI_URL
    caller = outbound.Caller(timeout_s=TIMEOUT_S)
    try:
        status = caller.call("GET", f"{url}/healthz").status
        hooks = caller.call("GET", f"{url}/webinars/on-publish").status
        module = caller.call("GET", f"{url}/{PLAYER_MODULE}")
    except outbound.OutboundError as error:
        sentence = say(
            en=f"no answer under AMPHI_URL ({error}). Start `amphi web`, and look at nginx and its certificate.",
            fr=f"pas de réponse à AMPHI_URL ({error}). Démarrez « amphi web », et vérifiez nginx et son certificat.",
        )
        yield Finding("FAIL", "web", url, sentence)
        return
    finally:
        caller.close()
    if status == HTTP_OK:
        yield Finding("OK", "web", url, say(en="it answers.", fr="elle répond."))
        yield _player(module)
        if url.startswith("https://") and hooks != HTTP_NOT_FOUND:
            yield _open_hooks(url)
    elif status == HTTP_UNAVAILABLE:
        sentence = say(
            en="the platform answers, and can’t work: its database does not answer it, or takes no writes. Look after the database server.",
            fr="la plateforme répond, mais ne peut pas fonctionner : sa base de données ne lui répond pas, ou refuse les écritures. Occupez-vous du serveur de base de données.",
        )
        yield Finding("FAIL", "web", url, sentence)
    else:
        sentence = say(
            en=f"what answers under AMPHI_URL is not the platform (HTTP status {status}). Correct the proxy in front of it.",
            fr=f"ce qui répond à AMPHI_URL n’est pas la plateforme (statut HTTP {status}). Corrigez le proxy devant elle.",
        )
        yield Finding("FAIL", "web", url, sentence)


def _open_hooks(url: str) -> Finding:
    """Check that the address that only the live server may call is not open to everybody."""
    sentence = say(
        en="anybody may ask here whether a key opens a stream. Refuse it in the proxy, as deploy/nginx/amphi.conf does.",
        fr="n’importe qui peut demander ici si une clé ouvre un flux. Refusez-le dans le proxy, comme deploy/nginx/amphi.conf.",
    )
    return Finding("WARN", "web", f"{url}/webinars/on-publish", sentence)


def _player(module: outbound.Answer) -> Finding:
    """Check that browsers can run the live page's player: they refuse modules without a script's media type."""
    subject = f"/{PLAYER_MODULE}"
    if module.status != HTTP_OK:
        sentence = say(
            en=f"the player of live pages is missing (HTTP status {module.status}): they show no picture. "
            "Run `deploy/setup run`, then `amphi collectstatic`.",
            fr=f"le lecteur des pages de direct est introuvable (statut HTTP {module.status}) : elles n’affichent aucune image. "
            "Lancez « deploy/setup run », puis « amphi collectstatic ».",
        )
        return Finding("FAIL", "player", subject, sentence)
    if module.content_type not in SCRIPT_TYPES:
        shown = module.content_type or "none"
        sentence = say(
            en=f"it is served with the type {shown}, and browsers refuse to run it: live pages show no picture. "
            "Serve .mjs as text/javascript, as deploy/nginx/amphi.conf does.",
            fr=f"il est servi avec le type {shown}, et les navigateurs refusent de l’exécuter : les pages de direct n’affichent aucune image. "
            "Servez .mjs en text/javascript, comme deploy/nginx/amphi.conf.",
        )
        return Finding("FAIL", "player", subject, sentence)
    return Finding(
        "OK",
        "player",
        subject,
        say(en="browsers can run it.", fr="les navigateurs peuvent l’exécuter."),
    )


def check_mail() -> Iterator[Finding]:
    """Check that the mail server accepts a connection and our account. Nothing is sent."""
    kind = settings.EMAIL_BACKEND.rsplit(".", 2)[-2]
    if kind != "smtp":
        yield Finding(
            "OK",
            "mail",
            kind,
            say(en="no mail server is used.", fr="aucun serveur de courriel n’est utilisé."),
        )
        return
    subject = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
    backend = get_connection(timeout=TIMEOUT_S)
    try:
        backend.open()
        backend.close()
    except (OSError, smtplib.SMTPException) as error:
        reason = type(error).__name__ if isinstance(error, smtplib.SMTPException) else error
        sentence = say(
            en=f"the mail server refuses ({reason}): invitations and alerts stay here. Correct EMAIL_HOST and what follows it.",
            fr=f"le serveur de courriel refuse ({reason}) : invitations et alertes restent ici. Corrigez EMAIL_HOST et ce qui suit.",
        )
        yield Finding("WARN", "mail", subject, sentence)
    else:
        yield Finding(
            "OK",
            "mail",
            subject,
            say(
                en="it takes a connection; whether it passes emails on, only one tells: amphi sendtestmail YOUR@ADDRESS",
                fr="il accepte la connexion ; seul un envoi dira s’il transmet les courriels : amphi sendtestmail VOTRE@ADRESSE",
            ),
        )


NEARLY_FULL = 0.8
GIB = 2**30


def check_recordings() -> Iterator[Finding]:
    """Check that recordings have their folder, and room. Reads the disk."""
    folder = settings.RECORDINGS
    if folder is None:
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        sentence = say(
            en="it is no folder that the platform may read: there are no replays. Make it as docs/deploy.md does, for origin and platform.",
            fr="ce n’est pas un dossier que la plateforme peut lire\u202f: il n’y a pas de rediffusion. Créez-le comme le dit docs/deploy.md, pour l’origine et la plateforme.",
        )
        yield Finding("FAIL", "recordings", str(folder), sentence)
        return
    used = recordings.size_bytes(folder)
    limit, free = settings.RECORDINGS_GIB, shutil.disk_usage(folder).free
    figures = f"{used / GIB:.1f} / {limit} GiB"
    if used > NEARLY_FULL * limit * GIB or free < (1 - NEARLY_FULL) * used:
        sentence = say(
            en=f"{figures} are used, {free / GIB:.1f} GiB of the disk are free: soon the oldest replays are deleted before their time, or nothing is recorded.",
            fr=f"{figures} utilisés, {free / GIB:.1f} Gio libres sur le disque\u202f: bientôt les rediffusions les plus anciennes seront supprimées avant terme, ou plus rien ne sera enregistré.",
        )
        yield Finding("WARN", "recordings", str(folder), sentence)
    elif shutil.which("ffmpeg") is None:
        sentence = say(
            en="ffmpeg is not installed on this machine: replays have no file to download, and no small pictures. Install it where workers run.",
            fr="ffmpeg n’est pas installé sur cette machine\u202f: les rediffusions n’ont ni fichier à télécharger ni vignettes. Installez-le là où tournent les workers.",
        )
        yield Finding("WARN", "recordings", str(folder), sentence)
    else:
        sentence = say(en=f"{figures} are used.", fr=f"{figures} utilisés.")
        yield Finding("OK", "recordings", str(folder), sentence)
