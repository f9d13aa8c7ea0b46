"""The runners that mtag knows more of than their names."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

from apache_beam.options.pipeline_options import StandardOptions

from mtag_core.errors import UsageError
from pipelines.runners.runner import Runner

_NAME_TO_RUNNER: dict[str, Runner] = {}


def register(added: Runner) -> None:
    """Makes a runner known; of two with one name the later one holds."""
    _NAME_TO_RUNNER.update((name.lower(), added) for name in added.names)


def register_modules() -> None:
    """Registers the `RUNNER` of each module of `pipelines.runners` that has one."""
    package = import_module("pipelines.runners")
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        runner = getattr(import_module(found.name), "RUNNER", None)
        if runner is not None:
            register(runner)


register_modules()


def find_runner(name: str) -> Runner:
    """The runner of a name as given to `--runner`; one that is not registered is left to Beam."""
    return _NAME_TO_RUNNER.get(name.lower()) or Runner(names=(name,))


def check_runner(name: str, beam_flags: Sequence[str]) -> None:
    """Checks all that a run needs of its runner, before anything is written.

    Raises:
        UsageError: There is no such runner, or no program where a flag says.
        EndpointError: A service does not answer.
    """
    beams = StandardOptions.KNOWN_RUNNER_NAMES
    known = {*_NAME_TO_RUNNER, *(each.lower() for each in beams)}
    known |= {each.lower().removesuffix("runner") for each in beams}
    if "." not in name and name.lower() not in known:
        raise UsageError(f"--runner={name}: no such runner; expected one of {', '.join(beams)}")
    find_runner(name).check(beam_flags)


def job_flags() -> frozenset[str]:
    """Flags that some runner's jobs take and Beam's Python options do not declare."""
    return frozenset(flag for each in _NAME_TO_RUNNER.values() for flag in each.job_flags)
