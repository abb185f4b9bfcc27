"""What the playlist tells that listeners read."""

import pytest

from amphi.audience.models import Broadcaster, Event
from amphi.system import tickets
from amphi.webinars.models import LiveGateway, Livestream
from amphi.worker import probe
from tests.wire import answer

MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ns1.m4s\n"


def multivariant(*attributes: str) -> str:
    variants = (f"#EXT-X-STREAM-INF:{given}\nmain.m3u8\n" for given in attributes)
    return "#EXTM3U\n" + "".join(variants)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (multivariant('BANDWIDTH=1,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=1280x720'), True),
        (multivariant('CODECS="mp4a.40.2"'), True),
        (multivariant('BANDWIDTH=1,CODECS="avc1.42c01f, Opus"'), True),
        (multivariant('BANDWIDTH=1,CODECS="avc1.42c01f"'), False),
        (
            multivariant('BANDWIDTH=1,CODECS="avc1.42c01f"', 'BANDWIDTH=2,CODECS="avc1.42c01f,mp4a.40.2"'),
            False,
        ),
        (multivariant("BANDWIDTH=1"), None),
        (multivariant('BANDWIDTH=1,SUPPLEMENTAL-CODECS="mp4a.40.2"'), None),
        (MEDIA, None),
    ],
)
def test_sound_is_told_by_the_codecs(serve, text, expected):
    server = serve(lambda request: answer(MEDIA if request.path.endswith("main.m3u8") else text))
    assert probe.read(f"{server.url}/talk.m3u8").has_sound is expected


def test_nothing_is_asked_of_a_cache(serve):
    asked = []

    def respond(request):
        asked.append(request.headers["cache-control"])
        return answer(MEDIA if request.path.endswith("main.m3u8") else multivariant("BANDWIDTH=1"))

    probe.read(f"{serve(respond).url}/talk.m3u8")
    assert asked == ["no-cache"] * 2


def test_slate_is_told_from_the_publishers_media():
    slate = MEDIA.replace("#EXTINF", "# amphi: slate\n#EXTINF", 1)
    assert [probe.read_playlist(text).shows_slate for text in (slate, MEDIA)] == [True, False]


@pytest.mark.parametrize("seconds", [0, 100, 1799])
def test_looks_of_half_an_hour_show_one_ticket_that_clocks_minutes_apart_take(settings, seconds):
    settings.AMPHI_TICKET_KEY = "key"
    broadcaster = Broadcaster(hls_url="https://live.univ.fr/hls/room.m3u8", has_tickets=True)
    row = Livestream(event=Event(pk=7), gateway=LiveGateway(broadcaster=broadcaster))
    began = 1_800_000_000.0
    address = probe.address(row, now=began + seconds)
    assert address == probe.address(row, now=began)
    ticket = address.split("/")[4]
    for clock in (began + seconds - 300, began + seconds + 300):
        assert tickets.verify(b"key", ticket, now=clock).viewer == "s"
