"""The bucket of recordings: may we write, read and delete there, may browsers read, and does it have room?"""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings

from amphi.audience.models import BucketItem
from amphi.audience.replays import away
from amphi.bucket import exceptions
from amphi.bucket.exceptions import BucketError
from amphi.bucket.store import Bucket
from amphi.checkup.findings import Finding
from amphi.system import outbound
from amphi.system.terminal import say

CHECK = "bucket"
TIMEOUT_S = 5.0
OF_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
"""Browsers make an exception for it."""
VALID_FOR = timedelta(minutes=1)
GIB = 2**30
NEARLY_FULL = 0.8
CONTENT = b"amphi check\n"


def check_items() -> Iterator[Finding]:
    """Check that what is to be in the bucket is there, and that it has room. Reads the database."""
    items = BucketItem.objects.all()
    if not settings.BUCKET_URL:
        if items.exists():
            sentence = say(
                en="there are replays in a bucket, and AMPHI_BUCKET_URL is not set: nobody can see them. Set it again.",
                fr="des rediffusions sont dans un bucket, et AMPHI_BUCKET_URL n’est pas défini\u202f: personne ne peut les voir. Définissez-le de nouveau.",
            )
            yield Finding("FAIL", CHECK, "", sentence)
        return
    failing = items.exclude(reason="").exclude(state=BucketItem.State.STORED)
    number, first = failing.count(), failing.first()
    if first is not None:
        sentence = say(
            en=f"{number} recordings are not where they belong yet, the last attempt met with “{first.reason}”. "
            "Nothing is lost, and it is tried again; the worker’s log says more.",
            fr=f"{number} enregistrements ne sont pas encore à leur place, la dernière tentative a échoué («\u202f{first.reason}\u202f»). "
            "Rien n’est perdu, et une nouvelle tentative suivra\u202f; le journal du worker en dit plus.",
        )
        yield Finding("WARN", CHECK, settings.BUCKET_URL, sentence)
    used, limit = away.size_bytes(), settings.BUCKET_GIB
    if used > NEARLY_FULL * limit * GIB:
        sentence = say(
            en=f"{used / GIB:.1f} of {limit} GiB are used: soon the oldest replays are deleted before their time. Raise AMPHI_BUCKET_GIB.",
            fr=f"{used / GIB:.1f} Gio utilisés sur {limit}\u202f: bientôt les rediffusions les plus anciennes seront supprimées avant terme. Augmentez AMPHI_BUCKET_GIB.",
        )
        yield Finding("WARN", CHECK, settings.BUCKET_URL, sentence)
    else:
        sentence = say(
            en=f"{used / GIB:.1f} of {limit} GiB are used.", fr=f"{used / GIB:.1f} Gio utilisés sur {limit}."
        )
        yield Finding("OK", CHECK, settings.BUCKET_URL, sentence)


def check_bucket() -> Iterator[Finding]:
    """Write, read and delete an object. Reads no database."""
    if not settings.BUCKET_URL:
        return
    bucket = Bucket(
        settings.BUCKET_URL,
        key=settings.BUCKET_KEY,
        secret=settings.BUCKET_SECRET,
        region=settings.BUCKET_REGION,
        timeout=timedelta(seconds=TIMEOUT_S),
    )
    parts = urlsplit(settings.BUCKET_URL)
    if (
        parts.scheme == "http"
        and settings.AMPHI_URL.startswith("https:")
        and parts.hostname not in OF_THIS_MACHINE
    ):
        sentence = say(
            en="it is reached without TLS, and browsers refuse that on our pages. Give AMPHI_BUCKET_URL an address with https.",
            fr="il est joint sans TLS, ce que les navigateurs refusent sur nos pages. Donnez à AMPHI_BUCKET_URL une adresse en https.",
        )
        yield Finding("FAIL", CHECK, settings.BUCKET_URL, sentence)
    name = f"check/{secrets.token_hex(8)}"
    try:
        bucket.put(name, CONTENT, content_type="text/plain")
        yield from _read(bucket.address(name, "GET", VALID_FOR))
        bucket.delete([name])
        if bucket.sizes("check").get(name.removeprefix("check/")) is not None:
            yield Finding("FAIL", CHECK, settings.BUCKET_URL, _said_of_deleting())
            return
    except BucketError as error:
        yield Finding("FAIL", CHECK, settings.BUCKET_URL, _said_of(error))
        return
    sentence = say(en="we can write, read and delete there.", fr="on peut y écrire, y lire et y supprimer.")
    yield Finding("OK", CHECK, settings.BUCKET_URL, sentence)


def _read(address: str) -> Iterator[Finding]:
    """Read as browsers do, which want the bucket to allow our pages."""
    caller = outbound.Caller(timeout_s=TIMEOUT_S)
    try:
        answer = caller.call("GET", address, headers={"Origin": settings.AMPHI_URL})
    except outbound.OutboundError as error:
        sentence = say(
            en=f"listeners can’t read there ({error}).", fr=f"les auditeurs ne peuvent pas y lire ({error})."
        )
        yield Finding("FAIL", CHECK, settings.BUCKET_URL, sentence)
        return
    finally:
        caller.close()
    if answer.body != CONTENT:
        sentence = say(
            en=f"what was written can’t be read with a signed address (HTTP status {answer.status}). Allow s3:GetObject to the key.",
            fr=f"ce qui a été écrit ne peut pas être lu par une adresse signée (statut HTTP {answer.status}). Autorisez s3:GetObject pour la clé.",
        )
        yield Finding("FAIL", CHECK, settings.BUCKET_URL, sentence)
    elif answer.headers.get("access-control-allow-origin", "") not in {"*", settings.AMPHI_URL}:
        sentence = say(
            en=f"browsers refuse to show replays from there. Allow the origin {settings.AMPHI_URL} in the bucket’s CORS rules (docs/replay.md).",
            fr=f"les navigateurs refusent d’afficher les rediffusions qui en viennent. Autorisez l’origine {settings.AMPHI_URL} dans les règles CORS du bucket (docs/replay.md).",
        )
        yield Finding("FAIL", CHECK, settings.BUCKET_URL, sentence)


def _said_of_deleting() -> str:
    return say(
        en="what was deleted is still there: replays would stay after their time. Allow s3:DeleteObject to the key.",
        fr="ce qui a été supprimé y est encore\u202f: les rediffusions y resteraient après leur terme. Autorisez s3:DeleteObject pour la clé.",
    )


def _said_of(error: BucketError) -> str:
    kept = say(
        en="Until then recordings stay in the folder, and what is in the bucket alone can’t be seen or is not deleted.",
        fr="D’ici là les enregistrements restent dans le dossier, et ce qui n’est plus que dans le bucket ne peut être ni vu ni supprimé.",
    )
    match error:
        case exceptions.BucketUnreachableError():
            said = say(
                en="the server can’t be reached. Correct AMPHI_BUCKET_URL, or look after the server.",
                fr="le serveur est injoignable. Corrigez AMPHI_BUCKET_URL, ou occupez-vous du serveur.",
            )
        case exceptions.BucketRefusedError():
            said = say(
                en="the key is wrong, or may not do this. Correct AMPHI_BUCKET_KEY, AMPHI_BUCKET_SECRET or AMPHI_BUCKET_REGION, or the key’s rights.",
                fr="la clé est fausse, ou n’en a pas le droit. Corrigez AMPHI_BUCKET_KEY, AMPHI_BUCKET_SECRET ou AMPHI_BUCKET_REGION, ou les droits de la clé.",
            )
        case exceptions.BucketClockError():
            said = say(
                en="its clock and ours differ by more than a quarter of an hour. Set this machine’s clock by NTP.",
                fr="son horloge et la nôtre diffèrent de plus d’un quart d’heure. Réglez l’horloge de cette machine par NTP.",
            )
        case exceptions.NoBucketError():
            said = say(
                en="the server has no such bucket. Make it, or correct AMPHI_BUCKET_URL.",
                fr="le serveur n’a pas de bucket de ce nom. Créez-le, ou corrigez AMPHI_BUCKET_URL.",
            )
        case exceptions.BucketFullError():
            said = say(
                en="it is full, or its quota is used up. Give it more room.",
                fr="il est plein, ou son quota est épuisé. Donnez-lui plus de place.",
            )
        case _:
            said = say(
                en="the server answers with an error of its own. Look at its log.",
                fr="le serveur répond par une erreur de son côté. Consultez son journal.",
            )
    return f"{said} ({error}) {kept}"
