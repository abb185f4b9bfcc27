"""The meeting server that the settings name."""

import logging
from functools import lru_cache
from typing import cast

from django.conf import settings
from django.urls import reverse

from amphi.bigbluebutton import Algorithm, BigBlueButtonError, MeetingNotFoundError, Server
from amphi.meetings.models import Meeting

log = logging.getLogger("webinar")

TIMEOUT_S = 5.0
"""Short, since presenters and the supervisor wait for these answers."""


@lru_cache(maxsize=4)
def _server(url: str, secret: str, checksum: str, ca_file: str) -> Server:
    return Server(
        url, secret, checksum=cast("Algorithm", checksum), timeout_s=TIMEOUT_S, ca_file=ca_file or None
    )


def meeting_server() -> Server:
    """The client of the configured BigBlueButton; it keeps its connections."""
    return _server(settings.BBB_API_URL, settings.BBB_SECRET_KEY, settings.BBB_CHECKSUM, settings.BBB_CA_FILE)


def end_meeting(meeting: Meeting) -> None:
    """End `meeting` in BBB. Succeeds if it is already over.

    Raises:
        BigBlueButtonError: BBB did not do it.
    """
    try:
        meeting_server().end(meeting.bbb_id)
    except MeetingNotFoundError:
        pass
    except BigBlueButtonError as error:
        log.warning("end for meeting %s “%s”: %s", meeting.pk, meeting.name, error)
        raise
    log.info("end for meeting %s “%s”: ok", meeting.pk, meeting.name)


def callback_url(meeting: Meeting, name: str) -> str:
    """The address that BBB calls to report on `meeting`. Its nonce authenticates calls that are not signed.

    Args:
        meeting: the meeting of the report.
        name: ``events``, ``ended`` or ``recording``.
    """
    return settings.AMPHI_URL + reverse(f"hooks:{name}", args=[meeting.callback_nonce])
