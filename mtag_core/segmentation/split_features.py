"""Features of the scripts that fit a form: of the form itself, and of the forms around it.

A feature is a code that is hashed with its column and, mostly, with the script's code. The codes of
a form and its scripts are made once a form, those of its neighbourhood once a token; rows of the
table of weights are made for many scripts at once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import Integers, text_codes
from mtag_core.segmentation.hashing import MIX, SPREAD, Codes, hash_columns, table_rows

Counts = NDArray[np.uint8]

N_SCRIPT_COLUMNS = 16
"""Features of a script and its form; those of the neighbourhood follow."""

IDENTITY_COLUMNS = (1, 2, 13, *range(31, 37))
"""Features that hold the whole form or stem, which say nothing about forms never seen."""

# The columns after these are the same for all scripts.
_N_OF_SCRIPT = 11

# Columns of `neighbour_codes`.
N_SEEN = 7
_WHOLE, _END_2, _END_3, _START_1, _START_2, _SHAPE, _REST = range(N_SEEN)

# Where each token's neighbours begin among the codes of the five tokens around it.
_FAR_BEFORE, _BEFORE, _FORM, _AFTER, _FAR_AFTER = range(0, 5 * N_SEEN, N_SEEN)

_CONTEXTS: tuple[tuple[int, ...], ...] = (
    (_BEFORE + _WHOLE,),
    (_AFTER + _WHOLE,),
    (_FAR_BEFORE + _WHOLE,),
    (_FAR_AFTER + _WHOLE,),
    (_BEFORE + _END_2,),
    (_AFTER + _END_2,),
    (_BEFORE + _END_3,),
    (_AFTER + _END_3,),
    (_BEFORE + _START_2,),
    (_AFTER + _START_2,),
    (_BEFORE + _SHAPE, _AFTER + _SHAPE),
    (_BEFORE + _REST,),
    (_AFTER + _REST,),
    (_AFTER + _START_1, _FAR_AFTER + _START_1),
    (_BEFORE + _WHOLE, _AFTER + _WHOLE),
    (_FORM + _WHOLE, _BEFORE + _WHOLE),
    (_FORM + _WHOLE, _AFTER + _WHOLE),
    (_FORM + _WHOLE, _BEFORE + _END_2),
    (_FORM + _WHOLE, _AFTER + _END_2),
    (_FORM + _WHOLE, _AFTER + _START_2),
    (_FORM + _WHOLE, _BEFORE + _SHAPE, _AFTER + _SHAPE),
)

# Three codes a column, the first again where there are fewer, so that all are hashed at once.
_SLOTS = np.array([(*column, *column[:1] * 2)[:3] for column in _CONTEXTS]).T

# What stands before the first token of a sentence and after the last.
NOTHING = (0, 1, 2, 3, 4, 5, 6)

_SEED = np.uint64(0x9E3779B97F4A7C15)


def script_codes(forms: Sequence[str], n_options: Integers, facts: Codes, counts: Counts) -> Codes:
    """Codes of scripts and of what they leave of forms.

    Args:
        forms: Surface forms.
        n_options: How many scripts there are for each. Shape (n_forms,).
        facts: Of the scripts, as `Script.facts` has them. Shape (n_options, 4).
        counts: Logarithms of how often forms occur in running text, by `count_row`.

    Returns:
        For each script of each form its own code, then N_SCRIPT_COLUMNS ones. Shape (n_options,
        1 + N_SCRIPT_COLUMNS).
    """
    of_form = np.arange(len(forms)).repeat(n_options)
    texts, of_text = _stems(forms, of_form, facts[:, 1:3].astype(np.int64))
    text_columns = np.array(
        [
            text_codes(texts),
            text_codes([text[:2] for text in texts]),
            text_codes([text[-2:] for text in texts]),
            list(map(len, texts)),
        ],
        np.uint64,
    )
    form_columns = np.array(
        [
            text_codes([form[:3] for form in forms]),
            text_codes([form[:4] for form in forms]),
            text_codes([form[-3:] for form in forms]),
        ],
        np.uint64,
    )[:, of_form]
    form_code, form_start, form_end, _ = text_columns[:, of_form]
    stem_code, stem_start, stem_end, stem_size = text_columns[:, of_text]
    n_form, n_stem = _counts(form_code, counts), _counts(stem_code, counts)
    # A row a column of the result: what is written lies together.
    codes = np.zeros((1 + N_SCRIPT_COLUMNS, len(facts)), np.uint64)
    codes[0] = facts[:, 0]
    codes[2] = form_code
    codes[3] = codes[14] = stem_code
    codes[4] = form_start
    codes[5:7] = form_columns[:2]
    codes[7] = form_end
    codes[8] = form_columns[2]
    codes[9] = np.minimum(stem_size, 8)
    codes[10] = n_stem
    codes[11] = codes[12] = n_stem << 8 | n_form
    codes[13] = (n_stem + 64 - n_form) << 8 | facts[:, 3]
    codes[15] = stem_start << 8 | facts[:, 1]
    codes[16] = stem_end << 8 | facts[:, 2]
    return codes.T


def _stems(forms: Sequence[str], of_form: Integers, sizes: Integers) -> tuple[list[str], Integers]:
    """Forms, then what scripts leave of them, and which of both each script leaves."""
    of_text = of_form.copy()
    cut = np.flatnonzero(sizes.sum(axis=1))
    if not len(cut):
        return [*forms], of_text
    keys = (of_form[cut] << 16) + (sizes[cut] << [8, 0]).sum(axis=1)
    # Many scripts of a form leave the same.
    is_new = np.append(True, keys[1:] != keys[:-1])
    of_text[cut] = len(forms) - 1 + is_new.cumsum()
    first = cut[is_new]
    spans = zip(of_form[first].tolist(), sizes[first].tolist(), strict=True)
    stems = [forms[row][start : len(forms[row]) - end] for row, (start, end) in spans]
    return [*forms, *stems], of_text


def neighbour_codes(forms: Sequence[str], counts: Counts) -> Codes:
    """Codes of forms as their neighbours read them: shape (n_forms, N_SEEN), as named above."""
    lower = [form.lower() for form in forms]
    codes = np.empty((len(forms), N_SEEN), np.uint64)
    codes[:, _WHOLE] = text_codes(lower)
    codes[:, _END_2] = text_codes([form[-2:] for form in lower])
    codes[:, _END_3] = text_codes([form[-3:] for form in lower])
    codes[:, _START_1] = text_codes([form[:1] for form in lower])
    codes[:, _START_2] = text_codes([form[:2] for form in lower])
    n_form = _counts(np.array(text_codes(forms), np.uint64), counts)
    n_rest = _counts(np.array(text_codes([form[1:] for form in forms]), np.uint64), counts)
    codes[:, _SHAPE] = np.array(list(map(_shape, forms)), np.uint64) << 8 | n_form // 3
    # A first letter that is an article or a preposition leaves a form that stands alone too.
    codes[:, _REST] = codes[:, _START_1] << 16 | n_rest << 8 | n_form
    return codes


def _shape(form: str) -> int:
    if form.isalpha():
        return 10 + form[:1].isupper()
    return form[:1].isupper() | form[:1].isalpha() << 1 | form.isdigit() << 2 | form.isalnum() << 3


def rows_around(rows: Integers, chosen: Integers, sentence_ends: Sequence[int]) -> Integers:
    """The rows of the five forms around some: two before each, its own and two after it.

    Args:
        rows: A number for each form of sentences, one sentence after another. Shape (n_forms,).
        chosen: Indices of forms. Shape (n_chosen,).
        sentence_ends: Index after the last form of each sentence.

    Returns:
        Shape (n_chosen, 5), 0 before and after a sentence.
    """
    ends = np.array(sentence_ends)
    # Two rows of nothing before, between and after sentences.
    places = np.arange(len(rows)) + 2
    places += 2 * ends.searchsorted(places - 2, side="right")
    padded = np.zeros(len(rows) + 2 * len(ends) + 2, np.int64)
    padded[places] = rows
    around: Integers = padded[places[chosen][:, None] + np.arange(-2, 3)]
    return around


def context_codes(around: Codes) -> Codes:
    """Codes of what stands around tokens.

    Args:
        around: `neighbour_codes` of two forms before each, its own and two after it. Shape
            (n, 5, N_SEEN).

    Returns:
        Shape (n, n_columns).
    """
    columns = around.reshape(-1, 5 * N_SEEN)
    return hash_columns([columns[:, slots] for slots in _SLOTS], 0)


def script_rows(codes: Codes, *, n_rows: int) -> NDArray[np.int64]:
    """Hashes the features of scripts.

    Args:
        codes: `script_codes`. Shape (n_scripts, 1 + N_SCRIPT_COLUMNS).
        n_rows: Size of the table, a power of 2.

    Returns:
        Shape (n_scripts, N_SCRIPT_COLUMNS), in the first half of the table.
    """
    is_of_script = np.arange(N_SCRIPT_COLUMNS) < _N_OF_SCRIPT
    scripts = codes[:, :1] * is_of_script.astype(np.uint64)
    seeds = _seeds(scripts, 1 + np.arange(N_SCRIPT_COLUMNS))
    return _hash(seeds, codes[:, 1:], n_rows=n_rows // 2)


def context_seeds(scripts: Codes) -> Codes:
    """What the hashes of `context_rows` begin with: of codes of scripts, shape (n, n_columns)."""
    return _seeds(scripts[:, None], 101 + np.arange(len(_CONTEXTS)))


def context_rows(seeds: Codes, codes: Codes, *, n_rows: int) -> NDArray[np.int64]:
    """Hashes the features of what stands around a token.

    Args:
        seeds: `context_seeds` of scripts. Shape (n_scripts, n_columns).
        codes: `context_codes` of each script's token. Shape (n_scripts, n_columns).
        n_rows: Size of the table, a power of 2.

    Returns:
        Shape (n_scripts, n_columns), in the second half of the table: there are many more of these
        features, and they would drown the others.
    """
    half = n_rows // 2
    return _hash(seeds, codes, n_rows=half) + half


def count_row(form: str, *, n_counts: int) -> int:
    """The row of a form's count."""
    return text_codes([form])[0] & (n_counts - 1)


def _counts(codes: Codes, counts: Counts) -> Codes:
    found: Codes = counts[codes & np.uint64(len(counts) - 1)].astype(np.uint64)
    return found


def _seeds(scripts: Codes, columns: Integers) -> Codes:
    values: Codes = (scripts * _SEED + columns.astype(np.uint64)) * MIX
    values ^= values >> np.uint64(29)
    return values


def _hash(seeds: Codes, codes: Codes, *, n_rows: int) -> NDArray[np.int64]:
    values = seeds ^ codes
    values *= MIX
    values ^= values >> np.uint64(31)
    values *= SPREAD
    return table_rows(values, n_rows)
