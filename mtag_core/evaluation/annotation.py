"""A CoNLL-U text as the CoNLL 2018 metric sees it: characters, spans and columns of words.

The metric compares two segmentations of one text by the positions of their non-space characters,
so each surface token becomes a span of those. "Word" here is the metric's own name for what the
rest of mtag calls a token; a "token" is then a surface token, a multiword token included.

Source: the CoNLL 2018 shared task, https://universaldependencies.org/conll18/evaluation.html.
"""

import itertools
import lzma
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from mtag_core import conllu
from mtag_core.conllu import ConlluSentence
from mtag_core.errors import ConlluError, StorageError
from mtag_core.storage import read_bytes

_UNIVERSAL_FEATURES = frozenset(
    "PronType NumType Poss Reflex Foreign Abbr Gender Animacy Number Case Definite Degree VerbForm "
    "Mood Tense Aspect Voice Evident Polarity Person Polite".split()
)
# The characters of Unicode category Zs: some systems keep a space inside a form, some do not.
_SPACES = "\u0020\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_WITHOUT_SPACES = dict.fromkeys(map(ord, _SPACES))

NO_HEAD = -1
"""Head of a sentence's root."""


@dataclass(slots=True)
class Annotation:
    """One CoNLL-U text, its sentences joined, in columns.

    Columns of words have length n_words and are as written, where nothing else is said here; words
    of a multiword token share its span.

    Attributes:
        source: Path of the file, for messages.
        characters: The forms of all surface tokens without spaces.
        sentences: Span of each sentence in `characters`.
        documents: Number of the first sentence of each document: of the file's first and of those
            with a `# newdoc`.
        tokens: Span of each surface token.
        token_lines: Line of each surface token, from 1; empty when there was no file.
        token_forms: Surface tokens as written.
        is_space_after: False for surface tokens with `SpaceAfter=No`.
        words: Span of each word.
        feats: Universal features only, sorted.
        bundles: All features, sorted.
        heads: Indexes in the text, `NO_HEAD` for a root. Empty when the file leaves heads out.
        deprels: Without subtypes.
    """

    source: str
    characters: str = ""
    sentences: list[tuple[int, int]] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    tokens: list[tuple[int, int]] = field(default_factory=list)
    token_lines: list[int] = field(default_factory=list)
    token_forms: list[str] = field(default_factory=list)
    is_space_after: list[bool] = field(default_factory=list)
    words: list[tuple[int, int]] = field(default_factory=list)
    is_multiword: list[bool] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    upos: list[str] = field(default_factory=list)
    xpos: list[str] = field(default_factory=list)
    feats: list[str] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)
    lemmas: list[str] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    deprels: list[str] = field(default_factory=list)


def load_annotation(path: str) -> Annotation:
    """Reads a CoNLL-U file, plain or `.xz`, local or remote.

    Raises:
        InputNotFoundError: There is no such file.
        StorageError: The file cannot be read.
        ConlluError: It is not UTF-8 or not CoNLL-U.
    """
    data = read_bytes(path)
    try:
        data = lzma.decompress(data) if path.endswith(".xz") else data
    except lzma.LZMAError as error:
        raise StorageError(f"{path}: not a whole .xz file: {error}") from error
    return parse_annotation(data, source=path)


def parse_annotation(data: bytes | str, *, source: str) -> Annotation:
    """Parses CoNLL-U; heads are optional, all else is as the CoNLL 2018 script reads it.

    Each sentence ends with an empty line; empty nodes are skipped.

    Raises:
        ConlluError: A line breaks the format; the message names file, line, value, expectation.
    """
    lines = (data.encode() if isinstance(data, str) else data).split(b"\n")
    annotation = _Parser(source).parse(conllu.read(lines, source=source))
    # Text that was cut short must not pass for a shorter text.
    if any(line.strip() for line in lines[-2:]):
        expected = "expected an empty line after the last sentence"
        raise ConlluError(f"{source}:{len(lines)}: the file ends in a sentence; {expected}")
    return annotation


def without_spaces(form: str) -> str:
    """Removes what the metric does not count as characters."""
    return form.translate(_WITHOUT_SPACES)


def universal_features(feats: str) -> str:
    """Keeps the 21 features that all languages share, sorted; `` when there is none."""
    return "|".join(
        sorted(pair for pair in feats.split("|") if pair.split("=", 1)[0] in _UNIVERSAL_FEATURES)
    )


@cache
def feature_pair(feats: str) -> tuple[str, str]:
    """The universal features of FEATS and all of them, both sorted."""
    return universal_features(feats), "|".join(sorted(feats.split("|")))


class _Parser:
    """Fills an `Annotation` from CoNLL-U sentences."""

    def __init__(self, source: str) -> None:
        self._annotation = Annotation(source)
        self._characters: list[str] = []
        self._n_characters = 0

    def parse(self, sentences: Iterable[ConlluSentence]) -> Annotation:
        """Adds all sentences."""
        for sentence in sentences:
            self._add_sentence(sentence)
        self._annotation.characters = "".join(self._characters)
        return self._annotation

    def _add_sentence(self, sentence: ConlluSentence) -> None:
        start, first_word = self._n_characters, len(self._annotation.words)
        if not self._annotation.sentences or sentence.starts_document:
            self._annotation.documents.append(len(self._annotation.sentences))
        heads: list[tuple[int, str]] = []
        last_covered, span = 0, (0, 0)
        first_line = sentence.line + len(sentence.comments)
        for line, row in enumerate(sentence.rows, start=first_line):
            if "." in row[conllu.ID]:
                continue
            if "-" in row[conllu.ID]:
                last_covered = int(row[conllu.ID].partition("-")[2])
                span = self._add_surface(row, line=line)
                continue
            is_multiword = int(row[conllu.ID]) <= last_covered
            if not is_multiword:
                span = self._add_surface(row, line=line)
            self._add_word(row, span=span, is_multiword=is_multiword)
            heads.append((line, row[conllu.HEAD]))
        self._annotation.sentences.append((start, self._n_characters))
        self._add_heads(heads, first_word=first_word)

    def _add_surface(self, row: Sequence[str], *, line: int) -> tuple[int, int]:
        form = without_spaces(row[conllu.FORM])
        if not form:
            expected = "at least one character that is not a space"
            raise self._error(line, f"FORM {row[conllu.FORM]!r}", expected)
        span = self._n_characters, self._n_characters + len(form)
        self._characters.append(form)
        self._n_characters = span[1]
        self._annotation.tokens.append(span)
        self._annotation.token_lines.append(line)
        self._annotation.token_forms.append(row[conllu.FORM])
        is_space_after = "SpaceAfter=No" not in row[conllu.MISC].split("|")
        self._annotation.is_space_after.append(is_space_after)
        return span

    def _add_word(self, row: Sequence[str], *, span: tuple[int, int], is_multiword: bool) -> None:
        annotation = self._annotation
        feats, bundle = feature_pair(row[conllu.FEATS])
        annotation.words.append(span)
        annotation.is_multiword.append(is_multiword)
        annotation.forms.append(row[conllu.FORM])
        annotation.lemmas.append(row[conllu.LEMMA])
        annotation.upos.append(row[conllu.UPOS])
        annotation.xpos.append(row[conllu.XPOS])
        annotation.feats.append(feats)
        annotation.bundles.append(bundle)
        annotation.deprels.append(row[conllu.DEPREL].partition(":")[0])

    def _add_heads(self, heads: Sequence[tuple[int, str]], *, first_word: int) -> None:
        if all(head == "_" for _, head in heads):
            return
        for line, head in heads:
            if not head.isdecimal() or int(head) > len(heads):
                raise self._error(line, f"HEAD {head!r}", f"a number from 0 to {len(heads)}")
        self._check_tree([int(head) for _, head in heads], line=heads[0][0])
        self._annotation.heads += [
            first_word + int(head) - 1 if int(head) else NO_HEAD for _, head in heads
        ]

    def _check_tree(self, heads: list[int], *, line: int) -> None:
        if heads.count(0) != 1:
            raise self._error(line, f"{heads.count(0)} roots in a sentence", "one word with HEAD 0")
        # 0: not seen; its own number: on the path walked from that word; -1: leads to the root.
        marks = [-1] + [0] * len(heads)
        for word in range(1, len(heads) + 1):
            path = []
            node = word
            while marks[node] == 0:
                marks[node] = word
                path.append(node)
                node = heads[node - 1]
            if marks[node] == word:
                raise self._error(line, f"a cycle of heads through token {node}", "a tree")
            for seen in path:
                marks[seen] = -1

    def _error(self, line: int, value: str, expected: str) -> ConlluError:
        return ConlluError(f"{self._annotation.source}:{line}: {value}; expected {expected}")


def gold_documents(gold: Annotation, *, max_sentences: int | None = None) -> list[list[list[str]]]:
    """The forms of each sentence of each document, which may be cut into shorter ones."""
    sentences: list[list[str]] = []
    start = 0
    for _, end in gold.sentences:
        last = start
        while last < len(gold.words) and gold.words[last][1] <= end:
            last += 1
        sentences.append(gold.forms[start:last])
        start = last
    starts = [*gold.documents, len(sentences)]
    if max_sentences:
        pieces = itertools.starmap(range, itertools.pairwise(starts))
        starts = [n for piece in pieces for n in piece[::max_sentences]] + starts[-1:]
    return [sentences[first:last] for first, last in itertools.pairwise(starts)]
