"""The systems that people sign on by: does each answer?"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from amphi.checkup.findings import Check, Finding
from amphi.signon.exceptions import SignOnError
from amphi.system.terminal import say

if TYPE_CHECKING:
    from amphi.signon.directory import Directory

CHECK = "sign-on"


def checks() -> Iterator[Check]:
    """One check for each system that is set up."""
    known = settings.SIGN_ON
    if known.cas:
        yield partial(_asked, f"CAS {known.cas.url}", known.cas.check, "CAS_SERVER_URL")
    if known.directory:
        subject = f"LDAP {', '.join(known.directory.urls)}"
        yield partial(_asked, subject, known.directory.check, "LDAP_SERVER, AUTH_LDAP_…")
        if _in_the_clear(known.directory):
            yield partial(_warned, subject)
    if known.oidc:
        yield partial(_asked, f"OIDC {known.oidc.issuer}", known.oidc.check, "AMPHI_OIDC_ISSUER")
    if known.saml:
        yield partial(_asked, f"SAML {known.saml.metadata}", known.saml.check, "AMPHI_SAML_…")


def _asked(subject: str, ask: Callable[[], object], setting: str) -> Iterator[Finding]:
    try:
        ask()
    except SignOnError as error:
        sentence = say(
            en=f"nobody can log in by it: {error}. Correct {setting}, or look at that system.",
            fr=f"personne ne peut se connecter par ce système ({error}). Corrigez {setting}, ou voyez ce système.",
        )
        yield Finding("FAIL", CHECK, subject, sentence)
        return
    yield Finding("OK", CHECK, subject, say(en="it answers.", fr="il répond."))


def _in_the_clear(directory: "Directory") -> bool:
    """Whether passwords reach the directory in the clear."""
    return not directory.start_tls and any(
        url.startswith("ldap://") and urlsplit(url).hostname not in {"localhost", "127.0.0.1", "::1"}
        for url in directory.urls
    )


def _warned(subject: str) -> Iterator[Finding]:
    sentence = say(
        en='passwords reach it in the clear. Set "use_ssl": True in LDAP_SERVER, or AMPHI_LDAP_START_TLS.',
        fr='les mots de passe lui parviennent en clair. Mettez "use_ssl": True dans LDAP_SERVER, ou AMPHI_LDAP_START_TLS.',
    )
    yield Finding("WARN", CHECK, subject, sentence)
