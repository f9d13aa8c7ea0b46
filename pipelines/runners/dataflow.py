"""Dataflow: what it would refuse, or fail at only after minutes, is an error at once."""

import importlib.util
from collections.abc import Sequence

from mtag_core.errors import UsageError
from pipelines.runners.runner import Runner

_NAME = "DataflowRunner"
_NEEDED_FLAGS = ("--project", "--region", "--temp_location")


def _check_paths(beam_flags: Sequence[str], paths: Sequence[str]) -> None:
    if importlib.util.find_spec("apitools") is None:
        raise UsageError(f"{_NAME} needs another package; pip install 'mtag[dataflow]'")
    names = {flag.split("=", 1)[0] for flag in beam_flags}
    missing = [name for name in _NEEDED_FLAGS if name not in names]
    if missing:
        raise UsageError(f"{_NAME} needs {', '.join(missing)}")
    local = [path for path in paths if "://" not in path or path.startswith("file:")]
    if local:
        raise UsageError(f"{local[0]}: Dataflow's workers cannot see local files; expected gs://")


RUNNER = Runner(names=(_NAME, "dataflow"), check_paths=_check_paths)
