"""Trains the segmenters of a bundle: layers of boundary weights, gap networks, split models.

Also the common words of languages, which language identification weighs. What is in the output
directory already is not trained again.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Protocol

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.langid import WORDS_NAME
from mtag_core.languages import written_standards
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.languages import GENERIC
from mtag_core.storage import open_text
from mtag_core.training.data.text_files import text_files
from mtag_core.training.data.treebanks import treebank_name, treebanks_with
from mtag_core.training.langid import count_language_words
from mtag_core.training.loops.linear import FitOptions
from mtag_core.training.options import Schedule
from mtag_core.training.records import list_files, record_options
from mtag_core.training.segmenter_options import TrainSegmentersOptions
from mtag_core.training.segmenters.layers import LayerData, LayerOptions, train_layer
from mtag_core.training.segmenters.marked_text import (
    MarkedText,
    abbreviations,
    choose_lines,
    mark_lines,
)
from mtag_core.training.segmenters.splits import CLITICS, CLOSED, OPEN, train_split_model
from mtag_core.training.segmenters.treebanks import (
    SPACED_INSIDE,
    Sentences,
    first_tokens,
    is_edited,
    joined_letters,
    language_sentences,
    read_marked,
    read_sentences,
    read_splits,
    training_files,
    treebank_files_of,
    treebank_sentences,
)
from mtag_core.treebank_style import treebank_language

WORDS = "words"
"""Names the common words of languages where one names what to train."""

# Written without spaces between words, or with spaces inside them.
_BY_NETWORKS = frozenset({"ja", "vi", "zh"})
_UNSPACED_TEXT = frozenset({"dv", "ja", "km", "lo", "my", "th", "vi", "yue", "zh"})

# Prefixes and pronouns are written into any word of these.
_WITH_SPLITS = {"ar": OPEN, "he": OPEN} | dict.fromkeys(("kk", "ta", "tr"), CLITICS)
# In these some words stand for two.
_WITH_SPLITS |= dict.fromkeys("ca cs de el es fa fi fr gl hy it mr pl pt uk".split(), CLOSED)

# Their treebanks hold so many unmarked sentences that all ends of chunks are asked about.
_ALL_ENDS = frozenset({"et", "fi", "ko", "pt", "sk"})

# Sentences end without a mark in these treebanks of speech, tweets and bare verse.
_UNMARKED_ENDS = frozenset({"fr_spoken", "it_postwita", "la_proiel", "sl_sst"})

OWN = ("en_ewt", "en_gum", "en_lines", "en_partut", *sorted(_UNMARKED_ENDS))
"""Treebanks that get a layer of their own where none is named."""

_LAYER_SUFFIX = ".linear.npz"
_SPLITS_SUFFIX = ".splits.npz"
_NETWORK_SUFFIX = ".boundaries.npz"
_ROWS = 1 << 18

# Penalty on squared weights, and where so few tokens show a language that it must be weaker.
_L2, _WEAK_L2 = 0.5, 0.03
_WEAK = frozenset({"be"})

# Lines that are looked through for each that is chosen.
_MOST_LINES = 3

_LOGGER = logging.getLogger(__name__)


class _Model(Protocol):
    def save(self, path: Path) -> None: ...


def run(options: TrainSegmentersOptions) -> str:
    """Runs `train segmenters`."""
    return list_files(train_segmenters(options))


def train_segmenters(options: TrainSegmentersOptions) -> list[Path]:
    """Trains the segmenters that the output lacks, the generic layer before all others.

    Args:
        options: What to read and to train. All but the names of what to train are recorded in
            `config.json`.

    Returns:
        The models' paths, trained now or before: `generic.linear.npz`, `<language>.linear.npz` or
        `<language>.boundaries.npz`, `<language>.splits.npz`, `<treebank>.linear.npz` and
        `langid.words.npz`.

    Raises:
        InputNotFoundError: The directory holds no treebank.
        UsageError: A language has no treebank to train on, or a treebank no training file.
        CheckpointError: The output belongs to a run with other options.
    """
    trainer = _Trainer(options)
    names = [*options.languages, *options.own]
    known = {*trainer.files, *trainer.treebanks, GENERIC, WORDS}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{unknown[0]}: nothing to train on; there are {', '.join(sorted(known))}")
    options.output.mkdir(parents=True, exist_ok=True)
    recorded = {**asdict(options.each), "treebanks": options.treebanks}
    recorded |= {"text": options.text, "labelled": options.labelled}
    recorded |= {"licences": options.licences}
    record_options(options.output / "config.json", recorded)
    return [path for name in names or trainer.every for path in trainer.paths(name)]


@dataclass(frozen=True)
class _Trainer:
    """Trains models that are not there yet."""

    options: TrainSegmentersOptions

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Training files by language."""
        found = training_files(self.options.treebanks)
        own = {language: self._learnt(paths) for language, paths in found.items()}
        files = {language: paths for language, paths in own.items() if paths}
        if not files:
            raise InputNotFoundError(
                f"{self.options.treebanks}: no *-train.conllu or .xz file below it"
            )
        return files

    @cached_property
    def _code_to_text(self) -> dict[str, Path]:
        paths = text_files(self.options.text) if self.options.text else []
        return {path.name.split(".")[0]: path for path in paths}

    @cached_property
    def _names(self) -> frozenset[str]:
        return treebanks_with(self.options.licences, self.options.treebanks)

    def _learnt(self, paths: list[Path]) -> list[Path]:
        return [path for path in paths if treebank_name(path) in self._names]

    @cached_property
    def treebanks(self) -> frozenset[str]:
        """Names of all treebanks."""
        return frozenset(treebank_name(path) for paths in self.files.values() for path in paths)

    @property
    def every(self) -> list[str]:
        """What is trained where nothing is named."""
        own = [treebank for treebank in OWN if treebank in self.treebanks]
        has_layers = not set(self.files) <= _BY_NETWORKS
        words = [WORDS] if self.options.text else []
        return [GENERIC] * has_layers + [*self.files, *own, *words]

    def paths(self, name: str) -> Iterator[Path]:
        """The files of a language, a treebank, `generic` or `words`."""
        if name == WORDS:
            yield self._made(WORDS_NAME, name)
        elif name in _BY_NETWORKS:
            yield self._made(name + _NETWORK_SUFFIX, name)
        else:
            yield self._made(name + _LAYER_SUFFIX, name)
        if name in _WITH_SPLITS:
            yield self._made(name + _SPLITS_SUFFIX, name)

    def _made(self, file: str, name: str) -> Path:
        path = self.options.output / file
        if not path.exists():
            _LOGGER.info("training %s", file)
            part = path.with_suffix(".part")
            self._train(file, name).save(part)
            part.rename(path)
        return path

    def _train(self, file: str, name: str) -> _Model:
        if name == WORDS:
            return self._words()
        if file.endswith(_NETWORK_SUFFIX):
            return self._network(name)
        if file.endswith(_SPLITS_SUFFIX):
            return self._splits(name)
        if name == GENERIC:
            return train_layer([], self._generic_data(), self._layer_options(name))
        below = [BoundaryLayer.load(self._made(GENERIC + _LAYER_SUFFIX, GENERIC))]
        if name in self.files:
            return train_layer(below, self._language_data(name), self._layer_options(name))
        language = treebank_language(name)
        own = self.options.output / f"{language}{_LAYER_SUFFIX}"
        if own.exists():
            below.append(BoundaryLayer.load(own))
        data = LayerData(
            treebank_sentences(name, self.files[language], self.options.each.n_treebank_tokens)
        )
        return train_layer(below, data, self._layer_options(name))

    def _layer_options(self, name: str) -> LayerOptions:
        each = self.options.each
        return LayerOptions(
            FitOptions(_ROWS, l2=_WEAK_L2 if name in _WEAK else _L2, n_steps=each.n_steps),
            unedited_part=24 if name == GENERIC else 8,
            has_unmarked_ends=name in _ALL_ENDS | _UNMARKED_ENDS,
            seed=each.seed,
            language=treebank_language(name),
        )

    def _generic_data(self) -> LayerData:
        each = self.options.each
        spaced = [language for language in self.files if language not in _BY_NETWORKS]
        sentences = [s for name in spaced for s in self._edited(name, each.n_generic_tokens)]
        unedited = [s for name in spaced for s in self._unedited(name, each.n_generic_tokens // 4)]
        texts: list[MarkedText] = []
        for code in self._code_to_text:
            if code not in _UNSPACED_TEXT:
                texts += self._texts(code, each.n_generic_lines)
        return LayerData(sentences, texts, unedited, clitics=frozenset({"n't"}))

    def _language_data(self, language: str) -> LayerData:
        each = self.options.each
        return LayerData(
            self._edited(language, each.n_tokens),
            self._texts(language, each.n_lines),
            self._unedited(language, each.n_tokens),
            dev=[
                self._whole(language, first_tokens(read_sentences(path), each.n_dev_tokens))
                for path in self._learnt(treebank_files_of(self.options.treebanks, language, "dev"))
            ],
        )

    def _edited(self, language: str, n_tokens: int) -> Sentences:
        paths = self.files[language]
        edited = [path for path in paths if is_edited(path)] or paths
        return self._whole(language, language_sentences(edited, n_tokens))

    def _unedited(self, language: str, n_tokens: int) -> Sentences:
        paths = [path for path in self.files[language] if not is_edited(path)]
        return self._whole(language, language_sentences(paths, n_tokens))

    @staticmethod
    def _whole(language: str, sentences: Sentences) -> Sentences:
        """A cut between letters is a split where the language has a split model."""
        return list(map(joined_letters, sentences)) if language in _WITH_SPLITS else sentences

    def _texts(self, language: str, n_lines: int) -> list[MarkedText]:
        codes = written_standards(language) or (language,)
        lines = list(
            islice((s for code in codes for s in self._lines(code)), _MOST_LINES * n_lines)
        )
        short_forms = abbreviations(lines)
        chosen = choose_lines(lines, short_forms, n_lines, seed=self.options.each.seed)
        return [mark_lines(chosen, short_forms, seed=self.options.each.seed)] if chosen else []

    def _lines(self, code: str) -> Iterator[str]:
        if code in self._code_to_text:
            with open_text(self._code_to_text[code]) as stream:
                yield from stream

    def _splits(self, language: str) -> _Model:
        sentences = self._whole(language, self._all(language))
        labelled = self.options.labelled
        more = list(read_splits(labelled, language)) if labelled else []
        lines = self._lines(language)
        return train_split_model(sentences, lines, _WITH_SPLITS[language], labelled=more)

    def _network(self, language: str) -> _Model:
        # torch is an extra that the other segmenters do without.
        from mtag_core.training.segmenters.gap_networks import train_gap_network, treebank_marks

        each, has_spaces = self.options.each, language in SPACED_INSIDE
        schedule = Schedule(
            epochs=each.gap_epochs, peak_rate=3e-3, warmup_share=0.05, seed=each.seed
        )
        labelled = self.options.labelled
        network = train_gap_network(
            treebank_marks(self._all(language)),
            read_marked(labelled, language) if labelled else (),
            schedule=schedule,
            device=each.device,
            has_spaces=has_spaces,
        )
        return BoundaryModel(network, has_spaces=has_spaces)

    def _words(self) -> _Model:
        if self.options.text is None:
            raise UsageError(f"{WORDS}: --text is missing; expected a directory of texts")
        sentences: dict[str, list[str]] = {
            language: ["".join(f + " " * space for f, _, space in s) for s in self._all(language)]
            for language in ("hr", "sr")
            if language in self.files
        }
        return count_language_words(self.options.text, sentences, seed=self.options.each.seed)

    def _all(self, language: str) -> Sentences:
        return [s for path in self.files[language] for s in read_sentences(path)]
