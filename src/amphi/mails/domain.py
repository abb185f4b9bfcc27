"""Writing emails into the queue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation

from amphi.accounts.models import User
from amphi.mails.models import Mail


@dataclass(frozen=True, slots=True)
class Reader:
    """Who an email is for.

    Attributes:
        address: the email address.
        language: ``fr`` or ``en``; empty for the platform's default.
    """

    address: str
    language: str = ""


def reader(user: User) -> Reader:
    """`user` as the reader of an email."""
    return Reader(user.email, user.language)


def administrators() -> list[Reader]:
    """The platform's administrators: Django's ``ADMINS``, else every active superuser with an address."""
    if settings.ADMINS:
        pairs = cast("list[tuple[str, str]]", settings.ADMINS)
        return [Reader(address) for _, address in pairs]
    superusers = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    return [reader(user) for user in superusers]


def compose(
    person: Reader,
    template: str,
    context: Mapping[str, object],
    *,
    calendar: str = "",
    sender: User | None = None,
    unsubscribe_url: str = "",
) -> Mail:
    """The email that `queue` would write for one reader; nothing is saved.

    Args:
        person: the reader.
        template: as for `queue`.
        context: as for `queue`; the templates get `unsubscribe_url` too.
        calendar: as for `queue`.
        sender: the person whose limit it counts against; None for the platform.
        unsubscribe_url: the address to which the reader's mail program posts to unsubscribe (RFC 8058).
    """
    with translation.override(person.language or settings.LANGUAGE_CODE):
        full = {
            **context,
            "unsubscribe_url": unsubscribe_url,
            "base": settings.AMPHI_URL,
            "institution": settings.AMPHI_INSTITUTION,
            "logo": f"{settings.AMPHI_URL}/about/logo"
            if settings.AMPHI_LOGO and settings.AMPHI_LOGO.in_mails
            else "",
            "language": translation.get_language(),
        }
        # One line, without touching the no-break spaces of French.
        subject = re.sub(r"[\r\n\t ]+", " ", render_to_string(f"mails/{template}.subject.txt", full)).strip()
        return Mail(
            to=person.address,
            subject=subject[:300],
            text=render_to_string(f"mails/{template}.txt", full).strip() + "\n",
            html=render_to_string(f"mails/{template}.html", {**full, "subject": subject}),
            calendar=calendar,
            sender=sender,
            unsubscribe_url=unsubscribe_url,
            attempt_at=timezone.now(),
        )


def queue(
    readers: Iterable[Reader], template: str, context: Mapping[str, object], *, calendar: str = ""
) -> list[Mail]:
    """Write one email for each reader, in their language. The worker sends it once the transaction commits.

    Args:
        readers: an address that comes twice gets one email; readers without an address are left out.
        template: the ``<name>`` of ``mails/<name>.subject.txt``, ``.txt`` and ``.html``.
        context: for all three templates; ``base`` is the platform's address.
        calendar: an iCalendar object to attach; empty for none.
    """
    mails, seen = [], set()
    for person in readers:
        if not person.address or person.address.lower() in seen:
            continue
        seen.add(person.address.lower())
        mails.append(compose(person, template, context, calendar=calendar))
    return Mail.objects.bulk_create(mails)
