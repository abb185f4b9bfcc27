"""Parses API answers into a checked `<response>`, and reads its fields with their types."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError  # only types: parsing is defusedxml's

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from amphi.bigbluebutton.exceptions import (
    CallNotSupportedError,
    ChecksumRefusedError,
    ForbiddenXmlError,
    HookNotFoundError,
    HttpStatusError,
    MalformedXmlError,
    MeetingExistsError,
    MeetingNotFoundError,
    NotXmlError,
    RedirectedError,
    RefusedError,
    ServerFailedError,
    WebhooksUnavailableError,
)
from amphi.bigbluebutton.legal_xml import legal
from amphi.system.outbound import Answer

_REFUSALS: dict[str, type[RefusedError]] = {
    "checksumError": ChecksumRefusedError,
    "notFound": MeetingNotFoundError,
    "meetingNotFound": MeetingNotFoundError,
    "invalidMeetingIdentifier": MeetingNotFoundError,
    "idNotUnique": MeetingExistsError,
    "nonUniqueVoiceBridge": MeetingExistsError,
    "destroyMissingHook": HookNotFoundError,
    # Scalelite, app/controllers/concerns/bbb_errors.rb: a server of its pool does not answer, or no server is available.
    "internalError": ServerFailedError,
    "serverUnavailable": ServerFailedError,
}
# Some versions give the key validationError here: https://github.com/bigbluebutton/bigbluebutton/issues/13369
_NO_SUCH_MEETING = "A meeting with that ID does not exist"
_NOT_FOUND = 404
_UNSUPPORTED_KEYS = {"unsupportedRequest", "notImplemented", "unknownCall"}


def read(call: str, answer: Answer) -> Element:
    """The `<response>` of an API answer that says SUCCESS.

    Raises:
        RefusedError: it says FAILED.
        CallNotSupportedError: this server has no such call.
        UnexpectedAnswerError: it is not an answer of BigBlueButton.
    """
    if 300 <= answer.status < 400:  # noqa: PLR2004 -- HTTP's redirects
        raise RedirectedError(f"{call}: HTTP status {answer.status} redirects elsewhere")
    if not 200 <= answer.status < 300:  # noqa: PLR2004 -- HTTP's successes
        _raise_for_status(call, answer)
    response = _parse(call, answer)
    if _code(response) != "SUCCESS":
        raise _refusal(call, response)
    return response


def _raise_for_status(call: str, answer: Answer) -> None:
    """Raise the exception for an HTTP error. When the body is a refusal in XML, that decides, since it says more."""
    try:
        response = _parse(call, answer)
    except (NotXmlError, MalformedXmlError, ForbiddenXmlError):
        if answer.status == _NOT_FOUND:
            raise _unsupported(call, "there is no such call at this address") from None
        raise HttpStatusError(call, answer.status) from None
    if _code(response) == "FAILED" and text(response, "messageKey"):
        raise _refusal(call, response)
    raise HttpStatusError(call, answer.status)


def _parse(call: str, answer: Answer) -> Element:
    start = answer.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start.startswith(b"<") or start.startswith(b"<html") or b"<!doctype html" in start:
        kind = answer.content_type or "no content type"
        raise NotXmlError(f"{call}: {len(answer.body)} bytes of {kind} instead of XML")
    try:
        response = _tree(answer.body)
    except DefusedXmlException as error:
        raise ForbiddenXmlError(
            f"{call}: the XML holds a {type(error).__name__.removesuffix('Forbidden')}"
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise MalformedXmlError(f"{call}: {error}") from None
    if response.tag == "html" or response.tag.endswith("}html"):
        raise NotXmlError(f"{call}: a page instead of an answer")
    if response.tag != "response" or _code(response) not in {"SUCCESS", "FAILED"}:
        raise MalformedXmlError(f"{call}: XML that is not a response of BigBlueButton")
    return response


def _tree(body: bytes) -> Element:
    """Parse an answer, also when a name with illegal characters makes its XML ill-formed."""
    try:
        return fromstring(body, forbid_dtd=True)
    except ParseError:
        return fromstring(legal(body), forbid_dtd=True)


def _code(response: Element) -> str:
    return text(response, "returncode").upper()


def _refusal(call: str, response: Element) -> RefusedError | CallNotSupportedError:
    key, message = text(response, "messageKey"), text(response, "message")
    error = response.find("errors/error")
    if not key and error is not None:
        key, message = error.get("key", ""), error.get("message", "")
    if key in _UNSUPPORTED_KEYS:
        return _unsupported(call, message)
    if key == "validationError" and _NO_SUCH_MEETING in message:
        return MeetingNotFoundError(call, key, message)
    return _REFUSALS.get(key, RefusedError)(call, key, message)


def _unsupported(call: str, reason: str) -> CallNotSupportedError:
    kind = WebhooksUnavailableError if call.startswith("hooks/") else CallNotSupportedError
    return kind(f"{call}: {reason}")


def text(element: Element, path: str) -> str:
    """A field's text, stripped; empty when it is missing."""
    return (element.findtext(path) or "").strip()


_LONGEST_NUMBER = 40
# "1,000", "1 000", "1.000", "12,34,567": thousands separators in Java's locales.
_GROUPED = re.compile(r"\d{1,3}(?:[,.'’_\s]\d{2,3})*[,.'’_\s]\d{3}")
_LARGEST = 2**63 - 1
_LARGEST_COUNT = 2**31 - 1


def number(element: Element, path: str) -> int:
    """A field's whole number; 0 when it is missing, as in older servers, or is not a number.

    BigBlueButton writes some numbers in its locale: getMeetings has ``<maxUsers>1,000</maxUsers>``,
    https://github.com/bigbluebutton/bigbluebutton/issues/17688.
    """
    found = text(element, path)
    if len(found) > _LONGEST_NUMBER:
        return 0
    minus = found.startswith(("-", "\u2212"))
    digits = found[1:] if minus or found.startswith("+") else found
    if _GROUPED.fullmatch(digits):
        digits = "".join(character for character in digits if character.isdecimal())
    try:
        whole = int(digits) if digits.isdecimal() else int(float(digits.replace(",", ".")))
    except (ValueError, OverflowError):
        return 0
    return max(-_LARGEST, min(_LARGEST, -whole if minus else whole))


def count(element: Element, path: str) -> int:
    """A field's count: never negative, and never too large for a database column."""
    return max(0, min(_LARGEST_COUNT, number(element, path)))


def flag(element: Element, path: str) -> bool:
    """Whether a field says true."""
    return text(element, path).lower() == "true"


def mapping(element: Element, path: str) -> dict[str, str]:
    """The children of a field as a dictionary, such as a meeting's metadata."""
    found = element.find(path)
    return {} if found is None else {child.tag: (child.text or "").strip() for child in found}


def each(element: Element, path: str) -> Iterator[Element]:
    """Every element at a path."""
    return iter(element.findall(path))
