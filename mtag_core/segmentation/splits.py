"""Splits surface tokens into the tokens of a treebank: Hebrew and Arabic prefixes and pronouns.

A `Script` says how a surface form becomes several tokens: take a beginning and an end off, put
forms around what is left. A linear model chooses among the scripts that fit a form, from hashed
features of the form and of what the script leaves of it. How often the rest stands alone in
running text tells a prefix from a first letter; those counts are part of the model.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtag_core.errors import BundleError
from mtag_core.segmentation.raw import RawSentence, Split

N_ROWS = 1 << 18
N_COUNTS = 1 << 18
_MAX_CACHED = 100_000
_MAX_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Script:
    """How a surface form becomes several tokens.

    Attributes:
        prefix: What the form begins with and the stem does not.
        suffix: What the form ends with and the stem does not.
        before: Forms of the tokens before the stem's.
        pre: Put before the stem to make its token.
        post: Put after it.
        after: Forms of the tokens after the stem's.
    """

    prefix: str
    suffix: str
    before: tuple[str, ...]
    pre: str
    post: str
    after: tuple[str, ...]

    def fits(self, form: str) -> bool:
        """Says whether a form has the script's beginning, its end and something between."""
        return (
            len(form) > len(self.prefix) + len(self.suffix)
            and form.startswith(self.prefix)
            and form.endswith(self.suffix)
        )

    def stem(self, form: str) -> str:
        """What the script leaves of a form that it fits."""
        return form[len(self.prefix) : len(form) - len(self.suffix)]

    def apply(self, form: str) -> tuple[str, ...]:
        """The tokens of a form that the script fits."""
        return (*self.before, f"{self.pre}{self.stem(form)}{self.post}", *self.after)


# The script of a form that is one token.
WHOLE = Script("", "", (), "", "", ())


class SplitModel:
    """Chooses a script for each surface form. A form's tokens do not depend on its neighbours."""

    def __init__(
        self, scripts: Sequence[Script], weights: NDArray[np.int8], counts: NDArray[np.uint8]
    ) -> None:
        """Wraps scripts, weights of shape (N_ROWS,) and log counts of shape (N_COUNTS,)."""
        self._candidates = Candidates(scripts)
        self._weights = weights
        self._counts = counts
        self._form_to_tokens: dict[str, tuple[str, ...]] = {}

    @classmethod
    def load(cls, path: Path) -> "SplitModel":
        """Opens an `.npz` file with `scripts` (JSON), `weights` and `counts`.

        Raises:
            BundleError: The file is missing or holds something else.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                rows = json.loads(arrays["scripts"].tobytes())
                scripts = [
                    Script(prefix, suffix, tuple(before), pre, post, tuple(after))
                    for prefix, suffix, before, pre, post, after in rows
                ]
                return cls(scripts, arrays["weights"], arrays["counts"])
        except (OSError, KeyError, ValueError) as error:
            raise BundleError(f"{path}: expected a split model: {error}") from error

    def save(self, path: Path) -> None:
        """Writes the model for `load`."""
        rows = json.dumps([astuple(script) for script in self._candidates.scripts])
        scripts = np.frombuffer(rows.encode(), np.uint8)
        with path.open("wb") as stream:
            np.savez_compressed(stream, scripts=scripts, weights=self._weights, counts=self._counts)

    def split(self, form: str) -> tuple[str, ...]:
        """Returns the tokens of a surface form; most are one token."""
        tokens = self._form_to_tokens.get(form)
        if tokens is None:
            if len(self._form_to_tokens) >= _MAX_CACHED:
                self._form_to_tokens.clear()
            tokens = self._form_to_tokens[form] = self._choose(form)
        return tokens

    def resplit(self, raw: RawSentence, text: str) -> RawSentence:
        """Splits the surface tokens of a sentence anew.

        Args:
            raw: A tokenizer's sentence; its own splits are dropped.
            text: What its offsets point into.
        """
        result = RawSentence([], [], [], [])
        for start, end in raw.surface_ranges():
            tokens = self.split(text[start:end])
            if len(tokens) == 1:
                result.forms.append(None)
            else:
                first = len(result.forms)
                result.splits.append(Split(first, first + len(tokens) - 1))
                result.forms += tokens
            result.starts += [start] * len(tokens)
            result.ends += [end] * len(tokens)
        return result

    def _choose(self, form: str) -> tuple[str, ...]:
        """Scores the scripts that fit."""
        if len(form) > _MAX_CHARACTERS or not any(map(str.isalpha, form)):
            return (form,)
        scripts = list(self._candidates.of(form))
        if len(scripts) == 1:
            return (form,)
        rows = np.array([feature_rows(form, script, self._counts) for script in scripts])
        sums = self._weights[rows].sum(axis=1, dtype=np.int32)
        return scripts[int(sums.argmax())].apply(form)


class Candidates:
    """Finds the scripts that fit a form; the first is always `WHOLE`."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        """Sorts scripts by the beginning they take off."""
        self.scripts = tuple(scripts)
        self._prefix_to_scripts: dict[str, list[Script]] = {}
        for script in scripts:
            self._prefix_to_scripts.setdefault(script.prefix, []).append(script)
        self._longest = max((len(script.prefix) for script in scripts), default=0)

    def of(self, form: str) -> Iterator[Script]:
        """Yields `WHOLE` and every script that fits."""
        yield WHOLE
        for n_characters in range(min(self._longest, len(form) - 1) + 1):
            for script in self._prefix_to_scripts.get(form[:n_characters], ()):
                if script.fits(form):
                    yield script


def feature_rows(form: str, script: Script, counts: NDArray[np.uint8]) -> list[int]:
    """Hashes the features of a script for a form.

    Args:
        form: The surface form.
        script: One that fits it.
        counts: Log counts of forms in running text, by `count_row`.

    Returns:
        Row numbers below N_ROWS, always the same number of them.
    """
    name = "|".join(("+".join(script.before), script.pre, script.post, "+".join(script.after)))
    kind = f"{script.prefix}>{script.suffix}>{name}"
    stem = script.stem(form)
    n_alone, n_form = int(counts[count_row(stem)]), int(counts[count_row(form)])
    features = (
        kind,
        f"{kind}#f{form}",
        f"{kind}#s{stem}",
        f"{kind}#p2{form[:2]}",
        f"{kind}#p3{form[:3]}",
        f"{kind}#p4{form[:4]}",
        f"{kind}#e2{form[-2:]}",
        f"{kind}#e3{form[-3:]}",
        f"{kind}#l{min(len(stem), 8)}",
        f"{kind}#c{n_alone}",
        f"{kind}#n{n_alone}/{n_form}",
        f"#n{n_alone}/{n_form}",
        f"#d{n_alone - n_form}/{len(script.before)}/{len(script.after)}",
        f"#s{stem}",
        f"#a{stem[:2]}/{len(script.prefix)}",
        f"#z{stem[-2:]}/{len(script.suffix)}",
    )
    return [zlib.crc32(feature.encode()) & (N_ROWS - 1) for feature in features]


def count_row(form: str) -> int:
    """The row of a form's count."""
    return zlib.crc32(form.encode("utf-8", "replace")) & (N_COUNTS - 1)
