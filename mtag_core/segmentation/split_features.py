"""Features of the scripts that fit a form: of the form itself, and of the forms around it.

A feature is a code that is hashed with its column and, mostly, with the script's code. The codes of
a form and its scripts are made once a form, those of its neighbourhood once a token; rows of the
table of weights are made for many scripts at once.
"""

import zlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mtag_core.segmentation.hashing import MIX, SPREAD, Codes, hash_columns, table_rows
from mtag_core.segmentation.split_scripts import Script

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


def script_codes(form: str, scripts: Iterable[Script], counts: Counts) -> list[list[int]]:
    """Codes of scripts and of what they leave of a form.

    Args:
        form: The surface form.
        scripts: Some that fit it.
        counts: Logarithms of how often forms occur in running text, by `count_row`.

    Returns:
        For each script its own code, then N_SCRIPT_COLUMNS ones.
    """
    whole = _code(form)
    n_form = _count(whole, counts)
    parts = (form[:2], form[:3], form[:4], form[-2:], form[-3:])
    of_form = [_code(part) for part in parts]
    codes = []
    for script in scripts:
        stem = script.stem(form)
        stem_code = _code(stem)
        n_stem = _count(stem_code, counts)
        both = n_stem << 8 | n_form
        sizes = len(script.before) << 4 | len(script.after)
        codes.append(
            [
                *(script.code, 0, whole, stem_code, *of_form, min(len(stem), 8), n_stem, both),
                *(both, (n_stem - n_form + 64) << 8 | sizes, stem_code),
                _code(stem[:2]) << 8 | len(script.prefix),
                _code(stem[-2:]) << 8 | len(script.suffix),
            ]
        )
    return codes


def neighbour_codes(form: str, counts: Counts) -> tuple[int, ...]:
    """Codes of a form as it is seen from its neighbours, in the columns named above."""
    lower = form.lower()
    n_form = _count(_code(form), counts)
    n_rest = _count(_code(form[1:]), counts)
    shape = (form[:1].isupper(), form[:1].isalpha(), form.isdigit(), form.isalnum())
    bits = sum(is_so << place for place, is_so in enumerate(shape))
    start = _code(lower[:1])
    return (
        *(_code(lower), _code(lower[-2:]), _code(lower[-3:]), start, _code(lower[:2])),
        bits << 8 | n_form // 3,
        # A first letter that is an article or a preposition leaves a form that stands alone too.
        start << 16 | n_rest << 8 | n_form,
    )


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
    return _code(form) & (n_counts - 1)


@lru_cache(maxsize=16_384)
def _code(part: str) -> int:
    return zlib.crc32(part.encode("utf-8", "replace"))


def _count(code: int, counts: Counts) -> int:
    return int(counts[code & (len(counts) - 1)])


def _hash(scripts: Codes, codes: Codes, *, first_seed: int, n_rows: int) -> NDArray[np.int64]:
    seeds = np.arange(first_seed, first_seed + codes.shape[1], dtype=np.uint64)
    values = (scripts * _SEED + seeds) * MIX
    values ^= values >> np.uint64(29)
    values = (values ^ codes) * MIX
    values ^= values >> np.uint64(31)
    return table_rows(values * SPREAD, n_rows)
