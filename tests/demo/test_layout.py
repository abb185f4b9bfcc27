"""Where the demo's parts are."""

from pathlib import Path

import pytest

from amphi.demo.cli import parse
from amphi.system.terminal import language


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "RTMP_PORT", "URL"):
        monkeypatch.delenv(f"AMPHI_DEMO_{name}", raising=False)


def test_default_ports() -> None:
    layout = parse([])
    assert [port for _, _, port in layout.listening()] == [8000, 8001, 8002, 8003, 1935]
    assert layout.url == "http://127.0.0.1:8000"
    assert layout.hls_url("salle-1") == "http://127.0.0.1:8003/hls/salle-1.m3u8"
    assert layout.rtmp_url("salle-1", "k") == "rtmp://127.0.0.1:1935/live/salle-1?key=k"


def test_nothing_is_on_the_air_unless_asked_for() -> None:
    assert not parse([]).alive
    assert parse(["--alive"]).alive


def test_moved_ports_move_everything() -> None:
    layout = parse(["--port", "9000"])
    assert [port for _, _, port in layout.listening()] == [9000, 9001, 9002, 9003, 9004]
    assert layout.url == "http://127.0.0.1:9000"


def test_environment_moves_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMPHI_DEMO_PORT", "9100")
    monkeypatch.setenv("AMPHI_DEMO_RTMP_PORT", "1936")
    monkeypatch.setenv("AMPHI_VAR", "/tmp/elsewhere")  # noqa: S108 -- a name, nothing is written
    layout = parse([])
    assert [port for _, _, port in layout.listening()] == [9100, 9101, 9102, 9103, 1936]
    assert layout.var == Path("/tmp/elsewhere")  # noqa: S108


def test_other_machines_need_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--host", "0.0.0.0"])
    assert "--url" in capsys.readouterr().err
    layout = parse(["--host", "0.0.0.0", "--url", "http://amphi.example.org:8000/"])
    assert layout.url == "http://amphi.example.org:8000"
    assert layout.classroom == "http://amphi.example.org:8001"
    assert layout.web == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "65533"], ["--port", "x"], ["--url", "nowhere"]]
)
def test_what_cannot_be_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "fr_BE.UTF-8"}, "fr"),
    ],
)
def test_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
