"""The sheet for the register of processing activities (article 30 of the GDPR), made from the settings of this installation."""

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from amphi.privacy.records import records


def sheet() -> str:
    """The sheet in Markdown, in the language that is active."""
    unknown = _("to be filled in")
    facts = [
        (_("Name of the processing"), _("Webinars and meetings (Amphi)")),
        (_("Controller"), settings.AMPHI_INSTITUTION or unknown),
        (_("Data protection officer"), settings.AMPHI_PRIVACY_CONTACT or unknown),
        (
            _("Purpose"),
            _("Holding meetings and broadcasting webinars, with the discussion of their listeners"),
        ),
        (
            _("Legal basis"),
            _("Public interest task (article 6.1.e of the GDPR); to be confirmed by the institution"),
        ),
        (
            _("Persons concerned"),
            _("Staff and students who log in; guests, listeners and those who are invited"),
        ),
        (_("Where"), _("On the institution’s own servers: %(address)s") % {"address": settings.AMPHI_URL}),
        (_("Transfers out of the European Union"), _("none by this platform")),
        (_("Other systems that get data"), _systems()),
        (_("Security"), _security()),
        (_("Made on"), date_format(timezone.localtime(), "SHORT_DATE_FORMAT")),
    ]
    title = _("Register of processing activities: webinars")
    lines = [f"# {title}", "", "| | |", "|---|---|"]
    lines += [f"| {_cell(name)} | {_cell(said)} |" for name, said in facts]
    head = [_("What"), _("Why"), _("How long"), _("Who sees it")]
    lines += ["", f"| {' | '.join(head)} |", "|---|---|---|---|"]
    for one in records():
        lines.append(
            "| " + " | ".join(_cell(said) for said in (one.what, one.why, one.kept, one.seen_by)) + " |"
        )
    return "\n".join(lines) + "\n"


def _cell(said: object) -> str:
    return str(said).replace("|", "\\|").replace("\n", " ")


def _systems() -> str:
    systems = [
        (_("BigBlueButton: the names of those who enter, sound, picture, discussion"), settings.BBB_API_URL),
        (_("the S3 server: replays"), settings.BUCKET_URL),
        (_("Esup-Pod: replays"), settings.POD_URL),
        (
            _("the speech recognition: the sound of lives whose presenters chose captions"),
            settings.CAPTIONS_ENGINE,
        ),
        (_("the mail server: emails"), settings.EMAIL_HOST),
    ]
    return " · ".join(name for name, is_used in systems if is_used)


def _security() -> str:
    return _(
        "Encrypted connections, tokens and secrets encrypted in the database, rights asked at each request, no data in logs that "
        "opens anything, backups by the institution"
    )
