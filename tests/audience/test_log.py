"""The log in memory, which other tests use, answers as the database does."""

import pytest

from amphi.audience.models import Channel, StreamMessage
from amphi.audience.queries import GAP_ROWS, DatabaseLog
from tests.audience.memory_log import MemoryLog
from tests.factories import make_webinar

LAST = GAP_ROWS + 20

pytestmark = pytest.mark.django_db


@pytest.fixture
def event_id(settings) -> int:
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    Channel.objects.update_or_create(pk=event.pk, defaults={"last_seq": LAST})
    StreamMessage.objects.filter(channel_id=event.pk).delete()
    StreamMessage.objects.bulk_create(
        StreamMessage(channel_id=event.pk, seq=seq, kind="message", data="{}") for seq in range(1, LAST + 1)
    )
    return int(event.pk)


@pytest.fixture(params=["database", "memory"])
def log(request, event_id):
    if request.param == "database":
        return DatabaseLog()
    log = MemoryLog()
    for _ in range(LAST):
        log.publish(event_id)
    return log


def numbers(rows):
    return [row.seq for row in rows]


def test_gap_is_read_in_bounded_pieces(log, event_id):
    first = numbers(log.between(event_id, 3, LAST))
    assert first == list(range(4, 4 + GAP_ROWS))
    assert numbers(log.between(event_id, first[-1], LAST)) == list(range(first[-1] + 1, LAST))


def test_backlog_is_the_newest(log, event_id):
    reading = log.opening(event_id, 7)
    assert (reading.head, numbers(reading.rows)) == (LAST, list(range(LAST - 6, LAST + 1)))
    assert reading.snapshot.keys() >= {"state", "chat"}


def test_what_is_new(log, event_id):
    assert log.after({event_id: LAST}) == {}
    assert numbers(log.after({event_id: LAST - 2})[event_id]) == [LAST - 1, LAST]
