"""Turns the pages of a PDF into PNG pictures."""

import struct
import threading
import zlib

import pypdfium2  # type: ignore[import-untyped]

from amphi.classroom.exceptions import InvalidDocumentError

MAX_PDF_BYTES = 30 * 1024 * 1024
MAX_PAGES = 400
HEADER_WITHIN_BYTES = 1024
PICTURE_WIDTH = 1600
PICTURE_HEIGHT = 1200

# PDFium isn't safe to use from two threads at once.
_pdfium = threading.Lock()


def count_pages(content: bytes) -> int:
    """How many pages a PDF has.

    Raises:
        InvalidDocumentError: it isn't a PDF that can be read, or it has too many pages.
    """
    # Some programs and mail systems write other data before the header, which all readers skip (ISO 32000-1, annex H, note 13).
    if b"%PDF-" not in content[:HEADER_WITHIN_BYTES]:
        raise InvalidDocumentError("slides_not_pdf")
    try:
        with _pdfium, pypdfium2.PdfDocument(content) as document:
            pages = len(document)
    except pypdfium2.PdfiumError:
        raise InvalidDocumentError("slides_not_pdf") from None
    if not 1 <= pages <= MAX_PAGES:
        raise InvalidDocumentError("slides_too_long")
    return pages


def render_page(content: bytes, page: int) -> bytes:
    """One page as PNG.

    Args:
        content: a PDF that `count_pages` has read.
        page: its number, from 1.

    Raises:
        InvalidDocumentError: the page is broken.
    """
    try:
        with _pdfium, pypdfium2.PdfDocument(content) as document:
            sheet = document[page - 1]
            width, height = sheet.get_size()
            scale = min(PICTURE_WIDTH / max(width, 1), PICTURE_HEIGHT / max(height, 1))
            bitmap = sheet.render(
                scale=scale, rev_byteorder=True, force_bitmap_format=pypdfium2.raw.FPDFBitmap_BGR
            )
            rows = bytes(bitmap.buffer)
            return _png(rows, bitmap.width, bitmap.height, bitmap.stride)
    except pypdfium2.PdfiumError:
        raise InvalidDocumentError("slides_not_pdf") from None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(pixels: bytes, width: int, height: int, stride: int) -> bytes:
    """RGB rows of `stride` bytes as PNG (RFC 2083), each row unfiltered."""
    rows = b"".join(b"\0" + pixels[line * stride : line * stride + width * 3] for line in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
