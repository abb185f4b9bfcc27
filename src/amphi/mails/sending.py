"""Sending mail that was written: claimed by one worker at a time, tried ever more slowly for a day."""

import logging
from datetime import timedelta

from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models import Q
from django.utils import timezone

from amphi.mails.models import Mail

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
TIMEOUT_S = 20
FIRST_PAUSE = timedelta(seconds=30)
ATTEMPTS = 12
"""Twice as long before each: the last one is some seventeen hours after the first."""


def claim_due(*, limit: int) -> list[int]:
    """Claim mails that are due and that no living worker holds."""
    now = timezone.now()
    due = Mail.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=now), attempt_at__lte=now)
    return [
        pk
        for pk in due.order_by("attempt_at").values_list("pk", flat=True)[:limit]
        if due.filter(pk=pk).update(claimed_until=now + LEASE)
    ]


def send(mail_id: int) -> bool:
    """Send one claimed mail; whether it went. One that did not is tried again later."""
    mail = Mail.objects.get(pk=mail_id)
    message = EmailMultiAlternatives(
        mail.subject, mail.text, to=[mail.to], connection=get_connection(timeout=TIMEOUT_S)
    )
    message.attach_alternative(mail.html, "text/html")
    if mail.calendar:
        method = "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in mail.calendar else "REQUEST"
        message.attach("invite.ics", mail.calendar.encode(), f"text/calendar; charset=utf-8; method={method}")
    mail.attempts += 1
    try:
        message.send()
    except OSError as error:  # smtplib's errors are OSErrors too
        log.warning("mail %s was not sent (attempt %s): %s", mail.pk, mail.attempts, type(error).__name__)
        mail.last_error = f"{type(error).__name__}: {error}"[:300]
        again = mail.attempts < ATTEMPTS
        mail.attempt_at = timezone.now() + FIRST_PAUSE * 2 ** (mail.attempts - 1) if again else None
    else:
        mail.sent_at, mail.attempt_at, mail.last_error = timezone.now(), None, ""
    mail.claimed_until = None
    mail.save()
    return mail.sent_at is not None
