"""The meeting server: does it answer, does it accept our secret, what can it do?"""

from collections.abc import Iterator

from django.conf import settings

from amphi.bigbluebutton import (
    BigBlueButtonError,
    ChecksumRefusedError,
    MisconfiguredServerError,
    ServerTimeoutError,
    UnexpectedAnswerError,
    UntrustedServerError,
)
from amphi.checkup.clock import clock_of
from amphi.checkup.findings import Finding
from amphi.meetings.server import meeting_server
from amphi.system import outbound
from amphi.system.terminal import say

CHECK = "bigbluebutton"
TIMEOUT_S = 5.0


def _advice(error: BigBlueButtonError) -> str:
    if isinstance(error, ChecksumRefusedError):
        return say(
            en='it refuses our signature. Copy BBB_SECRET_KEY from `bbb-conf --secret`; an old server may want BBB_CHECKSUM = "sha1".',
            fr='il refuse notre signature. Recopiez BBB_SECRET_KEY depuis « bbb-conf --secret » ; un vieux serveur peut vouloir BBB_CHECKSUM = "sha1".',
        )
    if isinstance(error, MisconfiguredServerError):
        return say(
            en=f"it can’t be asked: {error}. Correct BBB_API_URL or BBB_CA_FILE.",
            fr=f"impossible de l’interroger : {error}. Corrigez BBB_API_URL ou BBB_CA_FILE.",
        )
    if isinstance(error, UntrustedServerError):
        return say(
            en="its certificate is not trusted. Renew it, or name its private authority in BBB_CA_FILE.",
            fr="son certificat n’est pas reconnu. Renouvelez-le, ou indiquez son autorité privée dans BBB_CA_FILE.",
        )
    if isinstance(error, UnexpectedAnswerError):
        return say(
            en=f"what answers there is not BigBlueButton’s API ({error}). Correct BBB_API_URL.",
            fr=f"ce qui répond là n’est pas l’API de BigBlueButton ({error}). Corrigez BBB_API_URL.",
        )
    if isinstance(error, ServerTimeoutError):
        return say(
            en=f"no answer in {TIMEOUT_S:.0f} s. Look whether a firewall lies between, or whether it is overloaded.",
            fr=f"pas de réponse en {TIMEOUT_S:.0f} s. Voyez si un pare-feu s’interpose, ou s’il est surchargé.",
        )
    return say(
        en=f"it can’t be reached ({error}). Correct BBB_API_URL, or open the way to its port.",
        fr=f"il est injoignable ({error}). Corrigez BBB_API_URL, ou ouvrez l’accès à son port.",
    )


def check_meeting_server() -> Iterator[Finding]:
    """Check the meeting server's version, secret, webhooks and clock."""
    if not settings.BBB_API_URL:
        yield Finding(
            "FAIL" if settings.USE_MEETING_WEBINAR else "WARN",
            CHECK,
            "",
            say(
                en="none is configured. Set BBB_API_URL and BBB_SECRET_KEY.",
                fr="aucun n’est configuré. Définissez BBB_API_URL et BBB_SECRET_KEY.",
            ),
        )
        return
    try:
        server = meeting_server()
    except MisconfiguredServerError as error:
        yield Finding("FAIL", CHECK, settings.BBB_API_URL, _advice(error))
        return
    try:
        capabilities = server.capabilities()
        meetings = server.meetings()
    except BigBlueButtonError as error:
        yield Finding("FAIL", CHECK, server.url, _advice(error))
        return
    version = (
        f"version {capabilities.version}"
        if capabilities.version
        else say(en="it does not tell its version", fr="il ne dit pas sa version")
    )
    yield Finding(
        "OK",
        CHECK,
        server.url,
        say(
            en=f"{version}, our secret is right, {len(meetings)} meetings now.",
            fr=f"{version}, notre secret est le bon, {len(meetings)} réunions en ce moment.",
        ),
    )
    yield _chat(server.url, webhooks=capabilities.webhooks, says=capabilities.send_chat_message)
    caller = outbound.Caller(timeout_s=TIMEOUT_S, ca_file=settings.BBB_CA_FILE or None)
    try:
        yield from clock_of(CHECK, server.url, f"{server.url}/", caller)
    finally:
        caller.close()


def _chat(subject: str, *, webhooks: bool, says: bool) -> Finding:
    if not webhooks:
        return Finding(
            "WARN",
            CHECK,
            subject,
            say(
                en="it has no webhooks, so what presenters write in its chat does not reach listeners as text. Run there: apt install bbb-webhooks",
                fr="il n’a pas de webhooks : ce que les présentateurs écrivent dans son chat n’arrive pas aux auditeurs en texte. Lancez-y : apt install bbb-webhooks",
            ),
        )
    if not says:
        return Finding(
            "OK",
            CHECK,
            subject,
            say(
                en="webhooks are there; before 3.0 they tell of no raised hands and no polls, so the panel shows none, and listeners’"
                " messages are typed by the gateway.",
                fr="les webhooks sont là ; avant la 3.0 ils ne signalent ni mains levées ni sondages, que le panneau n’affiche donc"
                " pas, et les messages des auditeurs sont saisis par la passerelle.",
            ),
        )
    return Finding(
        "OK",
        CHECK,
        subject,
        say(
            en="webhooks are installed, and it takes chat messages. Whether its deliveries reach us, a rehearsal tells.",
            fr="les webhooks sont installés, et il accepte les messages du chat. Une répétition dira si ses envois nous parviennent.",
        ),
    )
