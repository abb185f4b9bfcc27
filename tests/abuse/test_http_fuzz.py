"""Made up requests at the origin and the gateway, without a socket. `make test-abuse` has half a million of them."""

import pytest

from tests.abuse.http_servers import SERVERS, broken

CONNECTIONS = 150


@pytest.mark.parametrize("name", SERVERS)
async def test_requests_are_answered_or_refused_and_break_nothing(name):
    server, requests = SERVERS[name]()
    with broken() as found:
        for seed in range(CONNECTIONS):
            await server.take(requests.connection(seed)[0])
    assert found == []
    # They came far enough to be answered in many ways, and never by an error of ours.
    assert "500" not in server.statuses
    assert {"400", "404", "405"} <= set(server.statuses)
    assert sum(server.statuses.values()) > CONNECTIONS
