"""A tagged sentence, as the tagger returns it.

Tags stand in columns like the sentence's tokens (see `mtag_core.records`); `tokens` builds objects
for people.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Protocol, overload

from mtag_core.conllu import format_sentence
from mtag_core.languages import UNKNOWN
from mtag_core.records import Document, OutputRow, Sentence, bare_sentence, pickled_by_fields


@dataclass(frozen=True, slots=True)
class Token:
    """One tagged token, as `TaggedSentence.tokens` shows it.

    Attributes:
        form: The token's form.
        start: Offset of its first character in the document, in characters.
        end: Offset after its last character.
        upos: Universal part of speech, such as `NOUN`.
        feats: Morphological features in CoNLL-U notation, such as `Number=Sing`, or `_`.
        upos_score: Probability of `upos`, 0 to 1.
        second_upos: The second most probable part of speech.
        feats_score: Probability of `feats` among the bundles that occur with `upos`, 0 to 1.
        lemma: None where the bundle has no lemmas.
    """

    form: str
    start: int
    end: int
    upos: str
    feats: str
    upos_score: float
    second_upos: str
    feats_score: float
    lemma: str | None = None

    @property
    def feats_dict(self) -> dict[str, str]:
        """The features by name, such as `{"Number": "Sing"}`; empty for `_`."""
        if self.feats == "_":
            return {}
        return dict(feature.split("=", 1) for feature in self.feats.split("|"))


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What tagging one batch took, for metrics: seconds in the model, and wordpieces.

    `piece_budget` is the most that there could have been. A window of a long sentence counts as a
    sentence.
    """

    n_sentences: int
    n_pieces: int
    piece_budget: int
    duration_s: float


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence and the tags of its tokens. Every tuple has length n_tokens.

    `lemmas` is None where the bundle has no lemmas.
    """

    sentence: Sentence
    upos: tuple[str, ...]
    feats: tuple[str, ...]
    upos_scores: tuple[float, ...]
    second_upos: tuple[str, ...]
    feats_scores: tuple[float, ...]
    lemmas: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The sentence as it stands in the document."""
        return self.sentence.text

    @property
    def tokens(self) -> list[Token]:
        """The tokens as objects, built on each call."""
        return list(self)

    @property
    def language(self) -> str:
        """ISO 639 code of the sentence's language; `und` when unknown."""
        return self.sentence.language

    @property
    def is_trained(self) -> bool:
        """Whether the tagger has learnt the language from a treebank."""
        return self.sentence.is_trained

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.upos)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> list[Token]: ...
    def __getitem__(self, index: int | slice) -> Token | list[Token]:
        """A token by its number from 0, or some of them."""
        return self.tokens[index]

    def __iter__(self) -> Iterator[Token]:
        """Yields the tokens in order."""
        columns = (
            self.sentence.forms,
            self.sentence.starts,
            self.sentence.ends,
            self.upos,
            self.feats,
            self.upos_scores,
            self.second_upos,
            self.feats_scores,
            (None,) * len(self) if self.lemmas is None else self.lemmas,
        )
        return (Token(*row) for row in zip(*columns, strict=True))

    def __str__(self) -> str:
        """The sentence in CoNLL-U."""
        return format_sentence(self.sentence, upos=self.upos, feats=self.feats, lemmas=self.lemmas)

    def to_dict(self) -> dict[str, Any]:
        """The sentence as values that JSON has: text, offsets, language, tokens by their fields."""
        return {
            "text": self.text,
            "start": self.sentence.start,
            "end": self.sentence.end,
            "language": self.language,
            "is_trained": self.is_trained,
            "tokens": [asdict(token) for token in self],
            "multiword_tokens": [asdict(token) for token in self.sentence.multiword_tokens],
        }

    def _repr_html_(self) -> str:
        tags = (self.upos, self.feats, self.lemmas or (None,) * len(self))
        tokens = zip(self.sentence.forms, *tags, strict=True)
        return sentence_html(tokens, language=self.language)


TaggedRow = OutputRow[TaggedSentence]


class SentenceResult(Protocol):
    """A sentence with what a model says about it: tags, or a teacher's logits."""

    @property
    def sentence(self) -> Sentence:
        """The sentence."""

    @property
    def upos(self) -> tuple[str, ...]:
        """The best UPOS tag of each token, for counts."""


@dataclass(frozen=True, slots=True)
class TaggedDocument:
    """A document and all its sentences, tagged."""

    document: Document
    sentences: tuple[TaggedSentence, ...]

    @property
    def language(self) -> str:
        """The language that most tokens are in; `und` for a document without tokens."""
        n_tokens: Counter[str] = Counter()
        for sentence in self.sentences:
            n_tokens[sentence.language] += len(sentence)
        return max(n_tokens, key=lambda code: n_tokens[code], default=UNKNOWN)


def unscored(
    forms: tuple[str, ...],
    upos: tuple[str, ...],
    feats: tuple[str, ...],
    lemmas: tuple[str, ...] | None = None,
) -> TaggedSentence:
    """A tagged sentence without offsets or scores, for a tagger that gives labels alone.

    Each UPOS also stands in as the second-best one.
    """
    ones = (1.0,) * len(forms)
    return TaggedSentence(bare_sentence(forms), upos, feats, ones, upos, ones, lemmas)


# Groups of parts of speech to a light ground, on which black letters can be read.
_COLOURS = {
    "NOUN PROPN PRON": "#cfe3ff",
    "VERB AUX": "#ffd9c7",
    "ADJ ADV": "#d8f3d3",
    "DET NUM": "#fff1b8",
    "ADP CCONJ SCONJ PART": "#e6dcf7",
    "PUNCT SYM INTJ X": "#e8e8e8",
}
_UPOS_TO_COLOUR = {upos: colour for group, colour in _COLOURS.items() for upos in group.split()}
_OTHER_COLOUR = "#e8e8e8"
_TOKEN_STYLE = (
    "display:inline-block;margin:2px;padding:1px 5px;border-radius:4px;text-align:center;color:#000"
)


def sentence_html(tokens: Iterable[tuple[str, str, str, str | None]], *, language: str) -> str:
    """A sentence of forms, UPOS, FEATS and lemmas, None for none, as one `div`.

    Text from right to left runs from right to left.
    """
    spans = "".join(_token_html(*token) for token in tokens)
    return f'<div dir="auto" lang="{escape(language)}" style="line-height:2.6">{spans}</div>'


def _token_html(form: str, upos: str, feats: str, lemma: str | None) -> str:
    style = f"background:{_UPOS_TO_COLOUR.get(upos, _OTHER_COLOUR)};{_TOKEN_STYLE}"
    lines = [lemma or "", *(feats.split("|") if feats != "_" else ())]
    hover = escape("\n".join(filter(None, lines)))
    tag = f'<small style="display:block;font-size:65%;line-height:1.2">{escape(upos)}</small>'
    return f'<span style="{style}" title="{hover}">{escape(form)}{tag}</span>'


# Zero-width joiners are letters' business; other invisible characters could hide or turn text.
_JOINERS = "\u200c\u200d"


def visible(value: str) -> str:
    r"""The text on one line, with a mark for each control character and lone surrogate.

    Example: visible("a\nb\x1b[31m") -> "a b\ufffd[31m"
    """
    if value.isprintable():
        return value
    return "".join(map(_shown, value))


def _shown(character: str) -> str:
    if character in _JOINERS or character.isprintable():
        return character
    is_blank = character in "\t\n\r" or unicodedata.category(character) in ("Zs", "Zl", "Zp")
    return " " if is_blank else "\ufffd"
