"""``amphi origin check URL``."""

import argparse
import asyncio
import json
import sys
from urllib.parse import urlsplit

from amphi.origin.conformance.fetching import Fetched, Fetcher, FetchError, header_faults, speaks_http2
from amphi.origin.conformance.findings import Fault, Report
from amphi.origin.conformance.playlists import (
    MediaPlaylist,
    PlaylistError,
    Variant,
    is_multivariant,
    parse_multivariant,
)
from amphi.origin.conformance.rules import variant_faults
from amphi.origin.conformance.watching import Watch

FIRST_TIMEOUT_S = 10.0
DEFAULT_SECONDS, MAX_SECONDS = 12.0, 600.0
GRACE_S = 60.0
MAX_VARIANTS = 8
HONEST_BANDWIDTH = 0.9


async def check(url: str, seconds: float = DEFAULT_SECONDS) -> Report:
    """Check the stream at `url`, watching it for some seconds.

    Args:
        url: a multivariant or media playlist.
        seconds: how long to watch it; with the time for other requests it takes a minute more at most.
    """
    report, fetcher = Report(), Fetcher()
    try:
        async with asyncio.timeout(seconds + GRACE_S):
            await _check(url, seconds, report, fetcher)
    except TimeoutError:
        report.add([Fault("answer", "the server is too slow for this check")])
    finally:
        await fetcher.close()
    return report


async def _check(url: str, seconds: float, report: Report, fetcher: Fetcher) -> None:
    try:
        fetched = await fetcher.get(url, timeout_s=FIRST_TIMEOUT_S)
    except FetchError as error:
        report.add([Fault("answer", str(error))])
        return
    if fetched.status != 200:  # noqa: PLR2004 -- HTTP's OK
        report.add([Fault("answer", f"the address answers {fetched.status}")])
        return
    if await speaks_http2(fetched.url, FIRST_TIMEOUT_S) is False:
        report.add([Fault("http2", "the server offers no HTTP/2: Apple's players then use no low latency")])
    try:
        variants = _variants(fetched, report)
    except PlaylistError as error:
        report.add([Fault("syntax", str(error))])
        return
    watches = [Watch(fetcher, report, variant.url) for variant in variants[:MAX_VARIANTS]]
    playlists = [playlist for watch in watches if (playlist := await watch.load()) is not None]
    if not playlists or len(playlists) < len(watches):
        return
    await watches[0].run(playlists[0], seconds)
    if is_multivariant(fetched.text):
        await _compare(url, fetcher, report, watches[0])
        report.add(_unreported(playlists))
    _conclude(report, playlists[0], watches[0], is_multivariant=is_multivariant(fetched.text))


def _variants(fetched: Fetched, report: Report) -> list[Variant]:
    if not is_multivariant(fetched.text):
        return [Variant(fetched.url, {})]
    report.add(header_faults(fetched, is_playlist=True, name="the multivariant playlist"))
    variants = parse_multivariant(fetched.text, fetched.url)
    report.add(variant_faults(variants))
    return variants


async def _compare(url: str, fetcher: Fetcher, report: Report, watch: Watch) -> None:
    """Hold what the multivariant playlist says now to the media that was loaded."""
    try:
        fetched = await fetcher.get(url, timeout_s=FIRST_TIMEOUT_S)
        variants = parse_multivariant(fetched.text, fetched.url)
    except (FetchError, PlaylistError) as error:
        report.add([Fault("answer", f"the multivariant playlist: {error}")])
        return
    if not variants:
        return
    report.add(watch.follower.check.compare(variants[0]))
    told = variants[0].attributes.get("BANDWIDTH", "")
    peak = watch.follower.peak_bits_per_s
    if told.isdigit() and int(told) < HONEST_BANDWIDTH * peak:
        report.add([Fault("bandwidth-low", f"BANDWIDTH is {int(told)}, a segment had {peak:.0f} bit/s")])


def _unreported(playlists: list[MediaPlaylist]) -> list[Fault]:
    """Low-latency playlists that say nothing of the other ones."""
    urls = {playlist.url for playlist in playlists if playlist.is_low_latency and not playlist.ended}
    return [
        Fault("rendition-report", f"{urlsplit(playlist.url).path} has no report of {len(missing)} others")
        for playlist in playlists
        if playlist.url in urls and (missing := urls - {playlist.url} - set(playlist.reports))
    ]


def _conclude(report: Report, playlist: MediaPlaylist, watch: Watch, *, is_multivariant: bool) -> None:
    kind = "low-latency HLS" if playlist.is_low_latency else "ordinary HLS"
    report.measured["kind"] = kind + (", ended" if playlist.ended else "")
    report.measured["files"] = watch.follower.check.files
    report.checked("playlist", f"{report.measured['kind']} of version {playlist.version}")
    report.checked("durations", f"none exceeds the target of {playlist.target_s or 0:g} s")
    if playlist.is_low_latency:
        target = playlist.part_target_s or 0
        report.checked("parts", f"none exceeds {target:g} s, none but last ones is below 85 % of it")
    if not playlist.ended:
        report.checked("numbers", "segments stay as they were listed")
        report.checked("dates", "they follow the durations")
        if playlist.is_low_latency:
            report.checked("hints", "what is hinted comes")
            report.checked("blocking reload", "in time; late, stale and impossible requests are answered")
        if report.measured.get("delta_updates"):
            report.checked("delta updates", f"{report.measured['delta_updates']} stood for the whole")
    if is_multivariant:
        report.checked("variants", "BANDWIDTH, CODECS and RESOLUTION are true")
    report.checked("media", f"{watch.follower.check.files} files read; their times are continuous")
    report.checked("caching", "headers let caches keep what is fixed, and not what changes")
    report.checked("other sites", "their pages may play this")
    report.checked("compression", "playlists are compressed where it is worth it")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amphi origin check",
        description="Watches an HLS stream, of this origin or any other server, and says which rules of RFC 8216bis it breaks.",
    )
    parser.add_argument("url", help="the stream's address, http(s)://…/….m3u8; it is in no log")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="how long to watch (12)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(argv: list[str]) -> int:
    """Run the check. Returns 0 when no rule is broken, 1 when one is, 2 for an invalid address."""
    parser = _parser()
    options = parser.parse_args(argv)
    if urlsplit(options.url).scheme not in {"http", "https"} or not urlsplit(options.url).netloc:
        parser.error("the address must begin with http:// or https://")
    if not 1 <= options.seconds <= MAX_SECONDS:
        parser.error(f"--seconds must be 1 to {MAX_SECONDS:.0f}")
    try:
        report = asyncio.run(check(options.url, options.seconds))
    except KeyboardInterrupt:
        return 130
    if options.json:
        findings = [
            {"level": one.level, "rule": one.rule, "topic": one.topic, "section": one.section}
            | {"sentence": one.sentence, "count": one.count}
            for one in report.lines()
        ]
        content = {"ok": not report.failed, "findings": findings, "measured": report.measured}
        print(json.dumps(content, ensure_ascii=False, indent=2))  # noqa: T201 -- a command's answer
    else:
        for line in report.lines():
            print(line.line())  # noqa: T201 -- a command's answer
        told = ", ".join(f"{name} {value}" for name, value in report.measured.items())
        print(f"\n{told}", file=sys.stderr)  # noqa: T201 -- a command's answer
    return 1 if report.failed else 0
