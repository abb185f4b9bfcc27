"""Follows one media playlist for some seconds as a player does, and holds it to the rules."""

import asyncio
import statistics
import time
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit, urlunsplit

from amphi.origin.conformance.fetching import Fetched, Fetcher, FetchError, header_faults
from amphi.origin.conformance.findings import Fault, Report
from amphi.origin.conformance.following import MediaFollower
from amphi.origin.conformance.playlists import MediaPlaylist, PlaylistError, merge, parse_media
from amphi.origin.conformance.rules import media_faults, succession_faults

GZIP_WORTH_BYTES = 1_000
BLOCK_TARGETS, CACHE_TARGETS, NEW_SEGMENT_TARGETS = 3, 6, 1.5
MARGIN_S = 2.0
# A part may be late by this share of the part target, in the middle of all waits.
LATE = 1.6
SLOWEST, FASTEST = 0.8, 1.25
LEAST_WATCH_S = 4.0
LARGEST_DRIFT_S = 1.0
FAR_AHEAD = 20


class Watch:
    """One media playlist.

    Args:
        fetcher: makes the requests.
        report: where findings go.
        url: the playlist's address.
    """

    def __init__(self, fetcher: Fetcher, report: Report, url: str) -> None:
        self._fetcher = fetcher
        self._report = report
        self.url = url
        self.follower = MediaFollower(fetcher, report)
        self._waits: list[float] = []
        self._ages: list[float] = []
        self._deltas = 0

    async def load(self) -> MediaPlaylist | None:
        """Load the playlist for the first time; None when that fails."""
        name = urlsplit(self.url).path.rpartition("/")[2]
        try:
            fetched = await self._fetcher.get(self.url, timeout_s=10)
        except FetchError as error:
            self._report.add([Fault("answer", f"{name}: {error}")])
            return None
        if fetched.status != 200:  # noqa: PLR2004 -- HTTP's OK
            self._report.add([Fault("answer", f"{name} answers {fetched.status}")])
            return None
        self._report.add(header_faults(fetched, is_playlist=True, name=name))
        self._compression(fetched, name)
        self.url = fetched.url
        playlist = self._parse(fetched)
        if playlist is not None:
            self._report.add(media_faults(playlist))
            target_s = playlist.target_s or 1.0
            if not playlist.ended and fetched.max_age_s() > target_s:
                self._report.add(
                    [
                        Fault(
                            "cache-playlist",
                            f"{name} is cached for {fetched.max_age_s():g} s: too old to play",
                        )
                    ]
                )
        return playlist

    def _compression(self, fetched: Fetched, name: str) -> None:
        is_packed = fetched.headers.get("content-encoding", "") == "gzip"
        if len(fetched.body) > GZIP_WORTH_BYTES and not is_packed:
            told = (
                f"{name} has {len(fetched.body)} bytes and is not compressed; listeners load it all the time"
            )
            self._report.add([Fault("gzip", told)])

    def _parse(self, fetched: Fetched) -> MediaPlaylist | None:
        try:
            return parse_media(fetched.text, fetched.url)
        except PlaylistError as error:
            self._report.add([Fault("syntax", str(error))])
            return None

    async def run(self, playlist: MediaPlaylist, seconds: float) -> None:
        """Watch until the time is over or the stream has ended."""
        if playlist.ended:
            await self.follower.sample(playlist)
            return
        following = asyncio.create_task(self.follower.run(playlist))
        first, started = playlist, time.monotonic()
        try:
            if playlist.is_low_latency and playlist.control.get("CAN-BLOCK-RELOAD") == "YES":
                await self._probe(playlist)
                started = time.monotonic()
                last = await self._reload_blocking(first, started + seconds)
            else:
                last = await self._poll(first, started + max(seconds, 3 * (playlist.target_s or 1)))
        finally:
            self.follower.finish()
            await following
        self._conclude(first, last, time.monotonic() - started)

    # Low latency.

    async def _reload_blocking(self, playlist: MediaPlaylist, deadline: float) -> MediaPlaylist:
        last_at = time.monotonic()
        while time.monotonic() < deadline and not playlist.ended:
            number, part = self.follower.next_of(playlist)
            self.follower.expect(playlist.hint)
            wants_skip = "CAN-SKIP-UNTIL" in playlist.control and len(self._waits) % 2 == 1
            fetched = await self._ask(playlist, number=number, part=part, skip=wants_skip)
            now = time.monotonic()
            later = self._answer(playlist, fetched, (number, part)) if fetched else None
            if later is None or not _contains(later, number, part):
                await asyncio.sleep(playlist.part_target_s or 1)
            if later is None:
                continue
            self._waits.append(now - last_at)
            last_at = now
            playlist = later
        return playlist

    async def _ask(
        self,
        playlist: MediaPlaylist,
        *,
        number: int | None = None,
        part: int | None = None,
        skip: bool = False,
        timeout_s: float | None = None,
    ) -> Fetched | None:
        directives = {"_HLS_msn": number, "_HLS_part": part, "_HLS_skip": "YES" if skip else None}
        given = urlencode({name: value for name, value in directives.items() if value is not None})
        parts = urlsplit(self.url)
        query = f"{parts.query}&{given}" if parts.query else given
        target_s = playlist.target_s or 1.0
        try:
            return await self._fetcher.get(
                urlunsplit(parts._replace(query=query)),
                timeout_s=timeout_s or BLOCK_TARGETS * target_s + MARGIN_S,
            )
        except FetchError as error:
            self._report.add([Fault("blocking", f"{given}: {error}")])
            return None

    def _answer(
        self, before: MediaPlaylist, fetched: Fetched, asked: tuple[int, int | None]
    ) -> MediaPlaylist | None:
        if fetched.status != 200:  # noqa: PLR2004 -- HTTP's OK
            told = f"asked for part {asked[1]} of {asked[0]}, the answer is {fetched.status}"
            self._report.add([Fault("blocking", f"{told} after {fetched.took_s:.1f} s")])
            return None
        after = self._parse(fetched)
        if after is None:
            return None
        self._cached(fetched, after)
        if not _contains(after, *asked):
            told = f"asked for part {asked[1]} of {asked[0]}, the answer came after {fetched.took_s:.2f} s"
            self._report.add([Fault("blocking", f"{told} without it")])
        return self._accept(before, after)

    def _accept(self, before: MediaPlaylist, after: MediaPlaylist) -> MediaPlaylist | None:
        if after.skipped:
            self._deltas += 1
            self._report.add(_boundary_faults(after))
            try:
                after = merge(before, after)
            except PlaylistError as error:
                self._report.add([Fault("delta", str(error))])
                return None
        self._report.add(media_faults(after))
        self._report.add(succession_faults(before, after))
        if before.hint is not None and not after.ended:
            grown = any(segment.number > before.last_number and segment.parts for segment in after.listed)
            listed = {part.piece.url for segment in after.listed for part in segment.parts}
            if grown and before.hint.url not in listed and before.hint != after.hint:
                told = f"{before.hint.url.rpartition('/')[2]} was hinted and never listed"
                self._report.add([Fault("hint-kept", told)])
        self._note_age(after)
        self.follower.put(after)
        return after

    def _cached(self, fetched: Fetched, playlist: MediaPlaylist) -> None:
        most_s = CACHE_TARGETS * (playlist.target_s or 1.0)
        age_s = fetched.max_age_s()
        if not 0 < age_s <= most_s and not playlist.ended:
            told = f"the answer to a blocking request is cached for {age_s:g} s; {most_s:g} s save the origin work"
            self._report.add([Fault("cache-blocked", told)])

    async def _probe(self, playlist: MediaPlaylist) -> None:
        """Ask what players ask when they are late or lost."""
        target_s = playlist.target_s or 1.0
        stale = await self._ask(playlist, number=playlist.last_number)
        if stale is not None and (stale.status != 200 or stale.took_s > 2 * target_s):  # noqa: PLR2004 -- HTTP's OK
            told = (
                f"asked for a segment that is listed, the answer is {stale.status} after {stale.took_s:.1f} s"
            )
            self._report.add([Fault("blocking-stale", told)])
        ahead = await self._ask(
            playlist, number=playlist.last_number + FAR_AHEAD, part=0, timeout_s=4 * target_s + MARGIN_S
        )
        if ahead is not None:
            self._refused(ahead, "blocking-ahead", f"asked for {FAR_AHEAD} segments ahead", target_s)
        alone = await self._ask(playlist, part=0, timeout_s=4 * target_s + MARGIN_S)
        if alone is not None:
            self._refused(alone, "blocking-part-alone", "asked by _HLS_part without _HLS_msn", target_s)

    def _refused(self, fetched: Fetched, rule: str, what: str, target_s: float) -> None:
        if fetched.status != 400:  # noqa: PLR2004 -- HTTP's Bad Request
            told = f"{what}, the answer is {fetched.status} after {fetched.took_s:.1f} s, not 400"
            self._report.add([Fault(rule, told)])
        elif fetched.max_age_s() > target_s:
            told = f"an error is cached for {fetched.max_age_s():g} s, longer than a target duration"
            self._report.add([Fault("cache-error", told)])

    # Ordinary HLS.

    async def _poll(self, playlist: MediaPlaylist, deadline: float) -> MediaPlaylist:
        target_s = playlist.target_s or 1.0
        last_at = time.monotonic()
        while time.monotonic() < deadline and not playlist.ended:
            await asyncio.sleep(target_s / 2)
            try:
                fetched = await self._fetcher.get(self.url, timeout_s=target_s + 10)
            except FetchError as error:
                self._report.add([Fault("answer", str(error))])
                continue
            after = self._parse(fetched) if fetched.status == 200 else None  # noqa: PLR2004 -- HTTP's OK
            if after is None:
                self._report.add([Fault("answer", f"the playlist answers {fetched.status}")])
                continue
            later = self._accept(playlist, after)
            if later is not None and later.last_number > playlist.last_number:
                self._waits.append(time.monotonic() - last_at)
                last_at = time.monotonic()
            playlist = later or playlist
        return playlist

    # What only the whole watch tells.

    def _note_age(self, playlist: MediaPlaylist) -> None:
        dated = [segment for segment in playlist.listed if segment.date]
        if not dated or dated[-1] is not playlist.listed[-1]:
            return
        last = dated[-1]
        length_s = last.duration_s or sum(part.duration_s for part in last.parts)
        date = last.date or datetime.now(UTC)
        self._ages.append((datetime.now(UTC) - date).total_seconds() - length_s)

    def _conclude(self, first: MediaPlaylist, last: MediaPlaylist, elapsed_s: float) -> None:
        measured = self._report.measured
        measured["watched_s"] = round(elapsed_s, 1)
        measured["delta_updates"] = self._deltas
        expected_s = last.part_target_s or (last.target_s or 1) * NEW_SEGMENT_TARGETS
        if self._waits:
            middle = statistics.median(self._waits)
            measured["wait_median_s"] = round(middle, 3)
            measured["wait_longest_s"] = round(max(self._waits), 3)
            if middle > LATE * expected_s:
                told = f"half of the answers took longer than {middle:.2f} s, parts last {expected_s:g} s"
                self._report.add([Fault("blocking-late" if last.is_low_latency else "rate", told)])
        if self._ages:
            measured["newest_is_old_s"] = round(statistics.median(self._ages), 3)
            drift = abs(self._ages[-1] - self._ages[0])
            if drift > LARGEST_DRIFT_S:
                told = f"within {elapsed_s:.0f} s the dates moved by {drift:.1f} s against the clock"
                self._report.add([Fault("date-drift", told)])
        gained_s = self.follower.length_since(first, last)
        if elapsed_s >= LEAST_WATCH_S and not last.ended:
            measured["rate"] = round(gained_s / elapsed_s, 2)
            slack_s = 0.0 if last.is_low_latency else 1.5 * (last.target_s or 1)
            if not SLOWEST * elapsed_s - slack_s <= gained_s <= FASTEST * elapsed_s + slack_s:
                told = f"{gained_s:.1f} s of media came within {elapsed_s:.1f} s"
                self._report.add([Fault("rate", told)])


def _contains(playlist: MediaPlaylist, number: int, part: int | None) -> bool:
    """Whether a playlist has what a blocking request asked for."""
    if playlist.ended or playlist.last_number >= number:
        return True
    growing = playlist.growing
    return part is not None and growing is not None and growing.number == number and len(growing.parts) > part


def _boundary_faults(delta: MediaPlaylist) -> list[Fault]:
    """Whether a delta update skips only what is old enough."""
    boundary_s = delta.control_s("CAN-SKIP-UNTIL") or 0.0
    left_s = sum(segment.duration_s for segment in delta.segments)
    left_s += sum(part.duration_s for part in delta.growing.parts) if delta.growing else 0.0
    if left_s < boundary_s - (delta.target_s or 1.0) / 2:
        return [
            Fault("delta-boundary", f"only {left_s:.1f} s are left in a delta update, not {boundary_s:g} s")
        ]
    return []
