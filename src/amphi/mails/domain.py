"""Writing mail."""

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
    """Who a mail is for.

    Attributes:
        address: the mail address.
        language: ``fr`` or ``en``; empty for the platform's own.
    """

    address: str
    language: str = ""


def reader(user: User) -> Reader:
    """`user` as a reader of mail."""
    return Reader(user.email, user.language)


def administrators() -> list[Reader]:
    """Those who look after the platform: Django's ``ADMINS``, else every active superuser with an address."""
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
    """The mail that `queue` would write for one reader; nothing is saved.

    Args:
        person: who it is for.
        template: as for `queue`.
        context: as for `queue`; the templates get `unsubscribe_url` too.
        calendar: as for `queue`.
        sender: who had it sent: it counts for them.
        unsubscribe_url: where the reader's mail program posts that no more is wanted.
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
        # On one line; the narrow spaces of French stay what they are.
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
    """Write one mail for each reader, in their language, to be sent by the worker once the transaction commits.

    Args:
        readers: nobody twice; those without an address are left out.
        template: the name of ``mails/<name>.subject.txt``, ``.txt`` and ``.html``.
        context: for the three of them; ``base`` is the platform's address.
        calendar: an iCalendar object that goes with it.
    """
    mails, seen = [], set()
    for person in readers:
        if not person.address or person.address.lower() in seen:
            continue
        seen.add(person.address.lower())
        mails.append(compose(person, template, context, calendar=calendar))
    return Mail.objects.bulk_create(mails)
