"""The demo with a webinar on the air: a real robot, real pictures, a crowd that takes part."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.demo.running import RunningDemo, start
from tests.demo.test_demo import wait_until_gone

ON_AIR_S = 180
TITLE = "Comprendre l’intelligence artificielle"


def eventually(demo: RunningDemo, holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + ON_AIR_S
    while not holds():
        log = (demo.var / "log" / "alive.log").read_text()
        assert time.monotonic() < deadline, f"{what}: {demo.said}\n{log}"
        time.sleep(0.5)


@pytest.mark.integration
def test_hall_is_alive_and_leaves_nothing(tmp_path: Path) -> None:
    # No second browser is kept ready: this hall has one robot.
    demo = start(tmp_path / "var", "--alive", AMPHI_GATEWAY_FPS="10", AMPHI_GATEWAY_WARM="0")
    try:
        demo.wait_until_said("On the air:", ON_AIR_S)
        found = re.search(r"On the air:\s+(\S+)", demo.said)
        assert found, demo.said
        address = found[1]

        def state() -> dict[str, object]:
            return dict(httpx.get(f"{address}state", timeout=60).json())

        assert state()["state"] == "live"
        eventually(demo, lambda: len(state()["messages"]) > 6, "nobody writes")  # type: ignore[arg-type]
        eventually(demo, lambda: bool(state()["voices"]["asked"]), "nobody asks")  # type: ignore[index]
        eventually(demo, lambda: bool(state()["voices"]["polls"]), "there is no poll")  # type: ignore[index]
        everything = demo.descendants()
        assert demo.stop() == 0
        assert wait_until_gone(everything, 1) == []

        again = start(demo.var, port=demo.port, AMPHI_GATEWAY_WARM="0")
        try:
            again.wait_until_ready()
            page = httpx.get(again.url, timeout=60).text
            assert "Conférence inaugurale" in page
            assert TITLE not in page
        finally:
            again.stop()
    finally:
        demo.stop()
