"""What the word student reads of a form: its wordpieces, hashed n-grams of its letters, its case.

Training and tagging use this one module, so that a form means the same to both. Everything is
computed from the folded form (see `mtag_core.folding`); wordpieces and n-grams from its lower case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.arrays import Integers
from mtag_core.errors import BundleError
from mtag_core.folding import fold_form

MAX_FORM_PIECES = 12
"""Of a form with more wordpieces the first half and the last half of so many are read."""

N_NGRAM_ROWS = 65_536
"""An n-gram is a number below this one; two n-grams may share one."""

CASES = ("none", "lower", "title", "upper", "capital", "mixed")
"""Letter case by its number: no cased letter; all lower; a capital, then lower; two capitals or
more and nothing lower; one capital alone; anything else."""

_PREFIX_LENGTHS = (3, 4, 5)
_SUFFIX_LENGTHS = (2, 3, 4, 5, 6)
_INNER_LENGTH = 3
# Of the ranges that the tokenizer takes for Chinese, the first; Hangul lies behind it, too.
_FIRST_CHINESE = "\u3400"
_BEGIN, _END = "\x02", "\x03"
# A form with more characters keeps its first and last sixteen.
_MAX_CHARACTERS = 32
# Forms that are computed together; bounds memory.
_CHUNK_FORMS = 16_384
# Odd numbers whose products spread over all 32 bits.
_FACTOR, _MIX = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_SEED = 0x2545F491


@dataclass(frozen=True, slots=True)
class FormArrays:
    """Features of forms.

    Attributes:
        pieces: Wordpiece ids, 0 behind a form's last. Shape (n_forms, `MAX_FORM_PIECES`), int32.
        n_pieces: From 1 to `MAX_FORM_PIECES`. Shape (n_forms,), int32.
        ngrams: Numbers of all forms' n-grams, below `N_NGRAM_ROWS`. Shape (n_ngrams,), int32.
        ngram_offsets: Where each form's n-grams start, and the end of the last one's; each form has
            at least one. Shape (n_forms + 1,), int64.
        case: Index into `CASES`. Shape (n_forms,), int8.
    """

    pieces: NDArray[np.int32]
    n_pieces: NDArray[np.int32]
    ngrams: NDArray[np.int32]
    ngram_offsets: NDArray[np.int64]
    case: NDArray[np.int8]

    @staticmethod
    def concatenate(parts: Sequence["FormArrays"]) -> "FormArrays":
        """Puts the forms of parts one after the other."""
        if len(parts) == 1:
            return parts[0]
        ends = np.cumsum([0, *(part.ngram_offsets[-1] for part in parts)])
        starts = [part.ngram_offsets[:-1] + end for part, end in zip(parts, ends, strict=False)]
        return FormArrays(
            pieces=np.concatenate([part.pieces for part in parts]),
            n_pieces=np.concatenate([part.n_pieces for part in parts]),
            ngrams=np.concatenate([part.ngrams for part in parts]),
            ngram_offsets=np.concatenate([*starts, ends[-1:]]),
            case=np.concatenate([part.case for part in parts]),
        )


class FormFeatures:
    """Computes features of forms; those of a form do not depend on the others.

    Raises:
        BundleError: It is missing, damaged, or has no [UNK].
    """

    def __init__(self, tokenizer_path: str | Path) -> None:
        self._tokenizer: Tokenizer = _open_tokenizer(tokenizer_path)
        unk: int | None = self._tokenizer.token_to_id("[UNK]")
        if unk is None:
            raise BundleError(f"{tokenizer_path}: has no piece [UNK], expected it")
        self._unk = unk

    def __call__(self, forms: Sequence[str]) -> FormArrays:
        """Computes the features of forms, none of them empty; faster if distinct and many."""
        starts = range(0, max(1, len(forms)), _CHUNK_FORMS)
        return FormArrays.concatenate(
            [self._chunk(forms[start : start + _CHUNK_FORMS]) for start in starts]
        )

    def _chunk(self, forms: Sequence[str]) -> FormArrays:
        folded = [fold_form(form) for form in forms]
        lowered = [form.lower() for form in folded]
        pieces, n_pieces = self._pieces(lowered)
        ngrams, offsets = _ngrams(lowered)
        case = np.fromiter(map(_case, folded, lowered), np.int8, len(folded))
        return FormArrays(pieces, n_pieces, ngrams, offsets, case)

    def _pieces(self, lowered: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        rows, ids, counts = self._ids(lowered)
        column = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
        owner = np.repeat(rows, counts)
        # Of a long form the columns from the middle on count from its end.
        surplus = np.repeat(np.maximum(counts - MAX_FORM_PIECES, 0), counts)
        half = MAX_FORM_PIECES // 2
        is_kept = (column < half) | (column >= half + surplus)
        column = np.where(column < half, column, column - surplus)
        pieces = np.zeros((len(lowered), MAX_FORM_PIECES), np.int32)
        pieces[owner[is_kept], column[is_kept]] = ids[is_kept]
        # A form of nothing but control characters has no pieces.
        pieces[rows[counts == 0], 0] = self._unk
        n_pieces = np.empty(len(lowered), np.int32)
        n_pieces[rows] = counts.clip(1, MAX_FORM_PIECES)
        return pieces, n_pieces

    def _ids(self, lowered: Sequence[str]) -> tuple[Integers, NDArray[np.int32], Integers]:
        # The tokenizer would part no letters, but for Chinese characters, before it looks for
        # pieces; that alone takes a third of its time.
        is_word = [form.isalpha() and max(form) < _FIRST_CHINESE for form in lowered]
        tokenize = self._tokenizer.model.tokenize
        words = [[piece.id for piece in tokenize(form)] for form in compress(lowered, is_word)]
        others = [form for form, is_one in zip(lowered, is_word, strict=True) if not is_one]
        encoding = self._tokenizer.encode(others, is_pretokenized=True, add_special_tokens=False)
        owner = np.array(encoding.word_ids, np.int64)
        counts = [*map(len, words), *np.bincount(owner, minlength=len(others)).tolist()]
        rows = np.argsort(np.logical_not(is_word), kind="stable")
        ids = np.array([*chain.from_iterable(words), *encoding.ids], np.int32)
        return rows, ids, np.array(counts, np.int64)


def _ngrams(lowered: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    marked = [_BEGIN + _shortened(form) + _END for form in lowered]
    codes = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, marked), np.int64, len(marked))
    ends = np.cumsum(lengths)
    starts = ends - lengths
    owners, rows = [], []
    ranges = [(length, starts) for length in _PREFIX_LENGTHS]
    ranges += [(length, ends - length) for length in _SUFFIX_LENGTHS]
    for length, first in ranges:
        owner = np.flatnonzero(lengths >= length)
        owners.append(owner)
        rows.append(_hashed(codes, first[owner], length))
    # The marks belong to beginnings and endings alone.
    counts = np.maximum(lengths - 2 - (_INNER_LENGTH - 1), 0)
    owner = np.repeat(np.arange(len(marked)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    owners.append(owner)
    rows.append(_hashed(codes, starts[owner] + 1 + place, _INNER_LENGTH))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(marked)))])
    return np.concatenate(rows)[order], offsets.astype(np.int64)


def _hashed(codes: NDArray[np.uint32], starts: NDArray[np.int64], length: int) -> NDArray[np.int32]:
    """Multiplies and adds code points modulo 2^32, as FNV-1a does bytes; the upper 16 bits."""
    value = np.full(len(starts), _SEED + length, np.uint32)
    for place in range(length):
        value = (value ^ codes[starts + place]) * _FACTOR
        value ^= value >> np.uint32(15)
    value = value * _MIX
    value ^= value >> np.uint32(13)
    return ((value * _FACTOR) >> np.uint32(16)).astype(np.int32)


def _shortened(form: str) -> str:
    if len(form) <= _MAX_CHARACTERS:
        return form
    half = _MAX_CHARACTERS // 2
    return form[:half] + form[-half:]


def _case(form: str, lowered: str) -> int:
    if form.islower():
        return 1
    if form == lowered:
        return 0
    if form.isupper():
        return 3 if sum(map(str.isupper, form)) > 1 else 4
    return 2 if (form[0] != lowered[0] and form[1:].islower()) or form.istitle() else 5


def _open_tokenizer(path: str | Path) -> Tokenizer:
    try:
        content = Path(path).read_text(encoding="utf-8")
        # The package raises bare Exceptions.
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:
        raise BundleError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
