"""Prism: a binary of one's own must be there."""

from collections.abc import Sequence
from pathlib import Path

from mtag_core.errors import UsageError
from pipelines.runners.runner import Runner, check_services, parse_beam_flags


def _check(beam_flags: Sequence[str]) -> None:
    prism = parse_beam_flags(beam_flags, "prism_location").prism_location
    if prism and "://" not in prism and not Path(prism).is_file():
        raise UsageError(
            f"--prism_location={prism}: no such file; `python -m deploy.prism` builds Prism"
        )
    check_services(beam_flags)


RUNNER = Runner(names=("PrismRunner", "prism"), check=_check)
