"""The logo of the institution that runs this platform."""

from dataclasses import dataclass
from pathlib import Path

from amphi.system.environment import InvalidSettingError

TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp", ".jpg": "image/jpeg"}
MAX_BYTES = 300_000


@dataclass(frozen=True)
class Logo:
    """An image: its bytes and their type."""

    content: bytes
    content_type: str

    @property
    def in_mails(self) -> bool:
        """Whether programs that show mails draw it: few draw SVG."""
        return self.content_type != TYPES[".svg"]


def read_logo(file: Path, setting: str) -> Logo:
    """The logo in `file`, which `setting` names.

    Raises:
        InvalidSettingError: it can't be read, is too big, or of another type than a browser draws.
    """
    content_type = TYPES.get(file.suffix.lower())
    if content_type is None:
        raise InvalidSettingError(setting, f"must be a file that ends with one of {', '.join(TYPES)}")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidSettingError(setting, f"can't be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise InvalidSettingError(setting, f"must have at most {MAX_BYTES // 1000} kB")
    return Logo(content, content_type)
