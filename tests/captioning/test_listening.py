"""The sound of a live as it comes, from live servers of any kind."""

import threading

import pytest

from amphi.captioning.exceptions import SoundError
from amphi.captioning.listening import Listener, Media
from tests import wire

pytestmark = pytest.mark.integration
AT = 1795701600.0


def segments(first: int, last: int, *, end: bool = False, dated: bool = True) -> str:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:0", f"#EXT-X-MEDIA-SEQUENCE:{first}", '#EXT-X-MAP:URI="init"']
    for number in range(first, last + 1):
        second = f"{number:02}" if number < 8 else f"{number + 20:02}"
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:2026-11-26T14:00:{second}Z"] if dated else []
        lines += ["#EXTINF:1,", f"s{number}"]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if end else [])])


class Server:
    """Sends one playlist after the other."""

    def __init__(self, playlists: list[str]) -> None:
        self.playlists = playlists
        self.asked: list[str] = []

    def __call__(self, request: wire.Request) -> bytes:
        self.asked.append(request.path)
        match request.path:
            case "/hall.m3u8":
                return wire.answer('#EXTM3U\n#EXT-X-STREAM-INF:CODECS="mp4a.40.2"\nhall/sound.m3u8')
            case "/hall/sound.m3u8":
                return (
                    wire.answer(self.playlists.pop(0)) if self.playlists else wire.answer("", "404 Not Found")
                )
        return wire.answer(request.path.rpartition("/")[2])


def heard(server: wire.WireServer) -> list[Media]:
    return list(Listener(lambda: f"{server.url}/hall.m3u8", threading.Event()).media())


def test_newest_comes_first_and_all_that_follows_once(serve):
    script = Server([segments(1, 3), segments(2, 4), segments(2, 4), segments(4, 8, end=True)])
    assert heard(serve(script)) == [
        Media(b"inits3", AT + 3, is_new=True),
        *(Media(f"s{number}".encode(), AT + number, is_new=False) for number in range(4, 8)),
        # Its time tells that something is missing before it.
        Media(b"inits8", AT + 28, is_new=True),
    ]
    assert script.asked.count("/hall.m3u8") == script.asked.count("/hall/init") == 1


def test_server_without_times(serve):
    found = heard(serve(Server([segments(1, 2, dated=False), segments(1, 3, dated=False, end=True)])))
    assert [(one.data, one.is_new) for one in found] == [(b"inits2", True), (b"s3", False)]
    assert found[0].at > AT - 1e9


@pytest.mark.parametrize(
    ("playlists", "said"),
    [
        ([segments(7, 8), segments(0, 1)], "began anew"),
        ([segments(1, 2)], "404"),
        (["<html>"], "no playlist"),
    ],
)
def test_what_can_not_be_heard_is_told(serve, playlists, said):
    with pytest.raises(SoundError, match=said):
        heard(serve(Server(playlists)))
