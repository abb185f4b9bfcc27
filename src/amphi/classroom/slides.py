"""The slides of a meeting: its documents, and the page being shown. Without I/O."""

import secrets
from dataclasses import dataclass, field

from amphi.classroom.exceptions import InvalidDocumentError, RefusedError

MAX_PRESENTATIONS = 10


@dataclass(frozen=True, slots=True)
class Presentation:
    """One document.

    Attributes:
        content: the PDF file.
        pages: the number of pages, at least 1.
    """

    presentation_id: str
    name: str
    content: bytes
    pages: int


@dataclass(slots=True)
class Slideshow:
    """The documents of one meeting and the page being shown, numbered from 1. Without a document the welcome slide is shown."""

    presentations: dict[str, Presentation] = field(default_factory=dict)
    current: str = ""
    page: int = 1
    hidden: bool = False

    def add(self, name: str, content: bytes, pages: int, *, current: bool = True) -> Presentation:
        """Add a document and, if `current`, show its first page.

        Raises:
            InvalidDocumentError: there are too many already.
        """
        if len(self.presentations) >= MAX_PRESENTATIONS:
            raise InvalidDocumentError("slides_too_many")
        presentation = Presentation(secrets.token_hex(8), name, content, pages)
        self.presentations[presentation.presentation_id] = presentation
        if current or not self.current:
            self.show(presentation.presentation_id, 1)
        return presentation

    def show(self, presentation_id: str, page: int) -> None:
        """Turn to a page.

        Raises:
            RefusedError: there is no such document or page.
        """
        presentation = self.presentations.get(presentation_id)
        if presentation is None or not 1 <= page <= presentation.pages:
            raise RefusedError("slides_no_such_page")
        self.current, self.page, self.hidden = presentation_id, page, False

    def as_message(self) -> dict[str, object]:
        """The slides, as sent to the pages."""
        documents = [
            {"id": p.presentation_id, "name": p.name, "pages": p.pages} for p in self.presentations.values()
        ]
        return {"documents": documents, "current": self.current, "page": self.page, "hidden": self.hidden}
