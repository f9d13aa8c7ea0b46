"""Parts under the names of the inputs: `files/<path of the input>.<format>`, one file an input.

Parts stay as they are, with the state of a run beside them; at its end each gets a second name. A
list of these names says which are ours, so that only they are ever removed.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence

from mtag_core import storage
from mtag_core.errors import UsageError
from mtag_core.output.json_files import read_json
from mtag_core.output.layout import OutputLayout
from mtag_core.output.manifests import Manifest

FILES = "files"
_LIST = ".names.json"
# What file systems allow, less what a compression may add.
_MOST_NAME_BYTES = 240


def input_names(paths: Iterable[str], patterns: Sequence[str], *, suffix: str) -> dict[str, str]:
    """What the files of inputs are called: their paths below the folders that the patterns name.

    Args:
        paths: Of the inputs.
        patterns: That have found them.
        suffix: Of parts, such as `.conllu.zst`.

    Returns:
        Path to name, with `/` between folders.

    Raises:
        UsageError: Two inputs would have one name, or a name is too long for a file system.
    """
    bases = sorted({_base(pattern) for pattern in patterns}, key=len)
    path_to_name: dict[str, str] = {}
    name_to_path: dict[str, str] = {}
    for path in paths:
        base = next((base for base in bases if path.startswith(base)), "")
        name = f"{path[len(base) :].lstrip('/')}{suffix}"
        other = name_to_path.setdefault(name, path)
        if other != path:
            raise UsageError(
                f"--one_file_per_input: {other} and {path} would both become {name}; name a "
                "folder above both as --input"
            )
        if len(os.fsencode(name.rpartition("/")[-1])) > _MOST_NAME_BYTES:
            raise UsageError(f"--one_file_per_input: the name of {path} is too long")
        path_to_name[path] = name
    return path_to_name


def _base(pattern: str) -> str:
    local = storage.local_path(pattern)
    is_folder = pattern.endswith("/") or (not storage.scheme_of(pattern) and os.path.isdir(local))
    return f"{local.rstrip('/')}/" if is_folder else storage.literal_prefix(local)


def publish_files(
    layout: OutputLayout, manifests: Iterable[Manifest], path_to_name: Mapping[str, str]
) -> int:
    """Gives each part its second name, and removes those of inputs that are gone.

    Args:
        layout: The output directory of a complete run, each of whose parts has one source.
        manifests: Of all its parts.
        path_to_name: As `input_names` gives it.

    Returns:
        How many files there are now.

    Raises:
        StorageError: Something cannot be written.
    """
    before = _read_list(layout)
    named = [(path_to_name[manifest.sources[0]], manifest) for manifest in manifests]
    now = {name: manifest.part.sha256 for name, manifest in named}
    changed = [(name, m) for name, m in named if before.get(name) != m.part.sha256]
    # Before the first file: a run that is killed here leaves no name that nobody owns, and none
    # that counts as written.
    _write_list(layout, {**before, **{name: "" for name, _ in changed}})
    for name, manifest in changed:
        target = storage.join(layout.base, FILES, *name.split("/"))
        storage.copy(layout.part_path(manifest.part_id), target)
    for name in before.keys() - now.keys():
        storage.delete(storage.join(layout.base, FILES, *name.split("/")))
    _write_list(layout, now)
    return len(now)


def remove_files(layout: OutputLayout) -> None:
    """Removes all second names."""
    for name in _read_list(layout):
        storage.delete(storage.join(layout.base, FILES, *name.split("/")))
    storage.delete(_list_path(layout))


def _list_path(layout: OutputLayout) -> str:
    return storage.join(layout.base, FILES, _LIST)


def _read_list(layout: OutputLayout) -> dict[str, str]:
    path = _list_path(layout)
    if not storage.exists(path):
        return {}
    return {name: str(sha256) for name, sha256 in read_json(path).items()}


def _write_list(layout: OutputLayout, names: Mapping[str, str]) -> None:
    with storage.atomic_writer(_list_path(layout)) as stream:
        stream.write(json.dumps(names, sort_keys=True, indent=0).encode() + b"\n")
