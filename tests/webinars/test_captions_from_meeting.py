"""The meeting's own transcription, as captions."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience.captions import taking
from amphi.audience.models import Airing, Caption, CaptionsFrom, Event
from amphi.meetings.models import Meeting
from amphi.webinars.models import State
from tests.factories import put
from tests.webhooks import deliver, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def on_air(livestream, monkeypatch) -> Meeting:
    monkeypatch.setattr(taking, "GROWS_EVERY", timedelta(0))
    put(livestream, State.LIVE)
    Event.objects.update(captions_from=CaptionsFrom.MEETING)
    Airing.objects.create(event=livestream.event, began_at=timezone.now() - timedelta(minutes=1))
    return livestream.meeting


def said(meeting: Meeting, text: str, *, number: int = 1, final: bool = False, **options) -> dict:
    transcript = {"id": f"w_1-{number}", "transcript": text, "locale": "fr-FR", "final": final}
    return event(meeting, "transcript-updated", transcript=transcript, **options)


def texts() -> list[str]:
    return [row.text for row in Caption.objects.all()]


def test_sentences_grow_and_end(client, on_air):
    eight = "un deux trois quatre cinq six sept huit"
    deliver(client, on_air, said(on_air, "un deux trois"))
    deliver(client, on_air, said(on_air, f"{eight}\nneuf"))
    deliver(client, on_air, said(on_air, "neuf dix onze douze treize quatorze quinze seize\nfin", final=True))
    whole = f"{eight} neuf dix onze douze treize quatorze quinze seize fin"
    assert " ".join(texts()) == whole
    assert all(len(text) <= 84 for text in texts())
    # bbb-webhooks tries again what it thinks was not heard; another session begins its ids anew.
    deliver(
        client, on_air, said(on_air, "fin", number=2, final=True), said(on_air, "encore", session="life-2")
    )
    assert {"encore", "fin"} < set(texts())


@pytest.mark.parametrize("source", [one for one in CaptionsFrom if one != CaptionsFrom.MEETING])
def test_other_sources_leave_it_alone(client, on_air, source):
    Event.objects.update(captions_from=source)
    assert deliver(client, on_air, said(on_air, "un")) == 200
    assert not Caption.objects.exists()


def test_nothing_of_backstage_is_told(client, on_air):
    Event.objects.update(is_backstage=True)
    assert deliver(client, on_air, said(on_air, "un")) == 200
    assert not Caption.objects.exists()


def test_moments_are_those_of_the_meeting_server_but_never_to_come(client, on_air):
    deliver(client, on_air, said(on_air, "un", at_s=-20), said(on_air, "deux", number=2, at_s=60))
    first, second = Caption.objects.all()
    now = timezone.now()
    assert now - first.at > timedelta(seconds=19)
    assert now - timedelta(seconds=10) < second.at <= now
