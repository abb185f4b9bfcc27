"""Receives an RTMP stream into a file, and judges it: delay, sound against picture, sharpness, bit rate."""

import array
import functools
import os
import re
import statistics
import subprocess
import threading
import time
from pathlib import Path

from bench._capture_pages import FLASH_CROP, TEXT_WIDTH

RED_FROM = 120  # half of full red
LOUD_FROM = 3000  # a tenth of full scale
QUIET_SAMPLES = 12_000  # a quarter of a second
_PIXEL = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24"]


class Receiver:
    """Takes one RTMP publish: writes it to a file and, where asked, notes when each red flash is decoded."""

    def __init__(self, url: str, path: Path, *, watches: bool) -> None:
        self.seen: list[float] = []
        command = ["ffmpeg", "-v", "error"]
        command += ["-fflags", "nobuffer", "-flags", "low_delay"] if watches else []
        command += ["-listen", "1", "-i", url, "-map", "0", "-c", "copy", str(path)]
        if watches:
            command += ["-map", "0:v", "-vf", f"{FLASH_CROP},scale=1:1", *_PIXEL, "pipe:1"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        was_red, stdout = False, self.process.stdout
        while stdout is not None and (pixel := stdout.read(3)):
            is_red = pixel[0] > RED_FROM
            if is_red and not was_red:
                self.seen.append(time.time())
            was_red = is_red

    def wait(self) -> None:
        self.process.wait(20)
        self._reader.join()


_run = functools.partial(subprocess.run, capture_output=True, check=True)


def _times(path: Path, kind: str) -> list[float]:
    listed = ["ffprobe", "-v", "error", "-show_entries", "packet=pts_time", "-of", "csv=p=0", str(path)]
    return [float(line) for line in _run([*listed, "-select_streams", kind]).stdout.split()]


def _flashes(path: Path) -> list[float]:
    crop = ["-map", "0:v", "-vf", f"{FLASH_CROP},scale=1:1", *_PIXEL, "-"]
    pixels = _run(["ffmpeg", "-v", "error", "-i", str(path), *crop]).stdout
    times = _times(path, "v")
    red = [pixels[3 * index] > RED_FROM for index in range(len(pixels) // 3)]
    return [
        times[index] for index in range(1, min(len(red), len(times))) if red[index] and not red[index - 1]
    ]


def _beeps(path: Path) -> list[float]:
    begin_s = _times(path, "a")[0]
    decode = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", "48000", "-"]
    beeps, last = [], -48_000
    for index, sample in enumerate(array.array("h", _run(decode).stdout)):
        if abs(sample) > LOUD_FROM:
            if index - last > QUIET_SAMPLES:
                beeps.append(begin_s + index / 48_000)
            last = index
    return beeps


def sound_after_picture_ms(path: Path) -> list[float]:
    """How much later than each flash its beep is."""
    beeps = _beeps(path)
    return [1000 * min((beep - flash for beep in beeps), key=abs) for flash in _flashes(path)]


def delay_ms(shown: list[float], seen: list[float]) -> float:
    """From the page to a decoded picture, in the middle of the cases."""
    return 1000 * statistics.median(at - max(made for made in shown if made <= at) for at in seen[2:])


def _judged(ffmpeg: str, path: Path, slide: Path, judge: str) -> str:
    """What a filter of ffmpeg says of the text, against its source."""
    crop = f"crop={TEXT_WIDTH}:600:0:0,format=yuv420p"
    graph = f"[0:v]{crop}[sent];[1:v]{crop}[source];[sent][source]{judge}"
    inputs = ["-ss", "3", "-i", str(path), "-loop", "1", "-i", str(slide)]
    return _run([ffmpeg, "-hide_banner", *inputs, "-lavfi", graph, "-f", "null", "-"]).stderr.decode()


def text_ssim(path: Path, slide: Path) -> float:
    """How like its source the text of the slide is, in luma: 1 is the same."""
    return float(re.findall(r"SSIM Y:([\d.]+)", _judged("ffmpeg", path, slide, "ssim=shortest=1"))[-1])


def ffmpeg_with_vmaf() -> str | None:
    """An ffmpeg that can judge by VMAF: that of ``VMAF_FFMPEG``, or the installed one. Debian's can't."""
    ffmpeg = os.environ.get("VMAF_FFMPEG", "ffmpeg")
    return ffmpeg if b" libvmaf " in _run([ffmpeg, "-hide_banner", "-filters"]).stdout else None


def text_vmaf(ffmpeg: str, path: Path, slide: Path) -> float:
    """VMAF of the text, 0 to 100, by each fifth picture."""
    judged = _judged(ffmpeg, path, slide, "libvmaf=shortest=1:n_subsample=5")
    return float(re.findall(r"VMAF score: ([\d.]+)", judged)[-1])


def picture_kbps(path: Path) -> float:
    listed = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,size"]
    lines = _run([*listed, "-of", "csv=p=0", str(path)]).stdout.decode().split()
    packets = [(float(at), int(size)) for at, size in (line.strip(",").split(",")[:2] for line in lines)]
    seconds = packets[-1][0] - packets[0][0]
    return sum(size for _, size in packets) * 8 / 1000 / seconds
