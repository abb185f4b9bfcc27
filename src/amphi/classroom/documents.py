"""The documents in API calls: ``preUploadedPresentation`` of create, and the body of insertDocument."""

import asyncio
import base64
import binascii
import logging
import ssl
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from amphi.classroom import pdf
from amphi.classroom.exceptions import ApiError, InvalidDocumentError
from amphi.classroom.parameters import web_address

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Document:
    """One document to show: its file, or the address from which to fetch it."""

    name: str
    url: str
    content: bytes
    current: bool


def _document(node: Element) -> Document | None:
    url = web_address(node.get("url", ""))
    name = node.get("filename") or node.get("name") or unquote(PurePosixPath(urlsplit(url).path).name)
    try:
        content = base64.b64decode((node.text or "").strip()) if not url else b""
    except binascii.Error:
        return None
    return (
        Document(name or "document.pdf", url, content, node.get("current", "true") == "true")
        if url or content
        else None
    )


def parse(body: bytes) -> list[Document]:
    """Read ``<modules><module name="presentation"><document …/></module></modules>``.

    Raises:
        ApiError: ``validationError``: the body isn't such XML.
    """
    if not body.strip():
        return []
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException):
        raise ApiError("validationError", "The body is not valid XML") from None
    nodes = root.findall("./module[@name='presentation']/document")
    return [document for document in map(_document, nodes) if document]


def pre_uploaded(parameters: dict[str, str]) -> list[Document]:
    """The document that create names only by its address."""
    url = web_address(parameters.get("preUploadedPresentation", ""))
    name = parameters.get("preUploadedPresentationName", "") or PurePosixPath(urlsplit(url).path).name
    return [Document(name or "document.pdf", url, b"", current=True)] if url else []


async def fetch(document: Document, trust: ssl.SSLContext) -> bytes:
    """The document's file.

    Args:
        document: has its content or its address.
        trust: the TLS context for fetching it.

    Raises:
        InvalidDocumentError: it can't be fetched, or is too large.
    """
    if not document.url:
        return document.content
    content = bytearray()
    try:
        async with (
            asyncio.timeout(DOWNLOAD_TIMEOUT_S),
            httpx.AsyncClient(
                timeout=DOWNLOAD_TIMEOUT_S, follow_redirects=True, verify=trust, trust_env=False
            ) as client,
            client.stream("GET", document.url) as response,
        ):
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > pdf.MAX_PDF_BYTES:
                    raise InvalidDocumentError("slides_too_big")
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        logger.warning("presentation: not fetched: %s", type(error).__name__)
        raise InvalidDocumentError("slides_not_fetched") from None
    return bytes(content)
