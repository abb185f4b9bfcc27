"""The gateway's settings."""

from dataclasses import dataclass, field
from pathlib import Path

from amphi import environment


@dataclass(frozen=True)
class Config:
    """How this gateway runs; see docs/gateway.md for each setting.

    Attributes:
        bitrate_kbps: of the picture.
        warm: how many browsers wait ready for the next job.
        any_page: also sends pages that are no meeting it knows.
        join_timeout_s: how long one attempt to enter a meeting may take.
    """

    token: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 8002
    max_jobs: int = 2
    chromium: Path = Path("/usr/bin/chromium")
    chromium_arguments: tuple[str, ...] = ()
    ffmpeg: Path = Path("/usr/bin/ffmpeg")
    fps: int = 25
    bitrate_kbps: int = 2500
    warm: int = 1
    any_page: bool = False
    join_timeout_s: int = 45


def config_from_environment() -> Config:
    """Read ``AMPHI_GATEWAY_*``.

    Raises:
        InvalidSettingError: a variable can't be understood, or there is no token.
    """
    token = environment.text("AMPHI_GATEWAY_TOKEN")
    if not token:
        raise environment.InvalidSettingError(
            "AMPHI_GATEWAY_TOKEN", "must be set: whoever holds it may send meetings anywhere"
        )
    host, port = environment.address("AMPHI_GATEWAY_HTTP", "127.0.0.1:8002")
    return Config(
        token=token,
        host=host,
        port=port,
        max_jobs=environment.integer("AMPHI_GATEWAY_MAX_JOBS", 2, minimum=1),
        chromium=environment.path("AMPHI_GATEWAY_CHROMIUM", Path("/usr/bin/chromium")),
        chromium_arguments=tuple(environment.words("AMPHI_GATEWAY_CHROMIUM_ARGUMENTS")),
        ffmpeg=environment.path("AMPHI_GATEWAY_FFMPEG", Path("/usr/bin/ffmpeg")),
        fps=environment.integer("AMPHI_GATEWAY_FPS", 25, minimum=5),
        bitrate_kbps=environment.integer("AMPHI_GATEWAY_BITRATE_KBPS", 2500, minimum=100),
        warm=environment.integer("AMPHI_GATEWAY_WARM", 1),
        any_page=environment.flag("AMPHI_GATEWAY_ANY_PAGE"),
        join_timeout_s=environment.integer("AMPHI_GATEWAY_JOIN_TIMEOUT_S", 45, minimum=5),
    )
