"""What a run plans: its sizes, and its parts beside those that are complete."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from mtag_core import storage
from mtag_core.corpus import fitting_item_bytes, fitting_spool_bytes
from mtag_core.errors import OutputError
from mtag_core.output.layout import OutputLayout
from mtag_core.parts.completed_parts import ManifestReader, damaged_parts
from mtag_core.parts.plan import NO_PARTS, CompletedParts, PlannedPart, plan_parts
from mtag_core.parts.run import RunConfig, completed_parts, read_json
from mtag_core.parts.slices import read_all_slices
from mtag_core.storage import FileInfo


class PlanSizes(NamedTuple):
    """The sizes that a plan depends on, as in `RunConfig`."""

    item_bytes: int
    spool_bytes: int


def choose_sizes(
    layout: OutputLayout,
    files: Sequence[FileInfo],
    *,
    item_bytes: int | None,
    spool_bytes: int | None,
    is_planned_anew: bool,
) -> PlanSizes:
    """The sizes that flags name, or else those of the runs before, or else those that fit.

    Args:
        layout: The output directory.
        files: The listing.
        item_bytes: As the flag says; None without it.
        spool_bytes: As the flag says; None without it.
        is_planned_anew: The sizes that earlier runs had do not count.

    Raises:
        OutputError: config.json is not readable.
    """
    there: dict[str, Any] = {}
    if not is_planned_anew and storage.exists(layout.config_path):
        # Outputs of versions that knew no slices go on without.
        there = {"spool_bytes": 0, **read_json(layout.config_path)}
    if item_bytes is None:
        item_bytes = _size(layout, there, "item_bytes") if there else fitting_item_bytes(files)
    if spool_bytes is None and there:
        spool_bytes = _size(layout, there, "spool_bytes")
    if spool_bytes is None:
        spool_bytes = fitting_spool_bytes(files, item_bytes=item_bytes)
    return PlanSizes(item_bytes, spool_bytes)


def find_completed(layout: OutputLayout) -> CompletedParts:
    """The parts that are done, for planning beside them; see `completed_parts`."""
    return CompletedParts(completed_parts(layout), ManifestReader(layout).sources)


def find_intact(layout: OutputLayout, *, verify: bool) -> CompletedParts:
    """As `find_completed` after `prepare_output`, but changes nothing: for a dry run."""
    intact = completed_parts(layout, is_dry=True) - damaged_parts(layout, verify=verify).keys()
    return CompletedParts(intact, ManifestReader(layout).sources)


def plan_run(
    layout: OutputLayout,
    config: RunConfig,
    files: Sequence[FileInfo],
    completed: CompletedParts = NO_PARTS,
) -> Iterator[PlannedPart]:
    """Plans the parts of a run; see `plan_parts`.

    Args:
        layout: The output directory.
        config: The run's configuration.
        files: The listing.
        completed: To plan beside; none to plan as if at once.
    """
    return plan_parts(
        files,
        config.read,
        salt=config.salt,
        item_bytes=config.item_bytes,
        limit=config.limit,
        spool_bytes=config.spool_bytes,
        completed=completed,
        slices=read_all_slices(layout),
    )


def _size(layout: OutputLayout, config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    if type(value) is int and value >= 0 and (value or name == "spool_bytes"):
        return value
    raise OutputError(f"{layout.config_path}: {name} {value!r}; expected a number of bytes")
