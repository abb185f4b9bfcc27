"""A lecture hall of 500 behind one address is let in."""

import pytest

from tests.abuse.honest_hall import enter, log_in
from tests.abuse.test_lecture_hall import PEOPLE

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_five_hundred_log_in_and_enter():
    inside = log_in(PEOPLE, mistyped_each=10), enter(PEOPLE)
    print(
        f"\none address: {inside[0]} of {PEOPLE} logged in, one in ten after an error; {inside[1]} entered by the event's password"
    )
    assert inside == (PEOPLE, PEOPLE)
