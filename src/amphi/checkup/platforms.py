"""Learning platforms: are their keys to be had, by TLS, and does their clock agree with ours?"""

from collections.abc import Iterator

from amphi.checkup.clock import clock_of
from amphi.checkup.findings import Finding
from amphi.lti import platform_keys
from amphi.lti.exceptions import UnreachableError
from amphi.lti.models import Platform
from amphi.system import outbound
from amphi.system.terminal import say

CHECK = "lti"


def check_platform(platform: Platform) -> Iterator[Finding]:
    """Check one platform by its public keys, without which no launch counts. Reads no database."""
    try:
        number = len(platform_keys.fetch(platform.jwks_url))
    except UnreachableError as error:
        sentence = say(
            en=f"nobody comes from its courses: {error}. Correct its public keyset URL in the administration, or look at that platform.",
            fr=f"personne ne peut venir de ses cours ({error}). Corrigez l’URL de ses clés publiques dans l’administration, ou voyez cette plateforme.",
        )
        yield Finding("FAIL", CHECK, platform.name, sentence)
        return
    if not platform.jwks_url.startswith("https://"):
        sentence = say(
            en="its keys come without TLS: whoever sits between could come from its courses as anybody. Use https in its public keyset URL.",
            fr="ses clés arrivent sans TLS\u00a0: qui se trouve entre les deux pourrait venir de ses cours sous n’importe quelle identité. Mettez https dans l’URL de ses clés publiques.",
        )
        yield Finding("WARN", CHECK, platform.name, sentence)
    if not platform.deployments:
        sentence = say(
            en="it has no deployment ID, so every launch is refused. Copy it from the platform into the administration.",
            fr="elle n’a aucun identifiant de déploiement\u00a0: tout lancement est refusé. Copiez-le de la plateforme dans l’administration.",
        )
        yield Finding("FAIL", CHECK, platform.name, sentence)
        return
    caller = outbound.Caller(timeout_s=platform_keys.TIMEOUT_S)
    try:
        yield from clock_of(CHECK, platform.name, platform.jwks_url, caller)
    finally:
        caller.close()
    yield Finding(
        "OK",
        CHECK,
        platform.name,
        say(en=f"it answers, with {number} keys.", fr=f"elle répond, avec {number} clés."),
    )
