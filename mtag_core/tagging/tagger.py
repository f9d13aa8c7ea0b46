"""The `Tagger`: text or tokens in, tagged sentences out, on one CPU core.

text -> segment -> sentences -> wordpieces -> batches -> student -> tagged sentences
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from mtag_core.folding import usual_letters
from mtag_core.labels import Labels, load_labels
from mtag_core.langid import LanguageIdentifier
from mtag_core.languages import UNKNOWN, normalise_language
from mtag_core.records import Sentence
from mtag_core.segmentation import Segmenter
from mtag_core.segmentation.rewritten import forms_in_usual_case
from mtag_core.tagging.answers import Labeller
from mtag_core.tagging.arguments import (
    TaggerOptions,
    Untrained,
    check_count,
    check_many,
    check_text,
    checked_text,
    joined_sentence,
    list_of_names,
    trained_languages,
)
from mtag_core.tagging.bundle import Bundle
from mtag_core.tagging.tagged import BatchReport, TaggedSentence
from mtag_core.tagging.text_streams import tag_pairs, tag_texts
from mtag_core.tagging.windows import EncodedSentence, buffers
from mtag_core.tagging.words import WordModel
from mtag_core.treebank_style import MIXED, treebank_language

K = TypeVar("K")
Context = TypeVar("Context")

DEFAULT_PIECE_BUDGET = 512
_DEFAULT_OPTIONS = TaggerOptions()


class Tagger:
    """Tags text. Tags depend on sentence, bundle and options alone; with `mixed`, on the document.

    Not safe for use by several threads at once; give each process its own. Pickles by the bundle's
    path and the options, without `on_batch`.

    Args:
        segmenter: Splits text.
        model: Tags windows of sentences.
        labels: The student's labels and treebanks.
        digest: The bundle's.
        options: As in `load`.
        path: Of the bundle, for processes that load it again.

    Attributes:
        digest: Identifies the bundle and the options; equal digests give equal tags.
        options: With codes for languages.
        piece_budget: Most wordpieces in one batch; changes speed and memory, never tags.
        on_batch: Called after each batch with its size and duration; None for no call.

    Raises:
        UsageError: As in `load`.
    """

    def __init__(
        self,
        *,
        segmenter: Segmenter,
        model: WordModel,
        labels: Labels,
        digest: str,
        options: TaggerOptions = _DEFAULT_OPTIONS,
        path: str | Path | None = None,
    ) -> None:
        self.options = options = options.checked(labels.treebanks)
        self._trained = trained_languages(labels.treebanks)
        self._path = path
        self._base_segmenter = segmenter
        named = tuple(name for name in options.treebank_style if name != MIXED)
        self._segmenter = segmenter.following(named)
        if options.languages:
            self._segmenter = self._segmenter.among(options.languages)
        if options.join_hyphens:
            self._segmenter = self._segmenter.joining_hyphens()
        self._model = model
        self._labels, self._labeller = labels, Labeller(labels)
        self._bundle_digest = digest
        self._styles = labels.followed(options.treebank_style)
        self.digest = options.digest(digest)
        self.piece_budget = DEFAULT_PIECE_BUDGET
        self.on_batch: Callable[[BatchReport], None] | None = None

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        treebank_style: Sequence[str] = (),
        language: str | None = None,
        languages: Sequence[str] = (),
        untrained: Untrained = "tag",
        join_hyphens: bool = False,
    ) -> "Tagger":
        """Opens a model bundle.

        Args:
            path: Its directory, its URL or `free`; None for the default inside mtag.
            treebank_style: Treebanks among `treebanks`, such as `pl_lfg`, whose style their
                languages get, in tags and, where the bundle can, in tokens; at most one a language.
                Others have the style that the bundle names. With `["mixed"]` each document follows
                the treebank of its language whose text it is most like.
            language: Of all texts, unless a call names another: an ISO 639 code, a tag such as
                `fr-FR` or an English name. None to find it for each line.
            languages: Those to choose among, likewise; any, if empty.
            untrained: `skip` leaves out sentences of languages that `languages` calls `named`.
            join_hyphens: Make one word of what a hyphen parts at a margin; offsets span the break.

        Raises:
            UsageError: The bundle does not know one of the treebanks, two are of one language, or
                mtag does not know a language.
            BundleError: It is missing, damaged or of another version; the message names the file.
        """
        bundle = Bundle.open(path)
        directory = bundle.directory
        labels = load_labels(directory)
        options = TaggerOptions(
            treebank_style=list_of_names(
                treebank_style, what="treebank_style", expected="treebanks"
            ),
            language=language,
            languages=list_of_names(languages, what="languages", expected="languages"),
            untrained=untrained,
            join_hyphens=join_hyphens,
        ).checked(labels.treebanks)
        langid = LanguageIdentifier.load(directory / "langid.ftz")
        return cls(
            segmenter=Segmenter.load(directory / "segmenters", langid),
            model=WordModel.load(directory),
            labels=labels,
            digest=bundle.digest,
            options=options,
            path=bundle.directory if path is None else path,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles the path and the options: another process loads the bundle itself."""
        if self._path is None:
            raise TypeError("only a tagger that Tagger.load opened can be pickled")
        place = self._path if "://" in str(self._path) else Path(self._path).absolute()
        return _load_again, (place, self.options, self.piece_budget)

    @property
    def treebanks(self) -> tuple[str, ...]:
        """The treebanks whose style the bundle can follow, sorted."""
        return self._labels.treebanks

    @property
    def languages(self) -> dict[str, Literal["trained", "named"]]:
        """Codes of all languages, sorted: learnt from a treebank, or only named where found."""
        codes = sorted({*self._trained, *self._base_segmenter.identified_languages})
        return {code: "trained" if code in self._trained else "named" for code in codes}

    def find_language(self, text: str) -> tuple[str, float]:
        """Finds the language that a text begins in, among those to choose from.

        Args:
            text: Any text; its first 400 characters are read.

        Returns:
            ISO 639 code and probability, 0 to 1; `und` and 0 where there is nothing to read.

        Raises:
            UsageError: The text is no `str` or holds a lone surrogate.
        """
        check_text(text, what="text")
        return self._segmenter.find_language(text)

    def following(self, treebank_style: Sequence[str]) -> "Tagger":
        """A tagger with the same model that has these treebanks' style, and no others'.

        Args:
            treebank_style: As in `load`; empty for none.

        Raises:
            UsageError: As in `load`.
        """
        names = list_of_names(treebank_style, what="treebank_style", expected="treebanks")
        tagger = Tagger(
            segmenter=self._base_segmenter,
            model=self._model,
            labels=self._labels,
            digest=self._bundle_digest,
            options=replace(self.options, treebank_style=names),
            path=self._path,
        )
        tagger.piece_budget, tagger.on_batch = self.piece_budget, self.on_batch
        return tagger

    def segment(
        self, text: str, language: str | None = None, *, likely_language: str | None = None
    ) -> Iterator[Sentence]:
        """Splits a text into sentences of tokens, untagged.

        Args:
            text: Any text without lone surrogates.
            language: Of the whole text, as in `load`; None for what `load` was given.
            likely_language: Where the user says nothing of languages: of a text that is not surely
                in another, such as a page of a dump.

        Raises:
            UsageError: The text is no `str` or holds a lone surrogate, or mtag does not know the
                language.
        """
        check_text(text, what="text", hint="; for several texts use pipe")
        code = self._code(language)
        likely = None if self.options.languages else likely_language
        return self._kept(self._segmenter.segment(text, code, likely_language=likely))

    def segment_many(
        self,
        texts: Sequence[str],
        language: str | None = None,
        *,
        likely_language: str | None = None,
    ) -> list[list[Sentence]]:
        """Splits short texts as `segment` does each, in less time; all sentences are in memory."""
        texts, code = list(map(checked_text, count(), texts)), self._code(language)
        likely = None if self.options.languages else likely_language
        found = self._segmenter.segment_many(texts, code, likely_language=likely)
        return [list(self._kept(sentences)) for sentences in found]

    def identify(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """Finds the languages of a document that came in sentences, as CoNLL-U does.

        Args:
            sentences: Of one document; where it names the language of any, they stay as they are.
        """
        language = self.options.language or UNKNOWN
        sentences = [
            replace(each, language=language) if each.language == UNKNOWN else each
            for each in sentences
        ]
        return list(self._kept(self._segmenter.identify(sentences)))

    def tag(
        self, text: str, *, language: str | None = None, segmented_as: str | None = None
    ) -> list[TaggedSentence]:
        """Splits a text into sentences of tokens and tags them.

        Args:
            text: Any text; offsets of the result count its characters.
            language: As in `segment`.
            segmented_as: Treebank whose segmenter its language gets, where the bundle has one; the
                tags do not follow it. None for the treebanks of the tagger's style.

        Raises:
            UsageError: As in `segment`.
        """
        sentences = self.segment(text, language)
        if segmented_as is not None:
            segmenter = self._segmenter.following((segmented_as,))
            sentences = self._kept(segmenter.segment(text, self._code(language)))
        return [tagged for _, tagged in self.tag_stream((None, each) for each in sentences)]

    @overload
    def pipe(
        self,
        texts: Iterable[str],
        *,
        language: str | None = None,
        n_process: int = 1,
        as_tuples: Literal[False] = False,
    ) -> Iterator[list[TaggedSentence]]: ...
    @overload
    def pipe(
        self,
        texts: Iterable[tuple[str, Context]],
        *,
        language: str | None = None,
        n_process: int = 1,
        as_tuples: Literal[True],
    ) -> Iterator[tuple[list[TaggedSentence], Context]]: ...
    def pipe(
        self,
        texts: Iterable[Any],
        *,
        language: str | None = None,
        n_process: int = 1,
        as_tuples: bool = False,
    ) -> Iterator[Any]:
        """Tags a stream of texts, several at a time.

        Args:
            texts: Read as they are needed, some ahead of what has been yielded.
            language: Of all texts, as in `segment`.
            n_process: Processes; each loads the bundle. A program that asks for more than one
                needs `if __name__ == "__main__":` around what it does.
            as_tuples: Texts come in pairs with anything, such as an id, and so do the results.

        Returns:
            The sentences of each text, in order.

        Raises:
            UsageError: `texts` is one text, something in it is none, or as in `segment`.
        """
        check_many(texts, what="texts", expected="texts", instead="tag")
        check_count(n_process, what="n_process")
        tag = tag_pairs if as_tuples else tag_texts
        return tag(self, texts, language=self._code(language), n_processes=n_process)

    def tag_tokens(
        self, sentences: Iterable[Sequence[str]], *, language: str | None = None
    ) -> list[TaggedSentence]:
        """Tags sentences that are split into tokens already.

        Args:
            sentences: The forms of each sentence's tokens; all of one document.
            language: Of all sentences, as in `segment`; else `und`, which has no style.

        Returns:
            One result a sentence. Its text is the forms joined by spaces.

        Raises:
            UsageError: A form is empty or holds a lone surrogate, a sentence is no list of forms,
                or mtag does not know the language.
        """
        check_many(sentences, what="sentences", expected="lists of forms", instead="tag")
        code = self._code(language) or UNKNOWN
        is_trained = code in self._trained
        joined = (
            joined_sentence(forms, index, language=code, is_trained=is_trained)
            for index, forms in enumerate(sentences)
        )
        pairs = ((None, sentence) for sentence in self._styles.of_document(joined))
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
            return self.options.language
        check_text(language, what="language")
        known = (*self._segmenter.languages, *map(treebank_language, self.treebanks))
        return normalise_language(language, more_codes=known)

    def _kept(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        is_kept = self.options.untrained == "tag"
        return self._styles.of_document(
            sentence if sentence.language in self._trained else replace(sentence, is_trained=False)
            for sentence in sentences
            if is_kept or sentence.language in self._trained
        )

    def encode(self, sentence: Sentence) -> EncodedSentence:
        """Splits a sentence's tokens into wordpieces, and chooses the style it gets."""
        if not sentence.forms:
            return EncodedSentence(sentence, [])
        treebank = self._styles.number(sentence)
        forms = forms_in_usual_case(sentence)
        read = usual_letters(forms, sentence.language, text=sentence.text)
        return EncodedSentence(sentence, self._model.encode(read, treebank=treebank), read)

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
        answer = self._model.answer(windows, budget=self.piece_budget, on_batch=self.on_batch)
        return self._labeller.tagged(sentences, answer)


def _load_again(path: str | Path, options: TaggerOptions, piece_budget: int) -> Tagger:
    tagger = Tagger.load(path, **asdict(options))
    tagger.piece_budget = piece_budget
    return tagger
