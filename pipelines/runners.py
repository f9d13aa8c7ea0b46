"""Runners: how a pipeline's flags become a runner and its options.

`DirectRunner` means Beam's FnApiRunner here. Beam's own switching DirectRunner first downloads a
Prism binary, without a time limit, and may then run something else.
"""

import os
import re
import shlex
import sys
from collections.abc import Sequence

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import (
    ExtendedProvisionInfo,
    FnApiRunner,
)
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import PipelineRunner
from apache_beam.transforms import environments

from mtag_core import errors
from mtag_core.errors import MtagError
from pipelines.run_folder import running_path

_LOCAL_NAMES = ("directrunner", "direct", "fnapirunner", "fnapi")
_ERROR_LINE = re.compile(r"mtag_core\.errors\.(\w+): (.*)")
_WHILE_RUNNING = re.compile(r"\s*\[while running .*", re.DOTALL)


def is_local(name: str) -> bool:
    """Whether a runner's name means this process and its children."""
    return name.lower() in _LOCAL_NAMES


def make_runner(
    name: str, beam_flags: Sequence[str], *, is_verbose: bool = False
) -> tuple[PipelineRunner | str, PipelineOptions]:
    """Makes the runner that a run asks for.

    Args:
        name: As given to `--runner`.
        beam_flags: All flags for Beam, without `--runner`.
        is_verbose: Let Beam's log in local worker processes through.

    Returns:
        The runner, or its name for Beam to look up, and the pipeline options.
    """
    if not is_local(name):
        return name, PipelineOptions([*beam_flags, f"--runner={name}"])
    return _make_local_runner(beam_flags, is_verbose=is_verbose)


def _make_local_runner(
    beam_flags: Sequence[str], *, is_verbose: bool
) -> tuple[PipelineRunner, PipelineOptions]:
    options = PipelineOptions(list(beam_flags))
    direct = options.view_as(DirectOptions)
    has_mode = any(flag.startswith("--direct_running_mode") for flag in beam_flags)
    if direct.direct_num_workers != 1 and not has_mode:
        direct.direct_running_mode = "multi_processing"
    # Workers learn the options from the provision info; an FnApiRunner made without gives none.
    provision_info = ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(
            pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options())
        )
    )
    if direct.direct_running_mode != "multi_processing":
        return FnApiRunner(provision_info=provision_info), options
    # Our own worker command, since Beam's worker would outlive a killed driver. In the mode that
    # is named for it the runner would put Beam's command back.
    direct.direct_running_mode = "in_memory"
    command = environments.SubprocessSDKEnvironment.from_command_string(
        _worker_command(is_verbose=is_verbose)
    )
    return FnApiRunner(default_environment=command, provision_info=provision_info), options


def _worker_command(*, is_verbose: bool) -> str:
    words = [sys.executable, "-m", "pipelines.local_worker", f"--driver={os.getpid()}"]
    running = running_path()
    if running is not None:
        words.append(f"--running={running}")
    if is_verbose:
        words.append("--verbose")
    return f"trap '' INT; exec {shlex.join(words)}"


def mtag_error(error: BaseException) -> MtagError | None:
    """Finds the mtag error behind what a runner raised.

    Runners pass a worker's exception on as text, with its traceback.

    Returns:
        The error, or None where it is no error of ours.
    """
    if isinstance(error, MtagError):
        return error
    found = _ERROR_LINE.findall(str(error))
    if not found:
        return None
    name, message = found[-1]
    kind = getattr(errors, name, None)
    if not (isinstance(kind, type) and issubclass(kind, MtagError)):
        return None
    return kind(_WHILE_RUNNING.sub("", message))
