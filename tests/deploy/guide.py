"""The commands of docs/deploy.md, as an operator pastes them."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
NEEDS_NETWORK = re.compile(r"^(?:apt-get|git|make) ", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One indented block of the page.

    Attributes:
        section: the heading above it.
        commands: what is pasted.
    """

    section: str
    commands: str

    @property
    def needs_network(self) -> bool:
        """Whether it fetches anything."""
        return bool(NEEDS_NETWORK.search(self.commands))

    @property
    def sets(self) -> set[str]:
        """The variables of the shell that it sets; within a file that it writes they are the file's."""
        outside = re.sub(r"<<EOF\n.*?^EOF$", "", self.commands, flags=re.DOTALL | re.MULTILINE)
        return set(re.findall(r"^([A-Z_]+)=", outside, re.MULTILINE))


def blocks(page: str) -> list[Block]:
    """The page's blocks, in order."""
    found: list[Block] = []
    section = ""
    lines: list[str] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("    "):
            lines.append(line[4:])
            continue
        if lines:
            found.append(Block(section, "\n".join(lines)))
            lines = []
        if line.startswith("#"):
            section = line.lstrip("# ")
    return found


def with_names(names: Block, values: dict[str, str]) -> Block:
    """The first block, in which an operator writes their own names."""
    assert {line.partition("=")[0] for line in names.commands.splitlines()} == set(values)
    return Block(names.section, "\n".join(f"{name}={value}" for name, value in values.items()))
