"""The page of one's tokens for the API."""

import re

import pytest

from amphi.accounts import tokens
from amphi.accounts.models import ApiToken
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    made = make_user()
    client.force_login(made)
    return made


def test_new_token_is_shown_once_and_can_be_revoked(client, user):
    given = {"name": "Emploi du temps", "scopes": ["meetings:read"], "days": "30"}
    page = client.post("/accounts/tokens/", given)
    text = re.search(r"amphi_[\w-]{43}", page.content.decode())[0]
    assert "no-store" in page["Cache-Control"]
    assert tokens.find(text).user == user
    again = client.get("/accounts/tokens/").content.decode()
    assert text not in again
    assert "Emploi du temps" in again
    client.post(f"/accounts/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert not ApiToken.objects.exists()


def test_what_is_wrong_is_said_and_what_was_typed_stays(client, user):
    page = client.post("/accounts/tokens/", {"name": "Emploi du temps", "days": "30"})
    assert page.status_code == 422
    assert "Choisissez ce que le jeton autorise." in page.content.decode()
    assert 'value="Emploi du temps"' in page.content.decode()
    assert not ApiToken.objects.exists()


def test_token_of_somebody_else_stays(client, user):
    theirs, _ = tokens.make(make_user(), name="a", scopes=["meetings:read"], days=7)
    client.post(f"/accounts/tokens/{theirs.pk}/revoke/")
    assert ApiToken.objects.exists()
    assert '<h2 class="h5">' not in client.get("/accounts/tokens/").content.decode()


def test_scope_of_administrators_is_offered_to_them_alone(client, user):
    assert "admin:read" not in client.get("/accounts/tokens/").content.decode()
    user.is_superuser = True
    user.save()
    assert "admin:read" in client.get("/accounts/tokens/").content.decode()
