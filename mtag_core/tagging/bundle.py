"""Opens a model bundle: one directory with everything that tagging needs, checked byte by byte.

    bundle.json       format version; size and SHA-256 of every other file; scores; whether the
                      student was trained on dev files
    tagger.onnx       the student, int8
    tokenizer.json    its wordpieces
    labels.json       its UPOS tags and FEATS bundles
    langid.ftz        language identification
    segmenters/       sentence and token segmenters, some files a language or treebank
    README.md         the model card

A bundle may also lie at a URL; it is then fetched once into a directory for temporary files.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mtag_core import storage
from mtag_core.errors import BundleError, InputNotFoundError, StorageError

FORMAT = "mtag-bundle"
FORMAT_VERSION = 1
MANIFEST = "bundle.json"
MODEL_CARD = "README.md"
DEFAULT_BUNDLE = Path(__file__).parents[1] / "bundles" / "default"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A directory whose files are all there and are what its manifest says.

    Attributes:
        directory: Where the files are.
        digest: SHA-256 over the files that tags depend on, in hex; the model card is not one.
        scores: What the bundle's maker measured, by setting; see the model card.
        is_trained_on_dev: The student was trained on three quarters of the dev files. True where
            the manifest does not say, so that no dev score is of sentences that it has learnt.
    """

    directory: Path
    digest: str
    scores: Mapping[str, Any]
    is_trained_on_dev: bool = True

    @classmethod
    def open(cls, path: str | Path | None = None) -> "Bundle":
        """Checks a bundle's files.

        Args:
            path: A directory or the URL of one; None for the bundle inside mtag.

        Raises:
            BundleError: A file is missing or is not what the manifest says, the manifest is
                damaged, or a newer mtag wrote it.
            StorageError: A remote file cannot be read.
        """
        location = str(DEFAULT_BUNDLE if path is None else path)
        manifest = _read_manifest(location)
        files: Mapping[str, Mapping[str, Any]] = manifest["files"]
        digest = files_digest({name: entry["sha256"] for name, entry in files.items()})
        directory = _fetched(location, files, digest) if "://" in location else Path(location)
        for name, entry in files.items():
            _check(directory / name, entry["sha256"])
        return cls(
            directory,
            digest,
            manifest.get("scores", {}),
            manifest.get("is_trained_on_dev", True),
        )


def write_manifest(
    directory: Path, *, scores: Mapping[str, Any], is_trained_on_dev: bool = True
) -> None:
    """Writes `bundle.json` for the files that a directory holds.

    Args:
        directory: The bundle; an older manifest in it is replaced.
        scores: What was measured, as JSON values.
        is_trained_on_dev: See `Bundle`.
    """
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    files = {
        path.relative_to(directory).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in paths
        if path != directory / MANIFEST
    }
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "files": files,
        "scores": scores,
        "is_trained_on_dev": is_trained_on_dev,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def files_digest(name_to_sha256: Mapping[str, str]) -> str:
    """One digest for the files that tags depend on."""
    lines = (f"{sha256} {name}\n" for name, sha256 in sorted(name_to_sha256.items()))
    parts = [line for line in lines if not line.endswith(f" {MODEL_CARD}\n")]
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _read_manifest(location: str) -> Mapping[str, Any]:
    """Reads and checks `bundle.json`."""
    path = storage.join(location, MANIFEST)
    try:
        manifest: dict[str, Any] = json.loads(storage.read_bytes(path))
    except InputNotFoundError as error:
        expected = "give the directory of one, or none for the shipped model"
        raise BundleError(
            f"{location}: no model bundle: no {MANIFEST} there; {expected}"
        ) from error
    except StorageError as error:
        raise BundleError(f"{location}: no model bundle: {error}") from error
    except ValueError as error:
        raise BundleError(f"{path}: expected JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path}: expected a manifest with format {FORMAT!r}")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{path}: format version {version!r}, this mtag reads {FORMAT_VERSION}; "
            "install the mtag that the bundle was made for"
        )
    _check_names(manifest.get("files"), path)
    return manifest


def _check_names(files: object, path: str) -> None:
    """Checks the list of files; a name must not lead out of the bundle."""
    if not isinstance(files, dict) or not files:
        raise BundleError(f"{path}: expected files with their sha256")
    for name, entry in files.items():
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name:
            raise BundleError(f"{path}: file name {name!r}, expected one inside the bundle")
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            raise BundleError(f"{path}: {name}: expected a sha256")


def _check(path: Path, sha256: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing, but {MANIFEST} lists it") from None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    if found != sha256:
        raise BundleError(
            f"{path}: SHA-256 {found[:12]}..., {MANIFEST} says {sha256[:12]}...: damaged or changed"
        )


def _fetched(location: str, files: Mapping[str, Any], digest: str) -> Path:
    """Fetches a remote bundle's files, or finds those fetched before.

    What is found is checked like any other bundle.
    """
    target = Path(tempfile.gettempdir()) / f"mtag-bundle-{os.getuid()}-{digest[:16]}"
    if target.is_dir():
        return target
    partial = Path(tempfile.mkdtemp(prefix="mtag-bundle-"))
    try:
        for name in files:
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(storage.read_bytes(storage.join(location, *name.split("/"))))
        try:
            partial.rename(target)
        except OSError:
            # Another process was faster; its files are the same.
            if not target.is_dir():
                raise
    except (InputNotFoundError, StorageError) as error:
        raise BundleError(f"{location}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target
