"""What packages export: complete, sorted, and there."""

import ast
import importlib

import pytest

from tests.source_tree import modules

PACKAGES = sorted(name for name, path in modules().items() if path.name == "__init__.py")
EXPORTING = [name for name in PACKAGES if hasattr(importlib.import_module(name), "__all__")]


_EXPORTS = (ast.Import, ast.ImportFrom, ast.If)
_NAMES = ("__all__", "__version__", "__getattr__")


def _defines(node):
    """The one name that a statement defines."""
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return getattr(node, "name", None)


def _body(package):
    return ast.parse(modules()[package].read_text(encoding="utf-8")).body


def _rank(name):
    """Constants, then classes, then the rest, as the linter sorts."""
    return (not name.isupper(), not name[0].isupper(), name)


def _imported(statements):
    """The names that top-level imports bind, those for the type checker included."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.If):
            yield from _imported(statement.body)


@pytest.mark.parametrize("package", EXPORTING)
def test_exports_are_sorted_and_there(package):
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__, key=_rank)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_imports_it_exports(package):
    exported = set(getattr(importlib.import_module(package), "__all__", ()))
    assert set(_imported(_body(package))) - {"TYPE_CHECKING"} == exported - {"__version__"}


# `pipelines` has to quiet Beam before any of its modules imports it.
@pytest.mark.parametrize("package", sorted(set(PACKAGES) - {"pipelines"}))
def test_packages_hold_nothing_but_exports_and_the_version(package):
    docstring, *rest = (n for n in _body(package) if not isinstance(n, _EXPORTS))
    assert isinstance(docstring, ast.Expr)
    assert {ast.unparse(node)[:40] for node in rest if _defines(node) not in _NAMES} == set()
