"""Opens a model bundle: one directory with everything that tagging needs, checked byte by byte.

    bundle.json       format version; size and SHA-256 of every other file; scores; whether the
                      student was trained on dev files
    forms.onnx        the student's vectors of forms, int8
    tagger.onnx       its layers over the words of a sentence, int8
    heads.onnx        its labels of words, int8
    tokenizer.json    its wordpieces
    labels.json.xz    its UPOS tags, FEATS bundles, lemma rules, treebanks and styles
    treebanks.npz     which treebank of a language a document is most like
    lemmas.npz        lemma rules of forms that it gets wrong; left out where there are none
    lemmas.known.npz  lemmas of treebanks; left out where none are preferred
    langid.ftz        language identification
    langid.words.npz  common words of languages
    segmenters/       sentence and token segmenters, some files a language or treebank
    README.md         the model card

Nothing else may be in the directory. A bundle may also lie at a URL: its files are fetched once,
into `mtag/bundles` in XDG_CACHE_HOME or ~/.cache, or a directory for temporary files where there is
no home to write to.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from mtag_core import storage
from mtag_core.errors import BundleError, InputNotFoundError, StorageError

FORMAT = "mtag-bundle"
FORMAT_VERSION = 2
MANIFEST = "bundle.json"
TAGGER = "tagger.onnx"
FORMS = "forms.onnx"
HEADS = "heads.onnx"
_IN_ALL = (
    *(TAGGER, HEADS, FORMS, "tokenizer.json", "labels.json.xz", "treebanks.npz"),
    *("langid.ftz", "langid.words.npz"),
)
MODEL_CARD = "README.md"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_MANIFEST_BYTES = 2**24
MAX_BUNDLE_BYTES = 2**30
"""A bundle at a URL may not be larger."""
_SHIPPED = Path(__file__).parents[1] / "bundles"
DEFAULT_BUNDLE = _SHIPPED / "default"
SHIPPED_BUNDLES = ("default", "free")
"""Names of bundles inside mtag; `free` learnt from no treebank under a non-commercial licence."""
BUNDLE_HELP = (
    "directory or URL, or `free`, which learnt from no non-commercial treebank; `default` if none"
)


class BundleFile(NamedTuple):
    """What the manifest says of a file."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """A directory whose files are all there and are what its manifest says.

    The digest is SHA-256, in hex, over the files that tags depend on, without the model card.
    Scores are what the bundle's maker measured, by setting. The student may be trained on dev
    files, three quarters of them.
    """

    directory: Path
    digest: str
    scores: Mapping[str, Any]
    is_trained_on_dev: bool

    @classmethod
    def open(cls, path: str | Path | None = None) -> "Bundle":
        """Checks a bundle's files.

        Args:
            path: A directory, the URL of one, or the name of a bundle inside mtag; None for its
                default.

        Raises:
            BundleError: A file is missing, not listed or not what the manifest says, the manifest
                is damaged, or a newer mtag wrote it.
            StorageError: A remote file cannot be read.
        """
        location = bundle_location(path)
        manifest = _read_manifest(location)
        files = _parse_files(manifest.get("files"), path=storage.join(location, MANIFEST))
        digest = files_digest({name: file.sha256 for name, file in files.items()})
        if "://" in location:
            directory = _fetch_bundle(location, files, digest)
        else:
            directory = Path(location)
            _check_directory(directory, files)
        return cls(directory, digest, manifest["scores"], manifest["is_trained_on_dev"])


def bundle_location(path: str | Path | None) -> str:
    """The directory or URL that `Bundle.open` reads; a directory called `free` is `./free`."""
    if path is None or path in SHIPPED_BUNDLES:
        return str(_SHIPPED / (path or "default"))
    return storage.public_url(str(path))


def write_manifest(
    directory: Path, *, scores: Mapping[str, Any], is_trained_on_dev: bool = True
) -> None:
    """Writes `bundle.json`, in place of an older one, for the files that a directory holds."""
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
        expected = "give the directory of one, `free`, or none for the default one"
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
            "install the mtag that the bundle was made for, or export the model anew"
        )
    if not isinstance(manifest.get("scores"), dict):
        raise BundleError(f"{path}: scores: expected an object")
    if not isinstance(manifest.get("is_trained_on_dev"), bool):
        raise BundleError(f"{path}: is_trained_on_dev: expected true or false")
    return manifest


def _bounded(content: bytes) -> bytes:
    if len(content) > _MAX_MANIFEST_BYTES:
        raise ValueError(f"more than {_MAX_MANIFEST_BYTES} bytes")
    return content


def _parse_files(files: object, *, path: str) -> dict[str, BundleFile]:
    if not isinstance(files, dict) or not files:
        raise BundleError(f"{path}: expected files with their sha256")
    parsed = {}
    for name, entry in files.items():
        if not _is_inside(name):
            raise BundleError(f"{path}: file name {name!r}, expected one inside the bundle")
        parsed[name] = _parse_entry(name, entry, path)
    for name in _IN_ALL:
        if name not in parsed:
            raise BundleError(f"{path}: lists no {name}; expected it")
    return parsed


def _check_directory(directory: Path, files: Mapping[str, BundleFile]) -> None:
    root, listed = directory.resolve(), {MANIFEST, *files}
    for name, entry in files.items():
        _check_file(directory, name, entry, root=root)
    for path in _paths(directory):
        if path.relative_to(directory).as_posix() not in listed:
            raise BundleError(f"{path}: {MANIFEST} does not list it; remove it")


def _is_inside(name: str) -> bool:
    pure = PurePosixPath(name)
    is_plain = name.isprintable() and "\\" not in name and pure.as_posix() == name
    return (
        is_plain
        and bool(pure.parts)
        and not pure.is_absolute()
        and not {"..", "."} & set(pure.parts)
    )


def _parse_entry(name: str, entry: object, path: str) -> BundleFile:
    fields = entry if isinstance(entry, dict) else {}
    sha256, n_bytes = fields.get("sha256"), fields.get("bytes")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise BundleError(f"{path}: {name}: expected a sha256 of 64 hexadecimal digits")
    if not isinstance(n_bytes, int) or isinstance(n_bytes, bool) or n_bytes < 0:
        raise BundleError(f"{path}: {name}: bytes {n_bytes!r}, expected a number")
    return BundleFile(n_bytes, sha256)


def _check_file(directory: Path, name: str, entry: BundleFile, *, root: Path) -> None:
    path = directory / name
    try:
        if not path.resolve().is_relative_to(root):
            raise BundleError(f"{path}: a link that leads out of the bundle")
        # A pipe would be waited for.
        if not stat.S_ISREG(path.stat().st_mode):
            raise BundleError(f"{path}: expected a regular file")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        raise BundleError(f"{path}: missing, but {MANIFEST} lists it") from None
    except (OSError, RuntimeError) as error:
        raise BundleError(f"{path}: cannot be read: {error}") from error
    if found != entry.sha256:
        raise BundleError(
            f"{path}: SHA-256 {found[:12]}..., {MANIFEST} says {entry.sha256[:12]}...: "
            "damaged or changed"
        )


def _paths(directory: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise BundleError(f"{error.filename}: cannot be listed: {error.strerror}") from error

    for folder, folders, names in os.walk(directory, onerror=fail):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (Path(folder) / name for name in (*names, *links))


def _fetch_bundle(location: str, files: Mapping[str, BundleFile], digest: str) -> Path:
    n_bytes = sum(file.n_bytes for file in files.values())
    if n_bytes > MAX_BUNDLE_BYTES:
        raise BundleError(f"{location}: {n_bytes} bytes, expected {MAX_BUNDLE_BYTES} at most")
    target = _cache_folder() / digest[:32]
    if target.is_dir() and _is_whole(target, files):
        return target
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=target.parent))
    try:
        for name, file in files.items():
            _fetch(storage.join(location, *name.split("/")), partial / name, file.n_bytes)
        _check_directory(partial, files)
        _rename(partial, target, files)
    except (InputNotFoundError, StorageError) as error:
        raise BundleError(f"{location}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(home) / "mtag" / "bundles"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"mtag-bundles-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise BundleError(f"{folder}: expected a directory of this user; remove it")
    if status.st_mode & 0o022:
        raise BundleError(f"{folder}: others may write to it; expected mode 700")
    return folder


def _is_whole(directory: Path, files: Mapping[str, BundleFile]) -> bool:
    try:
        _check_directory(directory, files)
    except BundleError:
        return False
    return True


def _fetch(url: str, path: Path, n_bytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.open_read(url) as stream:
        content = stream.read(n_bytes + 1)
    if len(content) != n_bytes:
        raise BundleError(f"{url}: not the {n_bytes} bytes that the manifest says")
    path.write_bytes(content)


def _rename(partial: Path, target: Path, files: Mapping[str, BundleFile]) -> None:
    """Gives a checked directory its name; one of that name that is damaged makes room."""
    if target.is_dir() and not _is_whole(target, files):
        shutil.rmtree(target, ignore_errors=True)
    try:
        partial.rename(target)
    except OSError as error:
        # Another process may have been faster; its files are the same.
        if not target.is_dir():
            raise BundleError(f"{target}: cannot be made: {error}") from error
