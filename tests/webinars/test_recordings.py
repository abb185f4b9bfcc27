"""Recordings: told by BBB, looked up there, shown to moderators."""

import base64
import hmac
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.meetings.models import Meeting
from amphi.webinars import recordings
from amphi.webinars.models import Recording
from amphi.worker import recordings as lookups
from tests.factories import make_meeting, make_user
from tests.webhooks import SECRET, deliver, event

pytestmark = pytest.mark.django_db
URL = "https://bbb.example.org/playback/presentation/2.3/r-1?a=1&b=2"


@pytest.fixture
def meeting(stage) -> Meeting:
    return make_meeting()


def ready(meeting: Meeting, record_id: str = "r-1", **more: object) -> dict[str, object]:
    return event(meeting, "rap-publish-ended", **{"record-id": record_id, "success": True, **more})


def token(meeting_id: str, record_id: str = "r-1", secret: str = SECRET) -> str:
    """What BBB's recording-ready callback sends: a JWT."""
    claims = {"meeting_id": meeting_id, "record_id": record_id}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    signed = ".".join(parts)
    signature = base64.urlsafe_b64encode(hmac.digest(secret.encode(), signed.encode(), "sha256"))
    return f"{signed}.{signature.rstrip(b'=').decode()}"


def call_back(client, meeting: Meeting, signed: str) -> int:
    url = reverse("hooks:recording", args=[meeting.callback_nonce])
    body = urlencode({"signed_parameters": signed})
    return int(client.post(url, body, content_type="application/x-www-form-urlencoded").status_code)


def work() -> None:
    """What a worker does in one round, once all pauses are over."""
    Recording.objects.update(look_at=timezone.now() - timedelta(seconds=1))
    for lease in lookups.claim_due(limit=10):
        lookups.look_up(lease)


def page_of(client, meeting: Meeting) -> str:
    client.force_login(meeting.owner)
    return str(client.get(meeting.get_absolute_url()).content.decode())


def test_recording_is_shown_once_the_server_confirms_it(client, meeting, stage):
    assert deliver(client, meeting, ready(meeting)) == 200
    assert "Enregistrements" not in page_of(client, meeting)
    work()
    assert "Enregistrements" not in page_of(client, meeting)
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"presentation": URL, "statistics": URL + "&who"})
    work()
    page = page_of(client, meeting)
    assert "Enregistrements" in page
    assert f'href="{URL.replace("&", "&amp;")}"' in page
    assert "Avec le diaporama" in page
    assert "&amp;who" not in page
    assert "42 minutes" in page


def test_recording_of_a_webinar_is_on_its_panel(client, livestream, stage):
    meeting = livestream.meeting
    deliver(client, meeting, ready(meeting))
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    work()
    assert "Vidéo" in page_of(client, meeting)


def test_callback_does_as_a_webhook_does(client, meeting, stage):
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    for _ in range(2):
        assert call_back(client, meeting, token(meeting.bbb_id)) == 200
    work()
    assert Recording.objects.get().formats == [{"kind": "video", "url": URL, "minutes": 42}]


@pytest.mark.parametrize(
    ("signed", "status"), [("a.b.c", 403), ("", 403), ("forged", 403), ("another meeting", 200)]
)
def test_callback_that_is_not_ours_changes_nothing(client, meeting, signed, status):
    forged = {
        "forged": token(meeting.bbb_id, secret="other"),
        "another meeting": token(make_meeting().bbb_id),
    }
    assert call_back(client, meeting, forged.get(signed, signed)) == status
    assert not Recording.objects.exists()


def test_nobody_but_moderators_sees_it(client, meeting, stage):
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    deliver(client, meeting, ready(meeting))
    work()
    client.force_login(make_user())
    assert client.get(meeting.get_absolute_url()).status_code == 403
    joining = client.get(reverse("meetings:join", args=[meeting.slug]))
    assert "playback" not in joining.content.decode()


@pytest.mark.parametrize("ill", [500, "html"])
def test_server_that_fails_is_asked_again(client, meeting, stage, ill):
    deliver(client, meeting, ready(meeting))
    stage.broken["bbb"] = ill
    for _ in range(3):
        work()
    assert Recording.objects.get().look_at > timezone.now()
    stage.broken.clear()
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    work()
    assert Recording.objects.get().formats


@pytest.mark.parametrize("belongs_to", ["", "another"])
def test_recording_that_the_server_does_not_confirm_is_forgotten(client, meeting, stage, belongs_to):
    if belongs_to:
        stage.recordings["r-1"] = (belongs_to, True, {"video": URL})
    deliver(client, meeting, ready(meeting))
    for _ in range(lookups.ATTEMPTS):
        assert "playback" not in page_of(client, meeting)
        work()
    assert not Recording.objects.exists()


def test_recording_that_is_deleted_there_is_deleted_here(client, meeting, stage):
    deliver(client, meeting, ready(meeting))
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    work()
    stage.recordings.clear()
    work()
    assert not Recording.objects.exists()


def test_recording_that_is_unpublished_is_not_shown_until_it_is_again(client, meeting, stage):
    deliver(client, meeting, ready(meeting))
    for published, shown in [(True, True), (False, False), (True, True)]:
        stage.recordings["r-1"] = (meeting.bbb_id, published, {"video": URL})
        work()
        assert ("playback" in page_of(client, meeting)) is shown


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//bbb.example.org/x", ""])
def test_address_that_is_none_of_the_web_is_not_shown(client, meeting, stage, url):
    deliver(client, meeting, ready(meeting))
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": url})
    work()
    assert Recording.objects.get().formats == []


@pytest.mark.parametrize("record_id", ["", "x" * 257])
def test_hint_with_nonsense_is_dropped(client, meeting, record_id):
    assert deliver(client, meeting, ready(meeting, record_id)) == 200
    assert not Recording.objects.exists()


def test_recording_is_looked_up_by_one_worker(client, meeting):
    deliver(client, meeting, ready(meeting))
    assert len(lookups.claim_due(limit=10)) == 1
    assert lookups.claim_due(limit=10) == []


@pytest.mark.django_db(transaction=True)
def test_hint_that_comes_while_it_is_looked_up_is_not_forgotten(client, meeting, stage):
    deliver(client, meeting, ready(meeting))
    stage.recordings["r-1"] = (meeting.bbb_id, True, {"video": URL})
    (lease,) = lookups.claim_due(limit=10)
    stage.during["getRecordings"] = lambda: Recording.objects.update(look_at=timezone.now())
    lookups.look_up(lease)
    assert Recording.objects.get().look_at <= timezone.now()


def test_hints_of_one_meeting_are_bounded(client, meeting, monkeypatch):
    monkeypatch.setattr(recordings, "MOST_FOR_MEETING", 3)
    deliver(client, meeting, *(ready(meeting, f"r-{number}") for number in range(5)))
    assert Recording.objects.count() == 3
