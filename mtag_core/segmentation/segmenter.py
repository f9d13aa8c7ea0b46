"""The `Segmenter`: raw text in, sentences of tokens with offsets out."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path

from mtag_core.conventions import languages_of
from mtag_core.errors import BundleError
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import UNKNOWN
from mtag_core.records import MultiwordToken, Sentence
from mtag_core.segmentation.boundaries import BoundaryModel
from mtag_core.segmentation.languages import GENERIC, segmenter_name
from mtag_core.segmentation.lines import clean, safe_cut
from mtag_core.segmentation.raw import RawSentence
from mtag_core.segmentation.runs import Run, find_runs, languages_of_lines, runs_of_language
from mtag_core.segmentation.splits import SplitModel
from mtag_core.segmentation.udpipe import UdpipeTokenizer

_SUFFIX = ".udpipe"
_BOUNDARIES_SUFFIX = ".boundaries.npz"
_SPLITS_SUFFIX = ".splits.npz"

_Models = tuple[UdpipeTokenizer | BoundaryModel, SplitModel | None]

# One tokenizer call sees at most this many characters, so that memory and time stay flat.
_MAX_CALL_CHARACTERS = 16_384


class Segmenter:
    """Splits text of many languages. The models of languages that do not occur are not loaded."""

    def __init__(self, directory: Path, langid: LanguageIdentifier) -> None:
        """Notes which models a directory holds; `load` is the usual way."""
        self._directory = directory
        self._langid = langid
        tokenizers = _names(directory, (_SUFFIX, _BOUNDARIES_SUFFIX))
        splits = _names(directory, (_SPLITS_SUFFIX,))
        self._available = frozenset(name for name in tokenizers if "_" not in name)
        self._treebanks = frozenset(name for name in tokenizers | splits if "_" in name)
        self._language_to_treebank: dict[str, str] = {}
        # Shared by all that follow treebanks with these models.
        self._names_to_models: dict[tuple[str, ...], _Models] = {}

    @classmethod
    def load(cls, directory: str | Path, langid: LanguageIdentifier) -> "Segmenter":
        """Opens a directory of segmenters.

        A language has `<language>.udpipe` or, instead, `<language>.boundaries.npz`, and may have
        `<language>.splits.npz`; `generic.udpipe` serves all others. Files that are named after a
        treebank, such as `it_postwita.udpipe`, serve those who follow it.

        Raises:
            BundleError: The generic model is missing.
        """
        segmenter = cls(Path(directory), langid)
        if GENERIC not in segmenter._available:
            raise BundleError(f"{directory}: expected {GENERIC}{_SUFFIX} among the segmenters")
        return segmenter

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a segmenter of their own, sorted."""
        return tuple(sorted(self._available - {GENERIC}))

    def following(self, treebanks: Iterable[str]) -> "Segmenter":
        """A segmenter with the same models that cuts text as treebanks do, and as no others.

        Args:
            treebanks: At most one a language. One without models of its own changes nothing. One
                with a split model alone takes its language's tokenizer; one with a tokenizer alone
                is not split beyond what that does, since its language's splits may not be its own.
        """
        segmenter = copy(self)
        segmenter._language_to_treebank = {
            language: treebank
            for treebank in treebanks
            if treebank in self._treebanks
            for language in languages_of(treebank)
        }
        return segmenter

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of a document that came in sentences, where none is named.

        Args:
            sentences: Of one document. Those of one that names any language stay as they are.
        """
        if any(sentence.language != UNKNOWN for sentence in sentences):
            return sentences
        texts = [sentence.text for sentence in sentences]
        languages = languages_of_lines(texts, langid=self._langid)
        return [
            replace(sentence, language=language)
            for sentence, language in zip(sentences, languages, strict=True)
        ]

    def segment(self, text: str, language: str | None = None) -> Iterator[Sentence]:
        """Yields the sentences of a text in order.

        Args:
            text: Any string. Control characters separate tokens and are in none.
            language: ISO 639 code of the whole text; each line's is found where it is None.

        Yields:
            Sentences whose offsets point into `text`. A sentence never crosses a blank line.

        Raises:
            BundleError: A segmenter file is damaged.
        """
        cleaned = clean(text)
        if language is None:
            runs = find_runs(cleaned, langid=self._langid)
        else:
            runs = runs_of_language(cleaned, language)
        for run in runs:
            for start, raw in self._tokenize(cleaned, run):
                yield _sentence(text, raw, start=start, language=run.language)

    def _tokenize(self, cleaned: str, run: Run) -> Iterator[tuple[int, RawSentence]]:
        """Yields a run's raw sentences, each with the offset that its offsets count from."""
        tokenizer, split_model = self._models(run.language)
        start = run.start
        while start < run.end:
            limit = start + _MAX_CALL_CHARACTERS
            end = run.end if limit >= run.end else safe_cut(cleaned, start=start, limit=limit)
            called = cleaned[start:end]
            sentences = list(tokenizer.tokenize(called))
            next_start = end
            if end < run.end and len(sentences) > 1:
                # The cut may have parted the last sentence: the next call sees it whole. A long
                # one stays, or a text without sentence ends would be read many times over.
                last_start = start + sentences[-1].starts[0]
                if end - last_start <= _MAX_CALL_CHARACTERS // 4:
                    next_start = last_start
                    sentences.pop()
            for sentence in sentences:
                yield start, split_model.resplit(sentence, called) if split_model else sentence
            start = next_start

    def _models(self, language: str) -> _Models:
        """Opens the models for a language on first use."""
        treebank = self._language_to_treebank.get(language)
        name = segmenter_name(language, available=self._available)
        names = (treebank, name) if treebank else (name,)
        if names not in self._names_to_models:
            has_tokenizer = self._first_file(names[:1], (_BOUNDARIES_SUFFIX, _SUFFIX)) is not None
            splits = self._first_file(names[:1] if has_tokenizer else names, (_SPLITS_SUFFIX,))
            self._names_to_models[names] = (
                self._tokenizer(names),
                SplitModel.load(splits) if splits else None,
            )
        return self._names_to_models[names]

    def _tokenizer(self, names: Sequence[str]) -> UdpipeTokenizer | BoundaryModel:
        """Opens the tokenizer of the first name that has one."""
        path = self._first_file(names, (_BOUNDARIES_SUFFIX, _SUFFIX))
        if path is not None and path.name.endswith(_BOUNDARIES_SUFFIX):
            return BoundaryModel.load(path)
        # Where the file is gone, this says which one was expected.
        return UdpipeTokenizer(path or self._directory / f"{names[-1]}{_SUFFIX}")

    def _first_file(self, names: Iterable[str], suffixes: Iterable[str]) -> Path | None:
        """The first file with one of the names and suffixes."""
        paths = (self._directory / f"{name}{suffix}" for name in names for suffix in suffixes)
        return next((path for path in paths if path.exists()), None)


def _names(directory: Path, suffixes: Iterable[str]) -> set[str]:
    """What the files with these suffixes are called without them."""
    return {
        path.name.removesuffix(suffix)
        for suffix in suffixes
        for path in directory.glob(f"*{suffix}")
    }


def _sentence(text: str, raw: RawSentence, *, start: int, language: str) -> Sentence:
    """Turns a raw sentence into a record with offsets into the document."""
    starts = tuple(start + offset for offset in raw.starts)
    ends = tuple(start + offset for offset in raw.ends)
    forms = tuple(
        text[first:last] if form is None else form
        for form, first, last in zip(raw.forms, starts, ends, strict=True)
    )
    splits = tuple(
        MultiwordToken(
            first=split.first,
            last=split.last,
            form=text[starts[split.first] : ends[split.first]],
            start=starts[split.first],
            end=ends[split.first],
        )
        for split in raw.splits
    )
    return Sentence(
        text=text[starts[0] : ends[-1]],
        start=starts[0],
        end=ends[-1],
        language=language,
        forms=forms,
        starts=starts,
        ends=ends,
        multiword_tokens=splits,
    )
