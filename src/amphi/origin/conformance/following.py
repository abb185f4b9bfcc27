"""Loads the media of a playlist as it grows, each part once and in order."""

import asyncio
from urllib.parse import urlsplit

from amphi.origin.conformance.fetching import Fetcher, FetchError, header_faults
from amphi.origin.conformance.findings import Fault, Report
from amphi.origin.conformance.media import MediaCheck, parts_are_segment
from amphi.origin.conformance.playlists import MediaPlaylist, Part, Piece, Segment

LONGEST_S = 15.0
COMPARED_SEGMENTS = 2
SAMPLED_SEGMENTS = 3
BITS = 8


class MediaFollower:
    """Takes states of one playlist, and checks what is new in them.

    Args:
        fetcher: makes the requests.
        report: where findings go.
    """

    def __init__(self, fetcher: Fetcher, report: Report) -> None:
        self._fetcher = fetcher
        self._report = report
        self._states: asyncio.Queue[MediaPlaylist | None] = asyncio.Queue()
        self._hinted: dict[Piece, asyncio.Task[bytes | None]] = {}
        self._done: tuple[int, int] = (-1, 0)
        self._init: Piece | None = None
        self._has_begun = False
        self._bodies: dict[int, list[bytes]] = {}
        self._compared = 0
        self._durations: dict[int, float] = {}
        self.check = MediaCheck()
        self.peak_bits_per_s = 0.0

    @staticmethod
    def next_of(playlist: MediaPlaylist) -> tuple[int, int]:
        """The part that comes next: its segment's media sequence number, and its place there."""
        growing = playlist.growing
        return playlist.last_number + 1, len(growing.parts) if growing else 0

    def length_since(self, first: MediaPlaylist, last: MediaPlaylist) -> float:
        """How much media, in seconds, came between two states."""
        growing = [
            sum(part.duration_s for part in state.growing.parts) if state.growing else 0.0
            for state in (first, last)
        ]
        new = [length for number, length in self._durations.items() if number > first.last_number]
        return sum(new) + growing[1] - growing[0]

    def put(self, playlist: MediaPlaylist) -> None:
        """Check what is new in this state."""
        self._durations |= {segment.number: segment.duration_s for segment in playlist.segments}
        self._states.put_nowait(playlist)

    def finish(self) -> None:
        self._states.put_nowait(None)

    def expect(self, hint: Piece | None) -> None:
        """Ask for a hinted part before it is there, as players do."""
        if hint is not None and hint not in self._hinted:
            self._hinted[hint] = asyncio.create_task(self._load(hint, "hint"))

    async def run(self, playlist: MediaPlaylist) -> None:
        """Check until `finish`, beginning with the newest segment."""
        growing = playlist.growing
        start = playlist.last_number if growing is None else growing.number
        self._done = (start, 0)
        self.put(playlist)
        while (state := await self._states.get()) is not None:
            await self._take(state)
        for task in self._hinted.values():
            task.cancel()
        await asyncio.gather(*self._hinted.values(), return_exceptions=True)

    async def sample(self, playlist: MediaPlaylist) -> None:
        """Check some segments of a playlist that has ended."""
        for segment in playlist.segments[:SAMPLED_SEGMENTS]:
            await self._segment(playlist, segment)

    async def _take(self, playlist: MediaPlaylist) -> None:
        for segment in playlist.listed:
            if segment.number < self._done[0]:
                continue
            if segment.encrypted or segment.gap:
                self._done = (segment.number + 1, 0)
                continue
            if segment.parts:
                await self._parts(playlist, segment)
            elif segment.piece is not None:
                await self._segment(playlist, segment)
            if segment.piece is not None:
                await self._complete(segment)
                self._done = (segment.number + 1, 0)

    async def _parts(self, playlist: MediaPlaylist, segment: Segment) -> None:
        done = self._done[1] if segment.number == self._done[0] else 0
        for index, part in enumerate(segment.parts[done:], done):
            if part.gap:
                self.check.forget()
                continue
            if index == 0 or not self._has_begun:
                await self._begin(segment, is_first=index == 0)
            body = await self._body(part)
            if body is None:
                self.check.forget()
                continue
            self._bodies.setdefault(segment.number, []).append(body)
            promises = index == 0 and "EXT-X-INDEPENDENT-SEGMENTS" in playlist.tags
            self._report.add(
                self.check.take(
                    _name(part.piece),
                    body,
                    part.duration_s,
                    independent=part.independent,
                    starts_segment=promises,
                )
            )
        self._done = (segment.number, len(segment.parts))

    async def _segment(self, playlist: MediaPlaylist, segment: Segment) -> None:
        assert segment.piece is not None  # noqa: S101 -- complete segments have an address
        await self._begin(segment, is_first=True)
        body = await self._load(segment.piece, "segment")
        if body is None:
            self.check.forget()
            return
        self._note_rate(segment, len(body))
        promises = "EXT-X-INDEPENDENT-SEGMENTS" in playlist.tags
        name = _name(segment.piece)
        self._report.add(
            self.check.take(name, body, segment.duration_s, independent=False, starts_segment=promises)
        )

    async def _begin(self, segment: Segment, *, is_first: bool) -> None:
        """Load the initialization segment where it changes; begin a run at a discontinuity."""
        is_new = not self._has_begun or segment.init != self._init
        if not (is_new or (segment.discontinuity and is_first)):
            return
        init = await self._load(segment.init, "initialization segment") if segment.init else None
        if segment.init is None or init is not None:
            self._report.add(self.check.begin(init))
        self._init, self._has_begun = segment.init, True

    async def _body(self, part: Part) -> bytes | None:
        task = self._hinted.pop(part.piece, None)
        if task is not None:
            return await task
        return await self._load(part.piece, "part")

    async def _complete(self, segment: Segment) -> None:
        bodies = self._bodies.pop(segment.number, [])
        if len(bodies) != len(segment.parts) or not bodies or segment.piece is None:
            return
        self._note_rate(segment, sum(map(len, bodies)))
        if self._compared < COMPARED_SEGMENTS:
            self._compared += 1
            whole = await self._load(segment.piece, "segment")
            if whole is not None:
                self._report.add(parts_are_segment(segment, bodies, whole))

    def _note_rate(self, segment: Segment, size: int) -> None:
        if segment.duration_s > 0.5:  # noqa: PLR2004 -- the specification ignores shorter ones
            self.peak_bits_per_s = max(self.peak_bits_per_s, size * BITS / segment.duration_s)

    async def _load(self, piece: Piece, what: str) -> bytes | None:
        name = _name(piece)
        try:
            fetched = await self._fetcher.get(piece, timeout_s=LONGEST_S)
        except FetchError as error:
            self._report.add([Fault("hint" if what == "hint" else "media-answer", f"{name}: {error}")])
            return None
        if fetched.status not in {200, 206}:
            fault = Fault(
                "hint" if what == "hint" else "media-answer", f"{name} ({what}) answers {fetched.status}"
            )
            self._report.add([fault])
            return None
        self._report.add(header_faults(fetched, is_playlist=False, name=name))
        if fetched.max_age_s() < 1:
            self._report.add([Fault("cache-media", f"{name} never changes and may not be cached")])
        if piece.length is not None and len(fetched.body) != piece.length:
            told = f"{name} has {len(fetched.body)} bytes, not the {piece.length} of its range"
            self._report.add([Fault("media-answer", told)])
        return fetched.body


def _name(piece: Piece) -> str:
    return urlsplit(piece.url).path.rpartition("/")[2]
