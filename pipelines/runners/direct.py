"""DirectRunner: this process, or processes of this machine.

It means Beam's FnApiRunner here. Beam's own switching DirectRunner first downloads a Prism binary,
without a time limit, and may then run something else.
"""

import os
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

from pipelines.process import running_path
from pipelines.runners.runner import Runner


def _make(
    _name: str, beam_flags: Sequence[str], *, is_verbose: bool
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


RUNNER = Runner(names=("DirectRunner", "direct", "FnApiRunner", "fnapi"), is_local=True, make=_make)
