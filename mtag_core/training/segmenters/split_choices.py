"""What a split teacher chooses from: the scripts that fit a form, and what it is told of them.

A small treebank shows few of the ways in which prefixes and pronouns meet. The teacher's scripts
are made of every beginning and every end that the treebank shows, and it learns about the parts.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mtag_core.segmentation.split_features import Counts, count_row
from mtag_core.segmentation.split_scripts import WHOLE, Candidates, Script
from mtag_core.segmentation.splits import scripts_of
from mtag_core.training.segmenters.split_scripts import script_of
from mtag_core.training.segmenters.treebanks import Surface

# A beginning or an end seen less often is joined with what it was seen with alone.
_MIN_COUNT = 3

# A script seen less often has no weight of its own, only those of its parts.
_MIN_OWN_COUNT = 2

_MOST_STEM_PIECES = 8

N_PARTS = 5
N_NUMBERS = 12


class Choices(NamedTuple):
    """The scripts of some tokens, those of one after those of another.

    Attributes:
        parts: Ids of what each script is made of. Shape (n_choices, N_PARTS).
        stems: Id of what it leaves of the form. Shape (n_choices,).
        numbers: Lengths, and logarithms of how often forms occur. Shape (n_choices, N_NUMBERS).
        is_right: Whether it makes the token's tokens. Shape (n_choices,).
        sizes: Scripts of each token. Shape (n_tokens,).
    """

    parts: NDArray[np.int64]
    stems: NDArray[np.int64]
    numbers: NDArray[np.float32]
    is_right: NDArray[np.bool_]
    sizes: NDArray[np.int64]


@dataclass(frozen=True)
class _Form:
    """What the tokens of a form share."""

    tokens: list[tuple[str, ...]]
    parts: NDArray[np.int64]
    stems: NDArray[np.int64]
    numbers: NDArray[np.float32]


class ChoiceTable:
    """Finds the scripts of forms and names their parts and stems."""

    def __init__(self, tokens: Iterable[Surface], counts: Counts, tokenizer: Path) -> None:
        """Learns scripts.

        Args:
            tokens: Of a treebank.
            counts: As in `SplitModel`.
            tokenizer: A `tokenizer.json`, for the wordpieces of stems.
        """
        script_to_count = Counter(script_of(token.form, token.tokens) for token in tokens)
        del script_to_count[WHOLE]
        self._candidates = Candidates(composed_scripts(script_to_count))
        self._counts = counts
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._own = {s for s, count in script_to_count.items() if count >= _MIN_OWN_COUNT}
        self._part_to_id: dict[object, int] = {}
        self._script_to_parts = {
            script: [self._part_to_id.setdefault(p, len(self._part_to_id)) for p in parts]
            for script in (WHOLE, *self._candidates.scripts)
            if (parts := self._parts(script))
        }
        self._stem_to_id: dict[str, int] = {}
        self._stem_pieces: list[list[int]] = []
        self._forms: dict[str, _Form] = {}

    @property
    def n_parts(self) -> int:
        """Number of ids of parts."""
        return len(self._part_to_id)

    def tokens_of(self, form: str) -> list[tuple[str, ...]]:
        """The tokens that each script makes of a form."""
        return self._form(form).tokens

    def lay_out(self, tokens: Sequence[Surface]) -> Choices:
        """Lays out the scripts of tokens; those without parts have no right one."""
        forms = [self._form(token.form) for token in tokens]
        right = [
            [made == token.tokens for made in form.tokens]
            for form, token in zip(forms, tokens, strict=True)
        ]
        return Choices(
            np.concatenate([form.parts for form in forms]),
            np.concatenate([form.stems for form in forms]),
            np.concatenate([form.numbers for form in forms]),
            np.concatenate(right).astype(bool),
            np.array([len(form.tokens) for form in forms], np.int64),
        )

    def stem_pieces(self, stems: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first wordpieces of stems, -1 where there are fewer. Shape (n_stems, 8)."""
        pieces = np.full((len(stems), _MOST_STEM_PIECES), -1, np.int64)
        for row, stem in zip(pieces, stems.tolist(), strict=True):
            ids = self._stem_pieces[stem]
            row[: len(ids)] = ids
        return pieces

    def _form(self, form: str) -> _Form:
        if form not in self._forms:
            scripts = scripts_of(form, self._candidates)
            stems = [script.stem(form) for script in scripts]
            self._forms[form] = _Form(
                [script.apply(form) for script in scripts],
                np.array([self._script_to_parts[script] for script in scripts], np.int64),
                np.array([self._stem_id(stem) for stem in stems], np.int64),
                np.array([self._numbers(form, script) for script in scripts], np.float32),
            )
        return self._forms[form]

    def _stem_id(self, stem: str) -> int:
        if stem not in self._stem_to_id:
            self._stem_to_id[stem] = len(self._stem_pieces)
            encoding = self._tokenizer.encode(
                [stem], is_pretokenized=True, add_special_tokens=False
            )
            self._stem_pieces.append(encoding.ids[:_MOST_STEM_PIECES])
        return self._stem_to_id[stem]

    def _parts(self, script: Script) -> list[object]:
        """What a script is made of; N_PARTS."""
        return [
            ("beginning", _beginning(script)),
            ("end", _end(script)),
            ("before", script.before),
            ("after", script.after),
            script if script == WHOLE or script in self._own else None,
        ]

    def _numbers(self, form: str, script: Script) -> list[float]:
        """What the teacher is told of a script in a form; N_NUMBERS."""
        stem = script.stem(form)
        n_form, n_stem = self._log_count(form), self._log_count(stem)
        n_token = self._log_count((script.pre + stem + script.post).strip("_"))
        n_pieces = len(self._stem_pieces[self._stem_id(stem)])
        return [
            *(n_stem / 8, n_form / 8, (n_stem - n_form) / 8, n_token / 8, len(stem) / 8),
            *(len(stem) < 2, n_pieces == 1, n_pieces / 4),
            *(n_stem == 0, n_form == 0, len(script.before), len(script.after)),
        ]

    def _log_count(self, form: str) -> int:
        return int(self._counts[count_row(form, n_counts=len(self._counts))])


def composed_scripts(script_to_count: Counter[Script]) -> list[Script]:
    """Joins beginnings with ends.

    Args:
        script_to_count: How often a treebank shows each script.

    Returns:
        The treebank's scripts, and every beginning with every end that are seen often enough,
        sorted; without `WHOLE`.
    """
    beginnings: Counter[tuple[str, tuple[str, ...], str]] = Counter()
    ends: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    for script, count in script_to_count.items():
        beginnings[_beginning(script)] += count
        ends[_end(script)] += count
    scripts = {
        Script(prefix, suffix, before, pre, post, after)
        for (prefix, before, pre), n_beginning in beginnings.items()
        for (suffix, post, after), n_end in ends.items()
        if min(n_beginning, n_end) >= _MIN_COUNT
    }
    return sorted((scripts | set(script_to_count)) - {WHOLE}, key=repr)


def _beginning(script: Script) -> tuple[str, tuple[str, ...], str]:
    return script.prefix, script.before, script.pre


def _end(script: Script) -> tuple[str, str, tuple[str, ...]]:
    return script.suffix, script.post, script.after
