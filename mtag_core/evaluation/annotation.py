"""A CoNLL-U text as the CoNLL 2018 metric sees it: characters, spans and columns of words.

The metric compares two segmentations of one text by the positions of their non-space characters,
so each surface token becomes a span of those. "Word" here is the metric's own name for what the
rest of mtag calls a token; a "token" is then a surface token, a multiword token included.

Source: the CoNLL 2018 shared task, https://universaldependencies.org/conll18/evaluation.html.
"""

import lzma
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtag_core.errors import ConlluError, InputNotFoundError, StorageError

_UNIVERSAL_FEATURES = frozenset(
    "PronType NumType Poss Reflex Foreign Abbr Gender Animacy Number Case Definite Degree VerbForm "
    "Mood Tense Aspect Voice Evident Polarity Person Polite".split()
)
# The characters of Unicode category Zs: some systems keep a space inside a form, some do not.
_SPACES = "\u0020\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_WITHOUT_SPACES = dict.fromkeys(map(ord, _SPACES))
_N_COLUMNS = 10

NO_HEAD = -1
"""Head of a sentence's root."""


@dataclass(slots=True)
class Annotation:
    """One CoNLL-U text, its sentences joined, in columns.

    Word columns have length n_words; a head is the index of a word in the text.

    Attributes:
        source: Path of the file, for messages.
        characters: The forms of all surface tokens without spaces.
        sentences: Span of each sentence in `characters`.
        tokens: Span of each surface token.
        token_lines: Line of each surface token, from 1; empty when there was no file.
        token_forms: Surface tokens as written.
        is_space_after: False for surface tokens with `SpaceAfter=No`.
        words: Span of each word; words of a multiword token share its span.
        is_multiword: True for words of a multiword token.
        forms: As written.
        upos: As written.
        xpos: As written.
        feats: Universal features only, sorted.
        bundles: All features, sorted.
        lemmas: As written.
        heads: `NO_HEAD` for a root. Empty when the file leaves heads out.
        deprels: Without subtypes.
    """

    source: str
    characters: str = ""
    sentences: list[tuple[int, int]] = field(default_factory=list)
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
    """Reads a CoNLL-U file, plain or `.xz`.

    Raises:
        InputNotFoundError: There is no such file.
        StorageError: The file cannot be read.
        ConlluError: It is not UTF-8 or not CoNLL-U.
    """
    return parse_annotation(read_conllu_text(path), source=path)


def read_conllu_text(path: str) -> str:
    """Reads a UTF-8 file, plain or `.xz`.

    Raises:
        InputNotFoundError: There is no such file.
        StorageError: The file cannot be read.
        ConlluError: It is not UTF-8; the message names the line.
    """
    try:
        data = Path(path).read_bytes()
        data = lzma.decompress(data) if path.endswith(".xz") else data
    except FileNotFoundError as error:
        raise InputNotFoundError(f"{path}: no such file; expected a CoNLL-U file") from error
    except (OSError, lzma.LZMAError) as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        value = data[error.start : error.start + 4]
        raise ConlluError(f"{path}:{line}: bytes {value!r}; expected UTF-8 text") from error


def parse_annotation(text: str, *, source: str) -> Annotation:
    """Parses CoNLL-U text; heads are optional, all else is as the CoNLL 2018 script reads it.

    Args:
        text: Each sentence ends with an empty line; empty nodes are skipped.
        source: Named in messages.

    Raises:
        ConlluError: A line breaks the format; the message names file, line, value, expectation.
    """
    return _Parser(text, source=source).parse()


def without_spaces(form: str) -> str:
    """Removes what the metric does not count as characters."""
    return form.translate(_WITHOUT_SPACES)


def universal_features(feats: str) -> str:
    """Keeps the 21 features that all languages share, sorted; `` when there is none."""
    return "|".join(
        sorted(pair for pair in feats.split("|") if pair.split("=", 1)[0] in _UNIVERSAL_FEATURES)
    )


class _FeatureCache:
    """Normalises FEATS, each different string once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}

    def __getitem__(self, feats: str) -> tuple[str, str]:
        """Universal features and all features, both sorted."""
        pair = self._known.get(feats)
        if pair is None:
            pair = universal_features(feats), "|".join(sorted(feats.split("|")))
            self._known[feats] = pair
        return pair


FEATURE_CACHE = _FeatureCache()
"""Shared by all texts of a process: the inventory is a few thousand strings."""


class _Parser:
    """Fills an `Annotation` from CoNLL-U lines."""

    def __init__(self, text: str, *, source: str) -> None:
        self._annotation = Annotation(source)
        self._lines = text.split("\n")
        self._characters: list[str] = []
        self._n_characters = 0

    def parse(self) -> Annotation:
        """Parses all sentences."""
        for first, last in self._sentence_ranges():
            self._parse_sentence(first, last)
        self._annotation.characters = "".join(self._characters)
        return self._annotation

    def _sentence_ranges(self) -> Iterator[tuple[int, int]]:
        """Yields line indices [first, last) of each sentence, comments before it left out."""
        first = None
        for index, line in enumerate(self._lines):
            if first is None:
                if line.rstrip("\r") and not line.startswith("#"):
                    first = index
            elif not line.rstrip("\r"):
                if index == len(self._lines) - 1:
                    break
                yield first, index
                first = None
        if first is not None:
            # Text cut short must not pass for a shorter text.
            raise self._error(len(self._lines) - 1, "end of file", "an empty line after a sentence")

    def _parse_sentence(self, first: int, last: int) -> None:
        """Adds the sentence of lines [first, last)."""
        start = self._n_characters
        first_word = len(self._annotation.words)
        heads: list[tuple[int, str]] = []
        n_left, span = 0, (0, 0)
        for index in range(first, last):
            columns = self._columns(index)
            token_id = columns[0]
            if "." in token_id:
                continue
            n_words = len(self._annotation.words) - first_word
            if "-" in token_id:
                n_left = self._multiword_length(index, token_id, n_words=n_words, n_left=n_left)
                span = self._add_surface(index, columns)
                continue
            if token_id != str(n_words + 1):
                raise self._error(index, f"token ID {token_id!r}", f"{n_words + 1}")
            is_multiword = n_left > 0
            if is_multiword:
                n_left -= 1
            else:
                span = self._add_surface(index, columns)
            self._add_word(columns, span=span, is_multiword=is_multiword)
            heads.append((index, columns[6]))
        if n_left:
            raise self._error(
                last, "end of sentence", f"{n_left} more token(s) of a multiword token"
            )
        self._annotation.sentences.append((start, self._n_characters))
        self._add_heads(heads, first_word=first_word)

    def _columns(self, index: int) -> list[str]:
        """Splits a line."""
        columns = self._lines[index].rstrip("\r").split("\t")
        if len(columns) != _N_COLUMNS:
            value = f"{len(columns)} column(s) in {self._lines[index][:60]!r}"
            raise self._error(index, value, f"{_N_COLUMNS} columns separated by tabs")
        return columns

    def _multiword_length(self, index: int, token_id: str, *, n_words: int, n_left: int) -> int:
        """Checks a range ID and returns how many words it covers."""
        first, _, last = token_id.partition("-")
        is_range = first.isdecimal() and last.isdecimal()
        if n_left or not is_range or int(first) != n_words + 1 or int(last) < int(first):
            raise self._error(
                index, f"range ID {token_id!r}", f"a range from {n_words + n_left + 1}"
            )
        return int(last) - int(first) + 1

    def _add_surface(self, index: int, columns: list[str]) -> tuple[int, int]:
        """Adds a surface token and returns its span."""
        form = without_spaces(columns[1])
        if not form:
            raise self._error(index, "an empty FORM", "at least one character that is not a space")
        span = self._n_characters, self._n_characters + len(form)
        self._characters.append(form)
        self._n_characters = span[1]
        self._annotation.tokens.append(span)
        self._annotation.token_lines.append(index + 1)
        self._annotation.token_forms.append(columns[1])
        self._annotation.is_space_after.append("SpaceAfter=No" not in columns[9].split("|"))
        return span

    def _add_word(self, columns: list[str], *, span: tuple[int, int], is_multiword: bool) -> None:
        """Adds the columns of a word."""
        annotation = self._annotation
        feats, bundle = FEATURE_CACHE[columns[5]]
        annotation.words.append(span)
        annotation.is_multiword.append(is_multiword)
        annotation.forms.append(columns[1])
        annotation.lemmas.append(columns[2])
        annotation.upos.append(columns[3])
        annotation.xpos.append(columns[4])
        annotation.feats.append(feats)
        annotation.bundles.append(bundle)
        annotation.deprels.append(columns[7].partition(":")[0])

    def _add_heads(self, heads: Sequence[tuple[int, str]], *, first_word: int) -> None:
        """Adds a sentence's heads, or none when the file leaves them out (`_`)."""
        if heads and all(head == "_" for _, head in heads):
            return
        for index, head in heads:
            if not head.isdecimal() or int(head) > len(heads):
                raise self._error(index, f"HEAD {head!r}", f"a number from 0 to {len(heads)}")
        self._check_tree([int(head) for _, head in heads], index=heads[0][0] if heads else 0)
        self._annotation.heads += [
            first_word + int(head) - 1 if int(head) else NO_HEAD for _, head in heads
        ]

    def _check_tree(self, heads: list[int], *, index: int) -> None:
        """Checks for one root and no cycle, in linear time."""
        if heads.count(0) != 1:
            raise self._error(
                index, f"{heads.count(0)} roots in a sentence", "one word with HEAD 0"
            )
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
                raise self._error(index, f"a cycle of heads through token {node}", "a tree")
            for seen in path:
                marks[seen] = -1

    def _error(self, index: int, value: str, expected: str) -> ConlluError:
        """Builds the error for a line."""
        line = min(index, len(self._lines) - 1) + 1
        return ConlluError(f"{self._annotation.source}:{line}: {value}; expected {expected}")
