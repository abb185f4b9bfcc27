"""Puts, lists, fetches and deletes objects, and signs addresses from which browsers fetch them.

obstore speaks S3; it is synchronous here, for worker threads. Each request has one time limit from the name look-up to the last byte, and
TLS is verified. Nothing is tried again here: who calls does so, later.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from amphi.bucket.exceptions import (
    BucketClockError,
    BucketError,
    BucketFailedError,
    BucketFullError,
    BucketRefusedError,
    BucketUnreachableError,
    NoBucketError,
    NoObjectError,
)

TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
PART_BYTES = 8 * 2**20
"""Larger objects are put and fetched in parts of this size; S3 takes 10,000 of them."""
DELETED_AT_ONCE = 100

_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_BY_CODE: dict[str, type[BucketError]] = {
    "NoSuchBucket": NoBucketError,
    "NoSuchKey": NoObjectError,
    "RequestTimeTooSkewed": BucketClockError,
    # Ceph's, MinIO's, and that of Swift and others.
    "QuotaExceeded": BucketFullError,
    "XMinioStorageFull": BucketFullError,
    "EntityTooLarge": BucketFullError,
}
_BY_STATUS: dict[str, type[BucketError]] = {
    "401": BucketRefusedError,
    "403": BucketRefusedError,
    "404": NoObjectError,
    "507": BucketFullError,
}


class Bucket:
    """One bucket.

    Args:
        url: the server's address, and the bucket's name as its path: ``https://s3.example.org/replays``.
        key: the access key's name.
        secret: its secret.
        region: the server's name for where the bucket is; it is part of signatures.
        timeout: the longest that one request may take.
    """

    def __init__(self, url: str, *, key: str, secret: str, region: str, timeout: timedelta = TIMEOUT) -> None:
        server, _, name = url.rpartition("/")
        # In full: what is not said here, obstore takes from the variables of AWS's own tools.
        self._store = S3Store(
            name,
            config={
                "endpoint": server,
                "region": region,
                "access_key_id": key,
                "secret_access_key": secret,
                "virtual_hosted_style_request": False,
                # One request an object works with every server; not all have the other way, or want other checksums for it.
                "disable_bulk_delete": True,
            },
            client_options={
                "allow_http": urlsplit(url).scheme == "http",
                "timeout": timeout,
                "connect_timeout": min(timeout, CONNECT_TIMEOUT),
                "user_agent": "amphi",
            },
            retry_config={"max_retries": 0, "retry_timeout": timeout},
        )

    def put(self, name: str, content: bytes | BinaryIO, *, content_type: str, file_name: str = "") -> None:
        """Put an object, in place of one that has this name. It is there as a whole or not at all.

        Args:
            name: the object's.
            content: its bytes, or a file that is read from its position to its end.
            content_type: its media type.
            file_name: what browsers call it when they keep it; empty for what they show.

        Raises:
            BucketError: one of its subclasses.
            OSError: the file can't be read.
        """
        attributes: dict[str, str] = {"Content-Type": content_type}
        if file_name:
            attributes["Content-Disposition"] = f'attachment; filename="{file_name}"'
        with _failures(name):
            obstore.put(
                self._store,
                name,
                content,
                attributes=attributes,
                chunk_size=PART_BYTES,
                max_concurrency=1,
            )

    def sizes(self, folder: str) -> dict[str, int]:
        """The names of all objects in a folder, without the folder's, with their sizes in bytes.

        Raises:
            BucketError: one of its subclasses.
        """
        with _failures(folder):
            found = [one for some in obstore.list(self._store, folder) for one in some]
        return {one["path"].removeprefix(f"{folder}/"): one["size"] for one in found}

    def size(self, name: str) -> int:
        """The size of an object in bytes.

        Raises:
            NoObjectError: there is none.
            BucketError: another of its subclasses.
        """
        with _failures(name):
            return int(obstore.head(self._store, name)["size"])

    def fetch(self, name: str, path: Path) -> None:
        """Write an object to a file, which is there as a whole or not at all.

        Raises:
            NoObjectError: there is none.
            BucketError: another of its subclasses.
            OSError: the file can't be written.
        """
        size = self.size(name)
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                for start in range(0, size, PART_BYTES):
                    with _failures(name):
                        piece = obstore.get_range(
                            self._store, name, start=start, end=min(start + PART_BYTES, size)
                        )
                    file.write(piece)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are not there don't count.

        Raises:
            BucketError: one of its subclasses.
        """
        with _failures("delete"):
            obstore.delete(self._store, list(names))

    def address(self, name: str, method: Literal["GET", "HEAD"], valid_for: timedelta) -> str:
        """The address at which whoever has it may read an object for a while. It asks nobody."""
        return obstore.sign(self._store, method, name, valid_for)


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Turn obstore's errors into ours. Its text has the server's answer, and at its end what it is made of."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise _failure(name, str(error)) from None


def _failure(name: str, said: str) -> BucketError:
    code, status = _CODE.search(said), _STATUS.search(said)
    if code is None and status is None:
        return BucketUnreachableError(f"{name}: {_cause(said)}")
    kind = _BY_CODE.get(code[1]) if code else None
    kind = kind or (_BY_STATUS.get(status[1]) if status else None) or BucketFailedError
    return kind(f"{name}: {' '.join(found[1] for found in (status, code) if found)}")


def _cause(said: str) -> str:
    """What is known of a request without an answer."""
    for sign, cause in (
        ("ertificate", "its certificate is not trusted"),
        ("dns error", "its name is not known"),
        ("TimedOut", "no answer in time"),
        ("kind: Timeout", "no answer in time"),
    ):
        if sign in said:
            return cause
    return said.partition(os.linesep)[0][:200]
