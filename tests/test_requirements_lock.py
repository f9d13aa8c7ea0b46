"""requirements.lock fits pyproject.toml, and the workflow installs it."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
_EXTRAS = ("corpus", "dev", "s3", "gcs")
_LOCKED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def _locked():
    text = (ROOT / "requirements.lock").read_text()
    return [
        (canonicalize_name(name), version, rest) for name, version, rest in _LOCKED.findall(text)
    ]


def _wanted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [project["optional-dependencies"][extra] for extra in _EXTRAS]
    lines = sum(extras, project["dependencies"])
    return [Requirement(line) for line in lines if not line.startswith("mtag[")]


@pytest.mark.parametrize("wanted", _wanted(), ids=str)
def test_every_dependency_is_locked_to_a_version_that_it_allows(wanted):
    name = canonicalize_name(wanted.name)
    versions = [version for locked, version, _ in _locked() if locked == name]
    assert versions, "make lock"
    assert all(wanted.specifier.contains(version) for version in versions), "make lock"


@pytest.mark.parametrize("folder", ["deploy", "deploy/dataflow", "deploy/serve"])
def test_images_are_built_of_versions_that_are_in_the_lock_of_development(folder):
    text = (ROOT / folder / "requirements.lock").read_text()
    built = {(canonicalize_name(name), version) for name, version, _ in _LOCKED.findall(text)}
    assert built
    assert built - {(name, version) for name, version, _ in _locked()} == set()
    assert "--require-hashes -r requirements.lock" in (ROOT / folder / "Dockerfile").read_text()


def test_every_locked_version_has_hashes_and_no_address():
    assert [name for name, _, rest in _locked() if "--hash=sha256:" not in rest] == []
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_the_workflow_uses_the_lock_and_names_actions_by_commit():
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "pip install --require-hashes -r requirements.lock" in text
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []
