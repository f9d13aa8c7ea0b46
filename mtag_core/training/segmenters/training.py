"""Trains the segmenters of a bundle: UDPipe tokenizers, one a language and a generic one.

A language whose files stand in the output directory is not trained again.
"""

import logging
import lzma
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.languages import GENERIC
from mtag_core.segmentation.udpipe import train_tokenizer
from mtag_core.training.langid import record_config
from mtag_core.training.segmenters.boundary_marks import read_marked
from mtag_core.training.segmenters.gap_stream import MarkedSentence
from mtag_core.training.segmenters.marked_text import mark_text
from mtag_core.training.segmenters.spacing import tightened
from mtag_core.training.segmenters.splits import train_split_model

SPACED_INSIDE = frozenset({"vi"})
"""Languages whose tokens may hold spaces."""

# Written without spaces between words, or with spaces inside them.
_BY_BOUNDARIES = frozenset({"ja", "vi", "zh"})

# Prefixes and pronouns are written into words there, more of them than UDPipe learns to split.
_WITH_SPLITS = frozenset({"ar", "he"})

MORE_TEXT = {"zh": ("yue",)}
"""Text that is labelled for a boundary model besides its language's own: in the other script."""

_LOGGER = logging.getLogger(__name__)
_FILE = re.compile(r"^(?P<language>[a-z]+)_(?P<treebank>\w+)-ud-(?P<split>\w+)\.conllu(\.xz)?$")

# Speech without punctuation and tweets teach a tokenizer what running text does not do.
_LEFT_OUT = frozenset({"fr_spoken", "it_postwita", "no_nynorsklia", "sl_sst"})

# The train file's text has a space around every token; the dev file's has not.
_TRAINED_ON_DEV = frozenset({"sk_snk"})

# Words are not parted by spaces there, or syllables are: nothing that another language could use.
_NOT_GENERIC = frozenset({"ja", "ko", "vi", "zh"})


@dataclass(frozen=True)
class SegmenterOptions:
    """What a training run is made of.

    Attributes:
        n_tokens: Training tokens a language, at most.
        n_generic_tokens: Training tokens that each language gives to the generic segmenter.
        width: Of UDPipe's recurrent layer.
        n_epochs: Passes over the tokens.
        learning_rate: At the start.
        dropout: From 0 to 1.
        gap_epochs: Passes of boundary models over treebank and labelled text.
        device: A torch device, for boundary models.
        seed: Chooses the sentences of the generic segmenter, and is the boundary models'; UDPipe
            has its own fixed seed.
    """

    n_tokens: int = 60_000
    n_generic_tokens: int = 2_000
    width: int = 24
    n_epochs: int = 12
    learning_rate: float = 0.005
    dropout: float = 0.1
    gap_epochs: float = 6.0
    device: str = "cpu"
    seed: int = 1


def train_segmenters(
    treebanks: Path,
    output: Path,
    *,
    options: SegmenterOptions,
    languages: Sequence[str] = (),
    text: Path | None = None,
    labelled: Path | None = None,
) -> list[Path]:
    """Trains the segmenters that `output` lacks.

    Args:
        treebanks: Directory with CoNLL-U files named as UD names them, at any depth, `.xz` or
            plain.
        output: Gets `<language>.udpipe` or `<language>.boundaries.npz`, `<language>.splits.npz`,
            `generic.udpipe` and `config.json`.
        options: Recorded in `config.json`.
        languages: Codes to train, `generic` among them; all of them when empty.
        text: Directory of `<code>.txt.xz` files, where forms are counted for the languages that
            have a split model; without it they count nothing.
        labelled: Directory of `<code>.segmented.txt.xz` and `<code>_<variety>.segmented.txt.xz`
            files, which boundary models learn from too.

    Returns:
        The models' paths, trained now or before.

    Raises:
        InputNotFoundError: The directory holds no treebank.
        UsageError: A language has no treebank to train on.
        CheckpointError: `output` belongs to a run with other options.
    """
    files = training_files(treebanks)
    if not files:
        raise InputNotFoundError(f"{treebanks}: no *-ud-train.conllu or .xz file below it")
    chosen = languages or [*sorted(files), GENERIC]
    for language in chosen:
        if language not in files and language != GENERIC:
            raise UsageError(f"{language}: no treebank to train on; there are {', '.join(files)}")
    output.mkdir(parents=True, exist_ok=True)
    record_config(
        output / "config.json",
        {
            "treebanks": str(treebanks),
            "text": str(text),
            "labelled": str(labelled),
            **asdict(options),
        },
    )
    models = []
    for language in chosen:
        paths = files.get(language, [])
        if language in _BY_BOUNDARIES:
            models.append(_boundaries(language, paths, output, labelled, options))
        else:
            models.append(_tokenizer(language, files, output, options))
        if language in _WITH_SPLITS:
            models.append(_splits(language, paths, output, text))
    return models


def _tokenizer(
    language: str, files: dict[str, list[Path]], output: Path, options: SegmenterOptions
) -> Path:
    """Trains a UDPipe tokenizer that is not there yet."""
    model = output / f"{language}.udpipe"
    if not model.exists():
        _LOGGER.info("%s: training a tokenizer", language)
        if language == GENERIC:
            conllu = _generic_conllu(files, options)
        else:
            conllu = "".join(_sentences(files[language], options.n_tokens))
        _train(conllu, model, options)
    return model


def _boundaries(
    language: str,
    paths: Sequence[Path],
    output: Path,
    labelled: Path | None,
    options: SegmenterOptions,
) -> Path:
    """Trains a boundary model that is not there yet."""
    # torch is an extra that the other segmenters do without.
    from mtag_core.training.segmenters.gap_training import GapConfig, train_gap_network

    model = output / f"{language}.boundaries.npz"
    if not model.exists():
        _LOGGER.info("%s: training a boundary model", language)
        has_spaces = language in SPACED_INSIDE
        network = train_gap_network(
            list(_treebank_sentences(paths)),
            _labelled_sentences(language, labelled),
            GapConfig(epochs=options.gap_epochs, device=options.device, seed=options.seed),
            has_spaces=has_spaces,
        )
        part = model.with_suffix(".part")
        BoundaryModel(network, has_spaces=has_spaces).save(part)
        part.rename(model)
    return model


def _treebank_sentences(paths: Sequence[Path]) -> Iterator[MarkedSentence]:
    """Yields the sentences of treebanks."""
    for sentence in read_surface_sentences(paths):
        marked = mark_text([sentence], separator="")
        yield marked.text, dict.fromkeys(marked.token_ends, 1.0)


def _labelled_sentences(language: str, labelled: Path | None) -> Iterator[MarkedSentence]:
    """Yields the labelled text of a language, of all varieties."""
    if labelled is not None:
        for path in sorted(labelled.glob("*.segmented.txt.xz")):
            if path.name.split(".")[0].split("_")[0] == language:
                yield from read_marked(path)


def _splits(language: str, paths: Sequence[Path], output: Path, text: Path | None) -> Path:
    """Trains a split model that is not there yet."""
    model = output / f"{language}.splits.npz"
    if not model.exists():
        _LOGGER.info("%s: training a split model", language)
        tokens = [
            (form, parts)
            for sentence in _sentences(paths, None)
            for form, parts, _ in surface_tokens(sentence)
        ]
        part = model.with_suffix(".part")
        train_split_model(tokens, _lines(text, (language,))).save(part)
        part.rename(model)
    return model


def _lines(text: Path | None, codes: Sequence[str]) -> Iterator[str]:
    """Yields the lines of running text in some languages."""
    for code in codes:
        path = text / f"{code}.txt.xz" if text else None
        if path and path.exists():
            yield from text_lines(path)


def text_lines(path: Path) -> Iterator[str]:
    """Yields the lines of an `.xz` file."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        yield from stream


def read_surface_sentences(paths: Sequence[Path]) -> Iterator[list[tuple[str, bool]]]:
    """Yields the surface forms of each sentence, each with whether a space stands after it."""
    for sentence in _sentences(paths, None):
        yield [(form, is_space_after) for form, _, is_space_after in surface_tokens(sentence)]


def surface_tokens(sentence: str) -> list[tuple[str, tuple[str, ...], bool]]:
    """Reads the surface tokens of a CoNLL-U sentence.

    Returns:
        For each its form, its tokens' forms and whether a space stands after it.
    """
    surfaces: list[tuple[str, list[str], bool]] = []
    last = 0
    for line in sentence.splitlines():
        columns = line.split("\t")
        if line.startswith("#") or len(columns) != 10 or "." in columns[0]:
            continue
        first, _, end = columns[0].partition("-")
        is_space_after = "SpaceAfter=No" not in columns[9]
        if end:
            surfaces.append((columns[1], [], is_space_after))
            last = int(end)
        elif int(first) <= last:
            surfaces[-1][1].append(columns[1])
        else:
            surfaces.append((columns[1], [columns[1]], is_space_after))
    return [(form, tuple(parts), is_space) for form, parts, is_space in surfaces]


def training_files(treebanks: Path) -> dict[str, list[Path]]:
    """Finds each language's training files below a directory.

    Some teach what running text does not do; they are taken only where there is no other.
    """
    files: dict[str, list[Path]] = {}
    spare: dict[str, list[Path]] = {}
    for path in sorted(treebanks.rglob("*.conllu*")):
        match = _FILE.match(path.name)
        treebank = f"{match['language']}_{match['treebank']}" if match else ""
        if match and match["split"] == ("dev" if treebank in _TRAINED_ON_DEV else "train"):
            group = spare if treebank in _LEFT_OUT else files
            group.setdefault(match["language"], []).append(path)
    return dict(sorted((spare | files).items()))


def _sentences(paths: Sequence[Path], n_tokens: int | None) -> Iterator[str]:
    """Yields CoNLL-U sentences, the same number of tokens from each file where they have them."""
    for path in paths:
        n_left = sys.maxsize if n_tokens is None else n_tokens // len(paths)
        opened = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
        blocks = [block.strip("\n") for block in opened.decode("utf-8").split("\n\n")]
        for block in tightened([block for block in blocks if block]):
            if n_left <= 0:
                break
            n_left -= sum(not line.startswith("#") for line in block.splitlines())
            yield block + "\n\n"


def _generic_conllu(files: dict[str, list[Path]], options: SegmenterOptions) -> str:
    """Mixes the languages; a multiword token stays whole, since its split is one language's."""
    sentences = [
        _without_splits(sentence)
        for language, paths in files.items()
        if language not in _NOT_GENERIC
        for sentence in _sentences(paths, options.n_generic_tokens)
    ]
    random.Random(options.seed).shuffle(sentences)
    return "".join(sentences)


def _without_splits(sentence: str) -> str:
    """Makes each multiword token of a CoNLL-U sentence an ordinary token."""
    rows: list[list[str]] = []
    last = 0
    for line in sentence.splitlines():
        if not line or line.startswith("#"):
            continue
        columns = line.split("\t")
        first, _, end = columns[0].partition("-")
        if "." in first or (not end and int(first) <= last):
            continue
        last = int(end or first)
        rows.append([str(len(rows) + 1), *columns[1:]])
    return "".join("\t".join(row) + "\n" for row in rows) + "\n"


def _train(conllu: str, model: Path, options: SegmenterOptions) -> None:
    """Trains one tokenizer; its file appears when it is whole."""
    data = train_tokenizer(
        conllu,
        width=options.width,
        n_epochs=options.n_epochs,
        learning_rate=options.learning_rate,
        dropout=options.dropout,
    )
    part = model.with_suffix(".part")
    part.write_bytes(data)
    part.rename(model)
