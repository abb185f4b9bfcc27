"""The whole chain: a demo, a presenter, a listener, real picture and sound."""

from pathlib import Path

from tests.demo.running import running
from tests.e2e.rehearsing import check, finish, start


def test_a_webinar_from_start_to_end(tmp_path: Path) -> None:
    with running(tmp_path / "var") as demo:
        report, told, status = finish(start(demo))
        logs = demo.logs()
    check(report, status, f"{told}\n{logs}")
    assert 0 < report["gateway_cpu_cores"] < 2
    assert 0 <= report["frames_dropped_ratio"] < 0.5
