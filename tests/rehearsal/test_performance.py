"""What the robots say to each other."""

from amphi.rehearsal.performance import chat_lines
from amphi.sipmediagw import inert


def test_chat_reaches_a_meeting_unchanged_by_any_gateway():
    for line in chat_lines(1, "0f9e8d7c"):
        assert inert(line) == line
        assert "0f9e8d7c" in line
