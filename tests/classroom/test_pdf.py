"""Slides as the programs that people use write them."""

import io
import struct
import zlib

import pypdfium2
import pytest

from amphi.classroom import pdf
from amphi.classroom.exceptions import InvalidDocumentError
from tests.classroom.conftest import pdf as plain_pdf

PAGES = 3


def _stream(fields: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data)
    return b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (fields, len(packed), packed)


def with_object_streams() -> bytes:
    """As of PDF 1.5, what LaTeX, Word and LibreOffice write: objects in a compressed stream, a table that is a stream as well."""
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(PAGES))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count %d/Kids[%s]>>" % (PAGES, kids)]
    objects += [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 180]>>"] * PAGES
    starts = [sum(len(one) + 1 for one in objects[:number]) for number in range(len(objects))]
    index = b" ".join(b"%d %d" % (number, at) for number, at in enumerate(starts, 1)) + b" "
    holder, table = len(objects) + 1, len(objects) + 2
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    holder_at = len(out)
    fields = b"/Type/ObjStm/N %d/First %d" % (len(objects), len(index))
    out += b"%d 0 obj" % holder + _stream(fields, index + b" ".join(objects)) + b"endobj\n"
    table_at = len(out)
    rows = [(0, 0, 65535), *((2, holder, number) for number in range(len(objects)))]
    rows += [(1, holder_at, 0), (1, table_at, 0)]
    data = b"".join(struct.pack(">BIH", *row) for row in rows)
    fields = b"/Type/XRef/Size %d/W[1 4 2]/Root 1 0 R" % len(rows)
    out += b"%d 0 obj" % table + _stream(fields, data) + b"endobj\n"
    out += b"startxref\n%d\n%%%%EOF\n" % table_at
    return bytes(out)


def saved_again() -> bytes:
    """Changed and saved by another program, which appends to the file: ISO 32000-1, section 7.5.6."""
    before = plain_pdf(PAGES - 1)
    start = int(before.rpartition(b"startxref\n")[2].split()[0])
    pages, page = 2, 3 + PAGES - 1
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(PAGES))
    out = bytearray(before)
    pages_at = len(out)
    out += b"%d 0 obj<</Type/Pages/Count %d/Kids[%s]>>endobj\n" % (pages, PAGES, kids)
    page_at = len(out)
    out += b"%d 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 180]>>endobj\n" % page
    table_at = len(out)
    out += b"xref\n%d 1\n%010d 00000 n \n%d 1\n%010d 00000 n \n" % (pages, pages_at, page, page_at)
    out += b"trailer<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (page + 1, start, table_at)
    return bytes(out)


def by_pdfium() -> bytes:
    document, written = pypdfium2.PdfDocument.new(), io.BytesIO()
    for _ in range(PAGES):
        document.new_page(320, 180)
    document.save(written)
    document.close()
    return written.getvalue()


WRITERS = {
    "plain": plain_pdf(PAGES),
    "object streams": with_object_streams(),
    "saved again": saved_again(),
    "pdfium": by_pdfium(),
    "a mark before": b"\xef\xbb\xbf" + plain_pdf(PAGES),
    "a printer's words before": b"\x1b%-12345X@PJL ENTER LANGUAGE=PDF\r\n" + plain_pdf(PAGES),
    "zeros after": plain_pdf(PAGES) + bytes(4096),
    "a comment after": plain_pdf(PAGES) + b"\r\n<!-- cached -->\r\n",
    "no last line": plain_pdf(PAGES).replace(b"%%EOF\n", b""),
    "a table that is wrong": plain_pdf(PAGES).replace(b"startxref\n", b"startxref\n9"),
    "Windows' line ends": plain_pdf(PAGES).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("content", WRITERS.values(), ids=WRITERS.keys())
def test_pages_are_counted_and_drawn(content):
    assert pdf.count_pages(content) == PAGES
    assert pdf.render_page(content, PAGES).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7", b"x" * 5000 + plain_pdf(1), with_object_streams()[:200], b"<html>%PDF-1.4</html>"],
    ids=["empty", "a header", "far in", "cut off", "a page"],
)
def test_what_is_no_pdf_is_refused(content):
    with pytest.raises(InvalidDocumentError):
        pdf.count_pages(content)
