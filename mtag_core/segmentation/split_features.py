"""Features of the scripts that fit a form: of the form itself, and of the forms around it.

A feature is a code that is hashed with its column and, mostly, with the script's code. The codes of
a form and its scripts are made once a form, those of its neighbourhood once a token; rows of the
table of weights are made for many scripts at once.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import MIX, SPREAD, Codes, hash_columns, table_rows
from mtag_core.segmentation.split_scripts import Script
from mtag_core.segmentation.word_units import text_codes

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


def script_codes(
    forms: Sequence[str], options: Sequence[Sequence[Script]], counts: Counts
) -> Codes:
    """Codes of scripts and of what they leave of forms.

    Args:
        forms: Surface forms.
        options: Some scripts that fit each.
        counts: Logarithms of how often forms occur in running text, by `count_row`.

    Returns:
        For each script of each form its own code, then N_SCRIPT_COLUMNS ones. Shape (n_options,
        1 + N_SCRIPT_COLUMNS).
    """
    scripts = [*chain.from_iterable(options)]
    facts = np.array([script.facts for script in scripts], np.uint64).reshape(-1, 4)
    stems = [
        script.stem(form)
        for form, fitting in zip(forms, options, strict=True)
        for script in fitting
    ]
    # Many scripts of a form leave the same.
    stem_to_row = {stem: row for row, stem in enumerate(dict.fromkeys(stems))}
    of_stem = np.array(
        [
            text_codes(stem_to_row),
            _short_codes([stem[:2] for stem in stem_to_row]),
            _short_codes([stem[-2:] for stem in stem_to_row]),
            list(map(len, stem_to_row)),
        ],
        np.uint64,
    )[:, list(map(stem_to_row.__getitem__, stems))]
    of_form = np.array(
        [
            text_codes(forms),
            *(_short_codes([form[:size] for form in forms]) for size in (2, 3, 4)),
            *(_short_codes([form[-size:] for form in forms]) for size in (2, 3)),
        ],
        np.uint64,
    ).repeat(list(map(len, options)), axis=1)
    n_form, n_stem = _counts(of_form[0], counts), _counts(of_stem[0], counts)
    codes = np.zeros((len(scripts), 1 + N_SCRIPT_COLUMNS), np.uint64)
    codes[:, 0] = facts[:, 0]
    codes[:, 2] = of_form[0]
    codes[:, 3] = codes[:, 14] = of_stem[0]
    codes[:, 4:9] = of_form[1:].T
    codes[:, 9] = np.minimum(of_stem[3], 8)
    codes[:, 10] = n_stem
    codes[:, 11] = codes[:, 12] = n_stem << 8 | n_form
    codes[:, 13] = (n_stem + 64 - n_form) << 8 | facts[:, 3]
    codes[:, 15:17] = (of_stem[1:3] << 8).T | facts[:, 1:3]
    return codes


def neighbour_codes(forms: Sequence[str], counts: Counts) -> Codes:
    """Codes of forms as their neighbours read them: shape (n_forms, N_SEEN), as named above."""
    lower = [form.lower() for form in forms]
    codes = np.empty((len(forms), N_SEEN), np.uint64)
    codes[:, _WHOLE] = text_codes(lower)
    codes[:, _END_2] = _short_codes([form[-2:] for form in lower])
    codes[:, _END_3] = _short_codes([form[-3:] for form in lower])
    codes[:, _START_1] = _short_codes([form[:1] for form in lower])
    codes[:, _START_2] = _short_codes([form[:2] for form in lower])
    n_form = _counts(np.array(text_codes(forms), np.uint64), counts)
    n_rest = _counts(np.array(text_codes(form[1:] for form in forms), np.uint64), counts)
    bits = [
        form[:1].isupper() | form[:1].isalpha() << 1 | form.isdigit() << 2 | form.isalnum() << 3
        for form in forms
    ]
    codes[:, _SHAPE] = np.array(bits, np.uint64) << 8 | n_form // 3
    # A first letter that is an article or a preposition leaves a form that stands alone too.
    codes[:, _REST] = codes[:, _START_1] << 16 | n_rest << 8 | n_form
    return codes


def context_codes(around: Codes) -> Codes:
    """Codes of what stands around tokens.

    Args:
        around: `neighbour_codes` of two forms before each, its own and two after it. Shape
            (n, 5, N_SEEN).

    Returns:
        Shape (n, n_columns).
    """
    columns = around.reshape(len(around), -1)
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
    return _hash(scripts, codes[:, 1:], first_seed=1, n_rows=n_rows // 2)


def context_rows(scripts: Codes, codes: Codes, *, n_rows: int) -> NDArray[np.int64]:
    """Hashes the features of what stands around a token.

    Args:
        scripts: Codes of scripts. Shape (n_scripts,).
        codes: `context_codes` of each script's token. Shape (n_scripts, n_columns).
        n_rows: Size of the table, a power of 2.

    Returns:
        Shape (n_scripts, n_columns), in the second half of the table: there are many more of these
        features, and they would drown the others.
    """
    half = n_rows // 2
    return _hash(scripts[:, None], codes, first_seed=101, n_rows=half) + half


def count_row(form: str, *, n_counts: int) -> int:
    """The row of a form's count."""
    return text_codes([form])[0] & (n_counts - 1)


def _short_codes(parts: Iterable[str]) -> list[int]:
    return list(map(_short_code, parts))


@lru_cache(maxsize=16_384)
def _short_code(part: str) -> int:
    return text_codes([part])[0]


def _counts(codes: Codes, counts: Counts) -> Codes:
    found: Codes = counts[codes & np.uint64(len(counts) - 1)].astype(np.uint64)
    return found


def _hash(scripts: Codes, codes: Codes, *, first_seed: int, n_rows: int) -> NDArray[np.int64]:
    seeds = np.arange(first_seed, first_seed + codes.shape[1], dtype=np.uint64)
    values = (scripts * _SEED + seeds) * MIX
    values ^= values >> np.uint64(29)
    values = (values ^ codes) * MIX
    values ^= values >> np.uint64(31)
    return table_rows(values * SPREAD, n_rows)
