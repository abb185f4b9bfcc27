"""How the worker sends replays to Esup-Pod: once, again after failures, and with words for what is wrong."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amphi.audience.models import Airing, PodTransfer, Replay
from amphi.audience.replays import library, sending
from amphi.worker import pod_transfers
from tests.factories import make_gateway, make_user, make_webinar
from tests.pod.stand_in import TOKEN, running_pod

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with running_pod() as pod:
        yield pod


@pytest.fixture
def pod(server, settings, tmp_path):
    for kept in (server.videos, server.uploaded, server.encodings, server.faults):
        kept.clear()
    settings.USE_MEETING_WEBINAR = True
    settings.RECORDINGS = tmp_path / "recordings"
    settings.POD_URL, settings.POD_TOKEN = server.url, TOKEN
    return server


@pytest.fixture
def livestream(pod):
    return make_webinar(make_user("owner"), gateway=make_gateway("hall"))


def make_replay(livestream, *, file: bytes = b"a film") -> Replay:
    now = timezone.now()
    airing = Airing.objects.create(
        event=livestream.event, began_at=now - timedelta(hours=1), ended_at=now - timedelta(minutes=5)
    )
    library.begin(airing)
    replay = Replay.objects.get(airing=airing)
    if file:
        folder = library.files_of(livestream.event_id)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "film.mp4").write_bytes(file)
        replay.file_state, replay.file_name = Replay.FileState.READY, "film.mp4"
        replay.save()
    return replay


def work(at=None) -> PodTransfer:
    PodTransfer.objects.filter(attempt_at__gt=timezone.now()).update(attempt_at=timezone.now())
    for lease in pod_transfers.claim_due(limit=1, worker="w"):
        pod_transfers.send(lease)
    return PodTransfer.objects.get()


def test_replay_becomes_one_video_whatever_happens_to_the_answer(pod, livestream, caplog):
    replay = make_replay(livestream)
    sending.ask(replay)
    # The owner is found, nothing is there yet, the video is made, and its answer is lost.
    pod.faults.extend(["", "", "no answer"])
    waiting = work()
    assert (waiting.state, waiting.reason, waiting.attempts) == ("waiting", "unreachable", 1)
    assert waiting.attempt_at > timezone.now() + timedelta(seconds=50)
    done = work()
    assert (done.state, done.reason, done.attempt_at) == ("done", "", None)
    assert done.page_url == f"{pod.url}/video/{pod.videos[0]['slug']}/"
    assert (len(pod.videos), pod.encodings) == (1, [pod.videos[0]["slug"]])
    sending.ask(replay)
    assert work().state == "done"
    assert len(pod.videos) == 1
    assert f"/replay/{replay.pk}/" in pod.videos[0]["description"]
    assert TOKEN not in caplog.text


def test_file_is_made_first(pod, livestream):
    replay = make_replay(livestream, file=b"")
    sending.ask(replay)
    assert work().state == "waiting"
    replay.refresh_from_db()
    assert (replay.file_state, pod.videos) == (Replay.FileState.WANTED, [])
    Replay.objects.update(file_state=Replay.FileState.FAILED)
    assert (work().state, work().reason) == ("failed", "no_file")


def test_unknown_owner_is_told_at_once_and_tried_when_asked_again(pod, livestream, client):
    livestream.event.owner.username = "nobody-there"
    livestream.event.owner.save()
    replay = make_replay(livestream)
    sending.ask(replay)
    assert (work().state, work().reason) == ("failed", "unknown_owner")
    livestream.event.owner.username = "owner"
    livestream.event.owner.save()
    client.force_login(livestream.event.owner)
    page = reverse("webinars:replay", args=[livestream.meeting.slug, replay.pk])
    client.post(f"{page}pod")
    assert work().state == "done"


def test_pod_that_is_down_for_days_is_given_up(pod, livestream):
    sending.ask(make_replay(livestream))
    pod.faults.extend(["500"] * pod_transfers.ATTEMPTS)
    pauses = []
    for _ in range(pod_transfers.ATTEMPTS - 1):
        found = work()
        pauses.append(round((found.attempt_at - timezone.now()).total_seconds() / 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]
    assert (work().state, work().reason) == ("failed", "failed")


@pytest.mark.parametrize(("automatic", "sent"), [(True, 1), (False, 0)])
def test_by_itself_where_the_operator_chose_so(pod, livestream, settings, automatic, sent):
    settings.POD_AUTOMATIC = automatic
    replay = make_replay(livestream)
    library.end(livestream.event_id, replay.airing.ended_at)
    assert PodTransfer.objects.count() == sent


def test_page_says_how_far_it_is(pod, livestream, client, settings):
    replay = make_replay(livestream)
    client.force_login(livestream.event.owner)
    page = reverse("webinars:replay", args=[livestream.meeting.slug, replay.pk])
    settings.POD_URL = ""
    assert "Esup-Pod" not in client.get(page).text
    assert client.post(f"{page}pod").status_code == 404
