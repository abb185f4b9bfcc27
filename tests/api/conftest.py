"""Clients of the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from amphi.accounts import tokens
from amphi.accounts.models import User

Call = Callable[..., HttpResponse]


def bearer(user: User, *scopes: str) -> str:
    """The header of a new token of `user`, with all scopes that they may give it unless some are named."""
    given = scopes or tokens.scopes_for(user)
    return f"Bearer {tokens.make(user, name='test', scopes=given, days=7)[1]}"


def caller(authorization: str) -> Call:
    """Calls of one token."""
    client = Client(enforce_csrf_checks=True)

    def call(method: str, path: str, given: Any = None, **headers: str) -> HttpResponse:
        body = {} if given is None else {"data": given, "content_type": "application/json"}
        sent = {"Authorization": authorization} | {
            name.replace("_", "-"): said for name, said in headers.items()
        }
        return getattr(client, method)(f"/api/v1{path}", headers=sent, **body)

    return call


@pytest.fixture(autouse=True)
def webinars_on(settings) -> None:
    settings.USE_MEETING_WEBINAR = True
