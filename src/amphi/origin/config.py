"""The origin's settings, from the environment and the command line."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from amphi.system import environment
from amphi.system.environment import InvalidSettingError

RTMP_DEFAULT = "127.0.0.1:1935"
HTTP_DEFAULT = "127.0.0.1:8003"


@dataclass(frozen=True, slots=True)
class Config:
    """The origin's settings.

    Attributes:
        rtmp: the address for publishers.
        http: the address for listeners.
        on_publish: the URL to ask, by POST, before somebody may publish; empty for none.
        on_publish_done: the URL to call, by POST, when a publication has ended; empty for none.
        keys: stream names and their keys, used instead of `on_publish`.
        open: let anybody publish anything, for trials.
        token: the bearer token of ``GET /streams``; empty switches that off.
        metrics_token: the bearer token of ``GET /metrics``; empty switches that off.
        ticket_key: the key of viewers' tickets; empty lets everybody see everything.
        ticket_url: the URL to ask whether a ticket's holder may still watch; empty for none.
        part: the duration of a partial segment.
        segment: the least duration of a segment.
        window: how much a playlist lists.
        grace: how long a stream waits for a lost publisher.
        remember: how long an ended stream can still be fetched.
        stale: after how long without data a publisher may be replaced by another with the same key.
        cors: origins whose pages may play; ``*`` for any.
        slate: show a slate where a publisher is lost or silent.
        ffmpeg: what makes it, and smaller pictures.
        encoders: how many streams may have smaller pictures at once; 0 for none.
        recordings: the folder of recordings; None to keep nothing.
        recordings_free_bytes: how much of its disk stays free: short of it, recordings pause.
    """

    rtmp: tuple[str, int] = ("127.0.0.1", 1935)
    http: tuple[str, int] = ("127.0.0.1", 8003)
    on_publish: str = ""
    on_publish_done: str = ""
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    open: bool = False
    token: str = field(default="", repr=False)
    metrics_token: str = field(default="", repr=False)
    ticket_key: bytes = field(default=b"", repr=False)
    ticket_url: str = ""
    part: timedelta = timedelta(milliseconds=200)
    segment: timedelta = timedelta(seconds=1)
    window: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=30)
    remember: timedelta = timedelta(minutes=2)
    stale: timedelta = timedelta(seconds=3)
    cors: tuple[str, ...] = ("*",)
    slate: bool = True
    ffmpeg: Path = Path("/usr/bin/ffmpeg")
    encoders: int = 0
    recordings: Path | None = None
    recordings_free_bytes: int = 5 * 2**30


def from_environment() -> Config:
    """Read ``AMPHI_ORIGIN_*`` and ``AMPHI_TICKET_KEY``.

    Raises:
        InvalidSettingError: a value is invalid.
    """
    return Config(
        rtmp=environment.address("AMPHI_ORIGIN_RTMP", RTMP_DEFAULT),
        http=environment.address("AMPHI_ORIGIN_HTTP", HTTP_DEFAULT),
        on_publish=_url("AMPHI_ORIGIN_ON_PUBLISH"),
        on_publish_done=_url("AMPHI_ORIGIN_ON_PUBLISH_DONE"),
        keys=_keys("AMPHI_ORIGIN_KEYS"),
        token=environment.text("AMPHI_ORIGIN_TOKEN"),
        metrics_token=environment.text("AMPHI_METRICS_TOKEN"),
        ticket_key=environment.text("AMPHI_TICKET_KEY").encode(),
        ticket_url=_url("AMPHI_ORIGIN_TICKET_URL"),
        part=timedelta(milliseconds=environment.integer("AMPHI_ORIGIN_PART_MS", 200, minimum=100)),
        segment=timedelta(milliseconds=environment.integer("AMPHI_ORIGIN_SEGMENT_MS", 1000, minimum=500)),
        window=timedelta(seconds=environment.integer("AMPHI_ORIGIN_WINDOW", 30, minimum=6)),
        grace=timedelta(seconds=environment.integer("AMPHI_ORIGIN_GRACE", 30)),
        remember=timedelta(seconds=environment.integer("AMPHI_ORIGIN_REMEMBER", 120)),
        stale=timedelta(seconds=environment.integer("AMPHI_ORIGIN_STALE", 3, minimum=1)),
        cors=environment.words("AMPHI_ORIGIN_CORS", ("*",)),
        slate=environment.flag("AMPHI_ORIGIN_SLATE", default=True),
        ffmpeg=environment.path("AMPHI_ORIGIN_FFMPEG", Path("/usr/bin/ffmpeg")),
        encoders=environment.integer("AMPHI_ORIGIN_ENCODERS", 0),
        recordings=environment.path("AMPHI_RECORDINGS", Path())
        if environment.text("AMPHI_RECORDINGS")
        else None,
        recordings_free_bytes=environment.integer("AMPHI_RECORDINGS_FREE_GIB", 5) * 2**30,
    )


def _url(name: str) -> str:
    value = environment.text(name)
    if value and not value.startswith(("http://", "https://")):
        raise InvalidSettingError(name, "must be an http:// or https:// address")
    return value


def _keys(name: str) -> dict[str, str]:
    keys = {}
    for item in environment.words(name):
        stream, separator, key = item.partition("=")
        if not (separator and stream.strip() and key.strip()):
            raise InvalidSettingError(name, "must be NAME=KEY, separated by commas")
        keys[stream.strip()] = key.strip()
    return keys
