"""The slides shown when a meeting starts: one PDF, which BBB fetches from a signed address that expires."""

import re
import unicodedata
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Count, Sum
from django.template.defaultfilters import filesizeformat
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from amphi.accounts.models import User
from amphi.meetings.exceptions import TooManySlidesError
from amphi.meetings.models import Meeting

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

LARGEST_BYTES = 30 * 1024 * 1024
"""BBB's default limit for one document."""
MOST_FILES = 100
MOST_BYTES = 1024 * 1024 * 1024
"""The limit for the slides of all meetings of one owner."""
_LIFETIME = timedelta(hours=1)
_SALT = "amphi.meetings.slides"
_PRINTER = b"\x1b%-12345X"
_HEADER_WITHIN_BYTES = 1024
_TRAILER_WITHIN_BYTES = 32 * 1024


def is_pdf(file: IO[bytes]) -> bool:
    """Whether the content, not the name, begins and ends like a PDF (ISO 32000-1, sections 7.5.2 and 7.5.5).

    Real files may have a byte order mark, empty lines or printer commands before the header, data added by a mail or web server
    after the end, or no last line. All PDF readers accept that.
    """
    file.seek(0)
    head = file.read(_HEADER_WITHIN_BYTES)
    file.seek(0, 2)
    file.seek(max(0, file.tell() - _TRAILER_WITHIN_BYTES))
    tail = file.read()
    file.seek(0)
    is_led_in = head.startswith(_PRINTER) and b"%PDF-" in head
    begins = head.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith(b"%PDF-") or is_led_in
    return begins and (b"%%EOF" in tail or b"startxref" in tail)


def name_of(uploaded: str) -> str:
    """The name of an uploaded file, cleaned for display and for an address. BBB reads the format from its extension."""
    stem = re.sub(r"\.pdf$", "", unicodedata.normalize("NFC", uploaded), flags=re.IGNORECASE)
    plain = " ".join(re.sub(r"[^\w .,()-]", " ", stem).split()).strip(". ")
    return f"{plain[:100] or 'slides'}.pdf"


def keep(meeting: Meeting, file: "UploadedFile[Any] | None", *, remove: bool) -> None:
    """Replace or remove the slides of `meeting`; the caller saves the meeting. The old file is deleted after the commit.

    Raises:
        TooManySlidesError: the slides of all the owner's meetings would exceed `MOST_FILES` or `MOST_BYTES`.
    """
    if file is None and not remove:
        return
    if file is not None:
        _check_quota(meeting, file.size or 0)
    before, storage = meeting.slides.name, meeting.slides.storage
    meeting.slides_name = name_of(file.name or "") if file else ""
    meeting.slides = file or ""
    meeting.slides_bytes = (file.size or 0) if file else 0
    if before:
        transaction.on_commit(lambda: storage.delete(before))


def _check_quota(meeting: Meeting, size_bytes: int) -> None:
    """Refuse slides beyond the owner's limit. Locks, so that two uploads at once are both counted."""
    if transaction.get_connection().in_atomic_block:
        User.objects.select_for_update(no_key=True).get(pk=meeting.owner_id)
    others = Meeting.objects.filter(owner=meeting.owner_id).exclude(slides="").exclude(pk=meeting.pk)
    kept = others.aggregate(files=Count("pk"), size=Sum("slides_bytes", default=0))
    if kept["files"] >= MOST_FILES or kept["size"] + size_bytes > MOST_BYTES:
        raise TooManySlidesError(
            _(
                "The owner of this meeting already keeps %(files)s files of slides (%(size)s), and this file would exceed the limit. "
                "Remove slides from past meetings, or choose a smaller file."
            )
            % {"files": kept["files"], "size": filesizeformat(kept["size"])}
        )


def forget(meeting: Meeting) -> None:
    """Delete the file of a meeting that is being deleted."""
    keep(meeting, None, remove=True)


def signed_url(meeting: Meeting) -> str:
    """The address from which BBB fetches the slides; valid for an hour."""
    token = signing.dumps([meeting.pk, meeting.slides.name], salt=_SALT)
    return settings.AMPHI_URL + reverse("meetings:slides", args=[token, meeting.slides_name])


def meeting_of(token: str) -> Meeting | None:
    """The meeting of a signed address's `token`; None when it is forged, expired, or for slides that were replaced."""
    try:
        pk, name = signing.loads(token, salt=_SALT, max_age=_LIFETIME)
    except signing.BadSignature:
        return None
    return Meeting.objects.filter(pk=pk, slides=name).exclude(slides="").first()


def default_url() -> str:
    """The address of the slides for meetings without their own: a URL or a static file by the settings; empty for none."""
    chosen = settings.MEETING_PRE_UPLOAD_SLIDES
    if not chosen or chosen.startswith(("http://", "https://")):
        return chosen
    return settings.AMPHI_URL + static(chosen.lstrip("/"))
