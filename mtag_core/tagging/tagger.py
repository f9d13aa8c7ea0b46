"""The `Tagger`: text or tokens in, tagged sentences out, on one CPU core.

text -> segment -> sentences -> wordpieces -> batches -> student -> tagged sentences
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mtag_core.conventions import (
    check_conventions,
    conventions_digest,
    languages_of,
    treebank_language,
)
from mtag_core.errors import UsageError
from mtag_core.labels import Labels, load_labels
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import UNKNOWN, normalise_language
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.tagging.answers import NO_ANSWER, Answer, Labeller, in_order
from mtag_core.tagging.batching import buffers
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.models import TaggingModel, load_model
from mtag_core.tagging.tagged import BatchReport, TaggedSentence
from mtag_core.tagging.windows import EncodedSentence, Window

K = TypeVar("K")

DEFAULT_PIECE_BUDGET = 2048


class Tagger:
    """Tags text. A sentence's tags depend on the sentence, the bundle and the conventions alone.

    Not safe for use by several threads at once; give each process its own.

    Attributes:
        digest: Identifies the bundle and the conventions; equal digests give equal tags.
        piece_budget: Most wordpieces in one batch; changes speed and memory, never tags.
        on_batch: Called after each batch with its size and duration; None for no call.
    """

    def __init__(
        self,
        *,
        segmenter: Segmenter,
        model: TaggingModel,
        labels: Labels,
        digest: str,
        conventions: Sequence[str] = (),
    ) -> None:
        """Puts the parts together; `load` is the usual way.

        Args:
            segmenter: Splits text.
            model: Tags windows of sentences.
            labels: The student's labels and treebanks.
            digest: The bundle's.
            conventions: As in `load`.

        Raises:
            UsageError: As in `load`.
        """
        check_conventions(conventions, treebanks=labels.treebanks)
        self._segmenter = segmenter.following(conventions)
        self._model = model
        self._labels = labels
        self._labeller = Labeller(labels)
        self._bundle_digest = digest
        self._language_to_treebank = {
            language: 1 + labels.treebanks.index(name)
            for name in conventions
            for language in languages_of(name)
        }
        self.digest = conventions_digest(digest, conventions)
        self.piece_budget = DEFAULT_PIECE_BUDGET
        self.on_batch: Callable[[BatchReport], None] | None = None

    @classmethod
    def load(cls, path: str | Path | None = None, *, conventions: Sequence[str] = ()) -> "Tagger":
        """Opens a model bundle.

        Args:
            path: Its directory or URL; None for the bundle inside mtag.
            conventions: Treebanks among `treebanks`, such as `pl_lfg`, whose conventions their
                languages follow, in tags and, where the bundle has a segmenter of the treebank,
                in tokens; at most one a language. Other languages are untouched.

        Raises:
            UsageError: The bundle does not know one of the treebanks, or two are of one language.
            BundleError: It is missing, damaged or of another version; the message names the file.
        """
        bundle = Bundle.open(path)
        directory = bundle.directory
        labels = load_labels(directory)
        langid = LanguageIdentifier.load(directory / "langid.ftz")
        return cls(
            segmenter=Segmenter.load(directory / "segmenters", langid),
            model=load_model(directory),
            labels=labels,
            digest=bundle.digest,
            conventions=conventions,
        )

    @property
    def treebanks(self) -> tuple[str, ...]:
        """The treebanks whose conventions the bundle can follow, sorted; none in older bundles."""
        return self._labels.treebanks

    def following(self, conventions: Sequence[str]) -> "Tagger":
        """A tagger with the same model that follows these conventions, and no others.

        Args:
            conventions: As in `load`; empty for none.

        Raises:
            UsageError: As in `load`.
        """
        tagger = Tagger(
            segmenter=self._segmenter,
            model=self._model,
            labels=self._labels,
            digest=self._bundle_digest,
            conventions=conventions,
        )
        tagger.piece_budget, tagger.on_batch = self.piece_budget, self.on_batch
        return tagger

    def segment(self, text: str, language: str | None = None) -> Iterator[Sentence]:
        """Splits a text into sentences of tokens, untagged.

        Args:
            text: Any text without lone surrogates.
            language: Of the whole text: an ISO 639 code, a tag such as `fr-FR` or an English name;
                found for each line where it is None.

        Raises:
            UsageError: The text is no `str` or holds a lone surrogate, or mtag does not know the
                language.
        """
        _check_text(text, what="text")
        return self._segmenter.segment(text, self._code(language))

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of a document that came in sentences, as CoNLL-U does.

        Args:
            sentences: Of one document; where it names the language of any, they stay as they are.
        """
        return self._segmenter.identify(sentences)

    def tag(
        self, text: str, *, language: str | None = None, segmented_as: str | None = None
    ) -> list[TaggedSentence]:
        """Splits a text into sentences of tokens and tags them.

        Args:
            text: Any text; offsets of the result count its characters.
            language: As in `segment`.
            segmented_as: Treebank whose segmenter its language gets, where the bundle has one; the
                tags do not follow it. None for the treebanks of the conventions.

        Raises:
            UsageError: As in `segment`.
        """
        _check_text(text, what="text")
        language = self._code(language)
        segmenter = self._segmenter
        if segmented_as is not None:
            segmenter = segmenter.following((segmented_as,))
        pairs = ((None, sentence) for sentence in segmenter.segment(text, language))
        return [tagged for _, tagged in self.tag_stream(pairs)]

    def pipe(self, texts: Iterable[str]) -> Iterator[list[TaggedSentence]]:
        """Tags a stream of texts, several at a time.

        Args:
            texts: Read as they are needed, some ahead of what has been yielded.

        Yields:
            The sentences of each text, in order.
        """
        n_sentences: deque[int] = deque()

        def sentences() -> Iterator[tuple[None, Sentence]]:
            """Segments the texts and notes how many sentences each has."""
            for text in texts:
                found = list(self.segment(text))
                n_sentences.append(len(found))
                yield from ((None, sentence) for sentence in found)

        tagged_of_text: list[TaggedSentence] = []
        for _, tagged in self.tag_stream(sentences()):
            while n_sentences[0] == 0:
                n_sentences.popleft()
                yield []
            tagged_of_text.append(tagged)
            if len(tagged_of_text) == n_sentences[0]:
                n_sentences.popleft()
                yield tagged_of_text
                tagged_of_text = []
        yield from ([] for _ in n_sentences)

    def tag_tokens(
        self, sentences: Iterable[Sequence[str]], *, language: str | None = None
    ) -> list[TaggedSentence]:
        """Tags sentences that are split into tokens already.

        Args:
            sentences: The forms of each sentence's tokens.
            language: Of all sentences, as in `segment`; None for `und`, which follows no
                convention.

        Returns:
            One result a sentence. Its text is the forms joined by spaces.

        Raises:
            UsageError: A form is empty or holds a lone surrogate, a sentence is a `str`, or mtag
                does not know the language.
        """
        code = self._code(language) or UNKNOWN
        pairs = (
            (None, _joined(forms, index, language=code)) for index, forms in enumerate(sentences)
        )
        return [tagged for _, tagged in self.tag_stream(pairs)]

    def tag_stream(self, pairs: Iterable[tuple[K, Sentence]]) -> Iterator[tuple[K, TaggedSentence]]:
        """Tags a stream of sentences; each goes with a key that comes back with it.

        Args:
            pairs: Keys and sentences. Some tens of thousands of wordpieces are read ahead.

        Yields:
            Keys and tagged sentences in the order of `pairs`.
        """
        encoded = ((key, self.encode(sentence)) for key, sentence in pairs)
        for buffer in buffers(encoded, piece_budget=self.piece_budget):
            tagged = self.tag_encoded([sentence for _, sentence in buffer])
            yield from zip((key for key, _ in buffer), tagged, strict=True)

    def _code(self, language: str | None) -> str | None:
        if language is None:
            return None
        known = (*self._segmenter.languages, *map(treebank_language, self.treebanks))
        return normalise_language(language, more_codes=known)

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into wordpieces, and chooses the convention it follows."""
        if not sentence.forms:
            return EncodedSentence(sentence, [])
        treebank = self._language_to_treebank.get(sentence.language, 0)
        return EncodedSentence(sentence, self._model.encode(sentence.forms, treebank=treebank))

    def tag_encoded(self, sentences: Sequence[EncodedSentence]) -> Iterator[TaggedSentence]:
        """Tags sentences together.

        Args:
            sentences: From `encode`. All are batched before the first result is there: a caller
                bounds them.

        Returns:
            Their tags, in order. The model has run when this returns; only the records are made
            as they are asked for.
        """
        windows = [window for each in sentences for window in each.windows]
        answer = in_order(windows, self._answers(windows)) if windows else NO_ANSWER
        return self._labeller.tagged(sentences, answer)

    def _answers(self, windows: Sequence[Window]) -> Iterator[tuple[list[int], Answer]]:
        """Runs the model in batches and reports each."""
        started_s = time.perf_counter()
        for indices, answer in self._model.answers(windows, budget=self.piece_budget):
            if self.on_batch is not None:
                now_s = time.perf_counter()
                n_pieces = len(indices) * windows[indices[0]].size
                duration_s, started_s = now_s - started_s, now_s
                self.on_batch(BatchReport(len(indices), n_pieces, self.piece_budget, duration_s))
            yield indices, answer


def _joined(forms: Sequence[str], index: int, *, language: str) -> Sentence:
    if isinstance(forms, str):
        raise UsageError(f"sentence {index}: {forms[:40]!r}, expected a list of forms")
    starts = []
    start = 0
    for position, form in enumerate(forms):
        if not form:
            place = f"sentence {index}, token {position}"
            raise UsageError(f"{place}: empty form, expected at least one character")
        starts.append(start)
        start += len(form) + 1
    text = " ".join(forms)
    _check_text(text, what=f"sentence {index}")
    return Sentence(
        text=text,
        start=0,
        end=len(text),
        language=language,
        forms=tuple(forms),
        starts=tuple(starts),
        ends=tuple(start + len(form) for start, form in zip(starts, forms, strict=True)),
    )


def _check_text(text: str, *, what: str) -> None:
    if not isinstance(text, str):
        raise UsageError(f"{what}: {type(text).__name__}, expected str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{what}: lone surrogate {text[error.start]!r} at offset {error.start}, "
            "expected valid Unicode"
        ) from None
