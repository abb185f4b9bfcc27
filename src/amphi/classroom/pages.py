"""The classroom's pages, in French and in English."""

import html
import json
import re
from importlib.resources import files
from typing import Literal

Language = Literal["en", "fr"]

CATALOGUE: dict[str, dict[Language, str]] = json.loads(
    files("amphi.classroom").joinpath("static", "strings.json").read_text(encoding="utf-8")
)
# The string for each message key of a refusal; other keys get the general sentence.
REFUSALS = {
    "maxParticipantsReached": "refused_full",
    "invalidMeetingIdentifier": "refused_unknown",
    "meetingForciblyEnded": "refused_ended",
    "invalidPassword": "refused_password",
    "guestDeniedAccess": "refused_guest",
    "mismatchCreateTimeParam": "refused_old_link",
    "sessionNotFound": "refused_session",
    "checksumError": "refused_link",
    "missingParamFullName": "refused_link",
    "missingParamMeetingID": "refused_link",
    "validationError": "refused_link",
}
# These patterns expect the attributes in the order of the templates: a text, or a label that becomes a control's name and tooltip.
_TEXT = re.compile(r'data-text="([a-z_]+)">')
_LABEL = re.compile(r'data-label="([a-z_]+)"')
_PLACEHOLDER = re.compile(r'data-placeholder="([a-z_]+)"')
_FIELD = re.compile(r"\{\{([a-z_]+)\}\}")


def translate(key: str, language: Language) -> str:
    return CATALOGUE[key][language]


def choose_language(asked: str, accepted: str) -> Language:
    """The page's language.

    Args:
        asked: the value of the switch, the cookie or ``bbb_override_default_locale``, such as ``fr`` or ``fr-CA``.
        accepted: the browser's ``Accept-Language``, with its quality values.
    """
    ranked = []
    for position, item in enumerate([asked, *accepted.split(",")]):
        tag, _, quality = item.strip().partition(";q=")
        try:
            rank = float(quality or 1)
        except ValueError:
            rank = 0.0
        ranked.append((2.0 if asked and position == 0 else rank, -position, tag.strip().lower()[:2]))
    for rank, _, tag in sorted(ranked, reverse=True):
        if tag == "fr" and rank > 0:
            return "fr"
        if tag == "en" and rank > 0:
            return "en"
    return "en"


def render(template: str, language: Language, **fields: str) -> str:
    """Fill a template with the strings of `language`, and with the escaped `fields` in place of ``{{name}}``."""
    page = files("amphi.classroom").joinpath("templates", template).read_text(encoding="utf-8")

    def text(key: str) -> str:
        return html.escape(translate(key, language))

    page = _TEXT.sub(lambda found: f"{found[0]}{text(found[1])}", page)
    page = _LABEL.sub(
        lambda found: f'{found[0]} aria-label="{text(found[1])}" title="{text(found[1])}"', page
    )
    page = _PLACEHOLDER.sub(lambda found: f'{found[0]} placeholder="{text(found[1])}"', page)
    values = {"language": language, **fields}
    return _FIELD.sub(lambda found: html.escape(values[found[1]]), page)
