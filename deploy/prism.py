"""Builds Prism, Beam's local runner in Go, into the cache.

    python -m deploy.prism

Prints the path for `--runner=PrismRunner --prism_location=PATH --environment_type=LOOPBACK`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.flink.packages import FetchError, cache_dir

VERSION = "2.77.0"
_PACKAGE = "github.com/apache/beam/sdks/v2/go/cmd/prism"
_TIMEOUT_S = 540


def build_prism() -> Path:
    """Returns the binary, built if the cache has none (about two minutes).

    Raises:
        FetchError: Go is not installed, or the build failed.
    """
    folder = cache_dir() / f"prism-{VERSION}"
    if (folder / "prism").exists():
        return folder / "prism"
    if shutil.which("go") is None:
        raise FetchError("go not found; install Go, or use another runner")
    command = ["go", "install", f"{_PACKAGE}@v{VERSION}"]
    env = {**os.environ, "GOBIN": str(folder)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S)
    if done.returncode:
        raise FetchError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return folder / "prism"


if __name__ == "__main__":
    try:
        print(build_prism())
    except FetchError as error:
        sys.exit(f"prism: {error}")
