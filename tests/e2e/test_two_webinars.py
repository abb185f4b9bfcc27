"""Two webinars at once, on the two live gateways of the demo."""

from pathlib import Path

from tests.demo.running import running
from tests.e2e.rehearsing import finish, start, what_is_not_a_timing


def test_each_listener_sees_and_reads_their_own(tmp_path: Path) -> None:
    with running(tmp_path / "var") as demo:
        rehearsals = [start(demo), start(demo)]
        reports = [finish(rehearsal) for rehearsal in rehearsals]
        logs = demo.logs()
    for report, told, _ in reports:
        # Each rehearsal fails by itself when its listener is shown another's clock, or not told what its presenter wrote.
        assert what_is_not_a_timing(report) == [], f"{report}\n{told}\n{logs}"
        assert report["glass_to_glass_p50_s"] is not None
