"""Trains the segmenters of a bundle: layers of boundary weights, gap networks, split models.

Also the common words of languages, which language identification weighs. What is in the output
directory already is not trained again.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Protocol

from mtag_core.errors import InputNotFoundError, UsageError
from mtag_core.langid import WORDS_NAME
from mtag_core.languages import GENERIC, written_standards
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.training.data.treebanks import (
    Sentences,
    first_tokens,
    joined_letters,
    read_lines,
    read_sentences,
    sentence_text,
    text_files,
    treebank_files,
    treebank_name,
    treebanks_with,
)
from mtag_core.training.langid import count_language_words
from mtag_core.training.records import list_files, record_options
from mtag_core.training.segmenter_options import TrainSegmentersOptions
from mtag_core.training.segmenters import treebanks
from mtag_core.training.segmenters.dictionaries import in_both_scripts
from mtag_core.training.segmenters.layers import MarkedText, mark_lines, train_layer
from mtag_core.training.segmenters.splits import CLITICS, CLOSED, OPEN, train_split_model
from mtag_core.training.segmenters.treebanks import text_language
from mtag_core.training.treebank_facts import facts_of
from mtag_core.treebank_style import treebank_language

# Names the common words of languages where one names what to train.
_WORDS = "words"

# Written without spaces between words, or with spaces inside them.
_BY_NETWORKS = frozenset({"ja", "vi", "zh"})
_UNSPACED_TEXT = frozenset({"dv", "ja", "km", "lo", "my", "th", "vi", "yue", "zh"})

# Prefixes and pronouns are written into any word of these.
_WITH_SPLITS = {"ar": OPEN, "he": OPEN} | dict.fromkeys(("kk", "ta", "tr"), CLITICS)
# In these some words stand for two.
_WITH_SPLITS |= dict.fromkeys("ca cs de el es fa fi fr gl hy it mr pl pt uk".split(), CLOSED)

# Sentences end without a mark in these treebanks of speech, tweets and bare verse.
_UNMARKED_ENDS = frozenset({"fr_spoken", "it_postwita", "la_proiel", "sl_sst"})
# So many sentences do in those of these languages that all ends of chunks are asked about.
_ALL_ENDS = frozenset({"et", "fi", "ko", "pt", "sk"}) | _UNMARKED_ENDS

# Treebanks that get a layer of their own where none is named.
_OWN = ("en_ewt", "en_gum", "en_lines", "en_partut", *sorted(_UNMARKED_ENDS))

# Tokens of a language, a treebank, a dev file, and what a language gives to the generic layer.
_N_TOKENS, _N_TREEBANK_TOKENS, _N_DEV_TOKENS, _N_GENERIC_TOKENS = 120_000, 100_000, 15_000, 8_000
# Sentences of text, of a language and what it gives to the generic layer.
_N_LINES, _N_GENERIC_LINES = 8_000, 1_000
# A treebank with fewer tokens does not say enough about the language's words.
_FEW_TOKENS = 10_000
# Lines that are looked through for each that is chosen.
_MOST_LINES = 3

# Penalty on squared weights, and where so few tokens show a language that it must be weaker.
_L2, _WEAK_L2 = 0.5, 0.03
_WEAK = frozenset({"be"})

_LOGGER = logging.getLogger(__name__)


class _Model(Protocol):
    def save(self, path: Path) -> None: ...


def run(options: TrainSegmentersOptions) -> str:
    """Runs `train segmenters`: makes what the output lacks, the generic layer before all others.

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
    files = trainer.treebanks.files
    names = {treebank_name(path) for paths in files.values() for path in paths}
    known = {*files, *names, GENERIC, _WORDS}
    wanted = [*options.languages]
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"{unknown[0]}: nothing to train on; there are {', '.join(sorted(known))}")
    record_options(options.output / "config.json", options, may_differ=("languages", "output"))
    if not wanted:
        wanted = [] if set(files) <= _BY_NETWORKS else [GENERIC]
        wanted += [*files, *(name for name in _OWN if name in names)]
        wanted += [_WORDS] if options.text else []
    return list_files(path for name in wanted for path in trainer.paths(name))


class _Trainer:
    """Trains models that are not there yet."""

    def __init__(self, options: TrainSegmentersOptions) -> None:
        self.options = options
        self.treebanks = Treebanks(options.treebanks, options.licences)
        self._texts = text_files(options.text) if options.text else {}

    def paths(self, name: str) -> Iterator[Path]:
        """The files of a language, a treebank, `generic` or `words`."""
        if name == _WORDS:
            yield self._made(WORDS_NAME, self._words)
        elif name in _BY_NETWORKS:
            yield self._made(f"{name}.boundaries.npz", partial(self._network, name))
        else:
            yield self._layer(name)
        if name in _WITH_SPLITS:
            yield self._made(f"{name}.splits.npz", partial(self._splits, name))

    def _made(self, file: str, make: Callable[[], _Model]) -> Path:
        path = self.options.output / file
        if not path.exists():
            _LOGGER.info("training %s", file)
            part = path.with_suffix(".part")
            make().save(part)
            part.rename(path)
        return path

    def _layer(self, name: str) -> Path:
        kind = self._language_layer if name in self.treebanks.files else self._own_layer
        make = self._generic_layer if name == GENERIC else partial(kind, name)
        return self._made(f"{name}.linear.npz", make)

    def _generic_layer(self) -> BoundaryLayer:
        read = self.treebanks.of_language
        spaced = [language for language in self.treebanks.files if language not in _BY_NETWORKS]
        n, codes = _N_GENERIC_TOKENS, [code for code in self._texts if code not in _UNSPACED_TEXT]
        return train_layer(
            [],
            [s for name in spaced for s in read(name, n, is_edited=True)],
            unedited=[s for name in spaced for s in read(name, n // 4, is_edited=False)],
            texts=[text for code in codes for text in self._marked(code, _N_GENERIC_LINES)],
        )

    def _language_layer(self, language: str) -> BoundaryLayer:
        dev = [path for path in self.treebanks.part("dev") if text_language(path) == language]
        return train_layer(
            [BoundaryLayer.load(self._layer(GENERIC))],
            self.treebanks.of_language(language, _N_TOKENS, is_edited=True),
            unedited=self.treebanks.of_language(language, _N_TOKENS, is_edited=False),
            texts=self._marked(language, _N_LINES),
            dev=[_whole(language, first_tokens(read_sentences(p), _N_DEV_TOKENS)) for p in dev],
            has_unmarked_ends=language in _ALL_ENDS,
            l2=_WEAK_L2 if language in _WEAK else _L2,
            language=language,
        )

    def _own_layer(self, treebank: str) -> BoundaryLayer:
        below = [self._layer(GENERIC)]
        of_language = self.options.output / f"{treebank_language(treebank)}.linear.npz"
        below += [of_language] if of_language.exists() else []
        sentences = self.treebanks.of_treebank(treebank, _N_TREEBANK_TOKENS)
        layers = list(map(BoundaryLayer.load, below))
        return train_layer(layers, sentences, has_unmarked_ends=treebank in _ALL_ENDS)

    def _lines(self, code: str) -> Iterator[str]:
        return read_lines(self._texts[code]) if code in self._texts else iter(())

    def _marked(self, language: str, n_lines: int) -> list[MarkedText]:
        lines = chain.from_iterable(map(self._lines, written_standards(language) or (language,)))
        return mark_lines(list(islice(lines, _MOST_LINES * n_lines)), n_lines)

    def _splits(self, language: str) -> _Model:
        sentences, lines = self.treebanks.all(language), self._lines(language)
        labelled = list(treebanks.read_splits(self.options.labelled, language))
        return train_split_model(sentences, labelled, lines, _WITH_SPLITS[language])

    def _network(self, language: str) -> _Model:
        # torch is an extra that the other segmenters do without.
        from mtag_core.training.segmenters.gap_networks import train_gap_network

        has_spaces = language in treebanks.SPACED_INSIDE
        labelled = treebanks.read_marked(self.options.labelled, language)
        if language == "zh" and self.options.labelled:
            labelled = in_both_scripts(labelled)
        network = train_gap_network(
            self.treebanks.all(language),
            labelled,
            epochs=self.options.gap_epochs,
            device=self.options.device,
            has_spaces=has_spaces,
        )
        return BoundaryModel(network, has_spaces=has_spaces)

    def _words(self) -> _Model:
        if self.options.text is None:
            raise UsageError(f"{_WORDS}: --text is missing; expected a directory of texts")
        sentences = {
            language: [sentence_text(s)[0] for s in self.treebanks.all(language)]
            for language in {"hr", "sr"}.intersection(self.treebanks.files)
        }
        return count_language_words(self.options.text, sentences)


@dataclass(frozen=True)
class Treebanks:
    """Treebanks below a directory that have one of some licences, or any if none is given.

    Raises:
        FormatError: See `read_licences`.
        InputNotFoundError: There is no training file, or no treebank with such a licence.
    """

    directory: Path
    licences: tuple[str, ...] = ()

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Training files by language: dev files of treebanks whose train files lack spaces."""
        paths = [p for p in self.part("train") if facts_of(treebank_name(p)).has_train_spacing]
        paths += [p for p in self.part("dev") if not facts_of(treebank_name(p)).has_train_spacing]
        if not paths:
            raise InputNotFoundError(f"{self.directory}: no *-train.conllu or .xz file below it")
        paths.sort(key=lambda path: (text_language(path), path))
        return {name: list(files) for name, files in groupby(paths, text_language)}

    def part(self, part: str) -> list[Path]:
        """Files of `train` or `dev`, sorted."""
        names = treebanks_with(self.licences, self.directory)
        paths = sorted(treebank_files(self.directory, part, is_required=False))
        return [path for path in paths if treebank_name(path) in names]

    def all(self, language: str) -> Sentences:
        """All sentences of a language."""
        return _whole(language, [s for path in self.files[language] for s in read_sentences(path)])

    def of_language(self, language: str, n_tokens: int, *, is_edited: bool) -> Sentences:
        """Sentences of roughly `n_tokens` tokens, as many from each file where it has them.

        What a small file lacks the others give. Speech and tweets are not edited; they stand for
        edited text where there is no other.
        """
        files = self.files[language]
        paths = [p for p in files if facts_of(treebank_name(p)).is_edited_text == is_edited]
        return _whole(language, _evenly(paths or files * is_edited, n_tokens))

    def of_treebank(self, treebank: str, n_tokens: int) -> Sentences:
        """Sentences of a treebank, after them others of its language where they are few."""
        paths = self.files[treebank_language(treebank)]
        own = [path for path in paths if treebank_name(path) == treebank]
        sentences = [s for path in own for s in read_sentences(path, n_tokens)]
        n_lacking = max(0, _FEW_TOKENS - sum(map(len, sentences)))
        return sentences + _evenly([path for path in paths if path not in own], n_lacking)


def _whole(language: str, sentences: Sentences) -> Sentences:
    """A cut between letters is a split where the language has a split model."""
    return list(map(joined_letters, sentences)) if language in _WITH_SPLITS else sentences


def _evenly(paths: Sequence[Path], n_tokens: int) -> Sentences:
    sentences = {path: read_sentences(path, n_tokens) for path in paths}
    sizes = {path: sum(map(len, sentences[path])) for path in paths}
    shares: dict[Path, int] = {}
    for n_done, path in enumerate(sorted(paths, key=sizes.__getitem__)):
        shares[path] = min(sizes[path], n_tokens // (len(paths) - n_done))
        n_tokens -= shares[path]
    return [s for path in paths for s in first_tokens(sentences[path], shares[path])]
