"""Idempotency-Key: a request that is sent again, since its answer was lost, is carried out once and answered the same.

After the IETF's draft “The Idempotency-Key HTTP Header Field”. Keys belong to a token and are remembered for a day.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from amphi.accounts.models import ApiAnswer, ApiToken

KEPT = timedelta(days=1)
MOST_OF_A_TOKEN = 1000
"""Beyond it the oldest are forgotten."""
GIVEN_UP_AFTER = timedelta(minutes=2)
"""A request that was not answered by then is taken for lost, and may be carried out again."""
LONGEST_KEY = 255
LARGEST_BODY = 64 * 1024


class KeyUsedError(Exception):
    """This key was sent with another request."""


class UnderWayError(Exception):
    """The first request with this key is not answered yet."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer, to be given again."""

    status: int
    content_type: str
    body: str


def fingerprint(method: str, address: str, body: bytes) -> str:
    """What tells one request from another."""
    return hashlib.sha256(b"\0".join([method.encode(), address.encode(), body])).hexdigest()


def begin(token: ApiToken, key: str, request: str) -> Remembered | None:
    """Take `key` for a request.

    Args:
        token: the token of the request.
        key: its Idempotency-Key.
        request: its `fingerprint`.

    Returns:
        None when it is to be carried out, then call `finish` or `forget`; or else the answer to give again.

    Raises:
        KeyUsedError: the key was used for something else.
        UnderWayError: it is carried out at this moment.
    """
    now = timezone.now()
    rows = ApiAnswer.objects.filter(token=token, key=key)
    rows.filter(at__lt=now - KEPT).delete()
    rows.filter(status=None, at__lt=now - GIVEN_UP_AFTER).delete()
    try:
        with transaction.atomic():
            ApiAnswer.objects.create(token=token, key=key, request=request, at=now)
    except IntegrityError:
        known = rows.first()
        if known is None or (known.status is None and known.request == request):
            raise UnderWayError from None
        if known.request != request:
            raise KeyUsedError from None
        return Remembered(known.status or 0, known.content_type, known.body)
    _bound(token)
    return None


def finish(token: ApiToken, key: str, answer: Remembered) -> None:
    """Remember the answer to the request that took `key`. One that is too large is not kept: the request may not be repeated."""
    body = answer.body if len(answer.body) <= LARGEST_BODY else ""
    ApiAnswer.objects.filter(token=token, key=key, status=None).update(
        status=answer.status, content_type=answer.content_type[:100], body=body
    )


def forget(token: ApiToken, key: str) -> None:
    """Free `key`: its request was not carried out."""
    ApiAnswer.objects.filter(token=token, key=key, status=None).delete()


def _bound(token: ApiToken) -> None:
    rows = ApiAnswer.objects.filter(token=token)
    beyond = rows.order_by("-at", "-pk").values_list("pk", flat=True)[MOST_OF_A_TOKEN : MOST_OF_A_TOKEN + 100]
    rows.filter(pk__in=list(beyond)).delete()
