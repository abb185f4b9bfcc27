"""Hundreds of slow connections of each kind at nginx, all the time, beside a small hall of the load test."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests import services
from tests.abuse import slow_clients
from tests.contract.edge import Edge, running

OF_EACH = 300
SECONDS = 90
PATIENCE_S = 60.0

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def edge(tmp_path_factory) -> Iterator[Edge]:
    with running(tmp_path_factory.mktemp("edge"), connections=8192) as one:
        yield one


def hall(edge: Edge) -> subprocess.Popen[str]:
    """A hundred listeners, of whom thirty watch."""
    command = [sys.executable, "-m", "amphi", "loadtest", f"{edge.url}/live/{edge.slug}/", "--json"]
    command += ["--listeners", "100", "--viewers", "30", "--seconds", str(SECONDS), "--messages", "3"]
    command += ["--ca", str(edge.certificate.file)]
    return subprocess.Popen(
        command,
        env=edge.environment,
        cwd=services.TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def figures(found: dict[str, object]) -> str:
    names = (
        "message_p50_ms",
        "message_p99_ms",
        "late_p99_ms",
        "stalled_percent",
        "lost",
        "doubled",
        "troubles",
    )
    return ", ".join(f"{name} {found[name]}" for name in names)


def test_slow_connections_are_cut_off_and_the_hall_is_untouched(edge):
    undisturbed = json.loads(hall(edge).communicate()[0])
    kinds = slow_clients.kinds(edge)
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            stack.callback(kind.close)
        unread = [stack.enter_context(slow_clients.listening_to(edge, number)) for number in range(OF_EACH)]
        process = hall(edge)
        began = time.monotonic()
        while process.poll() is None:
            for kind in kinds:
                kind.fill(OF_EACH)
                kind.drip()
            time.sleep(0.5)
        found = json.loads(process.communicate()[0])
        lasted_s = time.monotonic() - began
        print(f"\nslow clients at nginx, {OF_EACH} of each kind, for {lasted_s:.0f} s:")
        for kind in kinds:
            print(f"  {kind.name}: {kind.cut} cut off")
        print(f"  the hall: {figures(found)}\n  without them: {figures(undisturbed)}")
        assert found["failures"] == undisturbed["failures"] == []
        assert found["troubles"] == {}
        # Each kind is cut off in time: whoever wants to hold a connection has to make it anew.
        assert all(kind.cut >= OF_EACH for kind in kinds)
        assert unread
