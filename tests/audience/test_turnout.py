"""How many listen, as everybody is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amphi.audience import turnout
from amphi.audience.models import Audience, Event
from amphi.audience.queries import AUDIENCE_FRESH, DatabaseLog
from tests.audience.hall import hall, told


@pytest.mark.parametrize(
    ("listeners", "about"),
    [
        (0, 0),
        (9, 0),
        (10, 10),
        (19, 10),
        (199, 190),
        (200, 200),
        (249, 200),
        (999, 950),
        (1234, 1200),
        (9999, 9900),
        (12_345, 12_000),
    ],
)
def test_what_is_told_of_so_many(listeners, about):
    assert turnout.rounded(listeners) == about


def about(event: Event) -> list[int]:
    return [one["about"] for one in told(event, "listeners")]


@pytest.mark.django_db
def test_number_of_all_processes_is_told_when_it_changes(settings):
    settings.USE_MEETING_WEBINAR = True
    event, other = hall(), hall()
    log = DatabaseLog(counted=turnout.tell)
    for process, viewers in (
        ("a", {event.pk: 8}),
        ("b", {event.pk: 8, other.pk: 3}),
        ("a", {event.pk: 9}),
        ("a", {event.pk: 12}),
    ):
        log.count(process, viewers)
    assert (about(event), about(other)) == ([10, 20], [])
    assert log.opening(event.pk, 9).snapshot["listeners"] == 20
    # A process that says nothing any more counts no longer; when nobody is left, nothing is told of them.
    Audience.objects.filter(process="a").update(
        seen_at=timezone.now() - AUDIENCE_FRESH - timedelta(seconds=1)
    )
    log.count("b", {event.pk: 11})
    log.count("b", {})
    assert about(event) == [10, 20, 10, 0]


@pytest.mark.django_db
def test_two_processes_that_see_a_change_tell_it_once(settings):
    settings.USE_MEETING_WEBINAR = True
    event = hall()
    for _process in range(2):
        turnout._publish(event.pk, 0, 50)
    assert about(event) == [50]
