"""Pictures and documents that were broken on purpose."""

import io
import os
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from PIL import Image

from amphi.audience import posters
from amphi.audience.exceptions import PosterError
from amphi.meetings import slides

SHARE = float(os.environ.get("ABUSE_SHARE", "1"))
"""Of the numbers below; less to try the tests themselves."""
PICTURES = int(6_000 * SHARE)
DOCUMENTS = int(100_000 * SHARE)
LONGEST_S = 5.0
"""Of one, on a busy machine."""

pytestmark = pytest.mark.unit

SIZES = (
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\x00\x00\x40\x00",
    b"\x80\x00\x00\x00",
)


def _picture(kind: str, **options: object) -> bytes:
    """One with orientation and text, so that readers of both have something to read."""
    image = Image.effect_noise((160, 120), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a lecture " * 20
    out = io.BytesIO()
    image.save(out, kind, exif=exif, **options)
    return out.getvalue()


def _seeds() -> list[bytes]:
    small = Image.new("P", (33, 17), 3)
    others = io.BytesIO(), io.BytesIO()
    small.save(others[0], "PNG", transparency=3)
    small.convert("CMYK").save(others[1], "JPEG")
    pictures = [
        _picture("JPEG"),
        _picture("JPEG", progressive=True),
        _picture("PNG"),
        _picture("WEBP"),
        _picture("WEBP", lossless=True),
    ]
    return pictures + [one.getvalue() for one in others]


def _broken(rnd: random.Random, content: bytes) -> bytes:
    """Changed, cut, doubled; mostly near its head, where sizes and kinds stand."""
    changed = bytearray(content)
    for _ in range(rnd.choice((1, 1, 2, 5, 20))):
        within = len(changed) if rnd.random() < 0.4 else min(len(changed), 300)
        at = rnd.randrange(within + 1)
        how = rnd.randrange(5)
        if how == 0:
            changed[at : at + 4] = rnd.choice(SIZES)
        elif how == 1:
            changed[at : at + rnd.randrange(9)] = rnd.randbytes(rnd.randrange(9))
        elif how == 2:
            del changed[at : at + rnd.choice((1, 50, len(changed)))]
        elif how == 3:
            changed[at:at] = changed[at : at + rnd.choice((4, 200, 5_000))]
        elif changed:
            changed[min(at, len(changed) - 1)] ^= 1 << rnd.randrange(8)
    return bytes(changed)


def _try(number: int, one: Callable[[random.Random], str]) -> tuple[Counter[str], float]:
    ends: Counter[str] = Counter()
    longest_s = 0.0
    for seed in range(number):
        began = time.process_time()
        try:
            ends[one(random.Random(seed))] += 1
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        longest_s = max(longest_s, time.process_time() - began)
    return ends, longest_s


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow tells of what it leaves out
def test_broken_pictures_are_drawn_or_refused():
    seeds = _seeds()

    def draw(rnd: random.Random) -> str:
        try:
            drawn = posters.draw(io.BytesIO(_broken(rnd, rnd.choice(seeds))))
        except PosterError:
            return "refused"
        for file, size in zip(drawn, (posters.FULL, posters.THUMBNAIL), strict=True):
            with Image.open(io.BytesIO(file), formats=("JPEG",)) as found:
                assert found.size == size
                assert not found.getexif()
        return "drawn"

    ends, longest_s = _try(PICTURES, draw)
    print(f"\nposters: {ends.total():,}, {dict(ends)}; {longest_s:.2f} s at most")
    assert longest_s < LONGEST_S


def test_documents_of_any_name_and_content_get_a_plain_name():
    def look(rnd: random.Random) -> str:
        name = "".join(
            chr(rnd.choice((rnd.randrange(0xD800), rnd.randrange(0x300)))) for _ in range(rnd.randrange(300))
        )
        plain = slides.name_of(name + rnd.choice(("", ".pdf", ".PDF", "/../x.pdf", "\\x.pdf", "\0.pdf")))
        assert plain.endswith(".pdf")
        assert len(plain) <= 104
        assert not set(plain) & set("/\\\0\r\n\"<>;&|`$'")
        content = _broken(rnd, b"%PDF-1.7\n" + rnd.randbytes(40) + b"\nstartxref\n9\n%%EOF\n")
        return "taken" if slides.is_pdf(io.BytesIO(content)) else "refused"

    ends, longest_s = _try(DOCUMENTS, look)
    print(f"\nslides: {ends.total():,}, {dict(ends)}; {longest_s:.2f} s at most")
    assert longest_s < LONGEST_S
