"""ffmpeg publishes to the origin, and ffmpeg reads every frame back."""

import asyncio
import json
import os
import re

import httpx
import pytest

from amphi.origin.config import Config
from amphi.origin.conformance.cli import check
from amphi.origin.conformance.findings import Level
from amphi.origin.fmp4.codecs import SILENCE
from tests.contract.origin_ffmpeg import PATIENCE_S, count_frames, publish_command, publishing, run
from tests.origin.running import eventually, ready, running_origin

PACKETS = ("-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "json")


async def _packets(url: str) -> dict[str, int]:
    output = await run("ffprobe", "-v", "error", *PACKETS, url)
    return {found["codec_type"]: int(found["nb_read_packets"]) for found in json.loads(output)["streams"]}


@pytest.mark.parametrize(
    "extra",
    [
        ("-bf", "0"),
        ("-bf", "3", "-ar", "22050", "-ac", "1"),
        ("-g", "75", "-bf", "2", "-ar", "32000"),
        ("-r", "30", "-g", "30", "-ar", "96000"),
    ],
)
async def test_ffmpeg_reads_back_every_frame_it_published(tmp_path, extra):
    local = tmp_path / "local.flv"
    tee = f"[f=flv]{local}|[f=flv:flvflags=no_duration_filesize]"
    async with running_origin(Config(open=True)) as origin:
        command = publish_command("", seconds=7, live=False, extra=extra)[:-3]
        await run(
            *command,
            "-flags",
            "+global_header",
            "-map",
            "0:v",
            "-map",
            "1:a",
            "-f",
            "tee",
            f"{tee}{origin.rtmp}/lecture",
        )
        url = f"{origin.http}/hls/lecture.m3u8"
        assert await _packets(url) == await _packets(str(local))
        assert await count_frames(url) == await count_frames(str(local))
        assert await run("ffmpeg", "-v", "warning", "-i", url, "-f", "null", "-") == b""


@pytest.mark.parametrize("channels", SILENCE)
async def test_ffmpeg_decodes_a_silent_frame_to_silence(tmp_path, channels):
    frame = SILENCE[channels]
    # An ADTS header (ISO/IEC 14496-3, 1.A.2.2): AAC-LC, 48 kHz.
    header = (
        0xFFF << 44 | 1 << 40 | 1 << 38 | 3 << 34 | channels << 30 | (7 + len(frame)) << 13 | 0x7FF << 2
    ).to_bytes(7)
    (tmp_path / "silence.aac").write_bytes((header + frame) * 50)
    sound = await run("ffmpeg", "-v", "error", "-i", str(tmp_path / "silence.aac"), "-f", "s16le", "-")
    assert len(sound) >= 49 * 1024 * 2 * channels
    assert not any(sound)


async def test_ffmpeg_reads_a_live_stream_while_it_is_published(tmp_path):
    async with running_origin(Config(open=True)) as origin:
        async with publishing(f"{origin.rtmp}/lecture", seconds=5), httpx.AsyncClient() as client:
            url = f"{origin.http}/hls/lecture.m3u8"
            await ready(client, url)
            copy = tmp_path / "copy.mp4"
            await run("ffmpeg", "-v", "error", "-live_start_index", "0", "-i", url, "-c", "copy", str(copy))
        assert (await count_frames(str(copy)))["video"] == 125


async def test_smaller_pictures_keep_every_rule_and_outlive_their_encoder(tmp_path):
    # Few pictures: the encoder has a low priority, and one that does not keep up is ended, as on a machine with something else to do.
    rate = 10
    cheap = ("-r", str(rate), "-g", str(rate), "-preset", "ultrafast", "-tune", "zerolatency")
    large = ("-s", "640x480", *cheap)
    async with (
        running_origin(Config(open=True, encoders=1)) as origin,
        httpx.AsyncClient() as client,
        publishing(f"{origin.rtmp}/lecture", seconds=120, extra=large),
    ):
        url = f"{origin.http}/hls/lecture/360p.m3u8"
        await ready(client, url)
        stream = origin.origin.streams.get("lecture")
        # Each look is a listener who asks.
        await eventually(lambda: stream.renditions.want("360p").rate.peak_bits_per_s)
        small = stream.renditions.want("360p")
        report, _ = await asyncio.gather(check(url, 2.5), check(f"{origin.http}/hls/lecture.m3u8", 1))
        told = {name for name, found in report.findings.items() if found.level is Level.FAIL}
        # A busy machine may be late.
        assert told <= {"blocking-late", "blocking-stale", "rate"}, [
            f.sentence for f in report.findings.values() if f.level is Level.FAIL
        ]
        text = (await client.get(f"{origin.http}/hls/lecture.m3u8")).text
        assert re.search(
            r"BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,CODECS=\"avc1.4d401f,mp4a.40.2\",RESOLUTION=480x360", text
        )

        await eventually(lambda: stream.renditions._encoder and stream.renditions._encoder._process)
        first = stream.renditions._encoder
        first._process.kill()
        await eventually(lambda: stream.renditions._encoder not in {None, first})
        counted = small.rate.average_bits_per_s
        await eventually(lambda: stream.renditions.want("360p").rate.average_bits_per_s != counted)
        assert not stream.playlist.ended
        stream.end()
        # An encoder that ended leaves less than a segment standing still; the last segment may be short.
        # ffmpeg does not read another initialization segment in mid-stream, as browsers do: it gets the encoded segments alone.
        inits, own = small.playlist.inits, set(stream.playlist.inits.values())
        encoded = [found for found in small.playlist.listed() if inits[found.init] not in own]
        file = tmp_path / "small.mp4"
        file.write_bytes(
            inits[encoded[0].init] + b"".join(part.data for found in encoded for part in found.parts)
        )
        assert (await count_frames(str(file)))["video"] > rate * (
            len(encoded) - 1 - len(stream.renditions._failures)
        )


async def test_sound_alone_and_pictures_alone(tmp_path):
    async with running_origin(Config(open=True)) as origin:
        for name, extra in (("sound", ("-vn",)), ("pictures", ("-an",))):
            local = tmp_path / f"{name}.flv"
            tail = ["-f", "flv", str(local)]
            command = publish_command("", seconds=4, live=False, extra=extra)[:-3]
            await run(*command, *tail)
            await run(
                "ffmpeg", "-v", "error", "-i", str(local), "-c", "copy", "-f", "flv", f"{origin.rtmp}/{name}"
            )
            assert await _packets(f"{origin.http}/hls/{name}.m3u8") == await _packets(str(local))


async def test_a_killed_ffmpeg_that_comes_back_continues_the_playlist():
    async with running_origin(Config(open=True)) as origin, httpx.AsyncClient() as client:
        url = f"{origin.http}/hls/lecture/main.m3u8"
        async with publishing(f"{origin.rtmp}/lecture", seconds=60) as first:
            await ready(client, url)
            os.kill(first.pid, 9)
        stream = origin.origin.streams.get("lecture")
        await eventually(lambda: stream.playlist.shows_slate and stream.publisher is None)
        assert "ENDLIST" not in (await client.get(url)).text
        async with publishing(f"{origin.rtmp}/lecture", seconds=2) as second:
            async with asyncio.timeout(PATIENCE_S):
                await second.wait()
        await eventually(lambda: stream.playlist.ended)
        text = (await client.get(url)).text
        assert text.count("#EXT-X-DISCONTINUITY\n") == 2  # to the slate, and back
        assert text.endswith("#EXT-X-ENDLIST\n")
        await run("ffmpeg", "-v", "error", "-i", url, "-f", "null", "-")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-c:v", "flv1"), "Sorenson H.263 is not supported; send H.264"),
        (("-pix_fmt", "yuv444p"), "H.264 with colours in 4:4:4 and 8 bits is not supported; send 4:2:0"),
        (("-pix_fmt", "yuv422p"), "H.264 with colours in 4:2:2 and 8 bits is not supported; send 4:2:0"),
        (("-pix_fmt", "yuv420p10le"), "H.264 with colours in 4:2:0 and 10 bits is not supported; send 4:2:0"),
    ],
)
async def test_what_browsers_do_not_show_is_refused_with_its_name(options, said, caplog):
    async with running_origin(Config(open=True)) as origin:
        command = publish_command("", seconds=2, live=False, extra=options)[:-3]
        process = await asyncio.create_subprocess_exec(
            *command, "-f", "flv", f"{origin.rtmp}/old", stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(PATIENCE_S):
            await process.wait()
        await eventually(lambda: origin.origin.streams.get("old") is None)
    assert said in caplog.text


@pytest.mark.parametrize("key", ["ab+cd/e/f==", "ab%2Bcd%2Fe%2Ff%3D%3D"])
async def test_ffmpeg_publishes_with_a_key_as_it_was_written(key):
    async with (
        running_origin(Config(keys={"lecture": "ab+cd/e/f=="})) as origin,
        httpx.AsyncClient() as client,
        publishing(f"{origin.rtmp}/lecture?key={key}", seconds=60),
    ):
        await ready(client, f"{origin.http}/hls/lecture.m3u8")


async def test_sound_that_is_announced_and_does_not_come_leaves_the_picture():
    """As SIPMediaGW 1.8 sends it: its sound's clock is days ahead, so ffmpeg keeps every frame of it back."""
    late = ("-itsoffset", "344868", "-f", "lavfi", "-i", "sine", "-copyts", "-map", "0:v", "-map", "2:a")
    async with running_origin(Config(open=True)) as origin, httpx.AsyncClient() as client:
        command = publish_command(f"{origin.rtmp}/lecture", seconds=60)
        at = command.index("-t")
        process = await asyncio.create_subprocess_exec(
            *command[:at], *late, *command[at + 2 :], stderr=asyncio.subprocess.DEVNULL
        )
        try:
            url = f"{origin.http}/hls/lecture.m3u8"
            await ready(client, url)
            assert 'CODECS="avc1.64000c",' in (await client.get(url)).text
            stream = origin.origin.streams.get("lecture")
            statistics = stream.statistics()
            assert (statistics["picture"], statistics["sound"]) == (True, False)
        finally:
            process.kill()
            await process.wait()
        await eventually(lambda: stream.publisher is None)
        stream.end()
        assert list(await _packets(url)) == ["video"]
        assert (await count_frames(url))["video"] >= 25


@pytest.mark.parametrize(("ended", "left"), [("audio", "video"), ("video", "audio")])
async def test_track_that_ends_leaves_the_other(tmp_path, ended, left):
    ends_after = {"audio": ("-af", "atrim=end=4"), "video": ("-vf", "trim=end=4")}
    local = tmp_path / "local.flv"
    await run(*publish_command(str(local), seconds=18, live=False, extra=ends_after[ended]))
    async with running_origin(Config(open=True)) as origin, httpx.AsyncClient() as client:
        await run("ffmpeg", "-v", "error", "-i", str(local), "-c", "copy", "-f", "flv", f"{origin.rtmp}/x")
        url = f"{origin.http}/hls/x.m3u8"
        codecs = "avc1.64000c" if left == "video" else "mp4a.40.2"
        assert f'CODECS="{codecs}"' in (await client.get(url)).text
        text = (await client.get(f"{origin.http}/hls/x/main.m3u8")).text
        assert text.count("#EXT-X-DISCONTINUITY\n") == 1
        listed_s = sum(segment.duration_s for segment in origin.origin.streams.get("x").playlist.segments)
        assert 17.5 < listed_s < 18.5
        sent = await _packets(str(local))
        assert (await _packets(url))[left] == sent[left] > sent[ended]


@pytest.mark.parametrize(
    "gop", ["open-gop=1:keyint=25:min-keyint=25:scenecut=0", "intra-refresh=1:keyint=25"]
)
async def test_segments_begin_at_the_recovery_points_of_open_gops_and_of_intra_refresh(gop, tmp_path):
    extra = ("-bf", "2" if "open" in gop else "0", "-x264-params", gop)
    local = tmp_path / "local.flv"
    await run(*publish_command(str(local), seconds=7, live=False, extra=extra))
    async with running_origin(Config(open=True)) as origin:
        await run("ffmpeg", "-v", "error", "-i", str(local), "-c", "copy", "-f", "flv", f"{origin.rtmp}/x")
        segments = list(origin.origin.streams.get("x").playlist.segments)
        assert all(segment.independent for segment in segments)
        assert [round(segment.duration_s) for segment in segments[:-1]] == [1] * (len(segments) - 1)
        assert await _packets(f"{origin.http}/hls/x.m3u8") == await _packets(str(local))
