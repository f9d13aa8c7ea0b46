"""Splits surface tokens into the tokens of a treebank: prefixes, pronouns, contractions.

An edit script says how a surface form becomes several tokens. A linear model chooses among the
scripts that fit a form, from hashed features of the form, of what the script leaves of it and of
the forms around it. How often the rest stands alone in running text tells a prefix from a first
letter; those counts are part of the model.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.arrays import GrowingArray, Integers, read_arrays, spread, write_arrays
from mtag_core.folding import fold_form, fold_forms
from mtag_core.segmentation.hashing import Codes
from mtag_core.segmentation.split_features import (
    N_SEEN,
    NOTHING,
    Counts,
    context_codes,
    context_rows,
    context_seeds,
    neighbour_codes,
    rows_around,
    script_codes,
    script_rows,
)

NO_FORM = "_"
"""What stands for the forms that a treebank does not give, as in Marathi's multiword tokens."""

_MAX_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Script:
    """How a surface form becomes several tokens.

    Attributes:
        prefix: What the form begins with and the stem does not.
        suffix: What the form ends with and the stem does not.
        before: Forms of the tokens before the stem's.
        pre: Put before the stem to make its token; of tokens without forms, `NO_FORM` in its place.
        post: Put after it.
        after: Forms of the tokens after the stem's.
        is_exact: The prefix is the whole form, and nothing is left for a stem.
        code: A number of 32 bits made of the others.
        facts: The code, the sizes of prefix and suffix, and how many tokens are before and after.
    """

    prefix: str
    suffix: str
    before: tuple[str, ...]
    pre: str
    post: str
    after: tuple[str, ...]
    is_exact: bool = False
    code: int = field(init=False, compare=False, repr=False)
    facts: tuple[int, int, int, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the facts, which are asked for with each form that the script fits."""
        code = zlib.crc32(repr(self).encode("utf-8", "replace"))
        n_tokens = len(self.before) << 4 | len(self.after)
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "facts", (code, len(self.prefix), len(self.suffix), n_tokens))

    def stem(self, form: str) -> str:
        """What the script leaves of a form that it fits."""
        return form[len(self.prefix) : len(form) - len(self.suffix)]

    def apply(self, form: str) -> tuple[str, ...]:
        """The tokens of a form that the script fits."""
        if self.after and {self.pre, *self.before, *self.after} == {NO_FORM}:
            return (self.pre, *self.after)
        return (*self.before, f"{self.pre}{self.stem(form)}{self.post}", *self.after)


# The script of a form that is one token.
WHOLE = Script("", "", (), "", "", ())


# Sizes of a prefix and of a suffix; both together to the numbers of their scripts.
_Table = tuple[int, int, dict[str, list[int]]]


class Candidates:
    """Finds the scripts that fit a form; the first is always `WHOLE`.

    Attributes:
        scripts: By number. `WHOLE` is number 0, those that were given follow.
    """

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.scripts = (WHOLE, *scripts)
        self._form_to_numbers: dict[str, list[int]] = {}
        sizes_to_numbers: dict[tuple[int, int], dict[str, list[int]]] = {}
        for number, script in enumerate(scripts, start=1):
            known = self._form_to_numbers
            if not script.is_exact:
                sizes = (len(script.prefix), len(script.suffix))
                known = sizes_to_numbers.setdefault(sizes, {})
            known.setdefault(script.prefix + script.suffix, []).append(number)
        self._fitting_all = sizes_to_numbers.pop((0, 0), {}).get("", [])
        # By the first letter of a prefix, or by the last one of a suffix alone.
        self._first_to_tables: dict[str, list[_Table]] = {}
        self._last_to_tables: dict[str, list[_Table]] = {}
        for (n_start, n_end), key_to_numbers in sorted(sizes_to_numbers.items()):
            letter_to_tables = self._first_to_tables if n_start else self._last_to_tables
            letter_to_keys: dict[str, dict[str, list[int]]] = {}
            for key, numbers in key_to_numbers.items():
                letter_to_keys.setdefault(key[0 if n_start else -1], {})[key] = numbers
            for letter, known in letter_to_keys.items():
                letter_to_tables.setdefault(letter, []).append((n_start, n_end, known))

    def of(self, form: str) -> list[Script]:
        """`WHOLE`, the form's own scripts and every one that leaves a stem of it.

        Only `WHOLE` for what is no word.
        """
        return [self.scripts[number] for number in self.numbers(form)]

    def numbers(self, form: str) -> list[int]:
        """The numbers of `of`."""
        size = len(form)
        if size > _MAX_CHARACTERS or not (form.isalpha() or any(map(str.isalpha, form))):
            return [0]
        found = [0, *self._form_to_numbers.get(form, ()), *self._fitting_all]
        for _, n_end, known in self._last_to_tables.get(form[-1], ()):
            if n_end < size:
                found += known.get(form[size - n_end :], ())
        for n_start, n_end, known in self._first_to_tables.get(form[0], ()):
            if n_start + n_end < size:
                found += known.get(form[:n_start] + form[size - n_end :], ())
        return found


_MAX_CACHED = 100_000

# What stands around a form does not outweigh so much of the form's own: of 1.1 million scripts in
# text of 13 languages none won that was 60 behind.
_SURE_MARGIN = 80

# Options scored together: memory stays flat.
_BLOCK_OPTIONS = 8_192

# Names, tags, addresses and files are split nowhere; Arabic months of two calendars have a slash.
_OF_ADDRESSES = frozenset("@#_")


class SplitModel:
    """Chooses a script for each surface form of a sentence."""

    def __init__(
        self, scripts: Sequence[Script], weights: NDArray[np.int8], counts: Counts
    ) -> None:
        """Wraps scripts, weights and log counts; the lengths of both tables are powers of 2."""
        self._candidates = Candidates(scripts)
        self._facts = np.array([script.facts for script in self._candidates.scripts], np.uint64)
        self._seeds = context_seeds(self._facts[:, 0])
        self._weights = weights
        self._counts = counts
        self._clear()

    @classmethod
    def load(cls, path: Path) -> "SplitModel":
        """Opens an `.npz` file with `scripts` (JSON), `weights` and `counts`.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        with read_arrays(path, what="a split model") as arrays:
            rows = json.loads(arrays["scripts"].tobytes())
            scripts = [
                Script(prefix, suffix, tuple(before), pre, post, tuple(after), is_exact)
                for prefix, suffix, before, pre, post, after, is_exact in rows
            ]
            weights, counts = arrays["weights"], arrays["counts"]
            _check_table(weights, np.int8)
            _check_table(counts, np.uint8)
        return cls(scripts, weights, counts)

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        rows = json.dumps(
            [
                (s.prefix, s.suffix, s.before, s.pre, s.post, s.after, s.is_exact)
                for s in self._candidates.scripts[1:]
            ]
        )
        scripts = np.frombuffer(rows.encode(), np.uint8)
        write_arrays(path, {"scripts": scripts, "weights": self._weights, "counts": self._counts})

    def split(self, forms: Sequence[str]) -> list[tuple[str, ...]]:
        """Returns the tokens of each surface form of a sentence; most are one token."""
        expansions = self.expansions(forms, [len(forms)]) if forms else {}
        return [expansions.get(index, (form,)) for index, form in enumerate(forms)]

    def expansions(
        self, forms: Sequence[str], sentence_ends: Sequence[int]
    ) -> dict[int, tuple[str, ...]]:
        """Finds the surface forms of sentences that are several tokens.

        Args:
            forms: Of all sentences, one after the other.
            sentence_ends: Index after the last form of each sentence.

        Returns:
            Index of a form to its tokens, two or more.
        """
        rows = np.array(self._rows(forms), np.int64)
        n_options = self._n_options.values[rows]
        unsure = n_options.nonzero()[0]
        if not len(unsure):
            return {}
        scripts = self._best(rows, unsure, sentence_ends)
        is_split = scripts != 0
        expansions = {}
        pairs = zip(unsure[is_split].tolist(), scripts[is_split].tolist(), strict=True)
        for index, number in pairs:
            bare = self._forms[rows[index]]
            tokens = self._candidates.scripts[number].apply(bare)
            expansions[index] = _with_points(tokens, forms[index], bare)
        return expansions

    def _rows(self, forms: Sequence[str]) -> list[int]:
        if len(self._form_to_row) > _MAX_CACHED:
            self._clear()
        known = self._form_to_row
        new = [form for form in dict.fromkeys(forms) if form not in known]
        if new:
            self._add(new)
        return list(map(known.__getitem__, forms))

    def _clear(self) -> None:
        self._form_to_row: dict[str, int] = {}
        self._forms: list[str] = [""]
        self._seen = GrowingArray(np.uint64, N_SEEN)
        self._seen.extend([NOTHING])
        self._is_seen = GrowingArray(np.bool_)
        self._is_seen.extend([True])
        self._n_options, self._first_option = GrowingArray(np.int64), GrowingArray(np.int64)
        self._n_options.extend([0])
        self._first_option.extend([0])
        self._options, self._scores = GrowingArray(np.int64), GrowingArray(np.int32)

    def _add(self, forms: Sequence[str]) -> None:
        """Notes what may become of forms wherever they stand; most stay as they are."""
        bare = fold_forms(forms)
        numbers = [() if _is_address(form) else self._candidates.numbers(form) for form in bare]
        n_options = np.array(list(map(len, numbers)), np.int64)
        several = (n_options > 1).nonzero()[0]
        n_kept = np.zeros_like(n_options)
        first_option = len(self._options)
        if len(several):
            indices, sizes = several.tolist(), n_options[several]
            options = np.array([*chain.from_iterable([numbers[index] for index in indices])])
            codes = script_codes(
                [bare[index] for index in indices], sizes, self._facts[options], self._counts
            )
            rows = script_rows(codes, n_rows=len(self._weights))
            scores = self._weights[rows].sum(axis=1, dtype=np.int32)
            is_kept = _may_win(scores, sizes)
            n_kept[several] = np.add.reduceat(is_kept, sizes.cumsum() - sizes, dtype=np.int64)
            self._options.extend(options[is_kept])
            self._scores.extend(scores[is_kept])
        self._n_options.extend(n_kept)
        self._first_option.extend(first_option + n_kept.cumsum() - n_kept)
        self._form_to_row.update(
            zip(forms, range(len(self._forms), len(self._forms) + len(forms)), strict=True)
        )
        self._forms += bare
        self._seen.extend(np.zeros((len(forms), N_SEEN), np.uint64))
        self._is_seen.extend(np.zeros(len(forms), np.bool_))

    def _best(self, rows: Integers, unsure: Integers, sentence_ends: Sequence[int]) -> Integers:
        """Numbers of the scripts with the best scores: shape (n_unsure,)."""
        sizes = self._n_options.values[rows[unsure]]
        options = spread(sizes, self._first_option.values[rows[unsure]])
        scores = self._scores.values[options]
        scripts = self._options.values[options]
        contexts = context_codes(self._around(rows, unsure, sentence_ends))
        of_option = np.arange(len(unsure)).repeat(sizes)
        for first in range(0, len(options), _BLOCK_OPTIONS):
            part = slice(first, first + _BLOCK_OPTIONS)
            found = context_rows(
                self._seeds[scripts[part]],
                contexts[of_option[part]],
                n_rows=len(self._weights),
            )
            scores[part] += self._weights[found].sum(axis=1, dtype=np.int32)
        starts = sizes.cumsum() - sizes
        is_best = scores == np.maximum.reduceat(scores, starts).repeat(sizes)
        places = is_best.nonzero()[0]
        best: Integers = scripts[places[places.searchsorted(starts)]]
        return best

    def _around(self, rows: Integers, unsure: Integers, sentence_ends: Sequence[int]) -> Codes:
        """What is known of the five forms around some: shape (n_unsure, 5, N_SEEN)."""
        around = rows_around(rows, unsure, sentence_ends)
        new = list(set(around[~self._is_seen.values[around]].tolist()))
        if new:
            self._seen.values[new] = neighbour_codes([self._forms[r] for r in new], self._counts)
            self._is_seen.values[new] = True
        seen: Codes = self._seen.values[around]
        return seen


def _may_win(scores: NDArray[np.int32], sizes: Integers) -> NDArray[np.bool_]:
    """Which of the scripts of forms may be the best; none where `WHOLE`, the first, is alone."""
    starts = sizes.cumsum() - sizes
    may_win = scores > np.maximum.reduceat(scores, starts).repeat(sizes) - _SURE_MARGIN
    is_sure = may_win[starts] & (np.add.reduceat(may_win, starts, dtype=np.int64) == 1)
    found: NDArray[np.bool_] = may_win & ~is_sure.repeat(sizes)
    return found


def _with_points(tokens: tuple[str, ...], form: str, bare: str) -> tuple[str, ...]:
    if form == bare:
        return tokens
    # Offset in the bare form to offset in the form, behind the points of the letter before.
    offsets = [0, *(i for i in range(1, len(form)) if not _is_point(form[i])), len(form)]
    if len(offsets) != len(bare) + 1:
        return tokens
    pointed, position = [], 0
    for token in tokens:
        start = bare.find(token, position)
        if start < 0:
            pointed.append(token)
            continue
        position = start + len(token)
        pointed.append(form[offsets[start] : offsets[position]])
    return tuple(pointed)


def _is_address(form: str) -> bool:
    return not _OF_ADDRESSES.isdisjoint(form) or ("/" in form and form.isascii())


@lru_cache(maxsize=1_024)
def _is_point(character: str) -> bool:
    return fold_form(character + "x") == "x"


def _check_table(table: NDArray[np.generic], dtype: type[np.generic]) -> None:
    if table.dtype != dtype or table.ndim != 1 or len(table) < 2 or len(table) & (len(table) - 1):
        raise ValueError(f"no table of a power of 2 of {dtype.__name__} rows")
