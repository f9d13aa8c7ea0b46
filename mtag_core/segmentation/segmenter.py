"""The `Segmenter`: raw text in, sentences of tokens with offsets out."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from mtag_core.arrays import Integers
from mtag_core.errors import BundleError
from mtag_core.folding import is_in_capitals, usual_case
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import GENERIC, UNKNOWN, find_language, segmenter_name, written_standards
from mtag_core.records import Sentence
from mtag_core.segmentation.abbreviations import has_abbreviations
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.chunk_table import ChunkMemory
from mtag_core.segmentation.language_spans import LanguageSpan, find_spans, languages_of_texts
from mtag_core.segmentation.lines import safe_cut
from mtag_core.segmentation.rewritten import ReadText, with_original_forms
from mtag_core.segmentation.spaced import SpacedTokenizer
from mtag_core.segmentation.splits import SplitModel
from mtag_core.segmentation.token_block import TokenBlock
from mtag_core.treebank_style import languages_of, treebank_language

_LAYER_SUFFIX = ".linear.npz"
_NETWORK_SUFFIX = ".boundaries.npz"
_SPLITS_SUFFIX = ".splits.npz"

# A tokenizer is given lines of at most so many characters together, so that memory stays flat.
_MAX_BLOCK_CHARACTERS = 65_536
# Pages of a dump in other languages are few, but there are some. Short ones look like any.
_SURE_OF_ANOTHER = 0.8
_SURE_CHARACTERS = 40


class _Tokenizer(Protocol):
    """Finds the surface tokens and sentences of lines of a cleaned document."""

    def tokenize(self, text: str, lines: Sequence[tuple[int, int]]) -> TokenBlock:
        """See `SpacedTokenizer.tokenize`."""
        ...


class _Models(NamedTuple):
    """What a language is segmented with."""

    tokenizer: _Tokenizer
    splits: SplitModel | None


class Segmenter:
    """Splits text of many languages. The models of languages that do not occur are not loaded."""

    def __init__(self, directory: Path, langid: LanguageIdentifier) -> None:
        """Notes which models a directory holds; `load` is the usual way."""
        self._directory = directory
        self._langid = langid
        suffixes = (_LAYER_SUFFIX, _NETWORK_SUFFIX, _SPLITS_SUFFIX)
        self._suffix_to_names = {suffix: _names(directory, suffix) for suffix in suffixes}
        tokenizers = self._suffix_to_names[_LAYER_SUFFIX] | self._suffix_to_names[_NETWORK_SUFFIX]
        self._available = frozenset(name for name in tokenizers if "_" not in name)
        every = tokenizers | self._suffix_to_names[_SPLITS_SUFFIX]
        self._treebanks = frozenset(name for name in every if "_" in name)
        self._language_to_treebank: dict[str, str] = {}
        self._joins_hyphens = False
        # Shared by all that follow treebanks with these models.
        self._key_to_models: dict[tuple[str, ...], _Models] = {}
        self._name_to_layer: dict[str, BoundaryLayer] = {}
        self._chunk_memory = ChunkMemory()

    @classmethod
    def load(cls, directory: str | Path, langid: LanguageIdentifier) -> "Segmenter":
        """Opens a directory of segmenters.

        A language has `<language>.linear.npz`, which adds to `generic.linear.npz`, or, instead,
        `<language>.boundaries.npz`, and may have `<language>.splits.npz`; the generic layer alone
        serves all others. Files that are named after a treebank, such as `it_postwita.linear.npz`,
        serve those who follow it, on top of the language's.

        Raises:
            BundleError: The generic layer is missing.
        """
        segmenter = cls(Path(directory), langid)
        if GENERIC not in segmenter._suffix_to_names[_LAYER_SUFFIX]:
            raise BundleError(
                f"{directory}: expected {GENERIC}{_LAYER_SUFFIX} among the segmenters"
            )
        return segmenter

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a segmenter of their own, sorted."""
        return tuple(sorted(self._available - {GENERIC}))

    def following(self, treebanks: Iterable[str]) -> "Segmenter":
        """A segmenter with the same models that cuts text as treebanks do, and as no others.

        At most one a language. One without models of its own changes nothing. One with a layer
        alone is split by its language's split model only where it has one of its own.
        """
        segmenter = copy(self)
        segmenter._language_to_treebank = {
            language: treebank
            for treebank in treebanks
            if treebank in self._treebanks
            for language in languages_of(treebank)
        }
        return segmenter

    @property
    def identified_languages(self) -> tuple[str, ...]:
        """The languages that lines may be found to be in."""
        return self._langid.languages

    def find_language(self, text: str) -> tuple[str, float]:
        """The language of the beginning of a text and its probability, 0 to 1."""
        (found,) = self._langid.predict([text])
        return found

    def among(self, languages: Iterable[str]) -> "Segmenter":
        """A segmenter with the same models that finds these languages alone.

        Args:
            languages: ISO 639 codes; that of a language stands for its written standards, too.
        """
        segmenter = copy(self)
        segmenter._langid = self._langid.among(languages)
        return segmenter

    def joining_hyphens(self) -> "Segmenter":
        """A segmenter with the same models that makes a word of what a hyphen parts at a margin.

        The form of such a word has no break, and mostly no hyphen; its offsets span both.
        """
        segmenter = copy(self)
        segmenter._joins_hyphens = True
        return segmenter

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of a document that came in sentences, where none names its own."""
        if any(sentence.language != UNKNOWN for sentence in sentences):
            return sentences
        texts = [sentence.text for sentence in sentences]
        (languages,) = languages_of_texts([texts], langid=self._langid)
        return [
            replace(sentence, language=language)
            for sentence, language in zip(sentences, languages, strict=True)
        ]

    def segment(
        self, text: str, language: str | None = None, *, likely_language: str | None = None
    ) -> Iterator[Sentence]:
        """Yields the sentences of a text in order.

        Args:
            text: Any string. Control characters separate tokens and are in none.
            language: ISO 639 code of the whole text; each paragraph's is found where it is None.
            likely_language: Any code of the language that the text is in unless it has 40
                characters and begins, with a probability of 0.8, in another; None where nothing is
                known.

        Yields:
            Sentences whose offsets point into `text`. A sentence never crosses a blank line.

        Raises:
            BundleError: A segmenter file is damaged.
        """
        found = self._segment([text], language, likely_language)
        return (sentence for _, sentence in found)

    def segment_many(
        self,
        texts: Sequence[str],
        language: str | None = None,
        *,
        likely_language: str | None = None,
    ) -> list[list[Sentence]]:
        """The sentences of each of several short texts, as `segment` finds them, in less time.

        All sentences are in memory together.

        Raises:
            BundleError: A segmenter file is damaged.
        """
        sentences: list[list[Sentence]] = [[] for _ in texts]
        for number, sentence in self._segment(texts, language, likely_language):
            sentences[number].append(sentence)
        return sentences

    def _segment(
        self, texts: Sequence[str], language: str | None, likely_language: str | None
    ) -> Iterator[tuple[int, Sentence]]:
        """Sentences with the numbers of their texts, in order."""
        languages = self._stated(texts, language, likely_language)
        read = [ReadText.of(text, joins_hyphens=self._joins_hyphens) for text in texts]
        for batch in _batches(find_spans(read, languages, langid=self._langid)):
            yield from self._segment_spans(read, batch)

    def _segment_spans(
        self, texts: Sequence[ReadText], spans: Sequence[LanguageSpan]
    ) -> Iterator[tuple[int, Sentence]]:
        models_of = {language: self._models(language) for language in {s.language for s in spans}}
        models_to_numbers: dict[_Models, list[int]] = {}
        for number, span in enumerate(spans):
            models_to_numbers.setdefault(models_of[span.language], []).append(number)
        if len(models_to_numbers) == 1:
            found = _sentences(texts, spans, next(iter(models_to_numbers)))
        else:
            pairs = [
                (numbers[place], sentence)
                for models, numbers in models_to_numbers.items()
                for place, sentence in _sentences(texts, [spans[n] for n in numbers], models)
            ]
            found = iter(sorted(pairs, key=lambda pair: pair[0]))
        for number, sentence in found:
            text_number = spans[number].text_number
            yield text_number, texts[text_number].original_sentence(sentence)

    def _stated(
        self, texts: Sequence[str], language: str | None, likely_language: str | None
    ) -> list[str | None]:
        if language is not None or likely_language is None:
            return [language] * len(texts)
        code = find_language(likely_language)
        return [
            None
            if probability >= _SURE_OF_ANOTHER
            and len(text) >= _SURE_CHARACTERS
            and code not in (found, *written_standards(found))
            else code
            for text, (found, probability) in zip(texts, self._langid.predict(texts), strict=True)
        ]

    def _models(self, language: str) -> _Models:
        treebank = self._language_to_treebank.get(language)
        name = segmenter_name(language, available=self._available)
        names = (treebank, name) if treebank else (name,)
        # A language that a relative's models serve may have abbreviations of its own.
        own = language if has_abbreviations(language) else treebank_language(name)
        key = (own, *names)
        if key not in self._key_to_models:
            self._key_to_models[key] = self._open(names, own)
        return self._key_to_models[key]

    def _open(self, names: Sequence[str], language: str) -> _Models:
        networks = self._with_suffix(names[-1:], _NETWORK_SUFFIX)
        layers = self._with_suffix([*names[::-1]], _LAYER_SUFFIX)
        if networks and not layers:
            tokenizer: _Tokenizer = BoundaryModel.load(self._path(networks[0], _NETWORK_SUFFIX))
        else:
            tokenizer = SpacedTokenizer(
                [self._layer(name) for name in dict.fromkeys([GENERIC, *layers])],
                language,
                self._chunk_memory,
            )
        # A treebank with a layer of its own may not split what its language does.
        has_own = names[0] in self._suffix_to_names[_LAYER_SUFFIX]
        splits = self._with_suffix(names[:1] if has_own else names, _SPLITS_SUFFIX)
        model = SplitModel.load(self._path(splits[0], _SPLITS_SUFFIX)) if splits else None
        return _Models(tokenizer, model)

    def _layer(self, name: str) -> BoundaryLayer:
        layer = self._name_to_layer.get(name) or BoundaryLayer.load(self._path(name, _LAYER_SUFFIX))
        if name == GENERIC:
            # All others add to it; tokenizers hold the sums.
            self._name_to_layer[name] = layer
        return layer

    def _with_suffix(self, names: Iterable[str], suffix: str) -> list[str]:
        return [name for name in names if name in self._suffix_to_names[suffix]]

    def _path(self, name: str, suffix: str) -> Path:
        return self._directory / f"{name}{suffix}"


def _names(directory: Path, suffix: str) -> frozenset[str]:
    return frozenset(path.name.removesuffix(suffix) for path in directory.glob(f"*{suffix}"))


def _batches(spans: Iterable[LanguageSpan]) -> Iterator[list[LanguageSpan]]:
    batch: list[LanguageSpan] = []
    n_characters = 0
    for span in spans:
        n_characters += span.end - span.start
        if batch and n_characters > _MAX_BLOCK_CHARACTERS:
            yield batch
            batch, n_characters = [], span.end - span.start
        batch.append(span)
    if batch:
        yield batch


def _sentences(
    texts: Sequence[ReadText], spans: Sequence[LanguageSpan], models: _Models
) -> Iterator[tuple[int, Sentence]]:
    """Cuts spans together, a line each; yields sentences with the numbers of their spans."""
    lines = [texts[span.text_number].cleaned[span.start : span.end] for span in spans]
    capitals = {number for number, line in enumerate(lines) if is_in_capitals(line)}
    for number in capitals:
        lines[number] = usual_case(lines[number], spans[number].language)
    # A token with a space inside may have something else there.
    changed = {
        number: texts[span.text_number].text
        for number, span in enumerate(spans)
        if number not in capitals and texts[span.text_number].is_cleaned
    }
    sizes = np.array(list(map(len, lines)))
    if len(spans) == 1 and not capitals:
        # Not copied: a line may be as long as a document.
        source, starts = texts[spans[0].text_number].cleaned, np.array([spans[0].start])
    else:
        source, starts = _joined(lines, spans)
    del lines
    moves = np.array([span.start for span in spans]) - starts
    places = list(zip(starts.tolist(), (starts + sizes).tolist(), strict=True))
    for block in _token_blocks(source, places, models.tokenizer):
        numbers = block.move(starts, moves)
        if changed:
            block.take_forms([changed.get(number) for number in numbers])
        expansions = (
            models.splits.expansions(block.forms, block.sentence_ends) if models.splits else {}
        )
        for number, columns in zip(numbers, block.sentences(expansions), strict=True):
            span = spans[number]
            text = texts[span.text_number].text
            start, end = columns.starts[0], columns.ends[-1]
            sentence = Sentence(text[start:end], start, end, span.language, *columns)
            yield number, with_original_forms(sentence, text) if number in capitals else sentence


def _joined(lines: Sequence[str], spans: Sequence[LanguageSpan]) -> tuple[str, Integers]:
    """One text of the lines of spans, and where each starts."""
    # A word may go across spans that have nothing between them.
    breaks = ["", *("\n" * (not span.follows(before)) for before, span in pairwise(spans))]
    parts = [*chain.from_iterable(zip(breaks, lines, strict=True))]
    sizes = np.array(list(map(len, parts)))
    return "".join(parts), (sizes.cumsum() - sizes)[1::2]


def _token_blocks(
    text: str, lines: Sequence[tuple[int, int]], tokenizer: _Tokenizer
) -> Iterator[TokenBlock]:
    (start, last) = lines[0]
    if len(lines) > 1 or last - start <= _MAX_BLOCK_CHARACTERS:
        yield tokenizer.tokenize(text, lines)
        return
    while start < last:
        limit = start + _MAX_BLOCK_CHARACTERS
        end = last if limit >= last else safe_cut(text, start=start, limit=limit)
        block = tokenizer.tokenize(text, [(start, end)])
        start = end
        if end < last and len(block.sentence_ends) > 1:
            # The cut may have parted the last sentence: the next piece has it whole. A long one
            # stays, or a text without sentence ends would be read many times over.
            last_start = int(block.starts[block.sentence_ends[-2]])
            if end - last_start <= _MAX_BLOCK_CHARACTERS // 4:
                block, start = block.without_last_sentence(), last_start
        yield block
