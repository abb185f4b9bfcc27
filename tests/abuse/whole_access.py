"""Every address, with every method, by everybody: how many that are is printed."""

import pytest
from django.test import Client

from amphi.gateway import api, dialect_b, dialect_d
from tests.abuse.access_walk import METHODS, Walk
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
