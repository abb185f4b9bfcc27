"""Speech for tests: ffmpeg publishes it to an origin. Its English voice (flite) is in Debian's build."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60


@contextmanager
def speaking(text: str, rtmp: str, folder: Path) -> Iterator[None]:
    """Publish a second of silence, then `text`, again and again, with a small picture."""
    words = folder / "words.txt"
    words.write_text(text, encoding="utf-8")
    said = folder / "said.wav"
    speech = f"flite=textfile={words}:voice=slt"
    make = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        speech,
        "-af",
        "adelay=1500,apad=pad_dur=1.5",
        "-ar",
        "48000",
        str(said),
    ]
    subprocess.run(make, check=True, timeout=PATIENCE_S)
    picture = ["-f", "lavfi", "-i", "color=size=64x36:rate=10"]
    encode = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-tune",
        "zerolatency",
        "-g",
        "20",
        "-c:a",
        "aac",
        "-f",
        "flv",
    ]
    sound = ["-re", "-stream_loop", "-1", "-i", str(said)]
    process = subprocess.Popen(
        ["ffmpeg", "-v", "error", *sound, *picture, *encode, f"rtmp://{rtmp}/live/hall"]
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
