"""Servers on real sockets for the client."""

import pytest

from tests.wire import Script, WireServer


@pytest.fixture
def serve():
    """Start a server that answers as a script says."""
    servers: list[WireServer] = []

    def start(script: Script, context=None) -> WireServer:
        servers.append(WireServer(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
