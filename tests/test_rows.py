"""Rows that are read and written by statements made once: they are what querysets read and write."""

import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from amphi.audience.models import Channel, Event, Guest, Message, Restraint, StreamMessage
from amphi.system import rows
from tests.audience.hall import hall

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(settings) -> Event:
    settings.USE_MEETING_WEBINAR = True
    return hall(enable_chat=True, guests_may_write=True)


def content(row: Event | Message) -> dict[str, object]:
    return {field.name: field.value_from_object(row) for field in row._meta.concrete_fields}


def test_found_row_is_that_of_a_queryset(event):
    found = rows.find(Event, slug=event.slug)
    assert found is not None
    assert content(found) == content(Event.objects.get(slug=event.slug))
    assert (found, found.broadcaster, found._state.adding) == (event, event.broadcaster, False)


def test_finds_none_where_there_is_none():
    assert rows.find(Event, slug="none") is None


def test_inserts_what_save_would(event):
    row = Message(
        id=uuid.uuid4(), event=event, source=Message.Source.LISTENER, author_name="Zoé", text="100 % sûr"
    )
    rows.insert(row)
    assert content(Message.objects.get(pk=row.pk)) == content(row)
    assert row.created_at is not None
    row.text = "Bonsoir"
    row.save()
    assert Message.objects.get().text == "Bonsoir"


def test_inserts_a_row_whose_number_the_database_gives(event):
    channel, _made = Channel.objects.get_or_create(pk=event.pk)
    rows.insert(StreamMessage(channel=channel, seq=700, kind="message", data="{}", about=None))
    assert StreamMessage.objects.get(seq=700).pk


def test_exists(event):
    Restraint.objects.create(event=event, viewer="aZoe", kind=Restraint.Kind.MUTED, name="Zoé")
    assert rows.exists(Restraint, event=event.pk, viewer="aZoe")
    assert not rows.exists(Restraint, event=event.pk, viewer="aZoe", kind=Restraint.Kind.BANNED.value)
    assert not rows.exists(Restraint, event=event.pk, viewer="aIda")


def test_locks_where_the_database_can(event):
    Guest.objects.create(event=event, viewer="aZoe", name="Zoé", network="192.0.2.1")
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        rows.lock(Guest, event=event.pk, viewer="aZoe")
        rows.lock(Guest, event=event.pk, viewer="aIda")
    locking = [
        "FOR NO KEY UPDATE" in query["sql"] for query in asked.captured_queries if "guest" in query["sql"]
    ]
    assert locking == ([True, True] if connection.vendor == "postgresql" else [])
