"""Opens a model bundle: one directory with everything that tagging needs, checked byte by byte.

    bundle.json       format version; size and SHA-256 of every other file; scores; whether the
                      student was trained on dev files
    forms.onnx        the student's vectors of forms, int8; only where it reads words
    tagger.onnx       the student, int8
    tokenizer.json    its wordpieces
    labels.json       its UPOS tags, FEATS bundles, lemma rules, treebanks and styles
    langid.ftz        language identification
    segmenters/       sentence and token segmenters, some files a language or treebank
    README.md         the model card

Nothing else may be in the directory. A bundle may also lie at a URL; see `bundle_cache`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtag_core import storage
from mtag_core.errors import BundleError, InputNotFoundError, StorageError
from mtag_core.tagging.bundle_cache import fetch_bundle
from mtag_core.tagging.bundle_files import MANIFEST, check_directory, parse_files

FORMAT = "mtag-bundle"
FORMAT_VERSION = 1
MODEL_CARD = "README.md"
_MAX_MANIFEST_BYTES = 2**24
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
            BundleError: A file is missing, not listed or not what the manifest says, the manifest
                is damaged, or a newer mtag wrote it.
            StorageError: A remote file cannot be read.
        """
        location = storage.public_url(str(DEFAULT_BUNDLE if path is None else path))
        manifest = _read_manifest(location)
        files = parse_files(manifest.get("files"), path=storage.join(location, MANIFEST))
        digest = files_digest({name: file.sha256 for name, file in files.items()})
        if "://" in location:
            directory = fetch_bundle(location, files, digest)
        else:
            directory = Path(location)
            check_directory(directory, files)
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
    path = storage.join(location, MANIFEST)
    try:
        with storage.open_read(path) as stream:
            manifest: dict[str, Any] = json.loads(_bounded(stream.read(_MAX_MANIFEST_BYTES + 1)))
    except InputNotFoundError as error:
        expected = "give the directory of one, or none for the shipped model"
        raise BundleError(
            f"{location}: no model bundle: no {MANIFEST} there; {expected}"
        ) from error
    except StorageError as error:
        raise BundleError(f"{location}: no model bundle: {error}") from error
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: expected JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError(f"{path}: expected a manifest with format {FORMAT!r}")
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{path}: format version {version!r}, this mtag reads {FORMAT_VERSION}; "
            "install the mtag that the bundle was made for"
        )
    if not isinstance(manifest.get("scores", {}), dict):
        raise BundleError(f"{path}: scores: expected an object")
    if not isinstance(manifest.get("is_trained_on_dev", True), bool):
        raise BundleError(f"{path}: is_trained_on_dev: expected true or false")
    return manifest


def _bounded(content: bytes) -> bytes:
    if len(content) > _MAX_MANIFEST_BYTES:
        raise ValueError(f"more than {_MAX_MANIFEST_BYTES} bytes")
    return content
