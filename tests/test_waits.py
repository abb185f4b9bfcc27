"""What tests wait for in a page is a function.

A text is evaluated anew at each look. The pages' policy forbids that, but not at the first look, so that a
wait for a text passes as long as what it waits for is already there, and fails by chance.
"""

import ast
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
WAIT = "wait_for_function"
SOURCES = [
    path
    for folder in ("bench", "src", "tests")
    for path in (TOP / folder).rglob("*.py")
    if WAIT in path.read_text()
]


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What a module's names stand for, those that it imports from our own modules included."""
    found = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            file = TOP / f"{node.module.replace('.', '/')}.py"
            there = _constants(ast.parse(file.read_text())) if file.exists() else {}
            found |= {one.asname or one.name: there[one.name] for one in node.names if one.name in there}
    return found


def _texts(tree: ast.Module) -> list[str]:
    """What is waited for in the module that is not a function; a name stands for the module's constant."""
    constants = _constants(tree)
    waits = (
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == WAIT
    )
    said = [ast.unparse(constants[one.id] if isinstance(one, ast.Name) else one) for one in waits]
    return [one for one in said if "=>" not in one]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(TOP)))
def test_waits_are_for_functions(path: Path):
    assert _texts(ast.parse(path.read_text())) == []


@pytest.mark.parametrize(
    "source", ["page.wait_for_function('pongs > 0')", "PONGS = 'pongs > 0'\npage.wait_for_function(PONGS)"]
)
def test_text_is_found(source: str):
    assert _texts(ast.parse(source)) == ["'pongs > 0'"]
