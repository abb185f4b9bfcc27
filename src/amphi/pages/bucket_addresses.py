"""Addresses of the bucket, for those who may see a replay."""

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

VALID_FOR = timedelta(minutes=5)
"""A file is asked for at once, and one that is asked for further on, such as the rest of a download, is asked for here again."""


def signing() -> Callable[[str, str], str] | None:
    """What signs the address of an object by its name and HTTP's method; None without a bucket. It asks no other server."""
    if not settings.BUCKET_URL:
        return None
    from amphi.bucket.store import Bucket  # noqa: PLC0415 -- its library takes memory that most processes don't need

    bucket = Bucket(
        settings.BUCKET_URL,
        key=settings.BUCKET_KEY,
        secret=settings.BUCKET_SECRET,
        region=settings.BUCKET_REGION,
    )
    return lambda name, method: bucket.address(name, "HEAD" if method == "HEAD" else "GET", VALID_FOR)
