"""Posters: only what a picture shows is kept of what was uploaded, whatever that was."""

import io
import zlib

import pytest
from PIL import Image

from amphi.audience import posters
from amphi.audience.exceptions import PosterError
from amphi.audience.posters import draw

SECRET = b"<script>alert(1)</script>"


def picture(kind: str = "JPEG", size: tuple[int, int] = (800, 600), mode: str = "RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, "red").save(out, kind, **options)
    return out.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """A tiny file whose head announces a huge picture."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    chunks = b""
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")):
        chunks += len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("kind", "mode", "size"),
    [
        ("JPEG", "RGB", (800, 600)),
        ("JPEG", "CMYK", (800, 600)),
        ("JPEG", "L", (50, 2000)),
        ("PNG", "RGBA", (1, 1)),
        ("PNG", "P", (800, 600)),
        ("PNG", "1", (800, 600)),
        ("PNG", "I;16", (800, 600)),
        ("WEBP", "RGBA", (3000, 100)),
    ],
)
def test_poster_has_one_form_whatever_the_picture(kind, mode, size):
    if mode == "I;16":
        out = io.BytesIO()
        Image.new(mode, size, 500).save(out, kind)
        content = out.getvalue()
    else:
        content = picture(kind, size, mode if mode != "CMYK" else "CMYK")
    drawn = draw(io.BytesIO(content))
    for data, wanted in ((drawn.full, posters.FULL), (drawn.thumbnail, posters.THUMBNAIL)):
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.size, image.mode) == ("JPEG", wanted, "RGB")


def test_nothing_but_the_picture_is_kept():
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    content = picture(exif=exif, comment=SECRET) + SECRET
    assert content.count(SECRET) == 3
    drawn = draw(io.BytesIO(content))
    assert SECRET not in drawn.full + drawn.thumbnail
    with Image.open(io.BytesIO(drawn.full)) as image:
        assert not image.getexif()


def test_picture_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    halves = Image.new("RGB", (160, 90), "black")
    halves.paste("white", (0, 0, 80, 90))  # the left half, which is the upper one once it is turned
    out = io.BytesIO()
    halves.save(out, "PNG", exif=exif)
    with Image.open(io.BytesIO(draw(io.BytesIO(out.getvalue())).full)) as image:
        assert image.getpixel((640, 100))[0] > 200
        assert image.getpixel((640, 620))[0] < 50


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(100),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%PDF-1.4",
        picture("GIF"),
        picture("BMP"),
        picture("TIFF"),
        picture()[:300],
        picture("PNG")[:40],
        picture("WEBP")[:30],
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        b"\xff\xd8\xff\xe0" + bytes(50),
    ],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(PosterError):
        draw(io.BytesIO(content))


@pytest.mark.parametrize("size", [(6000, 6000), (30_000, 30_000), (65_000, 65_000)])
def test_picture_of_too_many_pixels_is_refused_by_its_head(size):
    with pytest.raises(PosterError):
        draw(io.BytesIO(png_that_says(*size)))


def test_file_that_is_too_large_is_refused():
    with pytest.raises(PosterError):
        draw(io.BytesIO(picture() + bytes(posters.LARGEST_BYTES)))
