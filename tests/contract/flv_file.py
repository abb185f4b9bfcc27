"""A real encoder's tags, sent on at their own pace, some of them left out."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.contract.origin_ffmpeg import publish_command, run
from tests.origin.running import Publisher

FILE_HEADER_BYTES, TAG_HEADER_BYTES, BACK_POINTER_BYTES = 13, 11, 4
AUDIO, VIDEO = 8, 9


@dataclass(frozen=True)
class Tag:
    """One tag of an FLV file ("Video File Format", 10.1, annex E.4)."""

    type_id: int
    timestamp: int
    body: bytes

    @property
    def is_header(self) -> bool:
        return self.type_id in {AUDIO, VIDEO} and self.body[1] == 0


async def encode(path: Path, *, seconds: float, extra: tuple[str, ...] = ()) -> list[Tag]:
    """What ffmpeg's encoders make of a test picture and a tone."""
    await run(*publish_command(str(path), seconds=seconds, live=False, extra=extra))
    return list(_tags(path))


def _tags(path: Path) -> Iterator[Tag]:
    data, at = path.read_bytes(), FILE_HEADER_BYTES
    while at + TAG_HEADER_BYTES <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4])
        timestamp = int.from_bytes(data[at + 4 : at + 7]) | data[at + 7] << 24
        body = data[at + TAG_HEADER_BYTES : at + TAG_HEADER_BYTES + size]
        yield Tag(data[at], timestamp, body)
        at += TAG_HEADER_BYTES + size + BACK_POINTER_BYTES


async def send(publisher: Publisher, tags: list[Tag], keep: Callable[[Tag], bool]) -> None:
    """Publish the tags that are kept, each at its time."""
    started = time.monotonic()
    for tag in tags:
        if tag.type_id not in {AUDIO, VIDEO} or not (tag.is_header or keep(tag)):
            continue
        ahead_s = tag.timestamp / 1000 - (time.monotonic() - started)
        if ahead_s > 0:
            await publisher.writer.drain()
            await asyncio.sleep(ahead_s)
        publisher.send(tag.type_id, tag.timestamp, tag.body)
    await publisher.writer.drain()
