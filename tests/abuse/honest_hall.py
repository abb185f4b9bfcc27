"""Honest people behind one address, as in a lecture hall whose network has one: they come all at once, and some mistype."""

from django.test import RequestFactory

from amphi.accounts import guesses

ADDRESS = "192.0.2.1"


def _request():
    return RequestFactory().post("/", REMOTE_ADDR=ADDRESS)


def log_in(people: int, *, mistyped_each: int) -> int:
    """How many log in, of whom one in so many first mistypes."""
    inside = 0
    for number in range(people):
        if number % mistyped_each == 0:
            guesses.count_login(_request(), f"student{number}")
        counted = guesses.count_login(_request(), f"student{number}")
        guesses.take_back(counted)
        inside += 1
    return inside


def enter(people: int) -> int:
    """How many enter by the password of an event."""
    return sum(
        guesses.check_at_door(_request(), "event-1", " Kepler ", "Kepler") == "Kepler" for _ in range(people)
    )
