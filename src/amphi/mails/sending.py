"""Sending queued emails: one worker at a time claims each; attempts come ever more rarely, for 17 hours."""

import logging
import re
import smtplib
from datetime import timedelta

from django.core.mail import EmailMultiAlternatives, get_connection
from django.utils import timezone

from amphi.mails.models import Mail
from amphi.system import leases
from amphi.system.leases import Lease

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
"""Renewed while an email is being sent. Long, because after a worker's death another may send the same email again."""
TIMEOUT_S = 20
FIRST_PAUSE = timedelta(seconds=30)
ATTEMPTS = 12
"""Twice as long before each: the last one is some seventeen hours after the first."""
_FOR_GOOD = range(500, 600)
"""SMTP's permanent refusals (RFC 5321, section 4.2.1)."""


def claim_due(*, limit: int, worker: str = "") -> list[Lease]:
    """Claim emails that are due and that no worker holds."""
    due = Mail.objects.filter(attempt_at__lte=timezone.now()).order_by("attempt_at")
    return leases.claim(due, worker=worker, limit=limit, length=LEASE)


def send(lease: Lease) -> bool:
    """Send one claimed email; True when it was sent. Otherwise it is tried again later, unless the refusal is permanent."""
    mail: Mail | None = lease.held().first()
    if mail is None:
        return False
    attempts = mail.attempts + 1
    if mail.failures >= ATTEMPTS:
        return _give_up(lease, mail, "it can’t be sent: see the worker’s log")
    try:
        _message(mail).send()
    except ValueError as error:  # a header or an address that no mail can have
        return _give_up(lease, mail, f"{type(error).__name__}: {error}")
    except OSError as error:  # smtplib's errors are OSErrors too
        words = f"{type(error).__name__}: {error}"
        if _is_for_good(error) or attempts >= ATTEMPTS:
            return _give_up(lease, mail, words)
        log.warning("mail %s was not sent (attempt %s): %s", mail.pk, attempts, type(error).__name__)
        again = timezone.now() + FIRST_PAUSE * 2 ** (attempts - 1)
        lease.release(attempts=attempts, attempt_at=again, last_error=words[:300])
        return False
    lease.release(attempts=attempts, sent_at=timezone.now(), attempt_at=None, last_error="")
    return True


def _message(mail: Mail) -> EmailMultiAlternatives:
    message = EmailMultiAlternatives(
        mail.subject, mail.text, to=[mail.to], connection=get_connection(timeout=TIMEOUT_S)
    )
    message.attach_alternative(mail.html, "text/html")
    if mail.unsubscribe_url:
        # RFC 8058: the program posts there by itself when its user presses “unsubscribe”.
        message.extra_headers["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if mail.calendar:
        # As an alternative, Outlook and Gmail offer to accept it (RFC 6047, section 2.4); other readers need an attachment.
        found = re.search(r"\r\nMETHOD:([A-Z]+)\r\n", mail.calendar)
        method = found[1] if found else "PUBLISH"
        message.attach_alternative(mail.calendar, f"text/calendar; method={method}")
        message.attach("invite.ics", mail.calendar.encode(), "application/ics")
    return message


def _is_for_good(error: OSError) -> bool:
    """Whether the server refuses this email for good. Refusing our password is not for good: an operator can correct it."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code in _FOR_GOOD for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return error.smtp_code in _FOR_GOOD
    return False


def _give_up(lease: Lease, mail: Mail, words: str) -> bool:
    """Try no more. The administration shows why."""
    log.error("mail %s is given up: %s", mail.pk, words.partition(":")[0])
    lease.release(attempts=mail.attempts + 1, attempt_at=None, last_error=words[:300])
    return False
