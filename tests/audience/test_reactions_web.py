"""Reactions on real web processes: a thousand presses are a word a second."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.contrib.auth.models import AnonymousUser

from amphi.audience import domain
from amphi.audience.models import Event, StreamMessage
from tests import ports
from tests.audience import web_process
from tests.audience.hall import hall, told

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = web_process.PATIENCE_S


def total(event: Event) -> Counter[str]:
    """All that was told, as a page adds it."""
    return sum((Counter(said["sums"]) for said in told(event, "reactions")), Counter())


def test_presses_of_two_processes_are_summed_and_never_flood_the_stream(settings, tmp_path):
    settings.USE_MEETING_WEBINAR = True
    event = hall()
    tickets = [domain.ticket_for(event, AnonymousUser(), f"{number:016}") for number in range(100)]
    with (
        web_process.running(ports.reserve(), tmp_path) as one,
        web_process.running(ports.reserve(), tmp_path) as two,
        httpx.Client(timeout=PATIENCE_S, verify=False) as http,  # noqa: S501 -- plain HTTP
        ThreadPoolExecutor(8) as pool,
    ):

        def press(number: int) -> int:
            web = (one, two)[number % 2]
            where = f"{web.url}/live/{event.pk}/reactions?ticket={tickets[number]}"
            return http.post(where, content=b'{"clap":3,"heart":2}').status_code

        began = time.monotonic()
        assert set(pool.map(press, range(100))) == {204}
        deadline = time.monotonic() + PATIENCE_S
        while (sums := total(event)).total() < 500:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        seconds = time.monotonic() - began
        # Each process says its sum at most once a second, and nothing else was written.
        assert StreamMessage.objects.count() == len(told(event, "reactions")) <= 2 * (seconds + 1)
        assert sums == {"clap": 300, "heart": 200}
