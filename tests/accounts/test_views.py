"""Logging in and out, and the language."""

import pytest
from django.urls import reverse

from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_log_in_leads_to_my_meetings(client):
    make_user("marie")
    response = client.post(reverse("accounts:login"), {"username": "marie", "password": "password"})
    assert (response.status_code, response["Location"]) == (302, "/meetings/")


def test_log_in_goes_on_to_the_page_that_was_asked(client):
    make_user("marie")
    page = "/meetings/add/?webinar=1"
    assert client.get(page)["Location"] == "/accounts/login/?next=/meetings/add/%3Fwebinar%3D1"
    response = client.post(
        reverse("accounts:login"), {"username": "marie", "password": "password", "next": page}
    )
    assert response["Location"] == page


def test_log_in_never_leads_elsewhere(client):
    make_user("marie")
    data = {"username": "marie", "password": "password", "next": "https://evil.example.org/"}
    assert client.post(reverse("accounts:login"), data)["Location"] == "/meetings/"


def test_log_in_with_a_wrong_password(client):
    make_user("marie")
    response = client.post(reverse("accounts:login"), {"username": "marie", "password": "wrong"})
    assert "data-error-summary" in response.content.decode()


def test_log_out(client):
    client.force_login(make_user())
    assert client.get(reverse("accounts:logout")).status_code == 405
    assert client.post(reverse("accounts:logout")).status_code == 302
    assert client.get("/meetings/").status_code == 302


@pytest.mark.parametrize(("language", "words"), [("fr", "Se connecter"), ("en", "Log in")])
def test_language_chosen_by_the_browser(client, language, words):
    page = client.get(reverse("accounts:login"), headers={"Accept-Language": language}).content.decode()
    assert f'<html lang="{language}"' in page
    assert words in page


def test_language_chosen_by_the_switch_stays(client):
    response = client.post(reverse("accounts:language"), {"language": "en", "next": "/accounts/login/"})
    assert response["Location"] == "/accounts/login/"
    page = client.get("/accounts/login/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="en"' in page
