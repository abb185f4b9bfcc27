"""The whole chain: a demo, a presenter, a listener, real picture and sound."""

from pathlib import Path

from tests.demo.running import running
from tests.e2e.rehearsing import finish, start, what_is_not_a_timing


def test_a_webinar_from_start_to_end(tmp_path: Path) -> None:
    with running(tmp_path / "var") as demo:
        report, told, status = finish(start(demo))
        logs = demo.logs()
    assert what_is_not_a_timing(report) == [], f"{report}\n{told}\n{logs}"
    assert status == (0 if report["ok"] else 1)
    assert 0 < report["click_to_live_s"] < 60
    assert 0 < report["glass_to_glass_p50_s"] <= report["glass_to_glass_p95_s"] < 60
    assert abs(report["av_offset_ms"]) < 400
    assert 0 <= report["chat_to_meeting_ms"] < 20_000
    assert 0 <= report["chat_to_listener_ms"] < 20_000
    assert 0 <= report["stop_to_offline_s"] < 20
    assert 0 <= report["meeting_end_to_offline_s"] < 20
    assert 0 < report["gateway_cpu_cores"] < 2
    assert 0 <= report["frames_dropped_ratio"] < 0.5
