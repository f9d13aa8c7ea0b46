"""Tags treebanks, from gold tokens or from raw text, and scores the result.

Raw text is the sentences of a treebank joined by a space (by nothing in Chinese and Japanese), ten
sentences a line; a space stands after each surface token that has no `SpaceAfter=No`.
"""

import dataclasses
import itertools
import logging
import multiprocessing
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable
from unicodedata import normalize

from mtag_core.errors import UsageError
from mtag_core.evaluation.annotation import (
    Annotation,
    feature_pair,
    gold_documents,
    load_annotation,
    without_spaces,
)
from mtag_core.evaluation.metrics import LEMMAS, NO_LEMMA, Score, score
from mtag_core.languages import UNKNOWN, find_language, language_of
from mtag_core.lemmas import clean_lemma
from mtag_core.options import option, positive
from mtag_core.records import Sentence
from mtag_core.tagging.tagged import TaggedSentence
from mtag_core.treebank_style import treebank_language

_logger = logging.getLogger(__name__)
# Long enough to tell a language by, as short as a paragraph: treebanks do not keep their own.
_SENTENCES_A_LINE = 10
_TREEBANK_NAME = re.compile(r"^(?P<treebank>(?P<language>[a-z]+)_\w+)-ud-(?P<split>\w+)\.conllu")

SegmenterChoice = Literal["identified", "language", "treebank"]
SEGMENTERS: tuple[SegmenterChoice, ...] = get_args(SegmenterChoice)
"""Whose segmenter cuts raw text: the identified language's, the treebank's language's or the
treebank's own. Where there is none of the treebank, its language's stands in."""


class TreebankTagger(Protocol):
    """What is asked of a tagger; `mtag_core.tagging.tagger.Tagger` is one."""

    def tag_tokens(
        self, sentences: Iterable[Sequence[str]], *, language: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Tags pre-tokenised sentences of one document in a language, in order."""
        ...

    def tag(
        self, text: str, *, language: str | None = None, segmented_as: str | None = None
    ) -> Iterable[TaggedSentence]:
        """Segments a text, by `language` or what it is found to be, and tags it.

        The treebank `segmented_as` names the segmenter of its language, not the tags.
        """
        ...


@runtime_checkable
class TreebankStyleTagger(TreebankTagger, Protocol):
    """A tagger that can be told the treebank; `mtag_core.tagging.tagger.Tagger` is one."""

    @property
    def treebanks(self) -> Sequence[str]:
        """The treebanks that it knows."""
        ...

    def following(self, treebank_style: Sequence[str]) -> TreebankTagger:
        """The same tagger, tagging in the style of treebanks."""
        ...


TaggerFactory = Callable[[], TreebankTagger]
"""Makes a tagger in each worker process; it must pickle."""


def load_tagger(bundle: str | None, treebank_style: Sequence[str]) -> TreebankTagger:
    """Loads a bundle's tagger; arguments as in `Tagger.load`."""
    # Scoring two files must not wait for a model's libraries.
    from mtag_core.tagging.tagger import Tagger

    return Tagger.load(bundle, treebank_style=treebank_style)


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """How treebanks are tagged; each field has its help.

    Where the language is not identified it is given. With `gold_treebank` sentences that are of the
    treebank's language, or identified as such, are tagged in its style, where the tagger knows the
    treebank; a tagger may segment them by it, too, whatever `segmenter` says.
    """

    raw: bool = option("tag raw text, not gold tokens", False)
    segmenter: SegmenterChoice | None = option(
        "whose segmenter cuts raw text: of the language that is identified, of the treebank's "
        "language or of the treebank; with --raw. If left out, identified, and with "
        "--gold_treebank treebank",
        None,
    )
    gold_treebank: bool = option(
        "tag each file in its treebank's style, where the model knows the treebank", False
    )
    replace_x: bool = option(
        "give the second most probable UPOS where the best is X (for code-mixed text)", False
    )
    document_sentences: int | None = option(
        "cut files into documents of so many sentences at most, for --treebank_style mixed; a "
        "document is what a `# newdoc` begins, or the file, if left out",
        None,
        parse=positive,
    )
    lemmas_as_written: bool = option(
        "compare lemmas with the files' own; if left out, with those cleaned as in training", False
    )

    def checked(self) -> "EvaluationOptions":
        """The options with the segmenter that the others ask for, where none is named.

        Raises:
            UsageError: It contradicts the other options.
        """
        choice = self.segmenter
        if choice and not self.raw:
            raise UsageError(f"--segmenter {choice} changes segmentation: give --raw too")
        if self.document_sentences and self.raw:
            raise UsageError("--document_sentences is for gold tokens: leave out --raw or it")
        if self.gold_treebank and choice not in (None, "treebank"):
            raise UsageError(
                f"--segmenter {choice}: --gold_treebank gives the treebank's; leave one out"
            )
        default: SegmenterChoice = "treebank" if self.gold_treebank else "identified"
        return dataclasses.replace(self, segmenter=choice or default)


@dataclass(frozen=True, slots=True)
class TreebankResult:
    """Scores of one treebank file.

    The treebank is the file's name, and the language `und`, where that does not follow UD's scheme.
    Lemmas are scored only where both the tagger and the file have some. `other_language_share` is
    that of the tokens that another language's segmenter cut, 0 to 1.
    """

    treebank: str
    language: str
    split: str
    has_training_data: bool
    scores: dict[str, Score]
    other_language_share: float = 0.0


def evaluate_treebanks(
    paths: Sequence[str],
    load_tagger: TaggerFactory,
    *,
    options: EvaluationOptions,
    n_workers: int = 1,
) -> list[TreebankResult]:
    """Tags and scores treebank files; one result a file, in the order of `paths`.

    Raises:
        UsageError: As `evaluate_file`.
    """
    if n_workers == 1:
        tagger = load_tagger()
        return list(_logged(evaluate_file(path, tagger, options) for path in paths))
    # Spawned, since a model's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        n_workers, mp_context=context, initializer=_Worker.start, initargs=(load_tagger, options)
    ) as pool:
        return list(_logged(pool.map(_Worker.run, paths)))


class _Worker:
    tagger: TreebankTagger
    options: EvaluationOptions

    @classmethod
    def start(cls, load_tagger: TaggerFactory, options: EvaluationOptions) -> None:
        cls.tagger, cls.options = load_tagger(), options

    @classmethod
    def run(cls, path: str) -> TreebankResult:
        return evaluate_file(path, cls.tagger, cls.options)


def _logged(results: Iterable[TreebankResult]) -> Iterator[TreebankResult]:
    for result in results:
        upos, feats = (100 * result.scores[name].f1 for name in ("UPOS", "UFeats"))
        _logger.info("%s %s: UPOS %.2f, UFeats %.2f", result.treebank, result.split, upos, feats)
        yield result


def evaluate_file(path: str, tagger: TreebankTagger, options: EvaluationOptions) -> TreebankResult:
    """Tags and scores one CoNLL-U file.

    Raises:
        UsageError: The tagger is to be told the treebank, but knows none.
    """
    name = Path(path).name
    match = _TREEBANK_NAME.match(name)
    language = match["language"] if match else "und"
    treebank = name.partition("-")[0]
    if options.gold_treebank:
        tagger, language = _following(tagger, treebank, language)
    code = _known_language(language, tagger)
    gold = _with_lemmas(load_annotation(path), language, as_written=options.lemmas_as_written)
    if options.raw:
        text = raw_text(gold, language=language)
        tagged = list(
            tagger.tag(
                text,
                language=None if options.segmenter in (None, "identified") else code,
                segmented_as=treebank if options.segmenter == "treebank" else None,
            )
        )
        system = annotation_of_tagged(text, tagged, replace_x=options.replace_x)
    else:
        documents = gold_documents(gold, max_sentences=options.document_sentences)
        tagged = [s for forms in documents for s in tagger.tag_tokens(forms, language=code)]
        system = with_tags(gold, tagged, replace_x=options.replace_x)
    return TreebankResult(
        treebank=match["treebank"] if match else name,
        language=language,
        split=match["split"] if match else "",
        has_training_data=_has_training_data(path),
        scores=_scores(gold, system),
        other_language_share=_other_language_share(tagged, language) if options.raw else 0.0,
    )


def _with_lemmas(gold: Annotation, language: str, *, as_written: bool) -> Annotation:
    if as_written:
        lemmas = [normalize("NFC", lemma) for lemma in gold.lemmas]
    else:
        words = zip(gold.forms, gold.lemmas, gold.upos, strict=True)
        lemmas = [clean_lemma(*word, language) or NO_LEMMA for word in words]
    return dataclasses.replace(gold, lemmas=lemmas)


def _scores(gold: Annotation, system: Annotation) -> dict[str, Score]:
    scores = score(gold, system)
    if not all(set(each.lemmas) - {NO_LEMMA} for each in (gold, system)):
        del scores[LEMMAS]
    return scores


def _following(tagger: TreebankTagger, treebank: str, language: str) -> tuple[TreebankTagger, str]:
    if not isinstance(tagger, TreebankStyleTagger) or not tagger.treebanks:
        raise UsageError(
            f"the model knows no treebanks, so it cannot follow {treebank!r}; "
            "leave --gold_treebank out"
        )
    if treebank not in tagger.treebanks:
        return tagger, language
    return tagger.following((treebank,)), treebank_language(treebank)


def _known_language(language: str, tagger: TreebankTagger) -> str:
    """The language of a file's name, or `und`: there are treebanks of more than mtag knows."""
    treebanks = tagger.treebanks if isinstance(tagger, TreebankStyleTagger) else ()
    known = {treebank_language(treebank) for treebank in treebanks}
    return find_language(language, more_codes=known) or UNKNOWN


def raw_text(gold: Annotation, *, language: str) -> str:
    """The text that a treebank's sentences were cut from, as near as the file tells."""
    between = "" if language_of(language).spacing == "none" else " "
    end_to_separator = {
        end: between if index % _SENTENCES_A_LINE else "\n"
        for index, (_, end) in enumerate(gold.sentences, start=1)
    }
    parts = []
    for form, is_space_after, (_, end) in zip(
        gold.token_forms, gold.is_space_after, gold.tokens, strict=True
    ):
        parts.append(form)
        parts.append(end_to_separator.get(end, " " if is_space_after else ""))
    return "".join(parts)


def with_tags(
    annotation: Annotation, tagged: Iterable[TaggedSentence], *, replace_x: bool
) -> Annotation:
    """Puts a tagger's tags in place of an annotation's own."""
    tagged = list(tagged)
    pairs = [feature_pair(value) for sentence in tagged for value in sentence.feats]
    return dataclasses.replace(
        annotation,
        upos=[upos for each in tagged for upos in _upos(each, replace_x=replace_x)],
        feats=[feats for feats, _ in pairs],
        bundles=[bundle for _, bundle in pairs],
        lemmas=[lemma for each in tagged for lemma in each.lemmas or (NO_LEMMA,) * len(each)],
    )


def _upos(sentence: TaggedSentence, *, replace_x: bool) -> Iterable[str]:
    if not replace_x:
        return sentence.upos
    pairs = zip(sentence.upos, sentence.second_upos, strict=True)
    return [second if best == "X" else best for best, second in pairs]


def annotation_of_tagged(
    text: str, tagged: Sequence[TaggedSentence], *, replace_x: bool = False
) -> Annotation:
    """The annotation that the CoNLL-U of a tagged text would give, without writing it.

    Characters that are in no token, such as control characters, stay in the text and are missed.
    """
    annotation = Annotation("tagger", characters=without_spaces(text.replace("\n", " ")))
    # Offset in the text -> number of characters before it that are no spaces.
    positions = [0, *itertools.accumulate(bool(without_spaces(c)) and c != "\n" for c in text)]
    for sentence in tagged:
        _add_spans(annotation, sentence.sentence, positions)
        annotation.forms += sentence.sentence.forms
    annotation.xpos = annotation.deprels = ["_"] * len(annotation.words)
    return with_tags(annotation, tagged, replace_x=replace_x)


def _add_spans(annotation: Annotation, sentence: Sentence, positions: Sequence[int]) -> None:
    annotation.sentences.append((positions[sentence.start], positions[sentence.end]))
    is_multiword = [False] * len(sentence.forms)
    is_covered = [False] * len(sentence.forms)
    for token in sentence.multiword_tokens:
        for index in range(token.first, token.last + 1):
            is_multiword[index] = True
            is_covered[index] = index > token.first
    annotation.is_multiword += is_multiword
    for start, end, is_later_word in zip(sentence.starts, sentence.ends, is_covered, strict=True):
        span = positions[start], positions[end]
        annotation.words.append(span)
        if not is_later_word:
            annotation.tokens.append(span)


def _has_training_data(path: str) -> bool:
    name = re.sub(r"-ud-\w+\.conllu", "-ud-train.conllu", Path(path).name)
    return Path(path).with_name(name).exists()


def _other_language_share(tagged: Sequence[TaggedSentence], language: str) -> float:
    n_tokens = sum(map(len, tagged))
    n_other = sum(len(sentence) for sentence in tagged if sentence.sentence.language != language)
    return n_other / n_tokens if n_tokens else 0.0
