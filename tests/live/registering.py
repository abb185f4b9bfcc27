"""An event that people register for, and what they do: they apply, confirm from the mail, and get a personal link."""

import re
import time

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from amphi.audience import domain, registration
from amphi.audience.claims import claim_of
from amphi.audience.models import Event, Registration
from amphi.mails.models import Mail
from amphi.system import tickets
from tests.factories import in_hours, make_gateway, make_webinar

FRENCH = {"headers": {"Accept-Language": "fr"}}
JSON = {"headers": {"Accept": "application/json"}}
BASE = "https://amphi.example.org"
Status = Registration.Status


def make_event(*, required: bool = True, webinar: dict | None = None, **rules: object) -> Event:
    event = make_webinar(gateway=make_gateway(), start_at=in_hours(48), **webinar or {}).event
    registration.set_rules(event, is_required=required, is_open=True, **rules)
    event.refresh_from_db()
    return event


def page_of(event: Event) -> str:
    return reverse("live:registration", args=[event.slug])


def apply(client, event: Event, address: str = "lea@example.org", **more: str):
    return client.post(page_of(event), {"name": "Léa Dupont", "address": address, **more}, **FRENCH)


def last_link() -> str:
    return re.search(BASE + r"(\S+/r/\S+)", Mail.objects.order_by("-pk")[0].text)[1]


def enter(client, event: Event, address: str = "lea@example.org") -> Registration:
    """Register, and confirm from the mail."""
    apply(client, event, address)
    client.post(last_link())
    return Registration.objects.get(event=event, address=address)


def claim(event: Event, row: Registration):
    row = Registration.objects.get(pk=row.pk)
    ticket = domain.ticket_for(Event.objects.get(pk=event.pk), AnonymousUser(), registration=row)
    return claim_of(tickets.verify(domain.ticket_key(), ticket, now=time.time()))
