"""Tokens are not in the database in the clear."""

import pytest
from django.db import connection

from amphi.webinars.models import LiveGateway
from tests.factories import make_gateway

pytestmark = pytest.mark.django_db


def stored(gateway: LiveGateway) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sipmediagw_token FROM webinars_livegateway WHERE id = %s", [gateway.pk])
        return cursor.fetchone()[0]


def test_token_is_read_back_and_not_stored_in_the_clear():
    gateway = make_gateway(sipmediagw_token="very secret")
    assert "very secret" not in stored(gateway)
    assert LiveGateway.objects.get().sipmediagw_token == "very secret"


def test_token_is_read_with_a_replaced_key(settings):
    make_gateway(sipmediagw_token="very secret")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another " * 8
    assert LiveGateway.objects.get().sipmediagw_token == "very secret"


def test_token_whose_key_is_lost_reads_as_empty(settings):
    make_gateway(sipmediagw_token="very secret")
    settings.SECRET_KEY = "another " * 8
    assert LiveGateway.objects.get().sipmediagw_token == ""


def test_empty_token_stays_empty():
    assert stored(make_gateway(sipmediagw_token="")) == ""
