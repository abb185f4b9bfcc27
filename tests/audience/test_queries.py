"""What one reading of the log takes."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amphi.audience import queries
from amphi.audience.models import Channel, StreamMessage
from amphi.audience.queries import GAP_ROWS, DatabaseLog
from tests.factories import make_gateway, make_webinar

pytestmark = pytest.mark.django_db


def channel_of(rows: int) -> int:
    """The event of a stream with so many messages."""
    event_id = make_webinar(gateway=make_gateway()).event_id
    Channel.objects.update_or_create(pk=event_id, defaults={"last_seq": rows})
    StreamMessage.objects.filter(channel_id=event_id).delete()
    StreamMessage.objects.bulk_create(
        StreamMessage(channel_id=event_id, seq=seq, kind="message", data="{}") for seq in range(1, rows + 1)
    )
    return event_id


def test_gap_is_read_in_pieces_that_the_database_cuts(settings):
    settings.USE_MEETING_WEBINAR = True
    event_id = channel_of(GAP_ROWS + 50)
    with CaptureQueriesContext(connection) as asked:
        rows = DatabaseLog().between(event_id, 0, GAP_ROWS + 51)
    assert [row.seq for row in rows] == list(range(1, GAP_ROWS + 1))
    assert [f"LIMIT {GAP_ROWS}" in query["sql"] for query in asked] == [True]
    rest = DatabaseLog().between(event_id, GAP_ROWS, GAP_ROWS + 51)
    assert [row.seq for row in rest] == list(range(GAP_ROWS + 1, GAP_ROWS + 51))


def test_news_are_read_in_pieces_without_a_gap(settings, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(queries, "NEWS_ROWS", 7)
    known = {channel_of(5): 0, channel_of(5): 0}
    told = {event_id: [] for event_id in known}
    for _ in range(3):
        for event_id, rows in DatabaseLog().after(known).items():
            told[event_id] += [row.seq for row in rows]
            known[event_id] = max(told[event_id], default=0)
    assert told == {event_id: [1, 2, 3, 4, 5] for event_id in known}
