"""Trains the segmenters of a bundle: layers of boundary weights, gap networks, split models.

What stands in the output directory is not trained again.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.languages import GENERIC
from mtag_core.storage import open_text
from mtag_core.training.options import SegmenterOptions, TrainSegmentersOptions
from mtag_core.training.records import record_options
from mtag_core.training.segmenters.boundary_marks import read_marked
from mtag_core.training.segmenters.gap_stream import MarkedSentence
from mtag_core.training.segmenters.layers import (
    Sentences,
    generic_data,
    language_data,
    text_sentences,
    train_layer,
    treebank_data,
)
from mtag_core.training.segmenters.marked_text import mark_text
from mtag_core.training.segmenters.split_labels import read_labelled
from mtag_core.training.segmenters.splits import CLITICS, CLOSED, OPEN, train_split_model
from mtag_core.training.segmenters.text_sentences import TextSentences
from mtag_core.training.segmenters.treebank_text import (
    joined_letters,
    language_sentences,
    read_splits,
    read_surface_sentences,
    surface_tokens,
    text_language,
    training_files,
    treebank_of,
    treebank_sentences,
)
from mtag_core.treebank_style import treebank_language

SPACED_INSIDE = frozenset({"vi"})
"""Languages whose tokens may hold spaces."""

# Written without spaces between words, or with spaces inside them.
_BY_NETWORKS = frozenset({"ja", "vi", "zh"})

# Prefixes and pronouns are written into any word of these.
_WITH_SPLITS = {"ar": OPEN, "he": OPEN} | dict.fromkeys(("kk", "ta", "tr"), CLITICS)
# In these some words stand for two.
_WITH_SPLITS |= dict.fromkeys("ca cs de el es fa fi fr gl hy it mr pl pt uk".split(), CLOSED)

# Sentences end without a mark in these treebanks of speech, tweets and bare verse.
_UNMARKED_ENDS = frozenset({"fr_spoken", "it_postwita", "la_proiel", "sl_sst"})

MORE_TEXT = {"zh": ("yue",)}
"""Text that is labelled for a boundary model besides its language's own: in the other script."""

_LAYER_SUFFIX = ".linear.npz"
_UNSPACED_TEXT = frozenset({"dv", "ja", "km", "lo", "my", "th", "vi", "yue", "zh"})

_LOGGER = logging.getLogger(__name__)


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
    """Trains the segmenters that `output` lacks, the generic layer before all others.

    Args:
        treebanks: Directory with CoNLL-U files named as UD names them, at any depth, `.xz` or
            plain.
        output: Gets `generic.linear.npz`, `<language>.linear.npz` or `<language>.boundaries.npz`,
            `<language>.splits.npz`, `<treebank>.linear.npz` and `config.json`.
        options: Recorded in `config.json`.
        languages: Codes to train, `generic` among them; all of them when both this and `own` are
            empty.
        own: Treebanks that get a layer of their own, such as `it_postwita`.
        text: Directory of `<code>.txt.xz` files, where sentence ends are learnt and, for split
            models, forms are counted.
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
    chosen = languages or ([] if own else sorted(files))
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
    trainer = _LayerTrainer(files, output, text, options)
    # Every layer lies on the generic one, which learns from all languages with spaces.
    has_layers = not set(files) <= set(_BY_NETWORKS)
    models = [trainer.path(GENERIC)] if has_layers else []
    for language in chosen:
        paths = files.get(language, [])
        if language in _BY_NETWORKS:
            models.append(_boundaries(language, paths, output, labelled, options))
        elif language != GENERIC:
            models.append(trainer.path(language))
        if language in _WITH_SPLITS:
            models.append(_splits(language, paths, output, text, labelled))
    return models + [trainer.path(treebank) for treebank in own]


@dataclass(frozen=True, slots=True)
class _LayerTrainer:
    """Trains layers that are not there yet."""

    files: Mapping[str, list[Path]]
    output: Path
    text: Path | None
    options: SegmenterOptions

    def path(self, name: str) -> Path:
        """The file of a layer: of `generic`, a language or a treebank."""
        model = self.output / f"{name}{_LAYER_SUFFIX}"
        if not model.exists():
            _LOGGER.info("%s: training a layer", name)
            part = model.with_suffix(".part")
            self._train(name).save(part)
            part.rename(model)
        return model

    def _train(self, name: str) -> BoundaryLayer:
        options = self.options
        if name == GENERIC:
            every = {
                language: self._sentences(language, options.n_generic_tokens)
                for language in self.files
                if language not in _BY_NETWORKS
            }
            return train_layer([], generic_data(every, list(self._texts())), seed=options.seed)
        below = [BoundaryLayer.load(self.path(GENERIC))]
        if name in self.files:
            sentences = self._sentences(name, options.n_tokens)
            data = language_data(
                sentences, self.text, name, n_lines=options.n_lines, seed=options.seed
            )
            return train_layer(below, data, seed=options.seed)
        language = treebank_language(name)
        language_layer = self.output / f"{language}{_LAYER_SUFFIX}"
        if language_layer.exists():
            below.append(BoundaryLayer.load(language_layer))
        own = treebank_sentences(name, self.files[language], options.n_treebank_tokens)
        data = treebank_data(_surfaces(own), has_unmarked_ends=name in _UNMARKED_ENDS)
        return train_layer(below, data, seed=options.seed)

    def _sentences(self, language: str, n_tokens: int) -> Sentences:
        """Surface tokens of a language; a cut between letters is a split where it has splits."""
        sentences = _surfaces(language_sentences(self.files[language], n_tokens))
        if language in _WITH_SPLITS:
            return [joined_letters(sentence) for sentence in sentences]
        return sentences

    def _texts(self) -> Iterator[TextSentences]:
        for path in sorted(self.text.glob("*.txt.xz")) if self.text else []:
            code = path.name.split(".")[0]
            if code not in _UNSPACED_TEXT:
                n_lines = self.options.n_generic_lines
                found = text_sentences(self.text, code, n_lines=n_lines, seed=self.options.seed)
                if found:
                    yield found


def _surfaces(sentences: Iterable[str]) -> Sentences:
    return [
        [(form, has_space) for form, _, has_space in surface_tokens(sentence)]
        for sentence in sentences
    ]


def _check(languages: Sequence[str], own: Sequence[str], files: Mapping[str, list[Path]]) -> None:
    for language in languages:
        if language not in files and language != GENERIC:
            raise UsageError(f"{language}: no treebank to train on; there are {', '.join(files)}")
    treebanks = {treebank_of(path) for paths in files.values() for path in paths}
    for treebank in own:
        if treebank not in treebanks:
            raise UsageError(
                f"{treebank}: no training file; there are {', '.join(sorted(treebanks))}"
            )


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
    for sentence in read_surface_sentences(paths):
        text, token_ends = mark_text(sentence)
        yield text, dict.fromkeys(token_ends, 1.0)


def _labelled_sentences(language: str, labelled: Path | None) -> Iterator[MarkedSentence]:
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
    path = text / f"{code}.txt.xz" if text else None
    if path and path.exists():
        yield from text_lines(path)


def text_lines(path: Path) -> Iterator[str]:
    """Yields the lines of an `.xz` file."""
    with open_text(path) as stream:
        yield from stream
