"""What is good enough, and how it is told."""

import json

import pytest

from amphi.rehearsal.measures import THRESHOLDS, Measures, Report, percentile

GOOD = {name: limit / 2 for name, limit in THRESHOLDS.items()}


def test_good_numbers_are_ok() -> None:
    report = Report(measures=Measures(**GOOD))
    report.judge()
    assert report.ok
    assert json.loads(report.as_json())["failures"] == []


@pytest.mark.parametrize("name", THRESHOLDS)
def test_each_number_beyond_its_threshold_fails(name: str) -> None:
    report = Report(measures=Measures(**{**GOOD, name: THRESHOLDS[name] * 1.01}))
    report.judge()
    assert not report.ok
    assert name in report.failures[0]


def test_sound_may_be_neither_late_nor_early() -> None:
    report = Report(measures=Measures(**{**GOOD, "av_offset_ms": -90}))
    report.judge()
    assert not report.ok


def test_missing_numbers_fail_but_for_what_only_our_gateway_tells() -> None:
    report = Report(measures=Measures(**{**GOOD, "gateway_cpu_cores": None}))
    report.judge()
    assert report.ok
    report = Report(measures=Measures(**{**GOOD, "av_offset_ms": None}))
    report.judge()
    assert report.failures == ["av_offset_ms could not be measured."]


def test_json_holds_every_key_of_the_contract() -> None:
    content = json.loads(Report().as_json())
    assert set(content) == {
        "click_to_live_s",
        "glass_to_glass_p50_s",
        "glass_to_glass_p95_s",
        "av_offset_ms",
        "chat_to_meeting_ms",
        "chat_to_listener_ms",
        "stop_to_offline_s",
        "meeting_end_to_offline_s",
        "gateway_cpu_cores",
        "frames_dropped_ratio",
        "ok",
        "failures",
        "thresholds",
    }


def test_table_names_what_failed() -> None:
    report = Report(measures=Measures(**{**GOOD, "stop_to_offline_s": 9}))
    report.judge()
    assert "✗ stop_to_offline_s" in report.as_table()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5), (0.95, 10), (0.1, 1), (1, 10)])
def test_percentile(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(10, 0, -1)], share) == expected
    assert percentile([], share) is None


def test_ordinary_hls_is_asked_for_less() -> None:
    report = Report(measures=Measures(**{**GOOD, "glass_to_glass_p50_s": 7.1}), low_latency=False)
    report.judge()
    assert report.ok
    assert json.loads(report.as_json())["thresholds"]["glass_to_glass_p50_s"] == 12
