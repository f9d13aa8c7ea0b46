"""Trains the segmenters of a bundle: layers of boundary weights, gap networks, split models.

Also the common words of languages, which language identification weighs. What is in the output
directory already is not trained again.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Protocol

from mtag_core.errors import UsageError
from mtag_core.langid import WORDS_NAME
from mtag_core.languages import GENERIC, language_of, written_standards
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.training.data.other_forms import with_other_pronouns
from mtag_core.training.data.treebanks import read_lines, sentence_text, text_files, treebank_name
from mtag_core.training.langid import count_language_words
from mtag_core.training.records import list_files, record_options
from mtag_core.training.segmenter_options import TrainSegmentersOptions
from mtag_core.training.segmenters import treebanks
from mtag_core.training.segmenters.dictionaries import in_both_scripts
from mtag_core.training.segmenters.layers import MarkedText, mark_lines, train_layer
from mtag_core.training.segmenters.splits import LANGUAGE_TO_SHAPE, train_split_model
from mtag_core.training.segmenters.treebanks import Treebanks
from mtag_core.treebank_style import treebank_language

# Names the common words of languages where one names what to train.
_WORDS = "words"

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
# Lines that are looked through for each that is chosen.
_MOST_LINES = 3

# Penalty on squared weights, and weaker ones of languages that so few tokens show.
_L2, _WEAK_L2 = 0.5, {"be": 0.03}

_LOGGER = logging.getLogger(__name__)


class _Model(Protocol):
    def save(self, path: Path) -> None: ...


def run(options: TrainSegmentersOptions) -> str:
    """Runs `train segmenters`: makes what the output lacks, the generic layer before all others.

    Returns:
        The models' paths, trained now or before: `.linear.npz` of `generic`, languages and
        treebanks, `.boundaries.npz` and `.splits.npz` of languages, `langid.words.npz`.

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
        wanted = [GENERIC] if any(map(_has_layer, files)) else []
        wanted += [*files, *(name for name in _OWN if name in names)]
        wanted += [_WORDS] if options.text else []
    return list_files(path for name in wanted for path in trainer.paths(name))


def _has_layer(name: str) -> bool:
    # Spaces stand between the words of the others not at all, or inside them, too.
    return language_of(name).spacing == "words"


class _Trainer:
    """Trains models that are not there yet."""

    def __init__(self, options: TrainSegmentersOptions) -> None:
        self._options = options
        self.treebanks = Treebanks(options.treebanks, options.licences)
        self._texts = text_files(options.text) if options.text else {}

    def paths(self, name: str) -> Iterator[Path]:
        """The files of a language, a treebank, `generic` or `words`."""
        makers: dict[str, Callable[[str], _Model]] = {}
        if name == _WORDS:
            makers[WORDS_NAME] = self._words
        elif _has_layer(name):
            makers[f"{name}.linear.npz"] = self._layer
        else:
            makers[f"{name}.boundaries.npz"] = self._network
        if name in LANGUAGE_TO_SHAPE:
            makers[f"{name}.splits.npz"] = self._splits
        for file, make in makers.items():
            path = self._options.output / file
            if not path.exists():
                _LOGGER.info("training %s", file)
                part = path.with_suffix(".part")
                make(name).save(part)
                part.rename(path)
            yield path

    def _layer(self, name: str) -> BoundaryLayer:
        if name == GENERIC:
            return self._generic_layer()
        below = [BoundaryLayer.load(path) for path in self.paths(GENERIC)]
        if name in self.treebanks.files:
            return train_layer(
                below,
                self.treebanks.of_language(name, _N_TOKENS, is_edited=True),
                unedited=self.treebanks.of_language(name, _N_TOKENS, is_edited=False),
                texts=self._marked(name, _N_LINES),
                dev=self.treebanks.dev(name, _N_DEV_TOKENS),
                has_unmarked_ends=name in _ALL_ENDS,
                l2=_WEAK_L2.get(name, _L2),
                language=name,
            )
        of_language = self._options.output / f"{treebank_language(name)}.linear.npz"
        below += [BoundaryLayer.load(of_language)] if of_language.exists() else []
        sentences = self.treebanks.of_treebank(name, _N_TREEBANK_TOKENS)
        return train_layer(below, sentences, has_unmarked_ends=name in _ALL_ENDS)

    def _generic_layer(self) -> BoundaryLayer:
        read, n = self.treebanks.of_language, _N_GENERIC_TOKENS
        spaced = list(filter(_has_layer, self.treebanks.files))
        # Dhivehi's text has no marks.
        codes = [code for code in self._texts if _has_layer(code) and code != "dv"]
        return train_layer(
            [],
            [s for name in spaced for s in read(name, n, is_edited=True)],
            unedited=[s for name in spaced for s in read(name, n // 4, is_edited=False)],
            texts=[text for code in codes for text in self._marked(code, _N_GENERIC_LINES)],
        )

    def _lines(self, code: str) -> Iterator[str]:
        return read_lines(self._texts[code]) if code in self._texts else iter(())

    def _marked(self, language: str, n_lines: int) -> list[MarkedText]:
        lines = chain.from_iterable(map(self._lines, written_standards(language) or (language,)))
        return mark_lines(list(islice(lines, _MOST_LINES * n_lines)), n_lines)

    def _splits(self, language: str) -> _Model:
        labelled = list(treebanks.read_splits(self._options.labelled, language))
        own = with_other_pronouns(self.treebanks.all(language), self._lines(language), language)
        return train_split_model(own, labelled, self._lines(language), LANGUAGE_TO_SHAPE[language])

    def _network(self, language: str) -> _Model:
        # torch is an extra that the other segmenters do without.
        from mtag_core.training.segmenters.gap_networks import train_gap_network

        labelled = treebanks.read_marked(self._options.labelled, language)
        if language == "zh" and self._options.labelled:
            labelled = in_both_scripts(labelled)
        return train_gap_network(self.treebanks.all(language), labelled, language, self._options)

    def _words(self, name: str) -> _Model:
        if self._options.text is None:
            raise UsageError(f"{name}: --text is missing; expected a directory of texts")
        sentences = {
            language: [sentence_text(s)[0] for s in self.treebanks.all(language)]
            for language in {"hr", "sr"}.intersection(self.treebanks.files)
        }
        return count_language_words(self._options.text, sentences)
