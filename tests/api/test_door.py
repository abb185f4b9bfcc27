"""Tokens, their rate, and requests that are sent twice."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from amphi.accounts import repeats, tokens
from amphi.accounts.models import ApiAnswer, ApiToken
from amphi.meetings.models import Meeting
from amphi.worker import tidying
from tests.api.conftest import bearer, caller
from tests.factories import in_hours, make_gateway, make_meeting, make_user

pytestmark = pytest.mark.django_db


def new_meeting(**fields):
    return {"name": "Cours", "start_at": in_hours(3).isoformat(), "duration_minutes": 60} | fields


def test_token_is_kept_as_a_digest_and_opens_until_it_expires_or_is_revoked():
    user = make_user()
    token, text = tokens.make(user, name=" Emploi du temps ", scopes=["meetings:read"], days=7)
    assert text.startswith("amphi_")
    assert text not in str(ApiToken.objects.values())
    assert token.name == "Emploi du temps"
    call = caller(f"Bearer {text}")
    assert call("get", "/me").json()["scopes"] == ["meetings:read"]
    token.refresh_from_db()
    assert token.last_used_at is not None
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert call("get", "/me").status_code == 401
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    tokens.revoke(make_user(), token.pk)
    assert call("get", "/me").status_code == 200
    tokens.revoke(user, token.pk)
    refused = call("get", "/me")
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")
    assert refused["WWW-Authenticate"] == 'Bearer realm="amphi"'


@pytest.mark.parametrize(
    "header", ["", "Basic YTpi", "Bearer", "Bearer x", "Bearer amphi_\u00e9", "Bearer " + "x" * 5000]
)
def test_what_is_no_token_opens_nothing(header):
    assert caller(header)("get", "/me").status_code == 401


def test_token_of_a_closed_account_opens_nothing():
    user = make_user()
    call = caller(bearer(user))
    user.is_active = False
    user.save()
    assert call("get", "/me").status_code == 401


def test_session_opens_nothing():
    client = Client()
    client.force_login(make_user(is_superuser=True))
    assert client.get("/api/v1/me").status_code == 401
    assert client.post("/api/v1/meetings", new_meeting(), content_type="application/json").status_code == 401


def test_token_has_a_rate(settings):
    settings.AMPHI_API_PER_MINUTE = 2
    user = make_user()
    call, other = caller(bearer(user)), caller(bearer(user))
    assert [call("get", "/me").status_code for _ in range(3)] == [200, 200, 429]
    refused = call("get", "/me", Accept_Language="fr")
    assert 0 < int(refused["Retry-After"]) <= 61
    assert refused.json()["title"] == "Trop de requêtes"
    assert other("get", "/me").status_code == 200
    ApiToken.objects.update(counted_since=timezone.now() - timedelta(seconds=61))
    assert call("get", "/me").status_code == 200


def test_tokens_of_one_account_are_bounded(monkeypatch):
    monkeypatch.setattr(tokens, "MOST_OF_ONE", 1)
    user = make_user()
    bearer(user)
    with pytest.raises(tokens.TokenError):
        bearer(user)
    bearer(make_user())


@pytest.mark.parametrize(
    "wrong", [{"name": " \u200b"}, {"scopes": []}, {"scopes": ["admin:read"]}, {"scopes": ["x"]}, {"days": 8}]
)
def test_token_that_can_not_be_is_not_made(wrong):
    with pytest.raises(tokens.TokenError):
        tokens.make(make_user(), **{"name": "a", "scopes": ["meetings:read"], "days": 7} | wrong)


# --- Idempotency-Key


def test_request_sent_twice_is_carried_out_once_and_answered_the_same():
    call = caller(bearer(make_user()))
    given = new_meeting()
    first, again = (call("post", "/meetings", given, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert Meeting.objects.count() == 1


def test_key_of_another_request_is_refused_and_keys_belong_to_a_token():
    user = make_user()
    call, other = caller(bearer(user)), caller(bearer(user))
    given = new_meeting()
    assert call("post", "/meetings", given, Idempotency_Key="k").status_code == 201
    refused = call("post", "/meetings", given | {"name": "Autre"}, Idempotency_Key="k")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_used")
    assert other("post", "/meetings", given, Idempotency_Key="k").status_code == 201


def test_request_under_way_is_not_begun_again_until_it_is_given_up():
    user = make_user()
    _token, text = tokens.make(user, name="a", scopes=["meetings:write"], days=7)
    call = caller(f"Bearer {text}")
    given = new_meeting()
    assert call("post", "/meetings", given, Idempotency_Key="k").status_code == 201
    ApiAnswer.objects.update(status=None)
    assert call("post", "/meetings", given, Idempotency_Key="k").status_code == 409
    ApiAnswer.objects.update(at=timezone.now() - repeats.GIVEN_UP_AFTER - timedelta(seconds=1))
    assert call("post", "/meetings", given, Idempotency_Key="k").status_code == 201
    assert Meeting.objects.count() == 2


def test_failure_of_the_meeting_server_is_tried_again(settings):
    settings.BBB_API_URL, settings.BBB_SECRET_KEY = "http://127.0.0.1:9/bigbluebutton", "secret"
    user = make_user()
    call = caller(bearer(user))
    slug = make_meeting(user).slug
    assert call("post", f"/meetings/{slug}/start", Idempotency_Key="k").status_code == 502
    assert not ApiAnswer.objects.exists()


def test_answers_are_kept_for_a_day_and_not_more_than_so_many(monkeypatch):
    monkeypatch.setattr(repeats, "MOST_OF_A_TOKEN", 2)
    call = caller(bearer(make_user()))
    for number in range(4):
        call("post", "/meetings", new_meeting(), Idempotency_Key=f"k{number}")
    assert set(ApiAnswer.objects.values_list("key", flat=True)) == {"k2", "k3"}
    ApiAnswer.objects.update(at=timezone.now() - timedelta(days=2))
    ApiToken.objects.update(expires_at=timezone.now())
    tidying.tidy()
    assert not ApiAnswer.objects.exists()
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_key_that_can_not_be_is_refused(key):
    assert (
        caller(bearer(make_user()))("post", "/meetings", new_meeting(), Idempotency_Key=key).status_code
        == 400
    )


# --- errors


def test_errors_are_in_the_reader_s_language_and_say_where():
    call = caller(bearer(make_user()))
    given = {"name": "x" * 300, "duration_minutes": 0, "start_at": "2026-01-31T14:00:00", "colour": "red"}
    answer = call("post", "/meetings", given, Accept_Language="fr")
    assert answer.status_code == 422
    said = {error["pointer"]: error["detail"] for error in answer.json()["errors"]}
    assert said == {
        "/name": "250 caractères au plus.",
        "/duration_minutes": "Cette valeur est hors limites.",
        "/start_at": "L’heure doit indiquer son décalage par rapport à UTC, comme 2026-01-31T14:00:00+01:00.",
        "/colour": "Ce champ n’existe pas.",
    }
    assert call("get", "/meetings/x", Accept_Language="en").json() == {
        "type": "about:blank",
        "title": "There is nothing here",
        "status": 404,
        "code": "not_found",
        "detail": "There is nothing here",
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("put", "/meetings", 405), ("get", "/nothing", 404), ("post", "/meetings", 422)],
)
def test_what_is_not_there_is_a_problem_too(method, path, status):
    answer = caller(bearer(make_user()))(method, path, {})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


def test_body_that_is_no_json_is_a_problem():
    make_gateway()
    client = Client()
    headers = {"Authorization": bearer(make_user())}
    answer = client.post("/api/v1/webinars", "{", content_type="application/json", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
