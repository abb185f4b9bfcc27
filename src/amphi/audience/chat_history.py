"""What the database knows of somebody who wants to write, in one statement: in a full hall it is asked twenty times a second."""

import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, models

from amphi.audience.models import Event
from amphi.audience.speakers import Speaker

WINDOW = timedelta(minutes=1)
_ID: "models.UUIDField[uuid.UUID, uuid.UUID]" = models.UUIDField()
_AT: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()


class Lately(NamedTuple):
    """What is known of a speaker.

    Attributes:
        is_sent: whether a message has their message's id already.
        is_restrained: whether a moderator stopped or excluded them.
        written: how many messages they wrote within the last minute, in whichever event.
        written_there: how many all guests of their network wrote; 0 without a network.
    """

    is_sent: bool
    is_restrained: bool
    written: int
    written_there: int


# What is noted as written long after now, by a clock that was ahead, is old. The conditions on emptiness are those of the indexes.
_LOOK = """
SELECT EXISTS (SELECT 1 FROM audience_message WHERE id = %(id)s),
  EXISTS (SELECT 1 FROM audience_restraint WHERE event_id = %(event)s AND viewer = %(viewer)s),
  (SELECT COUNT(*) FROM audience_message
    WHERE viewer = %(viewer)s AND viewer <> '' AND created_at > %(since)s AND created_at < %(until)s),
  (SELECT COUNT(*) FROM audience_message
    WHERE network = %(network)s AND network <> '' AND created_at > %(since)s AND created_at < %(until)s)
"""


def look(event: Event, speaker: Speaker, *, message_id: uuid.UUID | None, now: datetime) -> Lately:
    """What is known of `speaker` now; asked under a lock of theirs, so that two messages at once can't both be the last allowed."""
    values = {
        "id": _ID.get_db_prep_value(message_id, connection),
        "event": event.pk,
        "viewer": speaker.viewer,
        "network": speaker.network,
        "since": _AT.get_db_prep_value(now - WINDOW, connection),
        "until": _AT.get_db_prep_value(now + WINDOW, connection),
    }
    with connection.cursor() as cursor:
        found = cursor.execute(_LOOK, values).fetchall()[0]
    return Lately(bool(found[0]), bool(found[1]), int(found[2]), int(found[3]))
