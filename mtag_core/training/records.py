"""Records the options of a recipe beside what it makes: it is resumed with the same ones only."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mtag_core.errors import CheckpointError


def record_options(
    path: Path,
    options: Any,  # noqa: ANN401 (a dataclass or a mapping)
    *,
    is_resumed: bool = True,
    may_differ: Collection[str] = (),
) -> None:
    """Writes options as JSON, or checks that those in the file are the same.

    A field `resume` is left out. Options in `may_differ`, in groups too, may have changed since.

    Raises:
        CheckpointError: The directory holds work that is not resumed, or was begun with others.
    """
    values: dict[str, Any] = dict(options if isinstance(options, Mapping) else asdict(options))
    values.pop("resume", None)
    text = json.dumps(values, indent=1, default=str, ensure_ascii=False, sort_keys=True) + "\n"
    if path.exists():
        if not is_resumed:
            raise CheckpointError(f"{path.parent}: holds a run already; pass --resume to go on")
        there, now = (
            dict(_leaves(json.loads(each))) for each in (path.read_text(encoding="utf-8"), text)
        )
        for name in sorted(now.keys() - set(may_differ)):
            if there.get(name) != now[name]:
                raise CheckpointError(
                    f"{path}: {name} is {there.get(name)!r:.60} there and {now[name]!r:.60} now; "
                    "resume with the same options or choose another output directory"
                )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def list_files(paths: Iterable[Path]) -> str:
    """A line a file that was made, with its size."""
    return "\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths)


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value
