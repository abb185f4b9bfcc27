"""Hundreds of logins at once: pages are still read, the database keeps connections, and nobody gets an error of ours."""

import asyncio
import itertools

import httpx
import pytest
from django.db import connection

from amphi import settings as shipped
from tests import ports
from tests.audience import web_process

pytestmark = pytest.mark.django_db(transaction=True)
POSTS = 300
CUT_OFF = 0
CONNECTIONS = shipped.AMPHI_PAGES_AT_ONCE + 5
"""As docs/settings.md promises."""


async def token_of(http: httpx.AsyncClient) -> str:
    await http.get("/accounts/login/")
    return http.cookies["amphi_csrf"]


async def flood(url: str) -> tuple[list[int], list[bool]]:
    """The answers to the logins, and for each page read meanwhile whether logins still waited when it came."""
    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False) as logins,
        httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as reader,
    ):
        token = await token_of(logins)

        async def log_in(number: int) -> int:
            # From as many addresses: what keeps one guesser out must not be all that holds.
            try:
                answer = await logins.post(
                    "/accounts/login/",
                    data={"username": f"user{number}", "password": "wrong", "csrfmiddlewaretoken": token},
                    headers={"X-Forwarded-For": f"198.51.{number // 250}.{number % 250 + 1}"},
                )
            except httpx.TransportError:
                # This machine was too busy to send the request in the time that the server gives.
                return CUT_OFF
            if answer.status_code == 503:
                refused.set()
            return answer.status_code

        refused = asyncio.Event()
        asked = [asyncio.create_task(log_in(number)) for number in range(POSTS)]
        read = []
        # The first that is refused shows that more have come than there is room for.
        await asyncio.wait_for(refused.wait(), 120)
        for _ in range(5):
            answer = await reader.get("/")
            assert answer.status_code == 200
            read.append(not all(task.done() for task in asked))
        return await asyncio.gather(*asked), read


def connections_to_the_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_flood_of_logins_takes_nothing_from_those_who_read(tmp_path):
    with web_process.running(ports.reserve(), tmp_path) as web:
        answers, read_meanwhile = asyncio.run(flood(web.url))
        # Places keep their connections, so that afterwards there are as many as there ever were; one is this test's own.
        assert connections_to_the_database() <= CONNECTIONS + 1
        afterwards = httpx.get(f"{web.url}/", trust_env=False, timeout=60)
    kinds = {status: len(list(group)) for status, group in itertools.groupby(sorted(answers))}
    assert {200, 503} <= set(kinds) <= {200, 503, CUT_OFF}
    # At least the first: those who still wait for a place give up after some seconds.
    assert any(read_meanwhile)
    assert afterwards.status_code == 200
