"""Whole jobs in pages that stand in for BigBlueButton's client: what its states become for those who ask the gateway."""

import contextlib
import itertools
import subprocess

import pytest

from amphi.gateway.job import MAX_FAULTS
from tests import ports

from .client_stand_in import ClientServer
from .conftest import GatewayProcess, RtmpServer, wait_for

pytestmark = pytest.mark.browser

OOPS = "Oups, quelque chose s'est mal passé"
CLEAN = {"view": "clean", "sound": "forced"}

JOIN_TIMEOUT_S = 45  # a meeting is entered without its sound after 15
PATIENCE_S = 240  # several browsers at once, on a machine that may be very busy


@pytest.fixture(scope="module")
def gateway():
    # Few pictures a second: several browsers share the machine here, and none of this is about pictures.
    process = GatewayProcess(max_jobs=12, warm=0, fps=5, join_timeout_s=JOIN_TIMEOUT_S)
    yield process
    process.close()


@pytest.fixture(scope="module")
def rtmp(tmp_path_factory):
    server = RtmpServer(tmp_path_factory.mktemp("rtmp"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def client():
    """Makes servers of an era's client."""
    with contextlib.ExitStack() as stack:

        def make(era, **scene):
            server = ClientServer(era, **scene)
            stack.callback(server.close)
            return server

        yield make


@pytest.fixture(scope="module")
def slow_ones(gateway, client, rtmp):
    """What takes its time takes it side by side."""
    servers = {
        "hung": client("2.7", screen="loading"),
        "data": client("3.0", view="clean", sound="forced"),
        "mute": client("3.0", sound="microphone only", view="full"),
    }
    first = {"hung": {"detail": "the meeting’s client is loading"}}
    for job_id, server in servers.items():  # one browser after the other: each takes seconds of a processor
        start(gateway, job_id, server, rtmp.url(job_id))
        if job_id != "mute":
            until(gateway, job_id, **first.get(job_id, {"state": "on_air", "reason": ""}))
    servers["data"].data.lose()
    return servers


def start(gateway, job_id, client, rtmp_url, *, show_chat=False):
    spec = {"join_url": client.join_url, "rtmp_url": rtmp_url, "room": job_id, "show_chat": show_chat}
    assert gateway.client.put(f"/jobs/{job_id}", json=spec).status_code == 201


def until(gateway, job_id, **wanted):
    """The job once it is as wanted."""

    def reached():
        job = gateway.job(job_id)
        return job if all(job[name] == value for name, value in wanted.items()) else None

    return wait_for(reached, within_s=PATIENCE_S)


def post_chat(gateway, job_id, text, *, until):
    """The answer that is wanted: a page that a busy machine holds up is joined anew, and takes nothing meanwhile."""

    def answer():
        answered = gateway.client.post(f"/jobs/{job_id}/chat", json={"text": text, "author": "Ada"})
        return answered if until(answered) else None

    return wait_for(answer, within_s=PATIENCE_S)


def show_chat(gateway, job_id, *, shown):
    return gateway.client.put(f"/jobs/{job_id}/chat-panel", json={"shown": shown}).json()["shown"]


def wait_for_pictures(gateway, job_id, count):
    """Until so many more pictures were sent."""
    before = gateway.job(job_id)["stats"]["frames"]
    wait_for(lambda: gateway.job(job_id)["stats"]["frames"] >= before + count, within_s=PATIENCE_S)


def colors_of(path):
    """The mean colour of each picture."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "scale=1:1:flags=area"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return list(zip(raw[::3], raw[1::3], raw[2::3], strict=True))


def test_from_the_lobby_to_the_removal(gateway, client, rtmp):
    bbb = client("2.7", screen="lobby", lobby="waiting", view="clean", sound="forced")
    start(gateway, "talk", bbb, rtmp.url())
    waiting = until(gateway, "talk", state="joining", reason="waiting_for_approval")
    assert waiting["detail"] == "a moderator has to let the bot in"
    bbb.change(screen="meeting", lobby="allowed")
    until(gateway, "talk", state="on_air", reason="", chat_shown=False)

    for text in ("Can you say that again?", "Thank you"):
        post_chat(gateway, "talk", text, until=lambda answer: answer.status_code == 202)
    expected = ["Ada: Can you say that again?", "Ada: Thank you"]
    wait_for(lambda: list(dict.fromkeys(bbb.heard("text"))) == expected)
    bbb.change(chat="locked")
    wait_for(lambda: bbb.has_changed)
    refused = post_chat(gateway, "talk", "And that?", until=lambda answer: "chat_refused" in answer.text)
    assert refused.status_code == 409
    assert refused.json()["detail"] == "the meeting’s chat is locked"

    bbb.change(banner="Connexion…")
    until(gateway, "talk", state="on_air", reason="disconnected")
    bbb.change(banner="")
    until(gateway, "talk", state="on_air", reason="")
    bbb.change(screen="ended", title="Vous avez été exclu de la séance")
    removed = until(gateway, "talk", state="idle")
    assert (removed["reason"], removed["detail"]) == (
        "removed",
        "the client says: Vous avez été exclu de la séance",
    )
    recording = next(path for path in rtmp.recordings() if path.name.startswith("talk"))
    colors = colors_of(recording)
    assert colors[0][1] > 60  # the slide
    # The dialog that asks how to hear, and the chat while it is written in, are red.
    assert max(red for red, _, _ in colors) < 20
    wait_for(lambda: any("talk: stopping -> idle" in line for line in gateway.log))
    log = "".join(gateway.log)
    assert "job talk: joining: waiting_for_approval a moderator has to let the bot in" in log
    assert "secret" not in log


def test_refusal_ends_the_job_with_the_reason_of_the_page(gateway, client):
    full = client("3.0")
    full.errors = [{"key": "maxParticipantsReached", "message": "The number of participants was reached"}]
    # Said of any error, and of a token that is used up: that is believed after a few tries.
    stale = client("3.0", screen="error", error={"title": OOPS})
    expected = {
        "full": (full, "meeting_full", "maxParticipantsReached: The number of participants was reached"),
        "stale": (stale, "session_expired", f"the client shows an error: {OOPS}"),
    }
    nowhere = f"rtmp://127.0.0.1:{ports.reserve()}/live/x"
    for job_id, (server, _, _) in expected.items():
        start(gateway, job_id, server, nowhere)
    for job_id, (_, reason, detail) in expected.items():
        job = until(gateway, job_id, state="idle")
        assert (job["reason"], job["detail"]) == (reason, detail)

    assert stale.joins == MAX_FAULTS


def layout_of(color):
    """What a picture has, by its mean colour: slides are green, cameras blue."""
    _, green, blue = color
    return {(True, True): "slides_and_cameras", (True, False): "slides", (False, True): "cameras"}.get(
        (green > 50, blue > 35)
    )


def test_error_at_the_start_is_tried_again_and_the_layout_changes_on_the_air(gateway, client, rtmp):
    """The client asks its server for settings and itself first, and shows an error where that fails once."""
    error = {"title": OOPS, "message": "Erreur interne du serveur."}
    bbb = client("3.0", screen="error", error=error, cameras=1, **CLEAN)
    start(gateway, "again", bbb, rtmp.url("again"))
    failing = until(gateway, "again", reason="client_error")
    assert failing["state"] == "joining"
    bbb.change(screen="meeting")
    until(gateway, "again", state="on_air", reason="")
    wait_for(lambda: any("BigBlueButton 3.0.14; 8 of 8 names found" in line for line in gateway.log))
    asked = ["slides", "cameras", "slides_and_cameras"]
    for layout in asked:
        wait_for_pictures(gateway, "again", 3)
        answer = gateway.client.put("/jobs/again/layout", json={"layout": layout})
        assert answer.json() == {"layout": layout, "shown": layout}
    wait_for_pictures(gateway, "again", 3)
    assert gateway.job("again")["state"] == "on_air"
    gateway.client.delete("/jobs/again")
    until(gateway, "again", state="idle")
    # One stream without a break, and nothing in it between one layout and the next.
    [recording] = [path for path in rtmp.recordings() if path.name.startswith("again")]
    shown = [layout for layout, _ in itertools.groupby(map(layout_of, colors_of(recording)))]
    assert shown == ["slides_and_cameras", *asked]


def test_page_that_does_not_load(gateway):
    spec = {"join_url": f"http://127.0.0.1:{ports.reserve()}/?checksum=secret", "room": "nowhere"}
    spec |= {"rtmp_url": f"rtmp://127.0.0.1:{ports.reserve()}/live/x"}
    gateway.client.put("/jobs/nowhere", json=spec)
    job = wait_for(lambda: next((job for job in [gateway.job("nowhere")] if job["detail"]), None))
    job = wait_for(lambda: next((job for job in [gateway.job("nowhere")] if "load: " in job["detail"]), None))
    assert job["detail"] == "the meeting's page does not load: Page.goto: net::ERR_CONNECTION_REFUSED"
    gateway.client.delete("/jobs/nowhere")


def test_meeting_without_sound_is_sent_and_its_end_is_noticed(gateway, slow_ones):
    why = "in the meeting without its sound: the meeting offers no listening without a microphone"
    until(gateway, "mute", state="on_air", reason="no_sound", detail=why, chat_shown=False)
    for shown in (True, True, False):
        assert show_chat(gateway, "mute", shown=shown) is shown
    slow_ones["mute"].change(screen="ended", title="Cette séance est terminée")
    assert until(gateway, "mute", state="idle")["reason"] == "meeting_ended"


def test_data_that_stays_lost_is_joined_anew(gateway, slow_ones):
    """The client shows nothing of it: its slides would stand still on air."""
    why = "the client has lost the meeting and reconnects: its data connection is gone"

    def is_given_up():
        if f"not reconnected after 20 s: {why}" in "".join(gateway.log):
            return True
        job = gateway.job("data")
        # A page that a busy machine held up is opened anew before that, and connected: it loses its connection again.
        if (job["state"], job["reason"]) == ("on_air", ""):
            slow_ones["data"].data.lose()
        return False

    wait_for(is_given_up, within_s=PATIENCE_S)
    until(gateway, "data", state="on_air", reason="")
    assert slow_ones["data"].joins > 1
    # What is filmed takes of the machine, and the slowest is not there yet.
    gateway.client.delete("/jobs/data")


@pytest.mark.usefixtures("slow_ones")
def test_client_that_never_gets_there(gateway):
    job = until(gateway, "hung", state="idle")
    why = f"not in the meeting after {JOIN_TIMEOUT_S} s: the meeting’s client is loading"
    assert (job["reason"], job["detail"]) == ("join_timeout", why)
