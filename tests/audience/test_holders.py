"""Which event holds a stream now, and what that opens: in the database's words, and at the questions of an edge."""

import time

import pytest
from django.contrib.auth.models import AnonymousUser

from amphi.audience import claims, edge
from amphi.audience.claims import Claim, Rights
from amphi.audience.domain import ticket_for, ticket_key
from amphi.audience.exceptions import LogUnavailableError
from amphi.audience.holders import held_streams, holder_of
from amphi.audience.models import Broadcaster, Event
from amphi.system import tickets
from amphi.webinars import transitions
from amphi.webinars.models import RUNNING, LiveGateway, State
from tests.factories import in_hours, make_gateway, make_user, make_webinar, put

KEY = b"a key of the tests"


def make_event(broadcaster: Broadcaster, start_h: float, end_h: float, **fields) -> Event:
    """An event that others carry."""
    return Event.objects.create(
        title="Direct",
        slug=f"direct-{time.monotonic_ns()}",
        owner=make_user(),
        broadcaster=broadcaster,
        start_at=in_hours(start_h),
        end_at=in_hours(end_h),
        **fields,
    )


@pytest.fixture(autouse=True)
def webinars_on(settings):
    settings.USE_MEETING_WEBINAR = True


@pytest.mark.django_db
@pytest.mark.parametrize("state", list(State))
def test_webinar_holds_its_stream_while_it_runs(state):
    livestream = make_webinar()
    put(livestream, state)
    held = holder_of(livestream.gateway.broadcaster.hls_url)
    assert held == (livestream.event_id if state in RUNNING else None)


@pytest.mark.django_db
def test_of_two_lives_on_one_gateway_the_one_asked_for_first_holds_the_stream():
    gateway = make_gateway()
    first, second = (make_webinar(gateway=gateway, start_at=in_hours(h)) for h in (1, 3))
    transitions.apply(first, transitions.GO_LIVE, user=None)
    transitions.apply(second, transitions.GO_LIVE, user=None)
    assert holder_of(gateway.broadcaster.hls_url) == first.event_id


@pytest.mark.django_db
@pytest.mark.parametrize(("start_h", "end_h", "holds"), [(-1, 1, True), (1, 2, False), (-2, -1, False)])
def test_event_that_others_carry_holds_its_stream_in_its_hours(start_h, end_h, holds):
    event = make_event(make_gateway().broadcaster, start_h, end_h)
    assert held_streams() == ({event.pk: event.broadcaster.stream} if holds else {})


@pytest.mark.django_db
def test_where_hours_overlap_the_stream_is_the_later_event_s():
    broadcaster = make_gateway().broadcaster
    make_event(broadcaster, -2, 1)
    later = make_event(broadcaster, -1, 1)
    assert list(held_streams()) == [later.pk]


@pytest.mark.django_db
def test_live_that_runs_takes_the_stream_from_an_event_whose_hours_they_are():
    livestream = make_webinar()
    # The same stream under another broadcaster's name is the same stream.
    twin = Broadcaster.objects.create(
        name="twin", slug="twin", hls_url=livestream.gateway.broadcaster.hls_url
    )
    for broadcaster in (twin, livestream.gateway.broadcaster):
        make_event(broadcaster, -1, 1)
    transitions.apply(livestream, transitions.GO_LIVE, user=None)
    assert list(held_streams()) == [livestream.event_id]


# --- the edge's question


class Asked:
    """The ticket door, and who holds what behind it."""

    def __init__(self) -> None:
        self.held: dict[int, str] = {}
        self.readings = 0
        self.broken = False
        self.withdrawn: set[Claim] = set()
        rights = Rights(lambda claims: self.withdrawn & set(claims))
        self.door = edge.TicketDoor(KEY, edge.Holders(self._read), rights)

    def _read(self) -> dict[int, str]:
        self.readings += 1
        if self.broken:
            raise LogUnavailableError("gone")
        return self.held

    async def answer(self, ticket: str, stream: str = "room") -> tuple[int, dict[str, str]]:
        sent = []

        async def send(message):
            sent.append(message)

        headers = [(b"x-ticket", ticket.encode("latin-1")), (b"x-stream", stream.encode())]
        await self.door({"headers": headers}, send)
        return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def ticket(event_id: int = 1, *, stream: str = "room", seconds: int = 600, key: bytes = KEY) -> str:
    return tickets.mint(key, tickets.Ticket(event_id, stream, "a1", int(time.time()) + seconds))


async def test_ticket_opens_the_stream_that_its_event_holds_and_names_the_event():
    asked = Asked()
    asked.held = {1: "room"}
    assert await asked.answer(ticket()) == (204, {"cache-control": "max-age=45", "x-amphi-event": "1"})


@pytest.mark.parametrize("held", [{}, {2: "room"}, {1: "other", 2: "room"}])
async def test_ticket_of_another_event_opens_nothing_and_may_soon(held):
    asked = Asked()
    asked.held = held
    assert await asked.answer(ticket()) == (403, {"cache-control": "max-age=1"})


@pytest.mark.parametrize(
    ("make", "stream"),
    [
        (lambda: ticket(key=b"forged"), "room"),
        (lambda: ticket(seconds=-1), "room"),
        (ticket, "other"),
        (lambda: "", "room"),
        (lambda: "é", "room"),
    ],
    ids=["forged", "expired", "another stream", "none", "nonsense"],
)
async def test_ticket_that_will_never_be_good_asks_no_database(make, stream):
    asked = Asked()
    assert await asked.answer(make(), stream) == (403, {"cache-control": "max-age=60"})
    assert asked.readings == 0


async def test_ticket_whose_right_was_withdrawn_opens_nothing(monkeypatch):
    monkeypatch.setattr(claims, "REMEMBER_S", -1.0)
    asked = Asked()
    asked.held = {1: "room"}
    assert (await asked.answer(ticket()))[0] == 204
    asked.withdrawn = {Claim(1, "a1", "")}
    assert await asked.answer(ticket()) == (403, {"cache-control": "max-age=1"})


def test_picture_stops_within_a_minute_of_the_right():
    assert edge.REMEMBER_S + claims.REMEMBER_S <= 50


async def test_platform_s_own_ticket_opens_any_stream():
    assert (await Asked().answer(ticket(tickets.PLATFORM)))[0] == 204


async def test_crowd_is_one_reading_and_a_database_that_is_gone_changes_nothing(monkeypatch):
    asked = Asked()
    asked.held = {1: "room"}
    for _ in range(100):
        assert (await asked.answer(ticket()))[0] == 204
    assert asked.readings == 1
    monkeypatch.setattr(edge, "HOLDERS_S", -1.0)
    asked.broken = True
    assert (await asked.answer(ticket()))[0] == 204
    assert asked.readings == 2


# --- what the origin is told


@pytest.mark.django_db
def test_publisher_s_callback_names_the_event_that_holds_the_stream(client):
    livestream = make_webinar()
    form = {"name": livestream.gateway.broadcaster.stream, "key": "secret"}
    assert client.post("/webinars/on-publish", form).headers["X-Amphi-Event"] == "none"
    transitions.apply(livestream, transitions.GO_LIVE, user=None)
    assert client.post("/webinars/on-publish", form).headers["X-Amphi-Event"] == str(livestream.event_id)


@pytest.mark.django_db
def test_publisher_that_is_cut_off_is_not_waited_for_once_it_was_to_stop(client):
    livestream = make_webinar()
    form = {"name": livestream.gateway.broadcaster.stream, "key": "secret"}

    def left() -> str | None:
        return client.post("/webinars/on-publish-done", form).headers.get("X-Amphi-Event")

    for trigger, told in (
        (transitions.GO_LIVE, None),
        (transitions.MEDIA_SEEN, None),
        (transitions.STOP, "none"),
    ):
        transitions.apply(livestream, trigger, user=None)
        assert left() == told
    form["key"] = "a guess"
    assert left() is None


@pytest.mark.django_db
def test_ticket_of_a_public_event_on_the_same_broadcaster_does_not_open_a_restricted_one():
    """The whole of it, as a stranger would try: a page that is open, days ahead, gives a ticket that names the same stream."""
    gateway = make_gateway("room")
    public = make_webinar(gateway=gateway, start_at=in_hours(48))
    restricted = make_webinar(gateway=gateway, is_restricted=True, start_at=in_hours(1))
    transitions.apply(restricted, transitions.GO_LIVE, user=None)
    stranger, guest = (
        tickets.verify(ticket_key(), ticket_for(one.event, AnonymousUser()), now=time.time())
        for one in (public, restricted)
    )
    assert stranger.stream == guest.stream == "room"
    held = held_streams()
    assert held.get(guest.event_id) == "room"
    assert stranger.event_id not in held


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("written", "sent", "allowed"),
    [
        ("?key=ab+cd/ef==", "ab+cd/ef==", True),
        ("?key=ab%2Bcd%2Fef%3D%3D", "ab+cd/ef==", True),
        ("?key=ab+cd/ef==", "ab cd/ef==", True),
        ("?key=100%", "100%", True),
        ("?key=ab+cd", "abcd", False),
        ("?key=ab+cd", "", False),
        ("", "", False),
        ("", "anything", False),
        ("?key=", "", False),
    ],
)
def test_key_is_the_address_s_in_any_form_that_live_servers_send(client, written, sent, allowed):
    gateway = make_gateway()
    LiveGateway.objects.update(rtmp_stream_url=f"rtmp://127.0.0.1/live/{gateway.broadcaster.stream}{written}")
    answer = client.post("/webinars/on-publish", {"name": gateway.broadcaster.stream, "key": sent})
    assert answer.status_code == (200 if allowed else 403)


@pytest.mark.django_db
def test_address_without_a_key_is_open_only_where_a_setting_says_so(client, settings):
    settings.AMPHI_PUBLISH_WITHOUT_KEY = True
    gateway = make_gateway()
    LiveGateway.objects.update(rtmp_stream_url=f"rtmp://127.0.0.1/live/{gateway.broadcaster.stream}")
    assert client.post("/webinars/on-publish", {"name": gateway.broadcaster.stream}).status_code == 200
