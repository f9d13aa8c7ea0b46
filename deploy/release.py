"""Checks that this tree can be released: `python -m deploy.release`.

The version is that of the newest heading of CHANGELOG.md. A wheel is built of a copy of the tree,
installed into a virtual environment of its own, and called from another folder: `mtag --version`,
and `mtag tag` on a sentence. Needs a package index or `--offline`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_HEADING = re.compile(r"^## \[(\d[^\]]*)\]", re.MULTILINE)
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
_NEEDED = (
    "mtag_core/py.typed",
    "mtag_core/wikipedia/template_names.txt",
    "pipelines/py.typed",
    "mtag_core/bundles/default/bundle.json",
    "mtag_core/bundles/default/tagger.onnx",
    "mtag_core/bundles/default/heads.onnx",
)
_NOT_SHIPPED = ("tests/", "benchmarks/", "deploy/")
# What builds left among it: a build would ship it again, and writes into the tree.
_NOT_COPIED = (".*", "build", "dist", "out", "*.egg-info", "__pycache__")
_SENTENCE = "Die Katze schläft."
_TAGS = ["DET", "NOUN", "VERB", "PUNCT"]


class ReleaseError(Exception):
    """The tree cannot be released; the message says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs all checks."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    parser.add_argument(
        "--offline",
        action="store_true",
        help="build with this Python's setuptools and use its packages, in place of an index's",
    )
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="mtag-release-") as folder:
            print(_check(_ROOT, Path(folder), is_offline=args.offline))
        return 0
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1


def _check(root: Path, folder: Path, *, is_offline: bool) -> str:
    version = check_version(root)
    _copy_tree(root, folder / "tree")
    wheel = _build(folder / "tree", folder / "wheel", is_offline=is_offline)
    check_content(wheel, version)
    _check_installed(_install(wheel, folder / "venv", is_offline=is_offline), folder, version)
    return f"{wheel.name}: {wheel.stat().st_size:,} bytes; built, installed and run"


def check_version(root: Path) -> str:
    """Returns the version that code and changelog agree on.

    Raises:
        ReleaseError: They do not.
    """
    code = _VERSION.search((root / "mtag_core/__init__.py").read_text(encoding="utf-8"))
    log = _HEADING.search((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    if code is None or log is None:
        raise ReleaseError("no __version__ in mtag_core/__init__.py, or no heading in CHANGELOG.md")
    if code[1] != log[1]:
        raise ReleaseError(f"mtag_core has version {code[1]}, CHANGELOG.md begins with {log[1]}")
    return code[1]


def check_content(wheel: Path, version: str) -> None:
    """Checks a wheel's name and what is in it.

    Raises:
        ReleaseError: It has another version, lacks a file, or holds one that is not shipped.
    """
    if not wheel.name.startswith(f"mtag-{version}-"):
        raise ReleaseError(f"{wheel.name}: expected version {version}")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    missing = [name for name in _NEEDED if name not in names]
    surplus = [name for name in names if name.startswith(_NOT_SHIPPED)]
    if missing or surplus:
        raise ReleaseError(f"{wheel.name}: lacks {missing}, and should not hold {surplus[:3]}")


def _copy_tree(root: Path, target: Path) -> None:
    shutil.copytree(root, target, ignore=shutil.ignore_patterns(*_NOT_COPIED))


def _build(tree: Path, target: Path, *, is_offline: bool) -> Path:
    flags = ["--no-deps", "--wheel-dir", str(target)]
    flags += ["--no-build-isolation"] if is_offline else []
    _call([sys.executable, "-m", "pip", "wheel", "--quiet", *flags, str(tree)], tree)
    return next(target.glob("*.whl"))


def _install(wheel: Path, target: Path, *, is_offline: bool) -> Path:
    venv.create(target, with_pip=not is_offline)
    programs = target / "bin"
    python = str(programs / "python")
    if not is_offline:
        _call([python, "-m", "pip", "install", "--quiet", str(wheel)], target)
        return programs
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    _call([*pip, str(wheel)], target)
    site = _call([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], target)
    lent = (path for path in sys.path if Path(path).name == "site-packages")
    (Path(site.strip()) / "lent.pth").write_text("\n".join(lent), encoding="utf-8")
    return programs


def _check_installed(programs: Path, folder: Path, version: str) -> None:
    place = "import mtag_core; print(mtag_core.__file__)"
    found = _call([str(programs / "python"), "-c", place], folder).strip()
    if not Path(found).is_relative_to(programs.parent):
        raise ReleaseError(f"mtag_core came from {found}, expected it in {programs.parent}")
    mtag = str(programs / "mtag")
    shown = _call([mtag, "--version"], folder).strip()
    if shown != f"mtag {version}":
        raise ReleaseError(f"mtag --version printed {shown!r}, expected 'mtag {version}'")
    printed = _call([mtag, "tag", "--format", "conllu", _SENTENCE], folder)
    rows = [line.split("\t") for line in printed.split("\n") if line[:1].isdigit()]
    if [row[3] for row in rows] != _TAGS:
        raise ReleaseError(f"mtag tag printed {printed!r}, expected the tags {_TAGS}")


def _call(command: Sequence[str], folder: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(
            f"{' '.join(command)} ended with {done.returncode} and this:\n{done.stderr.rstrip()}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
