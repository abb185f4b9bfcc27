"""Guessing passwords: counted before they are looked at, by account and by address, in a place that no flood empties."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amphi.accounts import guesses
from amphi.accounts.models import WrongGuesses
from tests.factories import make_user, make_webinar
from tests.live.test_password import give

LOGIN = "/accounts/login/"
ADMIN = "/admin/login/"
FEW = 3


@pytest.fixture(autouse=True)
def small(db, monkeypatch):
    monkeypatch.setattr(guesses, "LOGIN_BY_ACCOUNT_AND_ADDRESS", FEW)
    monkeypatch.setattr(guesses, "LOGIN_BY_ADDRESS", 2 * FEW)
    monkeypatch.setattr(guesses, "LOGIN_BY_ACCOUNT", 3 * FEW)


def log_in(client: Client, username: str, password: str, *, address: str = "192.0.2.1", url: str = LOGIN):
    return client.post(
        url,
        {"username": username, "password": password},
        REMOTE_ADDR=address,
        headers={"Accept-Language": "fr"},
    )


def is_in(response) -> bool:
    return response.status_code == 302


@pytest.mark.parametrize("url", [LOGIN, ADMIN])
def test_guesses_at_one_account_from_one_address_end(client, url):
    make_user("root", is_staff=True, is_superuser=True)
    for _ in range(FEW):
        log_in(client, "root", "wrong", url=url)
    page = log_in(client, "ROOT", "wrong", url=url)
    assert "Trop de mots de passe erronés" in page.content.decode()
    assert not is_in(log_in(client, "root", "password", url=url))
    assert is_in(log_in(client, "root", "password", url=url, address="192.0.2.2"))


def test_refused_guess_is_not_hashed(client, monkeypatch):
    make_user("root")
    for _ in range(FEW):
        log_in(client, "root", "wrong")

    def never(*_args, **_kwargs):
        raise AssertionError("a password was hashed")

    monkeypatch.setattr("django.contrib.auth.hashers.check_password", never)
    monkeypatch.setattr("django.contrib.auth.base_user.check_password", never)
    assert not is_in(log_in(client, "root", "password"))


@pytest.mark.parametrize(
    "addresses",
    [
        ["192.0.2.1"],
        [f"2001:db8:1:2::{number:x}" for number in range(1, 20)],
        ["192.0.2.1", "::ffff:192.0.2.1"],
    ],
)
def test_guesses_at_many_accounts_from_one_address_end(client, addresses):
    make_user("late")
    for number in range(2 * FEW):
        log_in(client, f"user{number}", "wrong", address=addresses[number % len(addresses)])
    assert not is_in(log_in(client, "late", "password", address=addresses[-1]))
    assert is_in(log_in(client, "late", "password", address="2001:db8:1:3::1"))


def test_guesses_at_one_account_from_everywhere_end_but_not_for_who_logged_in_before(client):
    make_user("root")
    known = Client()
    assert is_in(log_in(known, "root", "password", address="198.51.100.1"))
    known.post("/accounts/logout/")
    for number in range(3 * FEW):
        log_in(client, "root", "wrong", address=f"203.0.113.{number}")
    assert not is_in(log_in(client, "root", "password", address="203.0.113.200"))
    assert is_in(log_in(known, "root", "password", address="198.51.100.2"))


def test_cookie_of_one_account_is_none_for_another(client):
    make_user("root")
    make_user("other")
    assert is_in(log_in(client, "other", "password"))
    client.post("/accounts/logout/")
    for number in range(3 * FEW):
        log_in(client, "root", "wrong", address=f"203.0.113.{number}")
    assert not is_in(log_in(client, "root", "password", address="203.0.113.200"))


def test_right_password_is_not_counted(client):
    make_user("root")
    for _ in range(3 * FEW):
        assert is_in(log_in(client, "root", "password"))
        client.post("/accounts/logout/")


def test_flood_of_the_cache_forgets_nothing(client):
    make_user("root")
    for _ in range(FEW):
        log_in(client, "root", "wrong")
    for number in range(1000):
        cache.set(f"flood-{number}", number)
    cache.clear()
    assert not is_in(log_in(client, "root", "password"))


def test_count_ends_with_its_window(client):
    make_user("root")
    for _ in range(FEW):
        log_in(client, "root", "wrong")
    WrongGuesses.objects.update(since=timezone.now() - guesses.LOGIN_WINDOW - timedelta(seconds=1))
    assert is_in(log_in(client, "root", "password"))


def test_names_are_not_kept(client):
    log_in(client, "MyPasswordTypedAsAName", "x")
    assert not any("MyPassword" in key for key in WrongGuesses.objects.values_list("key", flat=True))


def test_doors_count_in_the_same_place(client, monkeypatch, settings):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(guesses, "DOOR_BY_ADDRESS", FEW)
    event = make_webinar(password="sésame").event
    for _ in range(FEW):
        give(client, event, "autre")
    cache.clear()
    assert "Trop de mots de passe" in give(client, event, "sésame").content.decode()


def at_door(event, password: str, address: str) -> bool:
    answer = Client().post(
        reverse("live:door", args=[event.slug]), {"password": password}, REMOTE_ADDR=address
    )
    return answer.status_code == 302


@pytest.fixture
def event(settings, monkeypatch):
    settings.USE_MEETING_WEBINAR = True
    monkeypatch.setattr(guesses, "DOOR_BY_ALL", 2 * FEW)
    return make_webinar(password="sésame").event


def test_many_addresses_together_guess_only_so_often_at_a_door(event):
    for number in range(2 * FEW):
        assert not at_door(event, "autre", f"203.0.113.{number}")
    assert not at_door(event, "sésame", "203.0.113.200"), "of those who come first, so many were wrong"
    assert at_door(make_webinar(password="sésame", start_at=event.end_at).event, "sésame", "203.0.113.200")
    WrongGuesses.objects.update(since=timezone.now() - guesses.DOOR_WINDOW)
    assert at_door(event, "sésame", "203.0.113.200")


def test_few_addresses_that_guess_on_shut_nobody_else_out(event):
    """Each is new once, and draws on what those who guessed wrong have together ever after."""
    guessers = [f"203.0.113.{number}" for number in range(FEW)]
    for _ in range(FEW):
        for address in guessers:
            at_door(event, "autre", address)
    assert not at_door(event, "sésame", guessers[0]), "these have had theirs"
    for number in range(FEW):
        assert at_door(event, "sésame", f"198.51.100.{number}"), "what is right is not counted"
    assert not at_door(event, "autre", "198.51.100.0")
    assert at_door(event, "sésame", "198.51.100.77")


def test_guesser_is_new_again_after_an_hour(event):
    for number in range(2 * FEW + 2):
        at_door(event, "autre", "203.0.113.1" if number else "203.0.113.2")
    assert not at_door(event, "sésame", "203.0.113.1")
    WrongGuesses.objects.filter(number=1).update(since=timezone.now() - guesses.NEW_AFTER)
    assert at_door(event, "sésame", "203.0.113.2")


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_not_more_than_allowed():
    if connection.vendor == "sqlite":
        return
    limit = guesses.Limit(("test",), 5, timedelta(minutes=1))

    def guess(_: int) -> bool:
        try:
            guesses.count([limit])
        except guesses.TooManyGuessesError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(guess, range(40))) == 5
