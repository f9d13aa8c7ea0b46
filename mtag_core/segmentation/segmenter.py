"""The `Segmenter`: raw text in, sentences of tokens with offsets out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from mtag_core.errors import BundleError
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import UNKNOWN, find_language, written_standards
from mtag_core.records import MultiwordToken, Sentence
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.boundary_layers import BoundaryLayer
from mtag_core.segmentation.chunk_table import ChunkMemory
from mtag_core.segmentation.language_spans import (
    LanguageSpan,
    find_spans,
    languages_of_texts,
    wrapped_lines,
)
from mtag_core.segmentation.languages import GENERIC, segmenter_name
from mtag_core.segmentation.lines import LineSpan, clean, hyphen_edits, safe_cut
from mtag_core.segmentation.rewritten import (
    RewrittenText,
    folding_edits,
    in_usual_case,
    moved_lines,
    with_original_forms,
)
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
        self._names_to_models: dict[tuple[str, ...], _Models] = {}
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

        Args:
            treebanks: At most one a language. One without models of its own changes nothing. One
                with a layer alone is split by its language's split model only where it has one of
                its own.
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
        """Finds the languages of a document that came in sentences, where none is named.

        Args:
            sentences: Of one document. Those of one that names any language stay as they are.
        """
        if any(sentence.language != UNKNOWN for sentence in sentences):
            return sentences
        texts = [sentence.text for sentence in sentences]
        languages = languages_of_texts(texts, langid=self._langid)
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
        if language is None and likely_language is not None:
            language = self._settled(text, likely_language)
        folding = folding_edits(text)
        if not folding:
            yield from self._segment(text, language)
            return
        folded = RewrittenText.of(text, folding)
        for sentence in self._segment(folded.text, language):
            yield with_original_forms(folded.original(sentence, text), text)

    def _segment(self, text: str, language: str | None) -> Iterator[Sentence]:
        cleaned = clean(text)
        lines = wrapped_lines(cleaned)
        hyphens = hyphen_edits(cleaned, lines) if self._joins_hyphens else []
        if not hyphens:
            yield from self._segment_lines(text, cleaned, lines, language)
            return
        joined, lines = RewrittenText.of(text, hyphens), moved_lines(lines, hyphens)
        cleaned = RewrittenText.of(cleaned, hyphens).text
        for sentence in self._segment_lines(joined.text, cleaned, lines, language):
            yield joined.original(sentence, text)

    def _segment_lines(
        self, text: str, cleaned: str, lines: Sequence[LineSpan], language: str | None
    ) -> Iterator[Sentence]:
        if language is None:
            found = find_spans(cleaned, lines, langid=self._langid)
        else:
            found = (LanguageSpan(line.start, line.end, language) for line in lines)
        for name, of_language in groupby(found, key=lambda span: span.language):
            models = self._models(name)
            spans = list(of_language)
            source = in_usual_case(cleaned, spans)
            for block in _token_blocks(source, spans, models.tokenizer):
                if source is not cleaned:
                    sentences = _sentences(source, block, models.splits, language=name)
                    yield from (with_original_forms(each, text) for each in sentences)
                    continue
                if cleaned != text:
                    # A token with a space inside may have something else there.
                    places = zip(block.starts, block.ends, strict=True)
                    block.forms = [text[start:end] for start, end in places]
                yield from _sentences(text, block, models.splits, language=name)

    def _settled(self, text: str, likely_language: str) -> str | None:
        code = find_language(likely_language)
        found, probability = self.find_language(text)
        is_another = code not in (found, *written_standards(found))
        is_sure = probability >= _SURE_OF_ANOTHER and len(text) >= _SURE_CHARACTERS
        return None if is_another and is_sure else code

    def _models(self, language: str) -> _Models:
        treebank = self._language_to_treebank.get(language)
        name = segmenter_name(language, available=self._available)
        names = (treebank, name) if treebank else (name,)
        if names not in self._names_to_models:
            self._names_to_models[names] = self._open(names)
        return self._names_to_models[names]

    def _open(self, names: Sequence[str]) -> _Models:
        networks = self._with_suffix(names[-1:], _NETWORK_SUFFIX)
        layers = self._with_suffix([*names[::-1]], _LAYER_SUFFIX)
        if networks and not layers:
            tokenizer: _Tokenizer = BoundaryModel.load(self._path(networks[0], _NETWORK_SUFFIX))
        else:
            tokenizer = SpacedTokenizer(
                [self._layer(name) for name in dict.fromkeys([GENERIC, *layers])],
                treebank_language(names[-1]),
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


def _token_blocks(
    cleaned: str, spans: Iterable[LanguageSpan], tokenizer: _Tokenizer
) -> Iterator[TokenBlock]:
    lines: list[tuple[int, int]] = []
    for span in spans:
        if lines and span.end - lines[0][0] > _MAX_BLOCK_CHARACTERS:
            yield tokenizer.tokenize(cleaned, lines)
            lines = []
        if span.end - span.start > _MAX_BLOCK_CHARACTERS:
            yield from _long_blocks(cleaned, span, tokenizer)
        else:
            lines.append((span.start, span.end))
    if lines:
        yield tokenizer.tokenize(cleaned, lines)


def _long_blocks(cleaned: str, span: LanguageSpan, tokenizer: _Tokenizer) -> Iterator[TokenBlock]:
    start = span.start
    while start < span.end:
        limit = start + _MAX_BLOCK_CHARACTERS
        end = span.end if limit >= span.end else safe_cut(cleaned, start=start, limit=limit)
        block = tokenizer.tokenize(cleaned, [(start, end)])
        start = end
        if end < span.end and len(block.sentence_ends) > 1:
            # The cut may have parted the last sentence: the next piece has it whole. A long one
            # stays, or a text without sentence ends would be read many times over.
            last_start = block.starts[block.sentence_ends[-2]]
            if end - last_start <= _MAX_BLOCK_CHARACTERS // 4:
                block, start = block.without_last_sentence(), last_start
        yield block


def _sentences(
    text: str, block: TokenBlock, splits: SplitModel | None, *, language: str
) -> Iterator[Sentence]:
    expansions = splits.expansions(block.forms, block.sentence_ends) if splits else {}
    multiword = sorted(expansions)
    n_done = 0
    first = 0
    for last in block.sentence_ends:
        n_first = n_done
        while n_done < len(multiword) and multiword[n_done] < last:
            n_done += 1
        start, end = block.starts[first], block.ends[last - 1]
        if n_done == n_first:
            columns = (
                tuple(block.forms[first:last]),
                tuple(block.starts[first:last]),
                tuple(block.ends[first:last]),
            )
            yield Sentence(text[start:end], start, end, language, *columns)
        else:
            inside = {index: expansions[index] for index in multiword[n_first:n_done]}
            yield _split_sentence(text, block, (first, last), inside, language=language)
        first = last


def _split_sentence(
    text: str,
    block: TokenBlock,
    span: tuple[int, int],
    expansions: Mapping[int, tuple[str, ...]],
    *,
    language: str,
) -> Sentence:
    first, last = span
    forms: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    multiword_tokens = []
    place = first
    for index, tokens in expansions.items():
        start, end = block.starts[index], block.ends[index]
        forms += [*block.forms[place:index], *tokens]
        starts += [*block.starts[place:index], *(start,) * len(tokens)]
        ends += [*block.ends[place:index], *(end,) * len(tokens)]
        if len(tokens) > 1:
            n_tokens = len(forms)
            token = MultiwordToken(
                n_tokens - len(tokens), n_tokens - 1, block.forms[index], start, end
            )
            multiword_tokens.append(token)
        place = index + 1
    forms += block.forms[place:last]
    starts += block.starts[place:last]
    ends += block.ends[place:last]
    return Sentence(
        text=text[block.starts[first] : block.ends[last - 1]],
        start=block.starts[first],
        end=block.ends[last - 1],
        language=language,
        forms=tuple(forms),
        starts=tuple(starts),
        ends=tuple(ends),
        multiword_tokens=tuple(multiword_tokens),
    )
