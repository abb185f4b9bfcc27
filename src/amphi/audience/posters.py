"""Posters: what was uploaded is decoded and drawn anew, so that nothing of the file itself is ever served."""

import hashlib
import io
import struct
import zlib
from typing import IO, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from amphi.audience.exceptions import PosterError
from amphi.audience.models import Event, Poster

LARGEST_BYTES = 8 * 1024 * 1024
MOST_PIXELS = 24_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
FULL = (1280, 720)
THUMBNAIL = (480, 270)
QUALITY = 82
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for files that are broken or meant to break it."""


class Drawn(NamedTuple):
    """A poster as it is served: two JPEG files."""

    full: bytes
    thumbnail: bytes


def draw(file: IO[bytes]) -> Drawn:
    """The poster that an uploaded file shows, 16 to 9, its middle where it has another form; nothing else of it is kept.

    Raises:
        PosterError: it is no picture, or too large; the text is a translated sentence.
    """
    content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise PosterError(_("This picture is too large: 8 MB at most."))
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            # Known from the head of the file, before anything is decoded.
            if image.width * image.height > MOST_PIXELS:
                raise PosterError(_("This picture has too many pixels: 24 million at most."))
            image.draft("RGB", FULL)
            upright = ImageOps.exif_transpose(image)
            plain = Image.new("RGB", upright.size, "white")
            seen = upright.convert("RGBA")
            plain.paste(seen, mask=seen)
    except _UNREADABLE as error:
        raise PosterError(_("This file isn’t a picture that can be read: JPEG, PNG or WebP.")) from error
    return Drawn(*(_jpeg(plain, size) for size in (FULL, THUMBNAIL)))


def _jpeg(image: Image.Image, size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    ImageOps.fit(image, size).save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def keep(event: Event, drawn: Drawn | None) -> None:
    """Give `event` another poster, or none."""
    with transaction.atomic():
        if drawn is None:
            Poster.objects.filter(event=event).delete()
        else:
            Poster.objects.update_or_create(event=event, defaults=drawn._asdict())
        mark = hashlib.sha256(drawn.full).hexdigest()[:16] if drawn else ""
        Event.objects.filter(pk=event.pk).update(poster_mark=mark)
    event.poster_mark = mark
