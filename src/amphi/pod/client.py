"""Calls to one Esup-Pod server."""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from amphi.pod.exceptions import (
    NotPodError,
    PodFailedError,
    PodFileTooLargeError,
    PodRejectedError,
    PodUnauthorizedError,
    PodUnreachableError,
    UnknownOwnerError,
)
from amphi.system.outbound import Answer, Caller, OutboundError

TIMEOUT_S = 30.0
UPLOAD_TIMEOUT_S = 4 * 3600.0
PIECE_BYTES = 256 * 1024
MOST_PAGES = 50
"""Twelve to a page, the newest first: what was sent a while ago is not looked for further back."""
LONGEST_TITLE = 250
SAID_CHARACTERS = 200
UNAUTHORIZED = (401, 403)
TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Owner:
    """A user of Esup-Pod: their number, and the address of that."""

    pk: int
    url: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new video is to be.

    Attributes:
        title: cut to what Esup-Pod takes.
        description: it contains the mark by which the video is found again.
        day: of the live, as ``YYYY-MM-DD``.
        language: its main language, two letters.
    """

    title: str
    description: str
    day: str
    language: str


@dataclass(frozen=True, slots=True)
class Video:
    """A video there is.

    Attributes:
        slug: its name in addresses.
        needs_encoding: whether nobody has it encoded.
    """

    slug: str
    needs_encoding: bool


class Pod:
    """One Esup-Pod server.

    Args:
        url: its address, without ``/rest``.
        token: of an account that is staff.
        type_id: the number of the type that its new videos have.
        site_id: the number of the site that they belong to.
    """

    def __init__(self, url: str, token: str, *, type_id: int, site_id: int) -> None:
        self._base = url.rstrip("/")
        self._type_id = type_id
        self._site_id = site_id
        self._caller = Caller(
            timeout_s=TIMEOUT_S, headers={"Authorization": f"Token {token}", "Accept": "application/json"}
        )

    def close(self) -> None:
        self._caller.close()

    def page_of(self, video: Video) -> str:
        """The address of a video's page."""
        return f"{self._base}/video/{video.slug}/"

    def owner(self, username: str) -> Owner:
        """The user with that name.

        Raises:
            UnknownOwnerError: there is none.
            PodError: the call failed.
        """
        for row in self._rows("users", {"username": username}):
            if row.get("username") == username:
                return Owner(int(row["id"]), str(row["url"]))
        raise UnknownOwnerError(username)

    def find(self, owner: Owner, mark: str) -> Video | None:
        """The owner's video whose description contains `mark`; None when there is none.

        Raises:
            PodError: the call failed.
        """
        for row in self._rows("videos", {"owner": str(owner.pk)}):
            if mark in str(row.get("description", "")):
                return _video(row)
        return None

    def upload(self, owner: Owner, draft: Draft, file: Path) -> Video:
        """Make a file a video that only its owner sees. Esup-Pod does not encode it by itself.

        Raises:
            PodError: the call failed; the video may be there all the same.
            OSError: the file can't be read.
        """
        fields = {
            "title": draft.title[:LONGEST_TITLE],
            "description": draft.description,
            "date_evt": draft.day,
            "main_lang": draft.language,
            "owner": owner.url,
            "type": f"{self._base}/rest/types/{self._type_id}/",
            "sites": f"{self._base}/rest/sites/{self._site_id}/",
            # What a form leaves out is false for Esup-Pod: the video would be public at once.
            "is_draft": "true",
        }
        body = _Multipart(fields, "video", file)
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.size_bytes)}
        answer = self._call(
            "POST", "/rest/videos/", content=body, headers=headers, timeout_s=UPLOAD_TIMEOUT_S
        )
        return _video(_object(answer))

    def encode(self, video: Video) -> None:
        """Have a video encoded, so that it can be watched.

        Raises:
            PodError: the call failed.
        """
        self._call("GET", f"/rest/launch_encode_view/?{urlencode({'slug': video.slug})}")

    def _rows(self, what: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """The objects of a list, page after page. What is asked for is a hint: old versions answer with all there are."""
        for page in range(1, MOST_PAGES + 1):
            found = _object(self._call("GET", f"/rest/{what}/?{urlencode({**query, 'page': page})}"))
            rows = found.get("results")
            if not isinstance(rows, list):
                raise NotPodError(f"/rest/{what}/ is no list of Esup-Pod's")
            yield from (row for row in rows if isinstance(row, dict))
            if not found.get("next"):
                return

    def _call(
        self,
        method: str,
        path: str,
        *,
        content: "_Multipart | None" = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        try:
            answer = self._caller.call(
                method,
                self._base + path,
                content=iter(content) if content is not None else None,
                headers=headers,
                timeout_s=timeout_s,
            )
        except OutboundError as error:
            raise PodUnreachableError(f"{type(error).__name__}: {error}") from error
        if answer.status in UNAUTHORIZED:
            raise PodUnauthorizedError(f"it answered {answer.status}")
        if answer.status == TOO_LARGE:
            raise PodFileTooLargeError("it answered 413")
        if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 -- HTTP's classes
            raise PodFailedError(f"it answered {answer.status}")
        if not 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's classes
            said = answer.body.decode("utf-8", "replace")[:SAID_CHARACTERS]
            raise PodRejectedError(f"it answered {answer.status}: {said}")
        return answer


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotPodError("the answer is no JSON object")
    return found


def _video(row: Mapping[str, Any]) -> Video:
    slug = row.get("slug")
    if not isinstance(slug, str) or not slug:
        raise NotPodError("a video without a slug")
    return Video(slug, needs_encoding=not (row.get("encoded") or row.get("encoding_in_progress")))


class _Multipart:
    """A form with one file, which is read while it is sent (RFC 7578).

    Args:
        fields: the form's other fields.
        name: the field of the file.
        file: the file; its size must not change.
    """

    def __init__(self, fields: Mapping[str, str], name: str, file: Path) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        begin = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'
            for field, value in fields.items()
        ]
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="{file.name}"'
        begin.append(f"--{boundary}\r\n{disposition}\r\nContent-Type: video/mp4\r\n\r\n")
        self._begin = "".join(begin).encode()
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self._file = file
        self.size_bytes = len(self._begin) + file.stat().st_size + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        yield self._begin
        with self._file.open("rb") as opened:
            while piece := opened.read(PIECE_BYTES):
                yield piece
        yield self._end
