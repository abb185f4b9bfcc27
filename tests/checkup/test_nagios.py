"""The findings as a plugin of Nagios or Icinga tells them."""

from types import SimpleNamespace

import pytest

from amphi.checkup import cli, nagios
from amphi.checkup.findings import Finding
from amphi.system.environment import InvalidSettingError

GOOD = Finding("OK", "database", "postgresql", "its tables are current.")
DOUBTFUL = Finding("WARN", "clock", "bbb.univ.fr", "3 s ahead.")
BAD = Finding("FAIL", "worker", "", "none has been heard of.\n Start one | two.")


@pytest.mark.parametrize(
    ("findings", "status", "text"),
    [
        (
            [GOOD, GOOD],
            0,
            "AMPHI OK - all answers | ok=2;;;0 warnings=0;0;;0 failures=0;;0;0 time=1.23s;;;0",
        ),
        (
            [GOOD, DOUBTFUL],
            1,
            (
                "AMPHI WARNING - WARN clock bbb.univ.fr: 3 s ahead. | ok=1;;;0 warnings=1;0;;0 failures=0;;0;0 time=1.23s;;;0\n"
                "WARN clock bbb.univ.fr: 3 s ahead."
            ),
        ),
        (
            [DOUBTFUL, BAD, GOOD],
            2,
            (
                "AMPHI CRITICAL - FAIL worker: none has been heard of. Start one / two. (+1)"
                " | ok=1;;;0 warnings=1;0;;0 failures=1;;0;0 time=1.23s;;;0\n"
                "FAIL worker: none has been heard of. Start one / two.\n"
                "WARN clock bbb.univ.fr: 3 s ahead."
            ),
        ),
    ],
)
def test_report(findings, status, text):
    assert nagios.report(findings, took_s=1.234) == (text, status)


@pytest.fixture
def command(monkeypatch):
    """The command with these findings, in this process."""
    timeouts: list[int] = []
    monkeypatch.setattr(nagios, "end_after", timeouts.append)

    def run(findings, *arguments, setup=lambda: None):
        monkeypatch.setattr(cli, "import_module", lambda _: SimpleNamespace(setup=setup))
        monkeypatch.setattr(cli, "look", lambda: findings)
        return cli.main(["--nagios", *arguments]), timeouts[-1]

    return run


def test_command_answers_as_a_plugin(command, capsys):
    assert command([GOOD]) == (0, 55)
    assert command([BAD], "--timeout", "9") == (2, 9)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first.startswith("AMPHI OK - all answers | ok=1;")
    assert second.startswith("AMPHI CRITICAL - FAIL worker: ")
    assert third == "FAIL worker: none has been heard of. Start one / two."


def test_wrong_setting_is_unknown(command, capsys):
    def setup():
        raise InvalidSettingError("AMPHI_URL", "must be an address")

    assert command([], setup=setup) == (3, 55)
    assert capsys.readouterr().out == "AMPHI UNKNOWN - AMPHI_URL: must be an address\n"
