"""Every address, with every method, by everybody: how many that are is printed."""

from urllib.parse import urlencode

import pytest
from django.test import Client

from amphi.gateway import api, dialect_b, dialect_d
from tests.abuse.access_walk import METHODS, Walk, addresses
from tests.abuse.http_fuzz import BODIES
from tests.factories import make_user, make_webinar

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_every_address_with_every_method_by_everybody(settings):
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    moderator = make_user("moderator")
    event.moderators.add(moderator)
    people = {
        "anonymous": None,
        "stranger": make_user("stranger"),
        "moderator": moderator,
        "owner": event.owner,
        "superuser": make_user("root", is_superuser=True, is_staff=True),
    }
    clients = {}
    for name, user in people.items():
        client = Client(enforce_csrf_checks=True)
        if user is not None:
            client.force_login(user)
        clients[name] = lambda client=client: client
    walk = Walk(event.slug, clients)
    routes = len([*api.ROUTES, *dialect_b.ROUTES, *dialect_d.ROUTES])
    print(
        f"\naccess: {walk.addresses} addresses of the platform, {len(METHODS)} methods, {len(people)} kinds of people: "
        f"{walk.asked:,} requests, {len(walk.wrong)} wrong; beside it {routes} routes of the gateway"
    )
    assert walk.wrong == []


FIELDS = (
    "event",
    "id_token",
    "state",
    "SAMLResponse",
    "RelayState",
    "logoutRequest",
    "logout_token",
    "name",
    "key",
    "checksum",
)
BOUNDARY = "multipart/form-data; boundary=b"
XML = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'


def bodies():
    for body in (
        *BODIES,
        XML,
        b"--b\r\n" * 3_000,
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\nx',
    ):
        for kind in (
            "application/json",
            "application/x-www-form-urlencoded",
            BOUNDARY,
            "text/xml",
            "nonsense/\xff",
        ):
            yield kind, body
        for field in FIELDS:
            yield "application/x-www-form-urlencoded", urlencode({field: body[:200_000]}).encode()


def test_bodies_that_need_no_token_of_the_page_break_nothing(settings):
    """As another service sends them: webhooks, learning platforms, sign-on, captions, the API."""
    settings.USE_MEETING_WEBINAR = True
    event = make_webinar().event
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    sent, broken, open_to = 0, [], 0
    for name, _, path in addresses(event.slug):
        # Where a token of the page is asked for, no body is read before.
        if client.post(path).status_code == 403:
            continue
        open_to += 1
        for kind, body in bodies():
            sent += 1
            status = client.post(
                path, body, content_type=kind, headers={"Authorization": "Bearer x"}
            ).status_code
            if status >= 500:
                broken.append(f"{name}, {kind}, {body[:40]!r}: {status}")
    print(f"\nbodies: {sent:,} at {open_to} addresses, {len(broken)} broken")
    assert broken == []
