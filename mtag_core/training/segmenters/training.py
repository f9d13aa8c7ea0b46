"""Trains the segmenters of a bundle: of languages, of treebanks and a generic one.

What stands in the output directory is not trained again.
"""

import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mtag_core.conventions import treebank_language
from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.languages import GENERIC
from mtag_core.segmentation.udpipe import train_tokenizer
from mtag_core.storage import open_text
from mtag_core.training.options import SegmenterOptions, TrainSegmentersOptions
from mtag_core.training.records import record_options
from mtag_core.training.segmenters.boundary_marks import read_marked
from mtag_core.training.segmenters.gap_stream import MarkedSentence
from mtag_core.training.segmenters.marked_text import mark_text
from mtag_core.training.segmenters.marking import remarked
from mtag_core.training.segmenters.split_labels import read_labelled
from mtag_core.training.segmenters.splits import CLITICS, CLOSED, OPEN, train_split_model
from mtag_core.training.segmenters.treebank_text import (
    language_sentences,
    read_splits,
    read_surface_sentences,
    running_text,
    text_language,
    training_files,
    treebank_of,
    treebank_sentences,
)

SPACED_INSIDE = frozenset({"vi"})
"""Languages whose tokens may hold spaces."""

# Written without spaces between words, or with spaces inside them.
_BY_BOUNDARIES = frozenset({"ja", "vi", "zh"})

# UDPipe splits a form by itself, as it was seen: too few Hebrew and Arabic prefixes and pronouns,
# too few Tamil particles, and each French "des" alike.
_WITH_SPLITS = {"ar": OPEN, "fr": CLOSED, "he": OPEN, "ta": CLITICS}

# Fifty sentences with next to no brackets and quotation marks.
_WITH_FEW_MARKS = frozenset({"hy"})

MORE_TEXT = {"zh": ("yue",)}
"""Text that is labelled for a boundary model besides its language's own: in the other script."""

_LOGGER = logging.getLogger(__name__)
# Words are not parted by spaces there, or syllables are: nothing that another language could use.
_NOT_GENERIC = frozenset({"ja", "ko", "vi", "zh"})


def run(options: TrainSegmentersOptions) -> str:
    """Runs `train segmenters`."""
    models = train_segmenters(
        options.treebanks,
        options.output,
        options=options.each,
        languages=options.languages,
        own=options.own,
        text=options.text,
        labelled=options.labelled,
    )
    return listed(models)


def listed(paths: Iterable[Path]) -> str:
    """A line a file that was made, with its size."""
    return "\n".join(f"{path}: {path.stat().st_size:,} bytes" for path in paths)


def train_segmenters(
    treebanks: Path,
    output: Path,
    *,
    options: SegmenterOptions,
    languages: Sequence[str] = (),
    own: Sequence[str] = (),
    text: Path | None = None,
    labelled: Path | None = None,
) -> list[Path]:
    """Trains the segmenters that `output` lacks.

    Args:
        treebanks: Directory with CoNLL-U files named as UD names them, at any depth, `.xz` or
            plain.
        output: Gets `<language>.udpipe` or `<language>.boundaries.npz`, `<language>.splits.npz`,
            `<treebank>.udpipe`, `generic.udpipe` and `config.json`.
        options: Recorded in `config.json`.
        languages: Codes to train, `generic` among them; all of them when both this and `own` are
            empty.
        own: Treebanks that get a UDPipe tokenizer of their own, such as `it_postwita`.
        text: Directory of `<code>.txt.xz` files, where forms are counted for the languages that
            have a split model; without it they count nothing.
        labelled: Directory of `<code>.segmented.txt.xz` and `<code>_<variety>.segmented.txt.xz`
            files, which boundary models learn from too, and of `<code>.splits.jsonl.xz` files,
            which split models do.

    Returns:
        The models' paths, trained now or before.

    Raises:
        InputNotFoundError: The directory holds no treebank.
        UsageError: A language has no treebank to train on, or a treebank no training file.
        CheckpointError: `output` belongs to a run with other options.
    """
    files = training_files(treebanks)
    if not files:
        raise InputNotFoundError(f"{treebanks}: no *-ud-train.conllu or .xz file below it")
    chosen = languages or ([] if own else [*sorted(files), GENERIC])
    _check(chosen, own, files)
    output.mkdir(parents=True, exist_ok=True)
    record_options(
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
            models.append(_splits(language, paths, output, text, labelled))
    return models + [_tokenizer(treebank, files, output, options) for treebank in own]


def _check(languages: Sequence[str], own: Sequence[str], files: Mapping[str, list[Path]]) -> None:
    """Raises UsageError for what has no training file."""
    for language in languages:
        if language not in files and language != GENERIC:
            raise UsageError(f"{language}: no treebank to train on; there are {', '.join(files)}")
    treebanks = {treebank_of(path) for paths in files.values() for path in paths}
    for treebank in own:
        if treebank not in treebanks:
            raise UsageError(
                f"{treebank}: no training file; there are {', '.join(sorted(treebanks))}"
            )


def _tokenizer(
    name: str, files: Mapping[str, list[Path]], output: Path, options: SegmenterOptions
) -> Path:
    """Trains a UDPipe tokenizer that is not there yet."""
    model = output / f"{name}.udpipe"
    if not model.exists():
        _LOGGER.info("%s: training a tokenizer", name)
        _train(_tokenizer_conllu(name, files, options), model, options)
    return model


def _tokenizer_conllu(name: str, files: Mapping[str, list[Path]], options: SegmenterOptions) -> str:
    """The sentences that the tokenizer of a language, a treebank or all languages learns from."""
    if name == GENERIC:
        return _generic_conllu(files, options)
    if name in files:
        sentences = list(language_sentences(files[name], options.n_tokens))
        if name in _WITH_FEW_MARKS:
            return _conllu(remarked(sentences, seed=options.seed))
        return _conllu(sentences)
    mates = files[treebank_language(name)]
    return _conllu(treebank_sentences(name, mates, options.n_treebank_tokens))


def _conllu(sentences: Iterable[str]) -> str:
    """Ends each sentence with a blank line."""
    return "".join(f"{sentence}\n\n" for sentence in sentences)


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
        text, token_ends = mark_text(sentence)
        yield text, dict.fromkeys(token_ends, 1.0)


def _labelled_sentences(language: str, labelled: Path | None) -> Iterator[MarkedSentence]:
    """Yields the labelled text of a language, of all varieties."""
    if labelled is not None:
        for path in sorted(labelled.glob("*.segmented.txt.xz")):
            if text_language(path) == language:
                yield from read_marked(path)


def _splits(
    language: str,
    paths: Sequence[Path],
    output: Path,
    text: Path | None,
    labelled: Path | None,
) -> Path:
    """Trains a split model that is not there yet."""
    model = output / f"{language}.splits.npz"
    if not model.exists():
        _LOGGER.info("%s: training a split model", language)
        sentences = list(read_splits(paths))
        part = model.with_suffix(".part")
        lines = _lines(text, language)
        shape = _WITH_SPLITS[language]
        more = list(read_labelled(labelled, language)) if labelled else []
        train_split_model(sentences, lines, shape, labelled=more).save(part)
        part.rename(model)
    return model


def _lines(text: Path | None, code: str) -> Iterator[str]:
    """Yields the lines of running text in a language."""
    path = text / f"{code}.txt.xz" if text else None
    if path and path.exists():
        yield from text_lines(path)


def text_lines(path: Path) -> Iterator[str]:
    """Yields the lines of an `.xz` file."""
    with open_text(path) as stream:
        yield from stream


def _generic_conllu(files: Mapping[str, list[Path]], options: SegmenterOptions) -> str:
    """Mixes the languages; a multiword token stays whole, since its split is one language's."""
    sentences = [
        _without_splits(sentence)
        for language, paths in files.items()
        if language not in _NOT_GENERIC
        for sentence in language_sentences(running_text(paths), options.n_generic_tokens)
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
