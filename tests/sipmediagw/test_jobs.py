"""Our own gateway's dialect, as docs/architecture.md states it."""

import pytest

from amphi.sipmediagw import (
    ChatRefusedError,
    GatewayFullError,
    GatewayRefusedError,
    GatewayUnauthorizedError,
    JobRef,
    JobStatus,
    NotAGatewayError,
    NotInMeetingError,
    StartRequest,
    UnknownRoomError,
    UnsupportedError,
    connect,
    detect,
)
from tests.wire import answer

REQUEST = StartRequest(
    job_id="41/ü", room="r", rtmp_url="rtmp://o/live/x", join_url="https://b/join?x", show_chat=True
)
JOB = JobRef(job_id="41/ü", room="r")
DESCRIBED = {
    "job_id": "41/ü",
    "state": "on_air",
    "reason": "",
    "detail": "",
    "since": "2026-01-01T00:00:00Z",
    "room": "r",
    "chat_shown": True,
    "stats": {"cpu_cores": 0.8, "frames": 250, "frames_dropped": 1, "kbps": 1800},
}
UNKNOWN = answer({"error": "unknown_job", "detail": "there is no such job"}, "404 Not Found")


def gateway(serve, reply):
    wire = serve(lambda _: reply)
    return connect("amphi", wire.url, "t0ken"), wire


@pytest.mark.parametrize("status", ["201 Created", "200 OK"])
def test_start(serve, status):
    ours, wire = gateway(serve, answer({**DESCRIBED, "state": "joining"}, status))
    assert ours.start(REQUEST).state == "joining"
    [sent] = wire.requests
    assert (sent.method, sent.path) == ("PUT", "/jobs/41%2F%C3%BC")
    assert sent.json() == {
        "join_url": "https://b/join?x",
        "rtmp_url": "rtmp://o/live/x",
        "room": "r",
        "show_chat": True,
        "layout": "slides_and_cameras",
    }


def test_start_when_full(serve):
    ours, _ = gateway(
        serve, answer({"error": "full", "detail": "2 of 2"}, "503 Service Unavailable", Retry_After="30")
    )
    with pytest.raises(GatewayFullError, match="2 of 2") as caught:
        ours.start(REQUEST)
    assert caught.value.retry_after_s == 30.0
    assert caught.value.permanent is False


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "", "9" * 400])
def test_start_when_full_with_another_retry_after(serve, value):
    ours, _ = gateway(serve, answer({"error": "full"}, "503 Service Unavailable", Retry_After=value))
    with pytest.raises(GatewayFullError) as caught:
        ours.start(REQUEST)
    assert caught.value.retry_after_s is None


def test_start_of_an_id_that_is_something_else(serve):
    ours, _ = gateway(serve, answer({"error": "job_exists", "detail": "another room"}, "409 Conflict"))
    with pytest.raises(GatewayRefusedError, match="another room") as caught:
        ours.start(REQUEST)
    assert caught.value.permanent


def test_status(serve):
    ours, _ = gateway(serve, answer(DESCRIBED))
    assert ours.status(JOB) == JobStatus(
        state="on_air", remote_id="41/ü", cpu_cores=0.8, frames=250, frames_dropped=1, chat_shown=True
    )


@pytest.mark.parametrize(
    ("said", "layout", "shown"),
    [
        ({}, None, ""),  # a gateway of before
        ({"layout": "slides", "layout_shown": None}, "slides", ""),
        ({"layout": "cameras", "layout_shown": "slides_and_cameras"}, "cameras", "slides_and_cameras"),
        ({"layout": 5, "layout_shown": ["x"]}, None, ""),
        ({"layout": "x" * 500, "layout_shown": "y" * 500}, "x" * 20, "y" * 20),
    ],
)
def test_status_tells_the_layout(serve, said, layout, shown):
    ours, _ = gateway(serve, answer(DESCRIBED | said))
    status = ours.status(JOB)
    assert (status.layout, status.layout_shown) == (layout, shown)


def test_status_with_a_reason(serve):
    ours, _ = gateway(
        serve,
        answer(
            {**DESCRIBED, "state": "recovering", "reason": "rtmp_lost", "detail": "it broke", "stats": None}
        ),
    )
    status = ours.status(JOB)
    assert (status.state, status.reason, status.detail, status.frames) == (
        "recovering",
        "rtmp_lost",
        "it broke",
        None,
    )


def test_status_after_the_gateway_was_restarted(serve):
    ours, _ = gateway(serve, UNKNOWN)
    assert (ours.status(JOB).state, ours.status(JOB).reason) == ("unknown", "no_such_job")


@pytest.mark.parametrize("change", [{"state": "flying"}, {"state": None}, {"job_id": "42"}])
def test_status_of_nonsense_or_of_another_job(serve, change):
    ours, _ = gateway(serve, answer({**DESCRIBED, **change}))
    with pytest.raises(NotAGatewayError):
        ours.status(JOB)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (answer({**DESCRIBED, "state": "stopping"}, "202 Accepted"), "stopping"),
        (answer({**DESCRIBED, "state": "idle", "reason": "stopped"}, "202 Accepted"), "idle"),
        (answer({}, "202 Accepted"), "stopping"),
        (UNKNOWN, "idle"),
    ],
)
def test_stop(serve, reply, state):
    ours, wire = gateway(serve, reply)
    assert ours.stop(JOB).state == state
    assert wire.requests[0].method == "DELETE"


def test_chat(serve):
    ours, wire = gateway(serve, answer({}, "202 Accepted"))
    ours.send_chat(JOB, "l'été $(x)", "Zoé")
    assert wire.requests[0].path == "/jobs/41%2F%C3%BC/chat"
    assert wire.requests[0].json() == {"text": "l'été $(x)", "author": "Zoé"}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"error": "not_in_meeting", "detail": "joining"}, "409 Conflict"), NotInMeetingError),
        (answer({"error": "chat_refused", "detail": "locked"}, "409 Conflict"), ChatRefusedError),
        (UNKNOWN, UnknownRoomError),
        (answer({"error": "forbidden"}, "403 Forbidden"), GatewayUnauthorizedError),
        (
            answer({"error": "invalid", "detail": "text is too long"}, "422 Unprocessable"),
            GatewayRefusedError,
        ),
    ],
)
def test_chat_and_panel_refused(serve, reply, kind):
    ours, _ = gateway(serve, reply)
    with pytest.raises(kind):
        ours.send_chat(JOB, "x", "y")
    with pytest.raises(kind):
        ours.show_chat(JOB, shown=True)


@pytest.mark.parametrize(("asked", "now"), [(True, True), (False, False), (True, False)])
def test_show_chat_tells_how_it_is_now(serve, asked, now):
    ours, wire = gateway(serve, answer({"shown": now}))
    assert ours.show_chat(JOB, asked) is now
    assert (wire.requests[0].method, wire.requests[0].json()) == ("PUT", {"shown": asked})


def test_layout(serve):
    ours, wire = gateway(serve, answer({"layout": "cameras", "shown": "slides_and_cameras"}))
    assert ours.show_layout(JOB, "cameras") == "slides_and_cameras"
    assert (wire.requests[0].path, wire.requests[0].json()) == (
        "/jobs/41%2F%C3%BC/layout",
        {"layout": "cameras"},
    )


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({}, "404 Not Found"), UnsupportedError),
        (UNKNOWN, UnknownRoomError),
        (answer({"error": "not_in_meeting", "detail": "joining"}, "409 Conflict"), NotInMeetingError),
    ],
)
def test_layout_refused(serve, reply, kind):
    ours, _ = gateway(serve, reply)
    with pytest.raises(kind):
        ours.show_layout(JOB, "cameras")


def test_detect(serve):
    def script(request):
        health = {"ok": True, "jobs": 0, "max_jobs": 2, "version": "0.1"}
        return answer(health if request.path == "/healthz" else {"jobs": [], "max_jobs": 2})

    assert detect(serve(script).url, "t0ken") == "amphi"


def test_detect_with_a_wrong_token(serve):
    def script(request):
        if request.path == "/healthz":
            return answer({"ok": True, "jobs": 0, "max_jobs": 2, "version": "0.1"})
        return answer({"error": "unauthorized"}, "401 Unauthorized")

    with pytest.raises(GatewayUnauthorizedError):
        detect(serve(script).url, "t0ken")


def test_chat_of_two_lines_is_typed_as_one(serve):
    """Its author's name stands before it, so a second line could be said by anybody."""
    wire = serve(lambda _: answer({}, "202 Accepted"))
    connect("amphi", wire.url, "t").send_chat(
        JobRef(job_id="41", room="r"), "Oui\nAda: je démissionne", "Léa\nM."
    )
    assert wire.requests[0].json() == {"text": "Oui Ada: je démissionne", "author": "Léa M."}
