"""Delivering webhooks: one worker at a time claims each; attempts come ever more rarely, for four days.

An address is looked up once for each call, refused when it is private, and connected to as it was found: a name that changes its
address in between (DNS rebinding) reaches nothing. Redirections are not followed.
"""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from amphi.mails import domain as mails
from amphi.outbox import signing
from amphi.outbox.models import Delivery, Endpoint
from amphi.system import leases, outbound
from amphi.system.addresses import is_public
from amphi.system.leases import Lease

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
TIMEOUT_S = 15.0
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""After each attempt that failed, as the specification advises; then it is given up."""
GIVEN_UP_AFTER = timedelta(days=5)
"""An endpoint at which nothing succeeded for this long is switched off, and the administrators are told."""
GONE = 410
"""By the specification: the endpoint wants nothing more."""


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim deliveries that are due and that no worker holds."""
    due = Delivery.objects.filter(attempt_at__lte=timezone.now(), endpoint__is_active=True)
    return leases.claim(due.order_by("attempt_at"), worker=worker, limit=limit, length=LEASE)


def deliver(lease: Lease) -> bool:
    """Try one claimed delivery; True when it arrived."""
    delivery: Delivery | None = lease.held().select_related("endpoint").first()
    if delivery is None:
        return False
    status, error = _post(delivery)
    now, attempts = timezone.now(), delivery.attempts + 1
    said = {"status": status, "last_error": error[:200], "attempts": attempts}
    if not error:
        released = lease.release(**said, delivered_at=now, attempt_at=None)
        Endpoint.objects.filter(pk=delivery.endpoint_id).exclude(failing_since=None).update(
            failing_since=None
        )
        return released
    log.warning(
        "webhook %s: attempt %s of delivery %s: %s", delivery.endpoint_id, attempts, delivery.pk, error
    )
    pause = PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
    lease.release(**said, attempt_at=None if pause is None else now + pause)
    _note_failure(delivery.endpoint, is_gone=status == GONE)
    return False


def _post(delivery: Delivery) -> tuple[int | None, str]:
    """The status, and what was wrong; empty when it arrived."""
    body = delivery.body.encode()
    admits = None if settings.AMPHI_WEBHOOKS_PRIVATE else is_public
    caller = outbound.Caller(timeout_s=TIMEOUT_S, admits=admits)
    try:
        signed = signing.headers(
            delivery.endpoint.secret, f"msg_{delivery.message_id.hex}", int(time.time()), body
        )
        sent = {"Content-Type": "application/json", **signed}
        answer = caller.call("POST", delivery.endpoint.url, headers=sent, content=body)
    except (outbound.OutboundError, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        caller.close()
    is_good = 200 <= answer.status < 300  # noqa: PLR2004 -- HTTP's success
    return answer.status, "" if is_good else f"HTTP {answer.status}"


def _note_failure(endpoint: Endpoint, *, is_gone: bool) -> None:
    now = timezone.now()
    mine = Endpoint.objects.filter(pk=endpoint.pk, is_active=True)
    mine.filter(failing_since=None).update(failing_since=now)
    late = mine if is_gone else mine.filter(failing_since__lt=now - GIVEN_UP_AFTER)
    with transaction.atomic():  # whoever dies in between has switched nothing off without telling
        if late.update(is_active=False, disabled_at=now):
            log.error("webhook %s is switched off: nothing arrived there for long", endpoint.pk)
            Delivery.objects.filter(endpoint=endpoint).update(attempt_at=None)
            mails.queue(mails.administrators(), "webhook_disabled", {"endpoint": endpoint})
