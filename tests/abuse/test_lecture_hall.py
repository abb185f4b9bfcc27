"""Limits for one address leave room for a lecture hall of 500 honest people behind it. `make test-abuse` lets all 500 in."""

import pytest

from amphi import settings as shipped
from amphi.accounts import guesses
from amphi.audience import reactions, reception
from amphi.pages.live import voice_views
from tests.abuse.honest_hall import enter, log_in

PEOPLE = 500


@pytest.mark.parametrize(
    ("limit", "needed"),
    [
        # Two tabs each.
        pytest.param(shipped.AUDIENCE_STREAMS_PER_ADDRESS, 2 * PEOPLE, id="event streams"),
        # A player reports six times a minute.
        pytest.param(reception.REPORTS_PER_ADDRESS, 6 * PEOPLE, id="reports a minute"),
        pytest.param(reactions.PRESSES_PER_ADDRESS, PEOPLE, id="reactions a second"),
        # All of them within the minute of a poll, and some change their mind.
        pytest.param(voice_views.VISITORS_VOTES_PER_ADDRESS, 2 * PEOPLE, id="votes a minute"),
        # One in ten mistypes, within a quarter of an hour.
        pytest.param(guesses.LOGIN_BY_ADDRESS, PEOPLE // 10, id="wrong passwords of accounts"),
    ],
)
def test_limit_of_an_address_has_room_for_a_hall(limit, needed):
    assert limit >= needed


@pytest.mark.django_db
def test_those_who_know_their_password_are_let_in_beyond_the_number_of_wrong_ones():
    assert log_in(guesses.LOGIN_BY_ADDRESS + 5, mistyped_each=20) == guesses.LOGIN_BY_ADDRESS + 5
    assert enter(guesses.DOOR_BY_ADDRESS + 5) == guesses.DOOR_BY_ADDRESS + 5
