"""Who may import whom: `make lint` holds the layers of pyproject.toml; here is held that they are meant, and that each would be noticed."""

import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import grimp
import pytest

TOP = Path(__file__).parents[1]


def _packages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packages", TOP / "docs" / "packages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


packages = _packages()
LAYERS: list[list[str]] = packages.layers()
UPWARD = [
    (lower, higher)
    for above, below in itertools.combinations(LAYERS, 2)
    for lower in below
    for higher in above
]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("amphi")


def illegal(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    layers = [grimp.Layer(*layer, independent=False) for layer in LAYERS]
    found = graph.find_illegal_dependencies_for_layers(layers)
    return {(one.importer, one.imported) for one in found}


def test_nothing_points_up(graph):
    assert illegal(graph) == set()


@pytest.mark.parametrize(("lower", "higher"), UPWARD)
def test_import_that_points_up_is_noticed(graph, lower, higher):
    graph.add_import(importer=lower, imported=higher)
    try:
        assert (lower, higher) in illegal(graph)
    finally:
        graph.remove_import(importer=lower, imported=higher)


def test_every_package_has_its_place():
    """A new package is put into a layer, or named here as one that stands alone."""
    here = {f"amphi.{one.parent.name}" for one in (TOP / "src" / "amphi").glob("*/__init__.py")}
    assert here == {package for layer in LAYERS for package in layer} | set(packages.SERVICES)


def test_picture_of_the_packages_is_of_this_code():
    page = packages.PAGE.read_text()
    assert packages.page_with(packages.picture(), page) == page
