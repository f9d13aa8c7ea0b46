"""The modules of the repository and what they import, read from their source."""

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("mtag_core", "pipelines")


@cache
def modules():
    """Dotted name to file of every module of the packages; a package is named like its folder."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def imports(path):
    """Every module or name that a file imports, wherever in it, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def module_graph():
    """Module to the modules of ours that it imports."""
    known = modules()

    def resolve(name):
        """The module that a dotted name is, or is in."""
        while name and name not in known:
            name = name.rpartition(".")[0]
        return name

    return {
        module: {resolve(name) for name in imports(path)} - {"", module}
        for module, path in known.items()
    }


def third_party(path):
    """The packages that are neither ours nor Python's."""
    ours = (*PACKAGES, "deploy", "benchmarks", "tests")
    names = {name.partition(".")[0] for name in imports(path)}
    return names - set(ours) - sys.stdlib_module_names


def unit(module):
    """What has a floor and owns packages: the module or package right below the top one.

    Training is a house of its own: there, right below `mtag_core.training`.
    """
    n_parts = 3 if module.startswith("mtag_core.training.") else 2
    return ".".join(module.split(".")[:n_parts])
