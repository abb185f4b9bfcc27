"""Bounded HTTP for the check."""

import asyncio
import functools
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from amphi.origin.conformance.findings import Fault
from amphi.origin.conformance.playlists import Piece

LARGEST_BYTES = 64 * 2**20
ORIGIN = "https://amphi-check.invalid"


class FetchError(Exception):
    """There was no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: its final address, and how long it took."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes
    took_s: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def max_age_s(self) -> float:
        """How long a shared cache may keep it; 0 when it may not or nothing is said."""
        said = self.headers.get("cache-control", "").lower()
        if "no-store" in said or "no-cache" in said or "private" in said:
            return 0.0
        for name in ("s-maxage", "max-age"):
            for word in said.split(","):
                key, _, value = word.strip().partition("=")
                if key == name and value.isdigit():
                    return float(value)
        return 0.0


@functools.cache
def _verification() -> ssl.SSLContext:
    """Loading the certificate authorities takes long, so it is done once."""
    return ssl.create_default_context()


class Fetcher:
    """Asks as a page of another site would."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            follow_redirects=True,
            trust_env=False,
            verify=_verification(),
            headers={"Origin": ORIGIN, "Accept-Encoding": "gzip", "User-Agent": "amphi-origin-check"},
            limits=httpx.Limits(max_connections=20),
        )
        self.bytes = 0

    async def get(self, piece: Piece | str, *, timeout_s: float) -> Fetched:
        """Ask for a file.

        Raises:
            FetchError: there is no whole answer in time, or it is too large.
        """
        piece = Piece(piece) if isinstance(piece, str) else piece
        headers = {}
        if piece.length is not None:
            headers["Range"] = f"bytes={piece.offset}-{piece.offset + piece.length - 1}"
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._client.stream("GET", piece.url, headers=headers, timeout=timeout_s) as answer,
            ):
                body = await self._read(answer)
        except TimeoutError:
            raise FetchError(f"no answer within {timeout_s:.1f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise FetchError(str(error) or type(error).__name__) from None
        return Fetched(str(answer.url), answer.status_code, answer.headers, body, time.monotonic() - started)

    async def _read(self, answer: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LARGEST_BYTES:
                raise FetchError(f"the answer is larger than {LARGEST_BYTES // 2**20} MiB")
        self.bytes += len(body)
        return bytes(body)

    async def close(self) -> None:
        await self._client.aclose()


async def speaks_http2(url: str, timeout_s: float) -> bool | None:
    """Whether a server offers HTTP/2; None for plain HTTP, or when it can't be told."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=context, server_hostname=parts.hostname
            )
    except (OSError, TimeoutError):
        return None
    chosen = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()
    return bool(chosen == "h2")


def header_faults(fetched: Fetched, *, is_playlist: bool, name: str) -> list[Fault]:
    """What an answer's headers break, whatever it is."""
    faults = []
    allowed = fetched.headers.get("access-control-allow-origin")
    if allowed not in {"*", ORIGIN}:
        faults.append(Fault("cors", f"{name} has no Access-Control-Allow-Origin: other sites can't play it"))
    if is_playlist:
        kind = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {"application/vnd.apple.mpegurl", "audio/mpegurl"}:
            faults.append(Fault("content-type", f"{name} is served as {kind or 'nothing'}"))
    return faults
