"""What is said when a page can't be shown."""

import json

import pytest
from django.test import Client
from django.utils import translation

from amphi.pages.errors import failed
from amphi.system import request_ids
from tests.factories import make_meeting, make_user

WORDS = {
    "fr": {403: "Accès refusé", 404: "Cette page n’existe pas"},
    "en": {403: "Access denied", 404: "This page does not exist"},
}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("status", [403, 404])
def test_refusal_is_a_page_of_ours(db, client, language, status):
    client.force_login(make_user())
    meeting = make_meeting()
    path = meeting.get_absolute_url() if status == 403 else "/nothing/"
    response = client.get(path, headers={"Accept-Language": language})
    page = response.content.decode()
    assert response.status_code == status
    assert WORDS[language][status] in page
    assert '<main id="main"' in page


@pytest.mark.parametrize(("language", "words"), [("fr", "n’est plus valable"), ("en", "is no longer valid")])
def test_form_without_its_token_is_explained(db, language, words):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/accounts/login/", headers={"Accept-Language": language})
    assert response.status_code == 403
    assert words in response.content.decode()


@pytest.mark.parametrize(("language", "words"), [("fr", "Une erreur"), ("en", "An error occurred")])
def test_our_own_error_needs_no_database(rf, language, words):
    with translation.override(language), request_ids.using("5f" * 16):
        response = failed(rf.get("/"))
    assert response.status_code == 500
    assert words in response.content.decode()
    # By which the lines of the log are found.
    assert "5f" * 16 in response.content.decode()


@pytest.mark.parametrize(("language", "words"), [("fr", "Une erreur"), ("en", "An error occurred")])
def test_our_own_error_is_told_to_a_program_as_a_problem(rf, language, words):
    with translation.override(language):
        response = failed(rf.get("/api/v1/meetings"))
    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    said = json.loads(response.content)
    assert (said["status"], said["code"]) == (500, "error")
    assert words in said["title"]


@pytest.mark.parametrize("path", ["/accounts/login/", "/nothing/"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"a=1&" * 3_000, "application/x-www-form-urlencoded"),
        (b"[" * 20_000, "multipart/form-data; boundary=b"),
    ],
)
def test_form_that_cannot_be_read_is_refused_and_no_error_of_ours(db, path, body, kind):
    # With the cookie of a page, its token is looked for in the form.
    client = Client(enforce_csrf_checks=True)
    client.get("/accounts/login/")
    response = client.post(path, body, content_type=kind)
    assert response.status_code == 400
    assert "La requête est illisible" in response.content.decode()
