"""How the guide and the units are read by the tests that follow it."""

import re

import pytest

from tests.deploy import guide
from tests.deploy.guide import Block
from tests.deploy.units import last, read_environment, read_unit


def test_blocks_have_their_heading_and_their_lines():
    page = "# A page\n\n    A=1\n    B=2\n\nWords, and `code`.\n\n## Install\n\n    apt-get install it\n    amphi migrate\n\n- a list\n"
    assert guide.blocks(page) == [
        Block("A page", "A=1\nB=2"),
        Block("Install", "apt-get install it\namphi migrate"),
    ]


def test_what_fetches_is_told_from_the_rest():
    block = Block("Upgrade", "git -C /opt/amphi pull\namphi migrate")
    assert block.needs_network
    assert not Block("Upgrade", "amphi migrate").needs_network


def test_variables_of_the_shell_are_told_from_those_of_a_file():
    assert Block("", "A=1\ncat >x <<EOF\nB=$A\nEOF\nC=2").sets == {"A", "C"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=b", {"A": "b"}),
        ("A=b # a comment that is part of the value", {"A": "b # a comment that is part of the value"}),
        ("# A=b", {}),
        ("; A=b", {}),
        ("  A = b  ", {"A": "b"}),
        ('A="b c"', {"A": "b c"}),
        ("A='b'", {"A": "b"}),
        ("A=$B", {"A": "$B"}),
        ("A=b=c", {"A": "b=c"}),
    ],
)
def test_environment_file_is_read_as_systemd_reads_it(line, expected):
    assert read_environment(line) == expected


def test_unit_and_its_drop_in(tmp_path):
    unit, drop_in = tmp_path / "a.service", tmp_path / "a.conf"
    unit.write_text("# words\n[Service]\nExecStart=/bin/a \\\n  b\nEnvironment=A=1\nEnvironment=B=2\n")
    drop_in.write_text("[Service]\nLimitNOFILE=5\n")
    directives = read_unit(unit, drop_in)
    assert last(directives, "ExecStart").split() == ["/bin/a", "b"]
    assert directives["Environment"] == ["A=1", "B=2"]
    assert last(directives, "LimitNOFILE") == "5"
    assert last(directives, "User", "root") == "root"


def test_no_comment_stands_behind_a_value():
    for block in guide.blocks(guide.PAGE.read_text()):
        assert not re.search(r"^AMPHI_\w+=.*[ \t]#", block.commands, re.MULTILINE)
