"""Fetches what listeners are given during a live, part by part, and compares it with the recording that remains. Needs Django set up."""

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx

from amphi.system import recordings

EVERY_S = 0.3
PATIENCE_S = 3.0
LINE = re.compile(
    r'#EXT-X-MAP:URI="(?P<map>[^"]+)"|#EXT-X-PART:.*?DURATION=(?P<seconds>[\d.]+).*?URI="(?P<part>[^"]+)"'
)


@dataclass(frozen=True)
class Kept:
    """What remains of what came.

    Attributes:
        parts: how many parts of the publisher's came to listeners.
        arrived_s: how long they are together.
        lost: how many of them the recording does not have.
        slates: how many parts were the origin's own slate, which is not recorded.
        replay_s: how long the replay is.
    """

    parts: int
    arrived_s: float
    lost: int
    slates: int
    replay_s: float


class Arrivals:
    """What came, from one live's playlist."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[str, float, bytes]] = {}
        self._maps: dict[str, bytes] = {}
        self._ended = threading.Event()

    @contextlib.contextmanager
    def noted(self, url: str) -> Iterator[None]:
        """Fetch all that comes until the block is left; `url` is the multivariant playlist."""
        thread = threading.Thread(target=self._follow, args=(url,))
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join(60)

    def _follow(self, url: str) -> None:
        media = re.sub(r"\.m3u8$", "/main.m3u8", url)
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not self._ended.wait(EVERY_S):
                # While the origin is dead nothing comes, to nobody.
                with contextlib.suppress(httpx.HTTPError):
                    self._take(client, media, client.get(media))

    def _take(self, client: httpx.Client, url: str, playlist: httpx.Response) -> None:
        if not playlist.is_success:
            return
        init = ""
        for found in LINE.finditer(playlist.text):
            if found["map"]:
                init = urljoin(url, found["map"])
                if init not in self._maps:
                    self._maps[init] = client.get(init).raise_for_status().content
                continue
            part = urljoin(url, found["part"])
            if part not in self._parts:
                data = client.get(part).raise_for_status().content
                self._parts[part] = (init, float(found["seconds"]), data)

    def compare(self, stage: Any) -> Kept:
        """Hold it against the recording and the replay of the live that has ended."""
        from amphi.audience.models import Replay  # noqa: PLC0415 -- they need Django to be set up
        from amphi.audience.replays import library  # noqa: PLC0415

        replay = Replay.objects.select_related("airing__event").get(
            airing__event__livestream__meeting_id=stage.meeting_id
        )
        folders = recordings.of_event(library.root(), replay.airing.event_id)
        chunks = [
            (folder, chunk)
            for folder in folders
            if (found := recordings.read(folder))
            for chunk in found.whole
        ]
        kept = b"".join((folder / chunk.name).read_bytes()[: chunk.size_bytes] for folder, chunk in chunks)
        inits = {(folder / chunk.init).read_bytes() for folder, chunk in chunks}
        # A slate is another encoder's, so it begins otherwise.
        own = [(seconds, data) for init, seconds, data in self._parts.values() if self._maps[init] in inits]
        return Kept(
            parts=len(own),
            arrived_s=round(sum(seconds for seconds, _ in own), 1),
            lost=sum(data not in kept for _, data in own),
            slates=len(self._parts) - len(own),
            replay_s=round(sum(one.duration_ms for one in library.reel(replay).chunks) / 1000, 1),
        )
