"""The gateway against SIPMediaGW's pipeline: processor time, sharpness of text, delay, and sound against picture."""

import contextlib
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import _recordings as recordings
from bench import _sipmediagw as sipmediagw
from bench._capture_pages import PAGES, Site, draw_slide

Call = Callable[..., dict[str, object]]
SETTLED_S = 4
SECONDS, ROUNDS = 12, 3
BURST = 0.9
"""A short recording has more than the bit rate of its bound, since the encoder's store is full at the start."""


@dataclass(frozen=True)
class Run:
    """What one run of one pipeline took and made."""

    cores: float
    kbps: float = 0.0
    ssim: float = 0.0
    start_s: float = 0.0
    delay_ms: float = 0.0


def unused_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def spent_s(roots: list[int]) -> float:
    """The processor time of these processes and all below them, user and system."""
    total = 0.0
    for root in roots:
        for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def cores(roots: list[int], seconds: float) -> float:
    before, begin = spent_s(roots), time.monotonic()
    time.sleep(seconds)
    return (spent_s(roots) - before) / (time.monotonic() - begin)


@contextlib.contextmanager
def gateway(bitrate_kbps: int) -> Iterator[tuple[int, Call]]:
    """Our gateway; yields its process id and a client of its API."""
    port, token = unused_port(), secrets.token_hex()
    environment = os.environ | {
        "AMPHI_GATEWAY_TOKEN": token,
        "AMPHI_GATEWAY_HTTP": f"127.0.0.1:{port}",
        "AMPHI_GATEWAY_ANY_PAGE": "1",
        "AMPHI_GATEWAY_BITRATE_KBPS": str(bitrate_kbps),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "amphi", "gateway"], env=environment, stderr=subprocess.DEVNULL
    )

    def call(method: str, path: str, body: object = None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", data, {"Authorization": f"Bearer {token}"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- our own address
            found: dict[str, object] = json.load(answer)
            return found

    try:
        wait_for(lambda: reaches(call))
        time.sleep(SETTLED_S)  # until a browser is ready
        yield process.pid, call
    finally:
        process.terminate()
        process.wait(20)


def reaches(call: Call) -> bool:
    try:
        return bool(call("GET", "/healthz")["ok"])
    except urllib.error.URLError:
        return False


def wait_for(condition: Callable[[], bool], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the gateway did not get there")
        time.sleep(0.05)


def rtmp_address() -> str:
    return f"rtmp://127.0.0.1:{unused_port()}/live/bench"


def our_run(
    site: Site, page: str, seconds: float, path: Path, *, watches: bool = False, bitrate_kbps: int = 2500
) -> Run:
    url = rtmp_address()
    receiver = recordings.Receiver(url, path, watches=watches)
    with gateway(bitrate_kbps) as (pid, call):
        begin = time.monotonic()
        job = {"join_url": site.url + page, "rtmp_url": url, "room": "", "show_chat": False}
        call("PUT", "/jobs/bench", job)
        wait_for(lambda: call("GET", "/jobs/bench")["state"] == "on_air")
        start_s = time.monotonic() - begin
        time.sleep(SETTLED_S)
        used = cores([pid], seconds)
        call("DELETE", "/jobs/bench")
        receiver.wait()
    delay_ms = recordings.delay_ms(site.flashes, receiver.seen) if watches else 0.0
    return Run(used, recordings.picture_kbps(path), start_s=start_s, delay_ms=delay_ms)


def peer_run(site: Site, page: str, seconds: float, path: Path, *, kbps: float | None = None) -> Run:
    url = rtmp_address()
    receiver = recordings.Receiver(url, path, watches=False)
    with sipmediagw.streaming(site.url + page, url, kbps=kbps) as pids:
        used = cores(pids, seconds)
    receiver.wait()
    return Run(used, recordings.picture_kbps(path))


def page_run(site: Site, page: str, seconds: float) -> Run:
    with sipmediagw.streaming(site.url + page, None) as pids:
        return Run(cores(pids, seconds))


def row(name: str, value: str, ratio: str = "") -> None:
    print(f"{name:<62}{value:>12}{ratio:>8}", flush=True)


def compare_processor_time(site: Site, folder: Path, *, seconds: float, rounds: int) -> None:
    for page in PAGES:
        found: dict[str, list[float]] = {"page": [], "peer": [], "ours": []}
        for _ in range(rounds):  # by turns, so that what else the machine does is in all of them
            found["page"].append(page_run(site, page, seconds).cores)
            found["peer"].append(peer_run(site, page, seconds, folder / f"peer{page[1:]}.flv").cores)
            found["ours"].append(our_run(site, page, seconds, folder / f"ours{page[1:]}.flv").cores)
            for file in folder.glob("*.flv"):
                file.rename(file.with_suffix(".last"))
        middle = {name: statistics.median(values) for name, values in found.items()}
        load = f"load {os.getloadavg()[0]:.0f}"
        row(f"{page[1:]}: the page alone, shown by Xvfb", f"{middle['page']:.2f} cores")
        row(f"{page[1:]}: SIPMediaGW's pipeline", f"{middle['peer']:.2f} cores", "1.00")
        row(
            f"{page[1:]}: amphi gateway, all of it ({load})",
            f"{middle['ours']:.2f} cores",
            f"{middle['ours'] / middle['peer']:.2f}",
        )


def compare_sharpness(site: Site, folder: Path, slide: Path, *, seconds: float) -> None:
    """Each as it is, and each at the other's bit rate."""
    files = {name: folder / f"{name}.sharp.flv" for name in ("peer", "ours", "peer_at_ours", "ours_at_peers")}
    peer = peer_run(site, "/lecture", seconds, files["peer"])
    ours = our_run(site, "/lecture", seconds, files["ours"])
    peer_at_ours = peer_run(site, "/lecture", seconds, files["peer_at_ours"], kbps=ours.kbps)
    ours_at_peers = our_run(
        site, "/lecture", seconds, files["ours_at_peers"], bitrate_kbps=round(peer.kbps * BURST)
    )
    runs = (
        ("SIPMediaGW's pipeline, a keyframe each 3 s", peer, "peer"),
        ("amphi gateway, a keyframe each second", ours, "ours"),
        ("SIPMediaGW's pipeline at amphi gateway's bit rate", peer_at_ours, "peer_at_ours"),
        ("amphi gateway at SIPMediaGW's bit rate", ours_at_peers, "ours_at_peers"),
    )
    ffmpeg = recordings.ffmpeg_with_vmaf()
    print("Small text beside a moving picture, likeness to its source (SSIM, luma; VMAF; kbit/s):")
    for name, run, file in runs:
        vmaf = f"{recordings.text_vmaf(ffmpeg, files[file], slide):.1f}" if ffmpeg else "no VMAF"
        row(f"  {name}: {vmaf}", f"{recordings.text_ssim(files[file], slide):.4f}", f"{run.kbps:.0f}k")


def measure_times(site: Site, folder: Path, *, seconds: float) -> None:
    file = folder / "watched.flv"
    run = our_run(site, "/lecture", max(seconds, 12), file, watches=True)
    offsets = recordings.sound_after_picture_ms(file)
    row("start to on_air (half a second of it the plain page)", f"{run.start_s:.2f} s")
    row("page to decoded picture behind RTMP, median", f"{run.delay_ms:.0f} ms")
    row("sound after picture, median", f"{statistics.median(offsets):.0f} ms")


def main() -> int:
    """Run, print a table; the exit status is returned."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slide = folder / "slide.png"
        draw_slide(slide)
        site = Site(slide)
        compare_processor_time(site, folder, seconds=SECONDS, rounds=ROUNDS)
        compare_sharpness(site, folder, slide, seconds=SECONDS)
        measure_times(site, folder, seconds=SECONDS)
        site.close()
    return 0
