"""Checks what makes captions: the engine that the settings name, and the process that asks it."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from amphi.captioning import service
from amphi.captioning.exceptions import EngineError
from amphi.checkup.findings import Finding

CHECK = "captions"


def check_engine() -> Iterator[Finding]:
    """Have the engine hear a moment of silence, in each language that has a server of its own."""
    if not settings.CAPTIONS_ENGINE:
        return
    engine = service.engine()
    for language in _languages():
        subject = f"{settings.CAPTIONS_ENGINE} {language}"
        try:
            engine.check(language)
        except EngineError as error:
            said = _("No captions: %(error)s. Lives go on without them.") % {"error": error}
            yield Finding("WARN", CHECK, subject, said)
        else:
            yield Finding("OK", CHECK, subject, _("The engine answers."))


def _languages() -> list[str]:
    if settings.CAPTIONS_ENGINE == "pocketsphinx":
        return ["en"]
    return [one or "fr" for one in settings.CAPTIONS_URLS]


def check_process() -> Iterator[Finding]:
    """See whether lives wait for captions."""
    waiting = service.unheard() if settings.CAPTIONS_ENGINE else 0
    if waiting:
        said = _(
            "%(number)d live(s) on the air wait for captions: start amphi captions (amphi-captions.service), or let it hear more at once."
        )
        yield Finding("WARN", CHECK, "", said % {"number": waiting})
