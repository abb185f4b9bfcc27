"""Reactions: bounded at the door, summed, told at most once a second."""

import time

import pytest

from amphi.audience.claims import Rights
from amphi.audience.pulse import Pulse
from amphi.audience.reactions import ReactionDoor, parse, publish_reactions
from amphi.webinars.models import State
from tests.audience.asking import KEY, post, ticket
from tests.audience.hall import hall, told


class Door:
    """The endpoint with what it passed on."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.passed: list[tuple[int, str, int]] = []
        rights = Rights(lambda claims: {claim for claim in claims if claim.viewer in refused})
        self._door = ReactionDoor(KEY, rights, lambda *pressed: self.passed.append(pressed))

    async def post(self, given: str, body: bytes = b'{"clap":1}', **more: str) -> int:
        return await post(self._door, given, body, **more)


@pytest.mark.parametrize(
    ("body", "counted"),
    [
        (b"{}", {}),
        (b'{"clap": 2, "heart": 1}', {"clap": 2, "heart": 1}),
        (b'{"clap": 900000}', {"clap": 5}),
        (b'{"clap": -1, "heart": true, "thumb": "2", "laugh": 1.5, "bomb": 3}', {}),
    ],
)
def test_what_counts_as_pressed(body, counted):
    assert parse(body) == counted


@pytest.mark.parametrize("body", [b"", b"[]", b"clap", b"\xff", b'{"clap":1}' + b" " * 300])
async def test_nonsense_is_refused(body):
    door = Door()
    assert await door.post(ticket(), body) == 400
    assert door.passed == []


@pytest.mark.parametrize(
    "given",
    ["", "a.b", ticket(key=b"other"), ticket(event_id=2), ticket(viewer="u9")],
    ids=["none", "nonsense", "forged", "another event's", "a withdrawn right's"],
)
async def test_only_a_good_ticket_counts(given):
    door = Door(refused=frozenset({"u9"}))
    assert await door.post(given) == 403
    assert door.passed == []


async def test_reading_is_refused():
    assert await Door().post(ticket(), method="GET") == 405


async def test_viewer_and_address_press_so_often(monkeypatch):
    monkeypatch.setattr("amphi.audience.reactions.PRESSES_PER_ADDRESS", 12)
    monkeypatch.setattr("amphi.audience.pace.time.monotonic", lambda: 0.0)
    door = Door()
    monkeypatch.setattr(door._door._by_viewer, "_clock", lambda: 0.0)
    monkeypatch.setattr(door._door._by_address, "_clock", lambda: 0.0)
    for viewer in ("u1", "u1", "u1", "u2", "u3", "u4"):
        assert await door.post(ticket(viewer=viewer), b'{"clap":3}') == 204
    assert [number for _, _, number in door.passed] == [3, 2, 3, 3, 1]
    await door.post(ticket(viewer="u5"), address="another")
    assert door.passed[-1] == (1, "clap", 1)


def test_pulse_tells_once_what_was_gathered():
    calls: list[tuple[int, dict[str, int]]] = []

    def tell(event_id, numbers) -> None:
        calls.append((event_id, dict(numbers)))

    pulse = Pulse()
    pulse.add(tell, 1, "clap")
    assert calls == [(1, {"clap": 1})]
    # Nothing is told in between: the thread is only started when it is closed.
    pulse._thread = object()
    for _ in range(1000):
        pulse.add(tell, 1, "clap")
    pulse.add(tell, 2, "heart", 4)
    pulse._tell_all()
    pulse._tell_all()
    assert calls[1:] == [(1, {"clap": 1000}), (2, {"heart": 4})]


@pytest.mark.integration
def test_pulse_beats_by_itself_and_tells_the_rest_when_closed():
    calls: list[int] = []
    pulse = Pulse(every_s=30)
    pulse.start()
    pulse.add(lambda _event, numbers: calls.append(numbers[""]), 1)
    while not calls:
        time.sleep(0.005)
    pulse.add(lambda _event, numbers: calls.append(numbers[""]), 1, number=7)
    pulse.close()
    assert calls == [1, 7]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "columns", "count"),
    [
        (State.LIVE, {}, 1),
        (State.LIVE, {"enable_reactions": False}, 0),
        (State.IDLE, {}, 0),
        (State.STOPPED, {}, 0),
    ],
)
def test_sums_are_told_while_the_live_runs(settings, state, columns, count):
    settings.USE_MEETING_WEBINAR = True
    event = hall(state, **columns)
    publish_reactions(event.pk, {"clap": 3})
    assert [one["sums"] for one in told(event, "reactions")] == [{"clap": 3}] * count
    publish_reactions(0, {"clap": 3})
