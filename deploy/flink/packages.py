"""Fetches Flink and the Beam job server from PyPI and Maven into a cache outside the tree.

The cache is `$MTAG_CACHE`, else `$XDG_CACHE_HOME/mtag`, else `~/.cache/mtag`. Its folders appear
under their final names only when complete, so a broken download is simply done again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

FLINK_VERSION = "1.19.3"
POM = Path(__file__).parent / "job_server" / "pom.xml"
_TIMEOUT_S = 540


class FetchError(RuntimeError):
    """A package cannot be had."""


def cache_dir() -> Path:
    """The folder that downloads are kept in."""
    if "MTAG_CACHE" in os.environ:
        return Path(os.environ["MTAG_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mtag"


def fetch_flink() -> Path:
    """Returns a Flink distribution, out of the two PyPI packages that carry it."""
    return _cached(f"flink-{FLINK_VERSION}", _unpack_flink)


def fetch_job_server() -> Path:
    """Returns the folder of the job server's jars."""
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return _cached(f"job-server-{digest}", _copy_jars)


def _cached(name: str, make: Callable[[Path], None]) -> Path:
    folder = cache_dir() / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as temporary:
        target = Path(temporary) / name
        target.mkdir()
        make(target)
        if not folder.is_dir():
            target.rename(folder)
    return folder


def _unpack_flink(target: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", temporary)
        wheel_for_311 = ("--only-binary=:all:", "--python-version=3.11")
        _run([*pip, *wheel_for_311, f"apache-flink=={FLINK_VERSION}"])
        _run([*pip, "--no-binary=:all:", f"apache-flink-libraries=={FLINK_VERSION}"])
        with zipfile.ZipFile(next(Path(temporary).glob("*.whl"))) as wheel:
            wheel.extractall(temporary, [n for n in wheel.namelist() if _is_wanted(n)])
        with tarfile.open(next(Path(temporary).glob("*.tar.gz"))) as sdist:
            sdist.extractall(temporary, filter="data")
        deps = next(Path(temporary).glob("apache*/deps"))
        for folder in (Path(temporary) / "pyflink", deps):
            shutil.copytree(folder, target, dirs_exist_ok=True)
    for script in (target / "bin").glob("*.sh"):
        script.chmod(0o755)


def _is_wanted(name: str) -> bool:
    return name.startswith(("pyflink/bin/", "pyflink/conf/"))


def _copy_jars(target: Path) -> None:
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    flags = ("-q", "-B", "-f", str(POM), "-DincludeScope=runtime")
    _run(["mvn", *flags, goal, f"-DoutputDirectory={target}"])


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"{command[0]} failed: {error}") from error
    if done.returncode:
        raise FetchError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
