"""What the page of a live event shows once it is over: words of thanks, a survey, and the conversation to read, or not."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from amphi.audience.domain import publish
from amphi.audience.exceptions import SurveyAddressError
from amphi.audience.models import Event, EventState

LONGEST_TEXT = 500
LONGEST_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class Afterwards:
    """What the presenters chose; the names are those of the columns.

    Attributes:
        after_text: shown in place of our thanks; empty for ours.
        survey_url: an https address; empty for none.
        conversation_stays: whether the discussion, the questions and the polls can still be read.
    """

    after_text: str
    survey_url: str
    conversation_stays: bool


def host_of(address: str) -> str:
    """The host of a survey's address as it is shown: in ASCII, so that no letter looks like another.

    Raises:
        SurveyAddressError: it is no https address, or it holds a user's name before the host.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode()
        is_good = parts.scheme == "https" and "@" not in parts.netloc and bool(host) and parts.port != 0
    except ValueError:  # UnicodeError too
        is_good, host = False, ""
    if not is_good or any(letter.isspace() for letter in address):
        raise SurveyAddressError(_("Enter an address that begins with https://, without a user name."))
    return host


def content(event: Event) -> dict[str, object]:
    """The ``after`` message of the event stream."""
    return {
        "text": event.after_text,
        "survey": _survey(event.survey_url),
        "conversation": event.conversation_stays,
    }


def _survey(address: str) -> dict[str, str] | None:
    """Where the survey is; None without one, or where the administration wrote an address that no listener should follow."""
    try:
        return {"url": address, "host": host_of(address)} if address else None
    except SurveyAddressError:
        return None


def change(event: Event, chosen: Afterwards) -> None:
    """Have the page show what was chosen, the pages that are open too.

    Raises:
        SurveyAddressError: the survey's address can't be used.
    """
    if chosen.survey_url:
        host_of(chosen.survey_url)
    with transaction.atomic():
        for name in Afterwards.__slots__:
            setattr(event, name, getattr(chosen, name))
        event.save(update_fields=Afterwards.__slots__)
        publish(event.pk, "after", content(event))


def conceals(event: Event, state: object) -> bool:
    """Whether the page of an event whose live is `state` shows nothing of the conversation any more."""
    return state == EventState.OVER and not event.conversation_stays
