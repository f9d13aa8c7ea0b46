"""Reads treebanks for training: forms and labels of CoNLL-U files, and their treebank's name.

A treebank is named by its file, as UD names them: `en_ewt-ud-train.conllu.xz`
is the train part of `en_ewt`, of language `en`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from csv import DictReader
from dataclasses import dataclass
from pathlib import Path

from mtag_core import conllu
from mtag_core.errors import FormatError, InputNotFoundError, LabelError
from mtag_core.storage import open_text

UNLABELLED = -100
"""Of a token without a label: neither learnt nor scored."""
NOT_IN_INVENTORY = -1
"""Of a dev token whose lemma needs a rule that the model does not have: scored, never right."""


@dataclass(frozen=True, slots=True)
class LabelledSentence:
    """A sentence of a treebank.

    Attributes:
        treebank: The treebank's short name, such as `en_ewt`.
        forms: Length n_tokens.
        upos: Length n_tokens.
        feats: Length n_tokens; attributes sorted, `_` for none.
        part: Of the treebank: `train`, `dev` or `test`.
        lemmas: Length n_tokens, as the file has them; `_` for none. Empty where nobody asked.
    """

    treebank: str
    forms: tuple[str, ...]
    upos: tuple[str, ...]
    feats: tuple[str, ...]
    part: str = "train"
    lemmas: tuple[str, ...] = ()


def treebank_files(directory: Path, part: str, *, is_required: bool = True) -> list[Path]:
    """Lists the CoNLL-U files of one part under a directory, sorted by name.

    Args:
        directory: Holds the files, or folders of files.
        part: `train`, `dev` or `test`.
        is_required: Raise where there is none.

    Returns:
        Files named `*-PART.conllu` or `*-PART.conllu.xz`.

    Raises:
        InputNotFoundError: There is none, and one is required.
    """
    files = [path for suffix in ("", ".xz") for path in directory.rglob(f"*-{part}.conllu{suffix}")]
    if not files and is_required:
        raise InputNotFoundError(
            f"{directory}: no file named *-{part}.conllu or *-{part}.conllu.xz"
        )
    return sorted(files, key=lambda path: path.name)


def read_licences(treebanks: Path) -> dict[str, str]:
    """Reads the licences of treebanks.

    Args:
        treebanks: Directory of UD's folders, with `INDEX.tsv`: a row a folder, with the columns
            `treebank` and `license`.

    Returns:
        Licence by name of a folder; nothing where there is no such file.

    Raises:
        FormatError: A column is missing.
    """
    index = treebanks / "INDEX.tsv"
    if not index.exists():
        return {}
    with index.open(encoding="utf-8", newline="") as lines:
        rows = DictReader(lines, delimiter="\t")
        if missing := {"treebank", "license"}.difference(rows.fieldnames or ()):
            raise FormatError(f"{index}: no column {missing.pop()!r}; expected treebank, license")
        return {row["treebank"]: row["license"] for row in rows}


def treebanks_with(licences: Sequence[str], treebanks: Path) -> frozenset[str]:
    """Names the treebanks below a directory that have one of some licences; all if none is given.

    Raises:
        FormatError: See `read_licences`.
        InputNotFoundError: No treebank has such a licence.
    """
    licence_of = read_licences(treebanks) if licences else {}
    names = frozenset(
        treebank_name(path)
        for path in treebanks.rglob("*.conllu*")
        if not licences or licence_of.get(path.parent.name) in licences
    )
    if licences and not names:
        raise InputNotFoundError(f"{treebanks}/INDEX.tsv: no treebank with {' or '.join(licences)}")
    return names


def treebank_name(path: Path) -> str:
    """The treebank a file belongs to. Example: `ud/en_ewt-ud-dev.conllu.xz` -> `en_ewt`."""
    return path.name.split("-")[0]


def read_treebank(path: Path) -> Iterator[LabelledSentence]:
    """Reads one file.

    Args:
        path: A CoNLL-U file, plain or compressed.

    Yields:
        Its sentences; multiword token lines and empty nodes are left out.

    Raises:
        ConlluError: A line breaks the format.
    """
    name, part = treebank_name(path), path.name.split(".")[0].rpartition("-")[2]
    with open_text(path) as lines:
        for sentence in conllu.read(lines, source=str(path)):
            rows = sentence.tokens
            yield LabelledSentence(
                name,
                tuple(row[conllu.FORM] for row in rows),
                tuple(row[conllu.UPOS] for row in rows),
                tuple(sort_feats(row[conllu.FEATS]) for row in rows),
                part,
                tuple(row[conllu.LEMMA] for row in rows),
            )


def sort_feats(feats: str) -> str:
    """Sorts a bundle's attributes without regard to case, as UD asks.

    Example: `Number=Sing|Case=Nom` -> `Case=Nom|Number=Sing`
    """
    return "|".join(sorted(feats.split("|"), key=str.lower)) if "|" in feats else feats


def feats_inventory(sentences: Iterable[LabelledSentence]) -> list[str]:
    """Lists FEATS bundles in label order: `_` first, then by falling frequency, then by name."""
    counts = Counter(feats for sentence in sentences for feats in sentence.feats)
    counts.pop("_", None)
    return ["_", *sorted(counts, key=lambda feats: (-counts[feats], feats))]


def label_ids(
    tags: Iterable[str | None], tag_to_id: Mapping[str, int], *, treebank: str = ""
) -> list[int]:
    """Maps tags to label ids.

    Args:
        tags: UPOS tags or FEATS bundles.
        tag_to_id: The inventory.
        treebank: Whose tags have to be known; empty where those that are not get `UNLABELLED`.

    Returns:
        One id a tag.

    Raises:
        LabelError: A tag is unknown and a treebank named.
    """
    tags = list(tags)
    ids = [UNLABELLED if tag is None else tag_to_id.get(tag, UNLABELLED) for tag in tags]
    if treebank and UNLABELLED in ids:
        unknown = tags[ids.index(UNLABELLED)]
        raise LabelError(
            f"{treebank}: label {unknown!r} is not among the {len(tag_to_id)} known ones"
        )
    return ids
