"""Records the options of a recipe beside what it makes: it is resumed with the same ones only."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, cast

from mtag_core.errors import CheckpointError

_MAX_SHOWN = 60


def record_options(
    path: Path, options: object, *, is_resumed: bool = True, may_differ: Collection[str] = ()
) -> None:
    """Writes options as JSON, or checks that those in the file are the same.

    A field `resume` is left out. Options in `may_differ`, in groups too, may have changed since.

    Raises:
        CheckpointError: The directory holds work that is not resumed, or was begun with others.
    """
    values = (
        asdict(cast(Any, options))
        if is_dataclass(options)
        else dict(cast(Mapping[str, Any], options))
    )
    values.pop("resume", None)
    text = json.dumps(values, indent=1, default=str, ensure_ascii=False, sort_keys=True) + "\n"
    if path.exists():
        if not is_resumed:
            raise CheckpointError(f"{path.parent}: holds a run already; pass --resume to go on")
        recorded = json.loads(path.read_text(encoding="utf-8"))
        _check_same(path, dict(_leaves(recorded)), dict(_leaves(json.loads(text))), may_differ)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def list_files(paths: Iterable[Path]) -> str:
    """A line a file that was made, with its size."""
    return "\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths)


def _check_same(
    path: Path,
    recorded: Mapping[str, Any],
    options: Mapping[str, Any],
    may_differ: Collection[str],
) -> None:
    for name, value in sorted(options.items()):
        if recorded.get(name) != value and name not in may_differ:
            raise CheckpointError(
                f"{path}: {name} is {_short(recorded.get(name))} there and {_short(value)} now; "
                "resume with the same options or choose another output directory"
            )


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}..."


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value
